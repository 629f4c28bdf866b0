"""AttentionMIC and Sightreader on bands of sampled instruments: data, training and scores of chapter and ledger.

Every run has the same clips; a seed decides initial weights and order, as in Watcharasupat et al. 2020. The
convolutions are pre-trained once, on solo notes made here, and then frozen: the paper takes VGGish's public weights.
Axes: N clips, T frames, F mel bands, T', F' steps of the feature map, C channels, K classes.
"""

from __future__ import annotations

import functools
import hashlib
import resource
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from audiolab import training
from audiolab.data import openmic
from audiolab.explain import attention as look
from audiolab.explain.score import lift
from audiolab.features import vggish as front_end
from audiolab.losses.attention_mic import MaskedLoss, positive_weights
from audiolab.losses.reinforce import SightreaderLoss
from audiolab.metrics import instrument_f1
from audiolab.models.attention_mic import AttentionMIC
from audiolab.models.sightreader import SHAPED, SQUARE, SQUARE_COVER, SQUARE_EQUAL, Sightreader, covered_cells
from audiolab.models.vggish import VGGish
from audiolab.recipes.visual_attention import VisualAttention
from audiolab.results import results_folder
from audiolab.worlds import instruments
from audiolab.worlds.scenes import class_region, scene_seed, time_region

from .base import Result, Run
from .cache import cached_arrays
from .instrument_worlds import WORLD_MODULES, Split, World, instrument_world, log_mel, openmic_world, solo_notes

CHAPTER = "visual_attention"
MODULES = (
    *WORLD_MODULES, "audiolab.features.vggish", "audiolab.models.vggish", "audiolab.models.attention_mic",
    "audiolab.models.sightreader", "audiolab.losses.attention_mic", "audiolab.losses.reinforce",
    "audiolab.explain.attention", "audiolab.explain.score", "audiolab.studies.instrument_worlds",
    "audiolab.studies.visual_attention",
)
PUBLISHED = ("AttTF", "AttTFid", "AttT", "FC", "SR16", "SR16-FL", "RAM16-GRU", "RAM16-RNN")  # the paper's eight
ATTENTION = ("AttTF", "AttTFid", "AttT", "FC", "AttTF uniform")  # the last: a plain mean over instances
SIGHTREADERS: dict[str, dict[str, Any]] = {
    "SR16": {},
    "SR16-FL": {"kind": "focal", "balanced": True},
    "SR16-FL without alpha": {"kind": "focal"},
    "RAM16-GRU": {"sizes": SQUARE},
    "RAM16-RNN": {"sizes": SQUARE, "core": "rnn"},
    "RAM16-GRU equal cover": {"sizes": SQUARE_COVER},
    "RAM16-GRU equal inputs": {"sizes": SQUARE_EQUAL},
    "SR16 random": {"policy": "random"},
    "SR16 centred": {"policy": "centred"},
    "SR16 sweep": {"policy": "sweep"},
}
CONTROLS = ("shuffled labels", "unknown as absent")  # AttTF again, on labels made wrong
KNOWN_RATES = {"AttTF known 10 %": 0.1, "AttTF known 100 %": 1.0}  # beside the recipe's own


class Trained(NamedTuple):
    """A trained network and the course of its training."""

    model: nn.Module
    fit: training.Fit


# The front that the paper takes ready-made


def published_front() -> VGGish:
    """VGGish with its public weights, in evaluation mode: what the paper's networks stand on.

    Raises FileNotFoundError where `AUDIOLAB_DATA` has no file of them.
    """
    from .raw_rivals import find_vggish

    front = VGGish()
    front.load_published(openmic.read_vggish_weights(find_vggish(needed=True)))
    return front.eval().requires_grad_(False)


