"""The one training loop of the book: plain, resumable, and the same on a laptop, a GPU or several.

``fit`` reads like the loop one would write by hand. What it adds is what is easy to get wrong:

- the order of the training data and the draws of dropout come from generators derived from ``(seed, epoch)``, and the
  state after each epoch is one safetensors file, so a killed run continues and ends bit for bit like one that was not;
- every named term of the loss is logged, and a loss that is not finite stops the run with the term's name;
- the best weights on validation are kept, where "better" is strict, so that ties keep the earlier epoch.

Device, mixed precision and many processes (``accelerate launch``) are left to ``accelerate``; there are no callbacks.
"""

from __future__ import annotations

import dataclasses
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

__all__ = [
    "Batch", "Fit", "Loader", "Loaders", "collect", "fit", "load_weights", "make_loader", "make_step", "save_weights",
]


class Batch(NamedTuple):
    """One batch: ``x`` (B, T, F) and ``y`` (B, K)."""

    x: Tensor
    y: Tensor


class Loader:
    """Batches of arrays held in memory; the order of an epoch depends on nothing but ``(seed, epoch)``.

    Iterating gives the batches in stored order, which is what evaluation needs; ``epoch`` gives those of one training
    epoch.
    """

    def __init__(self, x: Tensor, y: Tensor, *, batch_size: int, shuffle: bool) -> None:
        self.x, self.y, self.batch_size, self.shuffle = x, y, batch_size, shuffle

    def __len__(self) -> int:
        return -(-len(self.x) // self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        for x, y in zip(self.x.split(self.batch_size), self.y.split(self.batch_size), strict=True):
            yield Batch(x, y)

    def epoch(self, seed: int, epoch: int) -> Iterator[Batch]:
        """Batches of training epoch ``epoch`` (counted from 1); the last one may be smaller, as in the papers."""
        order = torch.arange(len(self.x))
        if self.shuffle:
            order = torch.randperm(len(self.x), generator=torch.Generator().manual_seed(_derive(seed, epoch, 0)))
        for index in order.split(self.batch_size):
            yield Batch(self.x[index], self.y[index])


class Loaders(NamedTuple):
    """The two loaders of a run."""

    train: Loader
    validation: Loader


class Fit(NamedTuple):
    """What training leaves: one ``history`` row per epoch, the best ``weights`` (on the CPU), and when they came.

    A row holds ``epoch``, ``seconds``, ``loss`` (the total), ``loss_<term>`` for each named term (means over segments)
    and ``validation_<metric>`` for each metric.
    """

    history: list[dict[str, float]]
    weights: dict[str, Tensor]
    seconds: float
    best_epoch: int
    best_value: float


def make_loader(x: Any, y: Any, *, batch_size: int, shuffle: bool = False) -> Loader:
    """Loader of arrays or tensors ``x`` (N, ...) and ``y`` (N, ...), both turned into float32.

    Raises:
        ValueError: when ``x`` and ``y`` differ in length, are empty or hold no numbers, ``x`` holds NaN or infinite
            values (a network's answer to them is NaN, and NaN above a threshold reads as "off"), or ``batch_size`` is
            not a whole number of at least 1.
    """
    if not isinstance(batch_size, int | np.integer) or batch_size < 1:
        raise ValueError(f"batch_size: expected a whole number of at least 1, got {batch_size}")
    x, y = _float32("x", x), _float32("y", y)
    if len(x) != len(y):
        raise ValueError(f"y: expected as many rows as x ({len(x)}), got {len(y)}")
    if not len(x):
        raise ValueError("x: expected at least one row, got none")
    bad = ~torch.isfinite(x.flatten(1)).all(dim=1) if x.ndim > 1 else ~torch.isfinite(x)
    if bad.any():
        rows = torch.nonzero(bad).flatten().tolist()
        raise ValueError(f"x: expected finite numbers, got NaN or infinite ones in {len(rows)} rows, first {rows[:5]}")
    return Loader(x, y, batch_size=int(batch_size), shuffle=shuffle)


def _float32(name: str, values: Any) -> Tensor:
    try:
        return torch.as_tensor(values if isinstance(values, Tensor) else np.asarray(values), dtype=torch.float32)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name}: expected an array of numbers, got {type(values).__name__} ({error})") from error


