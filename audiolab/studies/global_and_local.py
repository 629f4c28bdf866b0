"""The two-stream tagger against its controls: data, training and evaluation that the chapter and the ledger share.

Soundscapes of ten seconds carry weak labels, one per class and clip; their event tables are kept aside and used only to
score windows. `"made-here"` has the eight brief and long sounds made here, `"esc10"` mixes ESC-10's recordings, test
scenes from a fold that training scenes never touch. Axes: B clips, K classes, N windows, T frames.
"""

from __future__ import annotations

import hashlib
import resource
import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from audiolab import training
from audiolab.explain.windows import WindowCase, chance_of_containing, window_cases
from audiolab.features.augment import SpecAugment
from audiolab.features.panns_mel import PannsLogMel
from audiolab.losses.global_and_local import GlobalLocalLoss, TaggingLoss
from audiolab.metrics import tagging_scores
from audiolab.models.global_and_local import GlobalLocal, WholeClip, Windows, even_starts
from audiolab.models.panns import CNN10, ResNet38
from audiolab.models.sca_style import SCAStyle
from audiolab.models.talnet import TALNet
from audiolab.recipes.global_and_local import GlobalAndLocal
from audiolab.results import module_hash
from audiolab.worlds import brief, scenes

from .base import Result, Run
from .cache import cache_folder, cached_arrays
from .drawn import DrawnLoader

CHAPTER = "global_and_local"
WORLD_MODULES = tuple(f"audiolab.worlds.{name}" for name in ("brief", "scenes", "events", "backgrounds", "blocks"))
MODULES = (
    *WORLD_MODULES, "audiolab.data.esc50", "audiolab.features.panns_mel", "audiolab.features.augment",
    "audiolab.models.panns", "audiolab.models.talnet", "audiolab.models.sca_style",
    "audiolab.models.global_and_local", "audiolab.losses.global_and_local", "audiolab.training",
    "audiolab.explain.windows", "audiolab.studies.global_and_local",
)  # fmt: skip
BACKBONES = {"cnn10": CNN10, "resnet38": ResNet38, "talnet": TALNet, "sca_style": SCAStyle}
DATASETS = ("made-here", "esc10")
WORLD_SEED = 1  # every run has the same clips and its own initial weights and order; sizes were tuned on seed 0
_INT16 = 32767  # full scale, as in the packed files of PANNs
_SEEDS_APART = 1000  # between the two streams' initial weights


class Split(NamedTuple):
    """Clips of one split: `samples` (B, n) float32, weak labels `y` (B, K), and the events, which no tagger sees."""

    samples: np.ndarray
    y: np.ndarray
    events: list[tuple[scenes.Event, ...]]

    @property
    def n_clips(self) -> int:
        """Number of clips."""
        return len(self.samples)


class World(NamedTuple):
    """The data of one experiment."""

    name: str
    classes: tuple[str, ...]
    train: Split
    validation: Split
    test: Split
    sample_rate: int
    checksum: str


class Trained(NamedTuple):
    """A trained network and the course of its training."""

    model: nn.Module
    fit: training.Fit


class Predictions(NamedTuple):
    """What a network says of a split; `probs` maps "global", and with two streams "local" and "fused", to (B, K)."""

    probs: dict[str, np.ndarray]
    frame_probs: np.ndarray  # (B, T, K)
    window_probs: np.ndarray | None  # (B, N, K)
    windows: Windows | None  # arrays (B, N)


# Data


def make_world(
    recipe: GlobalAndLocal, dataset: str = "made-here", *, seed: int = WORLD_SEED, progress: bool = False
) -> World:
    """Make the splits of a data set, or read them from the cache; 0.02 s a clip, `progress` shows a bar.

    Raises ValueError for an unknown data set, FileNotFoundError when "esc10" is wanted and not there.
    """
    if dataset not in DATASETS:
        raise ValueError(f"dataset: expected one of {DATASETS}, got {dataset!r}")
    sizes = {"train": recipe.n_train_clips, "validation": recipe.n_validation_clips, "test": recipe.n_test_clips}
    splits: dict[str, Split] = {}
    digest = hashlib.sha256()
    for number, (name, n_clips) in enumerate(sizes.items()):
        options, classes, identity = _mixing(recipe, dataset, name)
        set_seed = scenes.scene_seed(seed, number)
        key = [dataset, name, n_clips, set_seed, identity]

        def make(options: dict = options, n: int = n_clips, s: int = set_seed, classes: tuple = classes) -> dict:
            return _pack(scenes.make_scenes(n, seed=s, progress=progress, **options), classes)

        arrays = cached_arrays(f"tagging-{dataset}", key, (*WORLD_MODULES, "audiolab.data.esc50"), make)
        splits[name] = _unpack(arrays, classes)
        digest.update(np.round(arrays["samples"] / 64).astype(np.int16).tobytes() + arrays["y"].tobytes())
    return World(dataset, classes, **splits, sample_rate=recipe.sample_rate, checksum=digest.hexdigest()[:12])


