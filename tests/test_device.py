"""Every kind of training on a pretended GPU: nothing stays behind on the processor, and the network comes home.

Inside `PretendedGPU` a tensor that was sent to `DEVICE` counts as being there, and so does what is computed from it.
An operation on tensors of both places raises RuntimeError, and so does `numpy()` of one that was not brought back, as
on a real accelerator. Left out: what an accelerator's own kernels do to the numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import nn
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakTensorKeyDictionary

from audiolab import training

pytestmark = pytest.mark.usefixtures("apart")  # what is made here stays out of the build's cache
DEVICE = torch.device("mps")  # a name that every build of torch knows and none of our machines has
_Tensor = torch.Tensor
_FREE = {
    torch._has_compatible_shallow_copy_type, _Tensor.to, _Tensor.copy_, _Tensor.shape.__get__, _Tensor.dim,
    _Tensor.size, _Tensor.__len__,
}  # fmt: skip
_TO_HOST = {_Tensor.numpy, _Tensor.__array__}
_INDEX = {_Tensor.__getitem__, _Tensor.__setitem__}


class PretendedGPU(TorchFunctionMode):
    """Keeps book of which tensors are on `DEVICE`."""

    def __init__(self) -> None:
        super().__init__()
        self.there = WeakTensorKeyDictionary()
        self.n_operations = 0

    def is_there(self, tensor: torch.Tensor) -> bool:
        return tensor in self.there

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if func == _Tensor.device.__get__:
            return DEVICE if args[0] in self.there else torch.device("cpu")
        if func == _Tensor.data.__set__:
            self._mark(args[0], args[1] in self.there)
            return func(*args, **kwargs)
        tensors = list(_tensors((args, kwargs)))
        on = [t for t in tensors if t in self.there]
        if func in _TO_HOST and on:
            raise TypeError(f"{func.__name__}: can't convert a tensor on {DEVICE} to numpy; bring it back first")
        target, args, kwargs = self._target(func, args, kwargs)
        if on and func not in _FREE and func != _Tensor.grad.__set__:
            left = [t for t in tensors if t not in self.there and t.dim()]
            if func in _INDEX:  # a list of places may lie on the processor, the thing itself may not
                left = [] if args[0] in self.there else [args[0]]
            if left:
                name = getattr(func, "__name__", func)
                raise RuntimeError(f"{name}: expected all tensors on one device, got {DEVICE} and cpu")
            self.n_operations += 1
        result = func(*args, **kwargs)
        place = bool(on) if target is None else target == DEVICE
        if func is _Tensor.copy_:
            return result
        for tensor in _tensors(result):
            if target is not None or place:
                if target is not None and tensor is args[0] if args else False:
                    result = tensor = tensor.view_as(tensor)  # the same memory, but another tensor than the caller's
                self._mark(tensor, place)
        return result

    def _target(self, func: Any, args: tuple, kwargs: dict) -> tuple[torch.device | None, tuple, dict]:
        """The device that a call asks for, and its arguments with the processor in the place of it."""
        if func is _Tensor.cpu:
            return torch.device("cpu"), args, kwargs
        if func.__name__ == "_parse_to":  # how `Module.to` reads its arguments
            return None, args, kwargs
        target, swapped = None, []
        for value in args:
            if func is _Tensor.to and isinstance(value, _Tensor) and value is not args[0]:
                target = DEVICE if value in self.there else torch.device("cpu")
            if isinstance(value, str) and value == DEVICE.type:
                value = DEVICE
            if isinstance(value, torch.device):
                target, value = value, torch.device("cpu")
            swapped.append(value)
        if kwargs.get("device") is not None:
            target = torch.device(kwargs["device"])
            kwargs["device"] = torch.device("cpu")
        return target, tuple(swapped), kwargs

    def _mark(self, tensor: torch.Tensor, there: bool) -> None:
        if there:
            self.there[tensor] = True
        else:
            self.there.pop(tensor, None)


def _tensors(value: Any) -> Iterator[torch.Tensor]:
    if isinstance(value, _Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _tensors(part)
    elif isinstance(value, dict):
        yield from _tensors(list(value.values()))


class Accelerator:
    """The part of accelerate's that `training.fit` uses, for the pretended device."""

    device, is_main_process, num_processes, process_index = DEVICE, False, 1, 0

    def prepare(self, *parts):
        return parts

    def backward(self, loss):
        loss.backward()

    def unwrap_model(self, model, **_):
        return model