def choose_device(device: str) -> torch.device:
    """The device of a name: "cpu", "cuda", "mps", or "auto" for the fastest of these that is there.

    Raises ValueError for another name and for a device that is not there.
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if device not in (*there, "auto"):
        raise ValueError(f"device: expected one of {sorted((*there, 'auto'))}, got {device!r}")
    if not there.get(device, True):
        raise ValueError(f"device: {device!r} is not available here; use 'cpu' or 'auto'")
    return torch.device(next(name for name in there if there[name]) if device == "auto" else device)


def make_step(criterion: Callable[[Any, Batch], Any]) -> Callable[[nn.Module, Batch], Any]:
    """The default step: the criterion of the model's output, on the batch's device."""

    def step(model: nn.Module, batch: Batch) -> Any:
        if isinstance(criterion, nn.Module) and batch.x.device.type != "cpu":
            criterion.to(batch.x.device)  # class weights and the like follow the batch
        return criterion(model(batch.x), batch)

    return step


def collect(
    model: nn.Module,
    data: Loader | Any,
    *,
    read: Callable[[nn.Module, Tensor], Tensor] = lambda model, x: model(x).logits,
    batch_size: int = 256,
) -> np.ndarray:
    """What ``read(model, x)`` gives (default: the logits), for all rows in stored order, one array (N, ...).

    Evaluation mode and no gradients while it runs; the model's mode is put back afterwards. Raises ValueError as
    `make_loader` does.
    """
    if not isinstance(data, Loader):
        data = make_loader(data, np.zeros(len(data)), batch_size=batch_size)
    device, was_training = next(model.parameters()).device, model.training
    model.eval()
    try:
        with torch.no_grad():
            parts = [read(model, batch.x.to(device)).float().cpu() for batch in data]
    finally:
        model.train(was_training)
    return torch.cat(parts).numpy()


def fit(
    model: nn.Module,
    step: Callable[[nn.Module, Batch], Any],
    loaders: Loaders,
    recipe: Any,
    metric: Callable[[nn.Module, Loader], dict[str, float]],
    *,
    seed: int = 0,
    device: str = "cpu",
    mixed_precision: str = "no",
    checkpoint: str | Path | None = None,
    progress: bool = True,
) -> Fit:
    """Train ``model`` with Adam, keep the best weights on validation, and leave the model holding them.

    Afterwards the model is back on the device that it came from, so that what follows needs no change on a GPU.

    Args:
        model: a network whose initial weights are already drawn; it is changed in place.
        step: ``step(model, batch) -> LossTerms`` with ``total`` (a scalar) and ``terms`` (named, weighted scalars).
        loaders: training and validation data.
        recipe: gives ``learning_rate``, ``betas``, ``adam_eps``, ``max_epochs``, ``patience`` (epochs) and
            ``metric_name``, and where it has them ``amsgrad``; ``batch_size`` is the loader's.
        metric: ``metric(model, loader) -> {name: value}``, larger is better for ``recipe.metric_name``; called in
            evaluation mode without gradients. An epoch whose value is NaN is never the best.
        seed: source of the data order and of dropout, together with the epoch's number.
        device: ``"cpu"``, ``"cuda"``, ``"mps"`` or ``"auto"``.
        mixed_precision: ``"no"``, ``"fp16"`` or ``"bf16"``.
        checkpoint: a folder; the state after each epoch goes there and is continued from when it exists.
        progress: shows a bar, in a terminal or on Colab only.

    Raises:
        FloatingPointError: when a loss is not finite (names epoch, batch and term), or the metric was NaN or minus
            infinity after every epoch, so that no weights can be called the best.
        ValueError: when ``recipe.metric_name`` is not among the metrics, the device is not there, or the checkpoint
            belongs to another run or is damaged.
        OSError: when the disk is full; the checkpoint of the epoch before stays whole.
    """
    accelerator = _accelerator(device, mixed_precision)
    home = next(model.parameters()).device
    plain = model.to(accelerator.device)
    optimizer = torch.optim.Adam(
        plain.parameters(), lr=recipe.learning_rate, betas=tuple(recipe.betas), eps=recipe.adam_eps,
        amsgrad=getattr(recipe, "amsgrad", False),
    )  # fmt: skip
    state = _State(fingerprint=_fingerprint(plain, recipe, seed, loaders.train.batch_size))
    if checkpoint is not None:
        state = _read_checkpoint(Path(checkpoint), state, plain, optimizer)
    model, optimizer = accelerator.prepare(plain, optimizer)

    bar = _progress_bar(progress and accelerator.is_main_process, total=recipe.max_epochs, done=len(state.history))
    while len(state.history) < recipe.max_epochs and not state.is_out_of_patience(recipe.patience):
        epoch, started = len(state.history) + 1, time.perf_counter()
        row: dict[str, float] = {"epoch": epoch}
        with torch.random.fork_rng(devices=[accelerator.device] if accelerator.device.type == "cuda" else []):
            torch.manual_seed(_derive(seed, epoch, 1 + accelerator.process_index))
            row |= _train_epoch(model, step, loaders.train, optimizer, accelerator, seed=seed, epoch=epoch)
        plain.eval()
        with torch.no_grad():
            values = {name: float(value) for name, value in metric(plain, loaders.validation).items()}
        if recipe.metric_name not in values:
            raise ValueError(f"recipe.metric_name: expected one of {sorted(values)}, got {recipe.metric_name!r}")
        row |= {f"validation_{name}": value for name, value in values.items()}
        row["seconds"] = time.perf_counter() - started
        state.add(row, values[recipe.metric_name], plain)
        if checkpoint is not None and accelerator.is_main_process:
            _write_checkpoint(Path(checkpoint), state, plain, optimizer)
        bar.set_postfix({"loss": f"{row['loss']:.3g}", recipe.metric_name: f"{values[recipe.metric_name]:.3f}"})
        bar.update()
    bar.close()

    # Unwrapping also takes the mixed-precision wrapper off the forward method, so the caller gets the plain model.
    accelerator.unwrap_model(model, keep_fp32_wrapper=False)
    if state.weights:
        plain.load_state_dict(state.weights)
    elif state.history:
        seen = [row[f"validation_{recipe.metric_name}"] for row in state.history]
        raise FloatingPointError(
            f"metric: expected a number for {recipe.metric_name!r} in some epoch, got {seen}; "
            "a score is NaN when validation holds nothing to find"
        )
    plain.to(home).eval()
    seconds = sum(row["seconds"] for row in state.history)
    return Fit(state.history, state.weights, seconds, state.best_epoch, state.best_value)


def _train_epoch(
    model: nn.Module, step: Callable, loader: Loader, optimizer: Any, accelerator: Any, *, seed: int, epoch: int
) -> dict[str, float]:
    """One pass over the data; the mean of the loss and of each of its terms, weighted by the rows of each batch."""
    model.train()
    sums: dict[str, float] = {}
    n_rows = 0
    batches = list(loader.epoch(seed, epoch))
    if accelerator.num_processes > 1:  # equal numbers of steps, or the processes would wait for each other for ever
        n_steps = len(batches) // accelerator.num_processes
        batches = batches[accelerator.process_index :: accelerator.num_processes][:n_steps]
    for number, batch in enumerate(batches, start=1):
        batch = Batch(*(part.to(accelerator.device) for part in batch))
        loss = step(model, batch)
        if not torch.isfinite(loss.total):
            values = {name: value.item() for name, value in loss.terms.items()}
            raise FloatingPointError(
                f"loss: expected a finite number, got {loss.total.item()} in epoch {epoch}, batch {number}; "
                f"terms: {values}. "
                "Check the input for NaN (constant features, a scaler fitted on nothing) or lower the learning rate."
            )
        optimizer.zero_grad()
        accelerator.backward(loss.total)
        optimizer.step()
        n_rows += len(batch.x)
        for name, value in {"loss": loss.total, **{f"loss_{k}": v for k, v in loss.terms.items()}}.items():
            sums[name] = sums.get(name, 0.0) + float(value.detach()) * len(batch.x)
    return {name: value / n_rows for name, value in sums.items()}


@dataclasses.dataclass
class _State:
    """Everything a run needs to go on, the weights and the optimiser's moments apart."""

    fingerprint: dict[str, Any]
    history: list[dict[str, float]] = dataclasses.field(default_factory=list)
    best_epoch: int = 0
    best_value: float = float("-inf")
    weights: dict[str, Tensor] = dataclasses.field(default_factory=dict)

    def add(self, row: dict[str, float], value: float, model: nn.Module) -> None:
        self.history.append(row)
        if value > self.best_value:
            self.best_epoch, self.best_value = int(row["epoch"]), value
            self.weights = _copy(model.state_dict())

    def is_out_of_patience(self, patience: int) -> bool:
        return bool(self.history) and len(self.history) - self.best_epoch >= patience