def _mixing(recipe: GlobalAndLocal, dataset: str, split: str) -> tuple[dict[str, Any], tuple[str, ...], list[Any]]:
    """Options of `make_scenes`, the classes, and what identifies both for the cache."""
    common = {
        "duration_s": recipe.clip_s, "sample_rate": recipe.sample_rate, "n_events": recipe.n_events,
        "background": recipe.background, "background_db": recipe.background_db,
    }  # fmt: skip
    if dataset == "made-here":
        settings = common | {"classes": brief.BRIEF_CLASSES, "event_s": recipe.event_s, "snr_db": recipe.snr_db}
        return settings | {"source": brief.make_brief_event}, brief.BRIEF_CLASSES, sorted(settings.items())
    library = RecordedEvents(folds=_FOLDS[split], sample_rate=recipe.sample_rate)
    settings = common | {
        "classes": library.classes, "event_s": recipe.recorded_event_s, "snr_db": recipe.recorded_snr_db,
    }
    return settings | {"source": library}, library.classes, [*sorted(settings.items()), library.identity]


_FOLDS = {"train": (1, 2, 3), "validation": (3,), "test": (4,)}


class RecordedEvents:
    """Events cut from ESC-10's recordings, for the mixer: a clip of the class, and in it the loudest stretch.

    Called as ``source(label, seed=, duration_s=, sample_rate=)``. Raises FileNotFoundError when ESC-10 is not there.
    """

    def __init__(self, *, folds: Sequence[int], sample_rate: int) -> None:
        from audiolab.data import esc50

        self.rows = [row for row in esc50.list_esc50(folds=folds) if row.category in ESC10]
        self.classes, self.sample_rate = ESC10, sample_rate
        self.clips: dict[str, list[np.ndarray]] = {}

    @property
    def identity(self) -> list[str]:
        """Names of the recordings, in order."""
        return [row.path.stem for row in self.rows]

    def __call__(self, label: str, *, seed: int, duration_s: float, sample_rate: int) -> Any:
        """The loudest `duration_s` seconds of one clip, as a sound that lasts from its first to its last sample."""
        from audiolab.data import esc50
        from audiolab.worlds.events import Sound

        if label not in self.clips:  # decoded when first wanted: scenes from the cache need no recording
            paths = [row.path for row in self.rows if row.category == label]
            self.clips[label] = [esc50.read_clip(path, sample_rate=sample_rate) for path in paths]
        rng = np.random.default_rng(seed)
        samples = self.clips[label][int(rng.integers(len(self.clips[label])))]
        n_samples = min(len(samples), round(duration_s * sample_rate))
        energy = np.concatenate([[0.0], np.cumsum(np.square(samples, dtype=np.float64))])
        start = int(np.argmax(energy[n_samples:] - energy[:-n_samples]))
        piece = samples[start : start + n_samples]
        return Sound(piece, 0.0, len(piece) / sample_rate, {})


ESC10 = (
    "dog", "rooster", "rain", "sea_waves", "crackling_fire", "crying_baby", "sneezing", "clock_tick", "helicopter",
    "chainsaw",
)  # fmt: skip


def _pack(made: Sequence[scenes.Scene], classes: tuple[str, ...]) -> dict[str, np.ndarray]:
    rows = [
        (clip, classes.index(e.label), *e[1:]) for clip, scene in enumerate(made) for e in scene.events
    ]
    samples = [np.clip(np.round(scene.samples * _INT16), -_INT16, _INT16).astype(np.int16) for scene in made]
    y = [brief.clip_labels(scene.events, classes) for scene in made]
    return {"samples": np.stack(samples), "y": np.stack(y), "events": np.array(rows, dtype=np.float64).reshape(-1, 7)}