class Soloist(nn.Module):
    """A narrow VGGish with one fully connected layer, and a classifier of twenty classes that is thrown away."""

    def __init__(self, recipe: VisualAttention, *, n_classes: int = 20, seed: int = 0) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.body = VGGish(channels=recipe.channels, hidden=(recipe.n_hidden,), generator=generator)
        self.head = nn.Linear(recipe.n_hidden, n_classes)
        nn.init.kaiming_uniform_(self.head.weight, nonlinearity="linear", generator=generator)
        nn.init.zeros_(self.head.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x (B, 98, 64) -> logits (B, K)."""
        return self.head(self.body(x).embedding[:, 0])


def pretrain(recipe: VisualAttention, seed: int = 0) -> tuple[Soloist, dict[str, float]]:
    """Train the front on solo notes of one class each; returns it and its accuracy on fresh notes.

    `accuracy` on programs of the training, `accuracy_held_out` on classes that have programs left out.
    """
    data = solo_notes(recipe.pretrain_n_notes, scene_seed(seed, 200))
    model = Soloist(recipe, n_classes=len(instruments.CLASSES), seed=seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=recipe.pretrain_learning_rate)
    x, label = torch.as_tensor(data["x"]), torch.as_tensor(data["label"])
    steps = recipe.pretrain_max_epochs * -(-len(x) // 64)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2 * recipe.pretrain_learning_rate, total_steps=steps)
    generator = torch.Generator().manual_seed(seed)
    model.train()
    for _ in range(recipe.pretrain_max_epochs):
        for index in torch.randperm(len(x), generator=generator).split(64):
            level = torch.randn(len(index), 1, 1, generator=generator)  # louder and softer, as in a mixture
            loss = functional.cross_entropy(model(x[index].float() + 0.3 * level), label[index])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    model.eval()
    values = {}
    for name, programs in (("accuracy", "training"), ("accuracy_held_out", "held_out")):
        fresh = solo_notes(max(20, recipe.pretrain_n_notes // 5), scene_seed(seed, 201), programs=programs)
        with torch.no_grad():
            answers = torch.cat([model(part.float()).argmax(1) for part in torch.as_tensor(fresh["x"]).split(128)])
        right = answers.numpy() == fresh["label"]
        if programs == "held_out":
            has = [bool(instruments.INSTRUMENTS[name].held_out) for name in instruments.CLASSES]
            right = right[np.array(has)[fresh["label"]]]
        values[name] = float(right.mean())
    return model, values


def _weights_path(root: str | Path | None = None) -> Path:
    return results_folder(root) / "weights" / "visual_attention_vggish.safetensors"


def save_front(model: Soloist, root: str | Path | None = None) -> Path:
    """Write convolutions and first layer as safetensors with 16 bits."""
    weights = {name: value.half() for name, value in model.body.state_dict().items()}
    return training.save_weights(weights, _weights_path(root))


def load_front(recipe: VisualAttention, root: str | Path | None = None) -> VGGish:
    """The convolutions that the study pre-trained, in evaluation mode.

    Raises FileNotFoundError when the study has not been run (names the command), ValueError at other widths.
    """
    path = _weights_path(root)
    if not path.exists():
        raise FileNotFoundError(
            f"weights: no {path.name} in {path.parent}; "
            "make it with: python -m audiolab run visual_attention --profile study"
        )
    front = VGGish(channels=recipe.channels, hidden=(recipe.n_hidden,))
    weights = {name: value.float() for name, value in training.load_weights(path).items()}
    if {name: value.shape for name, value in weights.items()} != {n: v.shape for n, v in front.state_dict().items()}:
        raise ValueError(f"recipe.channels, n_hidden: expected the widths of {path.name}, got {recipe.channels}")
    front.load_state_dict(weights)
    return front.eval().requires_grad_(False)


def features(front: VGGish, x: np.ndarray) -> np.ndarray:
    """Frozen features U of log-mels, (N, T, 64) -> (N, T', 4, C) float16; from the cache when computed before.

    They are computed where `front` is.
    """
    place = next(front.parameters()).device
    digest = hashlib.sha256(np.ascontiguousarray(x[:, ::40]).tobytes())
    for value in front.state_dict().values():
        digest.update(value.cpu().numpy().tobytes())

    def make() -> dict[str, np.ndarray]:
        with torch.no_grad():
            pieces = (torch.as_tensor(part.astype(np.float32)).to(place) for part in _chunks(x, 16))
            parts = [front.cnn(piece).half().cpu() for piece in pieces]
        return {"u": torch.cat(parts).numpy()}

    return cached_arrays("features", [digest.hexdigest(), len(x)], ("audiolab.models.vggish",), make)["u"]


def _chunks(x: np.ndarray, size: int) -> list[np.ndarray]:
    return [x[i : i + size] for i in range(0, len(x), size)]


# Models and training


def make_attention_mic(
    kind: str, recipe: VisualAttention, front: VGGish, *, n_classes: int, seed: int = 0
) -> AttentionMIC:
    """A network of `ATTENTION` behind the frozen front; its split layer is the front's first layer."""
    model = AttentionMIC(
        kind.split()[0], n_classes=n_classes, n_steps=6 * (front_end.n_frames(round(recipe.clip_s * 16000)) // 96),
        n_channels=recipe.channels[-1], n_hidden=recipe.n_hidden, n_embedding=recipe.n_embedding,
        dropout=recipe.dropout, split=recipe.split, frozen_front=recipe.frozen_front,
        normalisation="uniform" if kind.endswith("uniform") else recipe.normalisation,
        generator=torch.Generator().manual_seed(seed),
    )
    model.load_first_layer(front.fc[0].weight.cpu(), front.fc[0].bias.cpu())
    return model


def make_sightreader(name: str, recipe: VisualAttention, world: World, *, seed: int = 0) -> Sightreader:
    """A network of `SIGHTREADERS`."""
    options = {k: v for k, v in SIGHTREADERS[name].items() if k in ("sizes", "core", "policy")}
    return Sightreader(
        n_classes=len(world.classes), n_glimpses=recipe.n_glimpses, sigma=recipe.sigma, n_sensor=recipe.n_sensor,
        n_hidden=recipe.n_core, mean=world.mean, std=world.std, generator=torch.Generator().manual_seed(seed),
        **{"sizes": SHAPED, **options},
    )


def train_attention_mic(
    kind: str, world: World, recipe: VisualAttention, front: VGGish, seed: int = 0, **options: Any
) -> Trained:
    """Train one of `ATTENTION` on frozen features, or AttTF on labels of `CONTROLS` ("AttTF shuffled labels").

    "shuffled labels" gives every clip the labels of another, "unknown as absent" turns every unknown label into 0.
    """
    y = world.train.y
    if kind.endswith(CONTROLS[0]):
        y = y[np.random.default_rng(seed).permutation(len(y))]
    if kind.endswith(CONTROLS[1]):
        y = np.nan_to_num(y, nan=0.0)
    model = make_attention_mic(kind, recipe, front, n_classes=len(world.classes), seed=seed)
    criterion = MaskedLoss(reduction=recipe.reduction, module=model, weight_decay=recipe.weight_decay)
    inputs = (features(front, world.train.x), features(front, world.validation.x))
    return _fit(model, criterion, inputs, (y, world.validation.y), recipe, seed, **options)


def train_sightreader(name: str, world: World, recipe: VisualAttention, seed: int = 0, **options: Any) -> Trained:
    """Train one of `SIGHTREADERS` on log-mels."""
    model = make_sightreader(name, recipe, world, seed=seed)
    chosen = SIGHTREADERS[name]
    classification = MaskedLoss(
        kind=chosen.get("kind", "bce"), gamma=recipe.gamma, reduction=recipe.reduction, module=model,
        alpha=positive_weights(torch.as_tensor(world.train.y)) if chosen.get("balanced") else None,
        weight_decay=recipe.weight_decay,
    )
    criterion = SightreaderLoss(classification, weight=recipe.reinforce_weight, returned=recipe.returned)
    inputs, labels = (world.train.x, world.validation.x), (world.train.y, world.validation.y)
    own = recipe.but(learning_rate=recipe.sightreader_learning_rate, max_epochs=recipe.sightreader_max_epochs)
    return _fit(model, criterion, inputs, labels, own, seed, **options)


def _fit(
    model: nn.Module, criterion: nn.Module, inputs: tuple, labels: tuple, recipe: VisualAttention, seed: int,
    **options: Any,
) -> Trained:
    loaders = training.Loaders(
        training.make_loader(inputs[0], labels[0], batch_size=recipe.batch_size, shuffle=True),
        training.make_loader(inputs[1], labels[1], batch_size=128),
    )

    def metric(model: nn.Module, loader: training.Loader) -> dict[str, float]:
        found = instrument_f1(loader.y.numpy(), probabilities(model, loader), threshold=recipe.threshold)
        return {"macro_f1": found.macro}

    step = training.make_step(criterion)
    fit = training.fit(model, step, loaders, recipe, metric, seed=seed, **options)
    return Trained(model, fit)


# Evaluation


def probabilities(model: nn.Module, data: training.Loader | np.ndarray) -> np.ndarray:
    """Probability of each class in each clip, (N, K); glimpses are drawn from a fixed seed."""
    return training.collect(model, data, read=lambda model, x: model(x).probs, batch_size=128)


def score(model: nn.Module, world: World, recipe: VisualAttention, front: VGGish | None = None) -> dict[str, Any]:
    """What the ledger keeps of a trained network.

    Args:
        model: a Sightreader, which reads log-mels, or one of `ATTENTION`, which reads features.
        front: needed for the latter, None for the former.

    Returns:
        On the test split `macro_f1` (present and absent), `macro_f1_positive`, `macro_f1_weighted`, `f1_by_class`, and
        the means `f1_chordal` and `f1_others` of the first over chordal classes and the rest; `held_out_f1`, the first
        definition on programs never trained on, over the classes that have some. All 0 to 1.
    """
    values: dict[str, Any] = {}
    for split, name in ((world.test, ""), (world.held_out, "held_out_")):
        if not split.n_clips:
            continue
        probs = probabilities(model, split.x if front is None else features(front, split.x))
        found = instrument_f1(split.y, probs, threshold=recipe.threshold)
        both = dict(zip(world.classes, found.both, strict=True))
        if name:
            kept = [both[label] for label in instruments.held_out_classes(world.classes)]
            values["held_out_f1"] = float(np.nanmean(kept)) if kept else found.macro
            continue
        values |= {
            "macro_f1": found.macro, "macro_f1_positive": found.macro_positive,
            "macro_f1_weighted": found.macro_weighted,
            "f1_by_class": {label: float(np.nan_to_num(value)) for label, value in both.items()},
        }
        chordal = [both[label] for label in instruments.CHORDAL if label in both]
        if chordal:
            values["f1_chordal"] = float(np.nanmean(chordal))
            values["f1_others"] = float(np.nanmean([v for k, v in both.items() if k not in instruments.CHORDAL]))
    return values


class Regions(NamedTuple):
    """Where a class truly is in a clip: `time` bool (T',), `cells` bool (T, F), `instances` bool (T', F')."""

    clip: int
    k: int
    time: np.ndarray
    cells: np.ndarray
    instances: np.ndarray


def true_regions(world: World, split: Split, clips: list[int]) -> list[Regions]:
    """Regions of all classes present in some clips, read from their stems.

    Args:
        split: a split of `world`.
        clips: numbers of its clips; each is made again with its stems, 0.1 s a clip.

    Returns:
        One `Regions` for each class that plays, clip after clip: the stretch in which it plays, the cells where its
        stem is louder than all the rest, and the instances that hold at least half as many of these as the best one.
    """

    def picture(samples: np.ndarray) -> np.ndarray:
        return 20 / np.log(10) * log_mel(samples)  # dB of the magnitude, as the region's rule wants it

    found = []
    for number in clips:
        clip = world.clip(split, number)
        times = look.step_times_s(6 * (split.x.shape[1] // 96))
        for event in clip.events:
            cells = class_region(clip, event.label, picture, scale="db")
            found.append(Regions(
                number, world.classes.index(event.label), time_region(clip.events, event.label, times), cells,
                look.to_instances(cells[: 16 * len(times)]),
            ))
    return found


@functools.lru_cache(maxsize=1)
def _test_regions(recipe: VisualAttention, n: int) -> list[Regions]:
    world = instrument_world(recipe)
    return true_regions(world, world.test, list(range(n)))


def attention_lifts(model: AttentionMIC, u: np.ndarray, regions: list[Regions], *, threshold: float = 0.5) -> dict:
    """Mean lift of the attention on classes that are present and detected: in time, and over instances; and their n.

    Lift 1 is what uniform attention gets. `u` (N, T', F', C) of the clips the regions were read from.
    """
    with torch.no_grad():
        output = model.eval()(torch.as_tensor(u.astype(np.float32)))
    time_lifts, instance_lifts = [], []
    for region in regions:
        if output.probs[region.clip, region.k] < threshold or not 0 < region.time.mean() < 1:
            continue
        alpha = output.attention[region.clip, ..., region.k].numpy()
        time_lifts.append(lift(alpha.sum(1), region.time))
        if alpha.shape[1] == 4 and 0 < region.instances.mean() < 1:
            instance_lifts.append(lift(alpha, region.instances))
    values = {"time_lift": float(np.mean(time_lifts)) if time_lifts else 1.0, "n_lifts": len(time_lifts)}
    return values | ({"instance_lift": float(np.mean(instance_lifts))} if instance_lifts else {})


def glimpse_lift(model: Sightreader, world: World, regions: list[Regions]) -> float:
    """Mean lift of the cells that the glimpses covered, over the classes that play in the first clips of the test.

    1 is what cells drawn evenly from the whole picture get. `regions` are `true_regions` of clips 0, 1, 2, ...
    """
    x = world.test.x[: max(r.clip for r in regions) + 1]
    locations = training.collect(model, x, read=lambda m, x: m(x).locations)
    covered = covered_cells(torch.as_tensor(locations), model.sizes, x.shape[1]).numpy()
    return float(np.mean([lift(covered[r.clip], r.cells) for r in regions if 0 < r.cells.mean() < 1]))


# The study


def recipe() -> VisualAttention:
    """The published recipe."""
    return VisualAttention()


def grid(recipe: VisualAttention) -> list[Run]:
    """The front first, which all others need; then the paper's networks, then the controls, all on the same seeds.

    At profile "paper" there is one experiment, "openmic": the paper's networks on its own data and its own front.
    """
    if recipe.profile == "paper":
        seeds = range(recipe.n_seeds)
        return [Run(CHAPTER, "openmic", {"model": name}, seed, recipe) for seed in seeds for name in PUBLISHED]
    runs = [Run(CHAPTER, "front", {"model": "VGGish, narrow"}, 0, recipe)]
    controls = [name for name in (*ATTENTION, *SIGHTREADERS) if name not in PUBLISHED]
    controls += [*(f"AttTF {how}" for how in CONTROLS), *KNOWN_RATES]
    first, last = range(recipe.sightreader_n_seeds), range(recipe.sightreader_n_seeds, recipe.n_seeds)
    for names, seeds in ((PUBLISHED, first), (PUBLISHED, last), (controls, first), (controls, last)):
        runs += [Run(CHAPTER, "instruments", {"model": name}, seed, recipe) for seed in seeds for name in names]
    return runs


def run(run: Run) -> Result:
    """One entry of `grid`.

    Runs of profile "paper" train on a GPU where there is one. Raises FileNotFoundError where OpenMIC-2018 or VGGish's
    weights are not there.
    """
    recipe, name = run.recipe, run.condition["model"]
    if run.experiment == "openmic":
        return _run_openmic(recipe, name, run.seed)
    if run.experiment == "front":
        model, values = pretrain(recipe, run.seed)
        if recipe.profile == "study":
            save_front(model)
        n_parameters = sum(p.numel() for p in model.parameters())
        return Result(values, n_parameters, {"name": "solo notes, made here", "checksum": "by seed"})
    world = instrument_world(recipe.but(known_rate=KNOWN_RATES.get(name, recipe.known_rate)))
    data = {"name": f"bands of {len(world.classes)} sampled instruments", "checksum": world.checksum}
    if name in SIGHTREADERS:
        trained = train_sightreader(name, world, recipe, run.seed, progress=False)
        values = score(trained.model, world, recipe)
        values["macro_f1_by_glimpse"] = f1_by_glimpse(trained.model, world, recipe)
        values["glimpse_lift"] = glimpse_lift(trained.model, world, _test_regions(recipe, min(60, world.test.n_clips)))
    else:
        front = load_front(recipe)
        trained = train_attention_mic(name, world, recipe, front, run.seed, progress=False)
        values = score(trained.model, world, recipe, front)
        if name != "FC":
            n = min(60, world.test.n_clips)
            values |= attention_lifts(trained.model, features(front, world.test.x[:n]), _test_regions(recipe, n))
    values |= {"validation_f1": trained.fit.best_value, "best_epoch": trained.fit.best_epoch}
    n_parameters = sum(p.numel() for p in trained.model.parameters() if p.requires_grad)
    return Result(values, n_parameters, data)


def _run_openmic(recipe: VisualAttention, name: str, seed: int) -> Result:
    """A network of the paper on its own data: scores alone, because nothing says where an instrument plays."""
    world = openmic_world(recipe)
    options: dict[str, Any] = {"progress": False, "device": "auto"}
    place, front = training.choose_device("auto"), None
    if name in SIGHTREADERS:
        trained = train_sightreader(name, world, recipe, seed, **options)
    else:
        front = published_front().to(place)
        trained = train_attention_mic(name, world, recipe, front, seed, **options)
    values = score(trained.model, world, recipe, front)
    values |= {"validation_f1": trained.fit.best_value, "best_epoch": trained.fit.best_epoch}
    n_parameters = sum(p.numel() for p in trained.model.parameters() if p.requires_grad)
    return Result(values, n_parameters, {"name": "OpenMIC-2018", "checksum": world.checksum}, str(place))


def f1_by_glimpse(model: Sightreader, world: World, recipe: VisualAttention) -> list[float]:
    """Macro F1 on the test split after each glimpse, (J,)."""
    steps = training.collect(model, world.test.x, read=lambda m, x: m(x).step_probs, batch_size=128)
    return [instrument_f1(world.test.y, steps[:, j], threshold=recipe.threshold).macro for j in range(steps.shape[1])]


def dry_run(recipe: VisualAttention) -> dict[str, dict[str, Any]]:
    """One training step of each network at full size on random input of the paper's shape, and its cost.

    Returns for each network the trainable parameters, the shape of its input, seconds of the step on this machine's
    CPU (the frozen convolutions apart), steps and hours of the whole run, peak memory in GB, and what is downloaded.
    """
    rows = {}
    generator = torch.Generator().manual_seed(0)
    y = (torch.rand(recipe.batch_size, recipe.n_classes, generator=generator) < 0.4).float()
    y[torch.rand(y.shape, generator=generator) > recipe.known_rate] = float("nan")
    for name in ("AttTF", "AttTFid", "AttT", "FC", "SR16", "RAM16-GRU", "RAM16-RNN"):
        if name in SIGHTREADERS:
            options = {k: v for k, v in SIGHTREADERS[name].items() if k != "kind"}
            model: nn.Module = Sightreader(n_classes=recipe.n_classes, **options)
            x, criterion = torch.randn(recipe.batch_size, 998, 64, generator=generator), SightreaderLoss()
        else:
            model = AttentionMIC(name, n_classes=recipe.n_classes)
            x, criterion = torch.rand(recipe.batch_size, 60, 4, 512, generator=generator), MaskedLoss()
        learned = [p for p in model.parameters() if p.requires_grad]
        optimizer = torch.optim.Adam(learned, lr=recipe.learning_rate)
        started = time.perf_counter()
        criterion(model(x), training.Batch(x, y)).total.backward()
        optimizer.step()
        seconds = time.perf_counter() - started
        steps = -(-recipe.n_train_clips // recipe.batch_size) * recipe.max_epochs
        rows[name] = {
            "parameters": sum(p.numel() for p in learned), "input": str(tuple(x.shape)),
            "seconds per step here": round(seconds, 2), "steps": steps, "hours here": round(seconds * steps / 3600, 1),
            "peak memory, GB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
            "download": "OpenMIC-2018, Zenodo record 1432913 (2.6 GB); VGGish weights (about 289 MB)",
        }
    return rows