def _derive(seed: int, epoch: int, stream: int) -> int:
    """A 63-bit seed from (seed, epoch, stream); neighbours are unrelated, which plain sums would not give."""
    return int(np.random.SeedSequence([seed, epoch, stream]).generate_state(1, np.uint64)[0] >> 1)


def _copy(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.detach().to("cpu", copy=True).contiguous() for name, value in tensors.items()}


def _fingerprint(model: nn.Module, recipe: Any, seed: int, batch_size: int) -> dict[str, Any]:
    """What must agree for a checkpoint to be continued; the number of epochs may grow."""
    shapes = {name: list(value.shape) for name, value in model.state_dict().items()}
    names = ("learning_rate", "betas", "adam_eps", "metric_name")
    settings = {n: list(v) if isinstance(v := getattr(recipe, n), tuple) else v for n in names}
    settings |= {"amsgrad": True} if getattr(recipe, "amsgrad", False) else {}
    return {"seed": seed, "batch_size": batch_size, "shapes": shapes, **settings}


def _write_checkpoint(folder: Path, state: _State, model: nn.Module, optimizer: Any) -> None:
    """One file holds weights, best weights, Adam's moments and (as text) the history, so it is never half new."""
    tensors = {f"model.{name}": value for name, value in _copy(model.state_dict()).items()}
    tensors |= {f"best.{name}": value for name, value in state.weights.items()}
    for index, moments in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{name}": value for name, value in _copy(moments).items()}
    text = {
        "fingerprint": state.fingerprint, "history": state.history,
        "best_epoch": state.best_epoch, "best_value": state.best_value,
    }
    folder.mkdir(parents=True, exist_ok=True)
    save_weights(tensors, folder / "last.safetensors", metadata={"state": json.dumps(text)})