def _unpack(arrays: dict[str, np.ndarray], classes: tuple[str, ...]) -> Split:
    events: list[list[scenes.Event]] = [[] for _ in arrays["samples"]]
    for clip, k, *values in arrays["events"]:
        events[int(clip)].append(scenes.Event(classes[int(k)], *map(float, values)))
    samples = arrays["samples"].astype(np.float32) / _INT16
    return Split(samples, arrays["y"].astype(np.float32), [tuple(one) for one in events])


# Networks


def front_end(recipe: GlobalAndLocal) -> PannsLogMel:
    """The log-mel spectrogram of a recipe; TALNet's has 40 frames a second."""
    hop = recipe.sample_rate // 40 if recipe.backbone == "talnet" else recipe.hop_length
    return PannsLogMel(
        sample_rate=recipe.sample_rate, n_fft=recipe.n_fft, hop_length=hop, n_mels=recipe.n_mels, f_min=recipe.f_min,
        f_max=recipe.f_max,
    )


def make_tagger(recipe: GlobalAndLocal, *, n_classes: int | None = None, seed: int = 0) -> nn.Module:
    """One tagger of the recipe's backbone and width, its initial weights drawn from `seed`.

    Raises ValueError for an unknown backbone.
    """
    if recipe.backbone not in BACKBONES:
        raise ValueError(f"backbone: expected one of {sorted(BACKBONES)}, got {recipe.backbone!r}")
    options: dict[str, Any] = {
        "n_mels": recipe.n_mels, "augment": SpecAugment() if recipe.augment else None,
        "generator": torch.Generator().manual_seed(seed),
    }  # fmt: skip
    if recipe.backbone != "talnet":  # it has none
        options["dropout"] = recipe.dropout
    if recipe.n_channels and recipe.backbone == "talnet":
        options |= {"n_channels": recipe.n_channels[0], "n_units": recipe.n_channels[-1]}
    elif recipe.n_channels:
        width = tuple(recipe.n_channels)
        options["n_channels"] = (*width, 2 * width[-1]) if recipe.backbone == "resnet38" else width
    tagger = BACKBONES[recipe.backbone](n_classes or recipe.n_classes, **options)
    return tagger.to(memory_format=torch.channels_last)  # the same numbers, faster on a CPU


def make_single(recipe: GlobalAndLocal, *, n_classes: int | None = None, seed: int = 0) -> WholeClip:
    """A single stream; its weights are those of the global stream of `make_two_streams` with the same seed."""
    return WholeClip(front_end(recipe), make_tagger(recipe, n_classes=n_classes, seed=seed))


def make_two_streams(
    recipe: GlobalAndLocal, *, n_classes: int | None = None, seed: int = 0, source: str = "selected"
) -> GlobalLocal:
    """GL-AT with the recipe's switches; `source` "selected", or "random" and "even" windows as controls."""
    seeds: Iterator[int] = iter((seed, seed + _SEEDS_APART))
    return GlobalLocal(
        front_end(recipe), lambda: make_tagger(recipe, n_classes=n_classes, seed=next(seeds)),
        n_windows=recipe.n_windows, window_samples=recipe.window_samples, share=recipe.share,
        freeze_global=recipe.freeze_global, frame_classifier=recipe.frame_classifier, suppress=recipe.suppress,
        true_centres=recipe.true_centres, source=source, source_seed=seed,
    )  # fmt: skip


def whole_clip_pair(recipe: GlobalAndLocal) -> GlobalAndLocal:
    """The recipe whose one window is the clip: two whole-clip networks, fused. Plain ensembling, the main control."""
    return recipe.but(n_windows=1, window_s=recipe.clip_s)


# Training and evaluation