@pytest.fixture
def gpu(monkeypatch):
    monkeypatch.setattr(training, "_accelerator", lambda device, mixed_precision: Accelerator())
    monkeypatch.setattr(training, "choose_device", lambda device: DEVICE)
    with PretendedGPU() as mode:
        yield mode


def test_the_pretended_gpu_refuses_what_a_real_one_does(gpu):
    a, b = torch.ones(3).to(DEVICE), torch.ones(3)
    assert [t.device.type for t in (a, b, a * 2, a.cpu())] == [DEVICE.type, "cpu", DEVICE.type, "cpu"]
    with pytest.raises(RuntimeError, match="one device"):
        a + b
    with pytest.raises(RuntimeError, match="one device"):
        nn.Linear(3, 2)(a)
    with pytest.raises(TypeError, match="numpy"):
        a.numpy()
    layer = nn.Linear(3, 2).to(DEVICE)
    assert layer(a).device == DEVICE
    assert (layer(a) + torch.tensor(1.0)).device == DEVICE  # single numbers may be anywhere
    layer(a).sum().backward()
    assert layer.weight.grad.device == DEVICE
    assert layer.cpu()(b).device.type == "cpu"


def local_prototypes():
    from audiolab.recipes.local_prototypes import LocalPrototypes
    from audiolab.studies import local_prototypes as study

    recipe = LocalPrototypes().at("smoke").for_small_world()
    world = study.small_world(recipe, 0)
    for train in (study.train_attprotos, study.train_cnn, study.train_mlp):
        yield train(world, recipe, 0, progress=False).model


def global_and_local():
    from audiolab.recipes.global_and_local import GlobalAndLocal
    from audiolab.studies import global_and_local as study

    recipe = GlobalAndLocal().at("smoke")
    world = study.make_world(recipe)
    for name in ("gl_at", "random", "single"):
        model, own = study.system(recipe, name, n_classes=len(world.classes), seed=0)
        yield study.train(world, own, 0, model=model, progress=False).model


def raw_waveform():
    from audiolab.recipes.raw_waveform import RawWaveform
    from audiolab.studies import raw_systems as systems

    recipe = RawWaveform().at("smoke")
    world = systems.made_world(recipe)
    for name in ("joint", "fine", "gru", "nac", "ncnn", "resnet", "sbcnn", "sample_cnn", "raw_cnn"):
        yield systems.train_system(name, world, recipe, 0, progress=False).model


def sound_effects():
    from audiolab.recipes.sound_effects import SoundEffects
    from audiolab.studies import sound_effects as study

    recipe = SoundEffects().at("smoke")
    sources = [study.library_data(recipe, name) for name in ("workshop", "stage")]
    for metric in (None, "triplet", "circle", "contrastive"):
        yield study.train(sources[:1], recipe.but(metric=metric), 0, progress=False).model
    yield study.train(sources, recipe, 0, dataset_weights=[0.4, 0.6], progress=False).model


def musical_concepts():
    from audiolab.recipes.musical_concepts import MusicalConcepts
    from audiolab.studies import musical_concepts as study

    recipe = MusicalConcepts().at("smoke")
    yield study.train_classifier(study.planted_world(recipe, 0).train, recipe, 0, device="auto").model


def visual_attention():
    from audiolab.recipes.visual_attention import VisualAttention
    from audiolab.studies import visual_attention as study

    recipe = VisualAttention().at("smoke")
    world, front = study.instrument_world(recipe), study.load_front(recipe)
    for name in study.ATTENTION:
        yield study.train_attention_mic(name, world, recipe, front, 0, progress=False).model
    for name in ("SR16", "SR16-FL", "RAM16-GRU", "RAM16-RNN"):
        yield study.train_sightreader(name, world, recipe, 0, progress=False).model


CHAPTERS = [local_prototypes, global_and_local, raw_waveform, sound_effects, musical_concepts, visual_attention]


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.__name__)
def test_training_uses_the_device_and_brings_the_network_home(chapter, gpu):
    n_before = 0
    for model in chapter():
        assert gpu.n_operations > n_before + 20
        n_before = gpu.n_operations
        assert {p.device.type for p in model.parameters()} == {"cpu"}