def _read_checkpoint(folder: Path, fresh: _State, model: nn.Module, optimizer: torch.optim.Optimizer) -> _State:
    path = folder / "last.safetensors"
    if not path.exists():
        return fresh
    tensors, metadata = load_weights(path, with_metadata=True)
    try:
        text = json.loads(metadata["state"])
        known = _State(fresh.fingerprint, text["history"], text["best_epoch"], text["best_value"])
        text["fingerprint"].items()
    except (KeyError, TypeError, AttributeError, json.JSONDecodeError) as error:
        raise ValueError(f"checkpoint: {path} is none of this loop's ({error!r}); give an empty folder") from error
    if text["fingerprint"] != fresh.fingerprint:
        wrong = sorted(k for k, v in fresh.fingerprint.items() if text["fingerprint"].get(k) != v)
        raise ValueError(f"checkpoint: {path} belongs to another run (differs in {wrong}); give an empty folder")

    def part(prefix: str) -> dict[str, Tensor]:
        return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}

    try:
        model.load_state_dict(part("model."))
    except RuntimeError as error:
        raise ValueError(f"checkpoint: {path} lacks tensors of the model; give an empty folder ({error})") from error
    moments: dict[int, dict[str, Tensor]] = {}
    for name, value in part("optimizer.").items():
        index, key = name.split(".", 1)
        moments.setdefault(int(index), {})[key] = value
    optimizer.load_state_dict({"state": moments, "param_groups": optimizer.state_dict()["param_groups"]})
    known.weights = part("best.")
    return known


def save_weights(weights: dict[str, Tensor], path: str | Path, *, metadata: dict[str, str] | None = None) -> Path:
    """Write tensors as safetensors, beside the target first, so that a reader never meets half a file.

    Raises OSError when it cannot be written, a full disk for example; the target is then as it was and no half file
    stays behind.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        save_file(_copy(weights), beside, metadata=metadata)
        os.replace(beside, path)
    except SafetensorError as error:
        raise OSError(f"weights: cannot write {path} ({error})") from error
    finally:
        beside.unlink(missing_ok=True)
    return path


def load_weights(path: str | Path, *, with_metadata: bool = False) -> Any:
    """Tensors of a safetensors file, and its text when ``with_metadata``.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when the file is not safetensors (cut off, or another format, or a folder).
    """
    from safetensors import SafetensorError, safe_open

    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"weights: no file {path}")
    try:
        with safe_open(path, framework="pt") as file:
            # Copies, because the file may be replaced while its mapped tensors are in use.
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}
            metadata = file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise ValueError(f"weights: expected a whole safetensors file, got {path} ({error})") from error
    return (tensors, metadata) if with_metadata else tensors


def _accelerator(device: str, mixed_precision: str) -> Any:
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState, PartialState

    chosen = choose_device(device)
    # accelerate remembers the first device and precision of the process; a notebook may want another the next time.
    if PartialState().num_processes == 1:
        AcceleratorState._reset_state(reset_partial_state=True)
    return Accelerator(cpu=chosen.type == "cpu", mixed_precision=mixed_precision)


def _progress_bar(wanted: bool, *, total: int, done: int) -> Any:
    from tqdm.auto import tqdm

    interactive = sys.stderr.isatty() or "google.colab" in sys.modules
    return tqdm(total=total, initial=done, unit="epoch", disable=not (wanted and interactive))