def train(
    world: World, recipe: GlobalAndLocal, seed: int = 0, *, model: nn.Module, **options: Any
) -> Trained:
    """Train a network of `make_single` or `make_two_streams` on weak labels; the last epoch is kept.

    `options` are those of `audiolab.training.fit` (`device`, `checkpoint`, `progress`).
    """
    two = isinstance(model, GlobalLocal)
    criterion = GlobalLocalLoss(only_local=model.freeze_global) if two else TaggingLoss()

    def metric(model: nn.Module, loader: training.Loader) -> dict[str, float]:
        found = predict(model, loader.x.numpy())
        scores = {f"map_{name}": _map(loader.y.numpy(), probs) for name, probs in found.probs.items()}
        counted = model.local_stream if two else model.global_stream
        return scores | {"steps": float(counted.bn0.num_batches_tracked)}

    drawn = training.make_loader(world.train.samples, world.train.y, batch_size=recipe.batch_size, shuffle=True)
    if recipe.balanced or recipe.mixup:
        drawn = DrawnLoader(drawn, balanced=recipe.balanced, mixed=recipe.mixup)
    loaders = training.Loaders(
        drawn,
        training.make_loader(world.validation.samples, world.validation.y, batch_size=recipe.batch_size),
    )
    return Trained(model, training.fit(model, training.make_step(criterion), loaders, recipe, metric, seed=seed,
                                       **options))  # fmt: skip


def _map(y: np.ndarray, probs: np.ndarray) -> float:
    """Mean average precision for the history; chance level is meaningless for a handful of clips, 0 without any."""
    try:
        return tagging_scores(y, probs)["map"]
    except ValueError:
        return 0.0


@torch.no_grad()
def predict(model: nn.Module, samples: np.ndarray, *, batch_size: int = 16) -> Predictions:
    """Probabilities (0..1), frame scores and windows for clips (B, n), in evaluation mode.

    Raises ValueError for clips shorter than a window.
    """
    was_training, device = model.training, next(model.parameters()).device
    model.eval()
    try:
        parts = [model(torch.as_tensor(samples[i : i + batch_size]).to(device))
                 for i in range(0, len(samples), batch_size)]  # fmt: skip
    finally:
        model.train(was_training)

    def join(name: str) -> np.ndarray:
        return torch.cat([getattr(part, name) for part in parts]).float().cpu().numpy()

    if not isinstance(model, GlobalLocal):
        return Predictions({"global": join("probs")}, join("frame_probs"), None, None)
    probs = {"global": join("probs_global"), "local": join("probs_local"), "fused": join("probs")}
    windows = Windows(*(torch.cat([part.windows[i] for part in parts]).cpu().numpy() for i in range(3)))
    return Predictions(probs, join("frame_probs"), join("window_probs"), windows)


def score(found: Predictions, y: np.ndarray) -> dict[str, float]:
    """`map_...`, `mauc_...`, `d_prime_...` of each inference mode; `map` and the rest alone are the final decision's.

    With two streams `map_mean` is the plain average of both, beside the paper's fusion.
    """
    probs = dict(found.probs)
    if "fused" in probs:
        probs["mean"] = (probs["global"] + probs["local"]) / 2
    values = {}
    for mode, these in probs.items():
        scores = tagging_scores(y, these)
        final = mode == ("fused" if "fused" in probs else "global")
        for name in ("map", "mauc", "d_prime"):
            values[f"{name}_{mode}"] = scores[name]
            if final:
                values[name] = scores[name]
    return values


def cases(found: Predictions, split: Split, classes: Sequence[str], recipe: GlobalAndLocal) -> list[WindowCase]:
    """Windows of truly present classes, ready to be scored against the true events."""
    return window_cases(
        found.windows, found.frame_probs, split.events, classes, sample_rate=recipe.sample_rate,
        window_s=recipe.window_s, duration_s=recipe.clip_s,
    )


def place_windows(found: Predictions, recipe: GlobalAndLocal, kind: str, *, seed: int = 0) -> Predictions:
    """The same predictions with windows put elsewhere, "random" or "even": what looking anywhere would find.

    Raises ValueError for another kind.
    """
    n_samples, shape = recipe.clip_samples, found.windows.starts.shape
    if kind == "even":
        starts = even_starts(*shape, window=recipe.window_samples, n_samples=n_samples).numpy()
    elif kind == "random":
        starts = np.random.default_rng(seed).integers(0, n_samples - recipe.window_samples + 1, shape)
    else:
        raise ValueError(f"kind: expected 'random' or 'even', got {kind!r}")
    return found._replace(windows=found.windows._replace(starts=starts))


def containing(found: list[WindowCase]) -> float:
    """Share of the windows that hold at least half of an event of their class, 0..1."""
    return float(np.mean([case.share >= 0.5 for case in found])) if found else float("nan")


def chance(found: list[WindowCase], split: Split, recipe: GlobalAndLocal) -> float:
    """What `containing` is for windows of uniformly random place, exactly."""
    return float(np.mean([
        chance_of_containing(split.events[case.clip], case.label, recipe.window_s, duration_s=recipe.clip_s)
        for case in found
    ]))  # fmt: skip


def gradient_norms(model: GlobalLocal, samples: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """Norm of the gradient that each loss alone sends to the global stream's parameters, in evaluation mode.

    With separate weights that of "local" is exactly 0: an arg max and a cut lie between.
    """
    model.eval()
    norms = {}
    for name in ("global", "local"):
        model.zero_grad(set_to_none=True)
        output = model(torch.as_tensor(samples))
        GlobalLocalLoss()(output, training.Batch(None, torch.as_tensor(y))).terms[name].backward()
        parts = [p.grad.square().sum() for p in model.global_stream.parameters() if p.grad is not None]
        norms[name] = float(torch.stack(parts).sum().sqrt()) if parts else 0.0
    model.zero_grad(set_to_none=True)
    return norms


# The study

RECORDED = ("single", "gl_at", "random", "two_whole")
MADE_HERE = (
    "single", "gl_at", "share_all", "n5", "n7", "tau1", "two_whole", "tau5", "n1", "random", "frozen", "tau2",
    "share_classifier",
)  # fmt: skip
MODES = ("global", "local", "fused")
PLACES = ("selected", "random", "even")


def recipe() -> GlobalAndLocal:
    """The published recipe."""
    return GlobalAndLocal()


def grid(recipe: GlobalAndLocal) -> list[Run]:
    """Systems on recordings, the same and all switches on made-here sounds, and, with fewer seeds, other backbones.

    "modes" and "windows" read the network that "recorded" trained for that seed.
    """
    runs: list[Run] = []

    def add(experiment: str, name: str, values: Sequence[str], n_seeds: int) -> None:
        runs.extend(Run(CHAPTER, experiment, {name: v}, seed, recipe) for seed in range(n_seeds) for v in values)

    if _recordings_there():
        add("recorded", "model", RECORDED, recipe.n_seeds)
        add("modes", "mode", MODES, recipe.n_seeds)
        add("windows", "windows", PLACES, recipe.n_seeds)
    add("made_here", "model", MADE_HERE, recipe.n_seeds)
    for backbone in ("resnet38", "talnet", "sca_style"):
        add("backbones", "model", (f"{backbone}/single", f"{backbone}/gl_at"), recipe.n_seeds)
    return runs


def _recordings_there() -> bool:
    from audiolab.data import esc50

    try:
        esc50.find_esc50()
    except FileNotFoundError:
        return False
    return True


def system(recipe: GlobalAndLocal, name: str, *, n_classes: int, seed: int) -> tuple[nn.Module, GlobalAndLocal]:
    """An untrained system of the study by name, and the recipe with that system's switches.

    "single"; "gl_at"; "random" windows; "two_whole", two whole-clip networks; "frozen" (its global stream must still be
    given weights); "share_classifier", "share_all"; "n5" and "tau2" change N and the window's seconds; "resnet38/gl_at"
    and the like change the backbone. Raises ValueError for an unknown name.
    """
    if "/" in name:
        backbone, name = name.split("/")
        recipe = recipe.but(backbone=backbone)
    source = "random" if name == "random" else "selected"
    if name == "two_whole":
        recipe = whole_clip_pair(recipe)
    elif name.startswith("share_"):
        recipe = recipe.but(share=name.removeprefix("share_"))
    elif name == "frozen":
        recipe = recipe.but(freeze_global=True)
    elif name[0] == "n" and name[1:].isdigit():
        recipe = recipe.but(n_windows=int(name[1:]))
    elif name.startswith("tau") and name[3:].isdigit():
        recipe = recipe.but(window_s=float(name[3:]))
    elif name not in ("single", "gl_at", "random"):
        raise ValueError(f"name: expected one of {MADE_HERE}, got {name!r}")
    if name == "single":
        return make_single(recipe, n_classes=n_classes, seed=seed), recipe
    return make_two_streams(recipe, n_classes=n_classes, seed=seed, source=source), recipe


def trained_system(world: World, recipe: GlobalAndLocal, name: str, seed: int) -> tuple[Trained, GlobalAndLocal]:
    """A system trained on a world, or read from its checkpoint when it was trained before by the same recipe."""
    model, own = system(recipe, name, n_classes=len(world.classes), seed=seed)
    if name == "frozen":
        alone, _ = trained_system(world, recipe, "single", seed)
        model.global_stream.load_state_dict(alone.model.global_stream.state_dict())
    made_by = hashlib.sha256("".join(module_hash(m) for m in MODULES).encode()).hexdigest()[:8]
    label = f"{name.replace('/', '-')}-{recipe.hash()}-{world.checksum}-{made_by}-{seed}"
    folder = cache_folder() / "checkpoints" / label
    return train(world, own, seed, model=model, checkpoint=folder, progress=False), own


def run(run: Run) -> Result:
    """One entry of `grid`.

    Raises ValueError at profile "paper", whose data set is not made here.
    """
    recipe = run.recipe
    if recipe.profile == "paper":
        raise ValueError("profile: 'paper' needs AudioSet, which is not distributed; expected 'study', or --dry-run")
    dataset = "esc10" if run.experiment in ("recorded", "modes", "windows") else "made-here"
    world = make_world(recipe, dataset)
    name = run.condition.get("model", "gl_at")
    own, found, n_parameters = _tested(world, recipe, name, run.seed)
    values = score(found, world.test.y)
    if run.experiment == "modes":
        mode = run.condition["mode"]
        values = {name: values[f"{name}_{mode}"] for name in ("map", "mauc", "d_prime")}
    elif run.experiment == "windows":
        kind = run.condition["windows"]
        placed = found if kind == "selected" else place_windows(found, own, kind, seed=run.seed)
        looked = cases(placed, world.test, world.classes, own)
        values = {
            "containing": containing(looked), "chance": chance(looked, world.test, own),
            "n_windows_scored": len(looked),
        }
    elif found.windows is not None:
        looked = cases(found, world.test, world.classes, own)
        values |= {"containing": containing(looked), "chance": chance(looked, world.test, own)}
    named = "ESC-10 soundscapes" if dataset == "esc10" else "brief sounds, made here"
    return Result(values, n_parameters, {"name": named, "checksum": world.checksum})


_LAST: dict[str, tuple[GlobalAndLocal, Predictions, int]] = {}


def _tested(world: World, recipe: GlobalAndLocal, name: str, seed: int) -> tuple[GlobalAndLocal, Predictions, int]:
    """Recipe, test predictions and parameters of a trained system; the last one is kept, for several rows read it."""
    key = f"{world.checksum} {recipe.hash()} {name} {seed}"
    if key not in _LAST:
        trained, own = trained_system(world, recipe, name, seed)
        _LAST.clear()
        n_parameters = sum(p.numel() for p in trained.model.parameters())
        _LAST[key] = (own, predict(trained.model, world.test.samples), n_parameters)
    return _LAST[key]


def dry_run(recipe: GlobalAndLocal) -> dict[str, dict[str, Any]]:
    """One step of each backbone's GL-AT at full width on two random clips of the paper's shape, and its cost.

    Seconds are this machine's, scaled to the paper's batch; hours are for its 800 000 steps.
    """
    rows = {}
    for backbone in ("cnn10", "talnet", "sca_style", "resnet38"):
        own = recipe.but(backbone=backbone)
        model = make_two_streams(own, seed=0).train()
        generator = torch.Generator().manual_seed(0)
        x = torch.randn(2, recipe.clip_samples, generator=generator)
        y = (torch.rand(2, recipe.n_classes, generator=generator) < 0.005).float()
        optimizer = torch.optim.Adam(model.parameters(), lr=recipe.learning_rate)
        started = time.perf_counter()
        GlobalLocalLoss()(model(x), training.Batch(x, y)).total.backward()
        optimizer.step()
        seconds = (time.perf_counter() - started) * recipe.batch_size / 2
        steps = 800_000
        rows[f"{backbone} + GL-AT"] = {
            "parameters": sum(p.numel() for p in model.parameters()),
            "input": f"({recipe.batch_size}, {recipe.clip_samples})",
            "seconds per step here": round(seconds, 1),
            "steps": steps,
            "hours here": round(seconds * steps / 3600),
            "peak memory for two clips, GB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
            "download": "AudioSet, about 1.1 TB of audio, not distributed",
        }
    return rows
