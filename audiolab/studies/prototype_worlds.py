"""The data of local prototypes' experiments: scenes made here, mixed from recordings or URBAN-SED, in scaled segments.

One clip gives ten segments of a second; both networks see the same scenes, each through the features of Zinemanas et
al. 2021, section 3. Axes: N segments, T time frames, F mel bands, K classes.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import torch

from audiolab.data import urban_sed
from audiolab.data.recorded_events import RecordedEvents
from audiolab.data.sounds import read_clip
from audiolab.features.melspec import BandScaler, LogMel, MinMaxScaler, to_segments
from audiolab.recipes.local_prototypes import LocalPrototypes
from audiolab.worlds import scenes, small
from audiolab.worlds.backgrounds import make_background
from audiolab.worlds.events import URBAN_CLASSES

from .cache import cached_arrays

WORLD_MODULES = tuple(
    f"audiolab.worlds.{name}" for name in ("scenes", "small", "events", "urban", "backgrounds", "blocks", "effects")
)
DATA_MODULES = (*WORLD_MODULES, "audiolab.features.melspec", "audiolab.data.recorded_events")
DATA_FIELDS = (
    "sample_rate", "n_fft", "hop_length", "n_mels", "top_db", "chunking", "cnn_n_fft", "clip_s", "segment_s",
    "n_events", "event_s", "snr_db", "background", "background_db",
)  # fmt: skip
SPLIT_NUMBERS = {"train": 0, "validation": 1, "test": 3}  # clips of number 2 took part in choosing the study's sizes
FOLDS = {"train": (1, 2), "validation": (3,), "test": (4,)}
WORLD_SEED = 0  # as in the paper, every run of the study has the same clips and its own initial weights and order


class Split(NamedTuple):
    """Segments of one split, clip after clip: `x` (N, 20, F) in [-1, 1], `x_cnn` (N, 43, F), `y` (N, K) 0 or 1.

    `scene_seeds` has one entry per clip: `World.scene` makes the clip again, with stems if wanted.
    """

    x: np.ndarray
    x_cnn: np.ndarray
    y: np.ndarray
    scene_seeds: list[int]

    @property
    def n_clips(self) -> int:
        """Number of clips."""
        return len(self.scene_seeds)


class World(NamedTuple):
    """The data of one experiment: splits, the scalers fitted on `train`, and how to make a scene again."""

    name: str
    classes: tuple[str, ...]
    train: Split
    validation: Split
    test: Split
    scaler: MinMaxScaler
    cnn_scaler: BandScaler
    checksum: str
    makers: dict[str, Callable[..., Any]]

    def scene(self, split: Literal["train", "validation", "test"], clip: int, *, stems: bool = True) -> scenes.Scene:
        """Make clip number `clip` of a split again, with one signal per class when `stems`.

        Raises ValueError for data that were not made here.
        """
        if split not in self.makers:
            raise ValueError(f"split: expected one of {sorted(self.makers)} of {self.name}, got {split!r}")
        return self.makers[split](seed=getattr(self, split).scene_seeds[clip], stems=stems)


def small_world(recipe: LocalPrototypes, seed: int = WORLD_SEED, *, progress: bool = False) -> World:
    """The five-class world whose answer is known; `recipe` at any profile, its `small_` sizes are used."""

    def make(*, seed: int, stems: bool = False) -> Any:
        return small.make_small_scene(seed=seed, stems=stems, duration_s=recipe.clip_s, sample_rate=recipe.sample_rate)

    return _build("small", small.SMALL_CLASSES, make, recipe.for_small_world(), seed, progress=progress)


def ten_class_world(recipe: LocalPrototypes, seed: int = WORLD_SEED, *, progress: bool = False) -> World:
    """The stand-in for URBAN-SED: its ten classes, made here, under its mixing rules.

    About 0.1 s a clip the first time, then from the cache. Each split has its own seed, derived from `seed`; `progress`
    shows a bar in a terminal. Levels in dB and lengths in seconds are the recipe's.
    """
    classes = tuple(URBAN_CLASSES)
    return _build("ten_class", classes, _mixer(recipe, classes), recipe, seed, progress=progress)


def recorded_world(recipe: LocalPrototypes, seed: int = WORLD_SEED, *, progress: bool = False) -> World:
    """Mixtures of ESC-10's recordings under the same rules: folds 1 and 2 train, 3 validates, 4 tests.

    ESC-50's folds keep all clips cut from one source recording together, so no source is in two splits. The background
    is made here. Raises FileNotFoundError when the recordings are not there (says how to get them).
    """
    sources = {name: RecordedEvents(folds=folds, sample_rate=recipe.sample_rate) for name, folds in FOLDS.items()}
    classes = sources["train"].classes
    mixers = {name: _mixer(recipe, classes, source) for name, source in sources.items()}
    sized = recipe.but(**{f"n_{split}_clips": getattr(recipe, f"recorded_n_{split}_clips") for split in FOLDS})
    origin = [source.checksum for source in sources.values()]
    return _build("recorded", classes, mixers, sized, seed, progress=progress, origin=origin)


def urban_sed_world(recipe: LocalPrototypes, *, root: str | Path | None = None, progress: bool = False) -> World:
    """The paper's own data in its own splits; of each split the first clips, as many as the recipe says.

    All of it is 3.2 GB of segments, twice while they are scaled. There are no stems, and so no `World.scene`.
    Raises FileNotFoundError when the data set is not there (says how to get it).
    """
    names = dict(zip(SPLIT_NUMBERS, urban_sed.SPLITS, strict=True))
    splits = {split: urban_sed.list_urban_sed(root, splits=[name]) for split, name in names.items()}
    raw = {}
    for split, rows in splits.items():
        rows = rows[: getattr(recipe, f"n_{split}_clips")]
        listed = [(row.path.name, [list(event) for event in row.events]) for row in rows]

        def read(number: int, rows: list[urban_sed.Soundscape] = rows) -> tuple[np.ndarray, Any]:
            row = rows[number]
            return read_clip(row.path, sample_rate=recipe.sample_rate, duration_s=recipe.clip_s), row.events

        raw[split] = _cached_split(
            f"urban_sed-{split}", urban_sed.CLASSES, read, recipe, list(range(len(rows))), listed, progress
        )
    return _scaled("urban_sed", urban_sed.CLASSES, raw, {})


def _mixer(
    recipe: LocalPrototypes, classes: tuple[str, ...], source: Callable[..., Any] | None = None
) -> Callable[..., Any]:
    """URBAN-SED's rules with the recipe's ranges: a callable of `seed` and `stems`."""

    def make(*, seed: int, stems: bool = False) -> Any:
        return scenes.make_scene(
            seed=seed, stems=stems, classes=classes, duration_s=recipe.clip_s, sample_rate=recipe.sample_rate,
            n_events=recipe.n_events, event_s=recipe.event_s, snr_db=recipe.snr_db, source=source,
            background=functools.partial(make_background, recipe.background), background_db=recipe.background_db,
        )

    return make


def front_end(recipe: LocalPrototypes) -> LogMel:
    """The prototype network's log-mel spectrogram."""
    return LogMel(
        sample_rate=recipe.sample_rate, n_fft=recipe.n_fft, hop_length=recipe.hop_length, n_mels=recipe.n_mels,
        top_db=recipe.top_db,
    )


def cnn_front_end(recipe: LocalPrototypes) -> LogMel:
    """The CNN's log-mel spectrogram: short windows that do not overlap."""
    return LogMel(
        sample_rate=recipe.sample_rate, n_fft=recipe.cnn_n_fft, hop_length=recipe.cnn_n_fft, n_mels=recipe.n_mels,
        top_db=recipe.top_db,
    )


def _build(
    name: str,
    classes: tuple[str, ...],
    make: Callable[..., Any] | dict[str, Callable[..., Any]],
    recipe: LocalPrototypes,
    seed: int,
    *,
    progress: bool,
    origin: Any = None,
) -> World:
    """Make, scale and check-sum the splits; `make` is one mixer or one for each split, `origin` what it mixes."""
    makers = make if isinstance(make, dict) else dict.fromkeys(SPLIT_NUMBERS, make)
    raw = {}
    for split, number in SPLIT_NUMBERS.items():
        split_seed = scenes.scene_seed(seed, number)
        seeds = [scenes.scene_seed(split_seed, i) for i in range(getattr(recipe, f"n_{split}_clips"))]

        def clip(seed: int, split: str = split) -> tuple[np.ndarray, Any]:
            scene = makers[split](seed=seed)
            return scene.samples, scene.events

        raw[split] = _cached_split(f"{name}-{split}", classes, clip, recipe, seeds, origin, progress)
    return _scaled(name, classes, raw, makers)


def _scaled(
    name: str, classes: tuple[str, ...], raw: dict[str, Split], makers: dict[str, Callable[..., Any]]
) -> World:
    """The world of splits in dB: scaled by what the training split spans, and check-summed."""
    scaler, cnn_scaler = MinMaxScaler().fit(raw["train"].x), BandScaler().fit(raw["train"].x_cnn)
    checksum = hashlib.sha256()
    for one in raw.values():
        checksum.update(np.round(one.x, 1).tobytes() + one.y.tobytes())  # 0.1 dB: the same on other processors
    scaled = {
        key: one._replace(x=_float32(scaler.transform(one.x)), x_cnn=_float32(cnn_scaler.transform(one.x_cnn)))
        for key, one in raw.items()
    }
    return World(name, classes, **scaled, scaler=scaler, cnn_scaler=cnn_scaler,
                 checksum=checksum.hexdigest()[:12], makers=makers)  # fmt: skip


def _cached_split(
    name: str,
    classes: tuple[str, ...],
    clip: Callable[[int], tuple[np.ndarray, Any]],
    recipe: LocalPrototypes,
    seeds: list[int],
    origin: Any,
    progress: bool,
) -> Split:
    """Segments in dB, from the cache when the same code made them before; `clip` gives samples and events."""

    def compute() -> dict[str, np.ndarray]:
        from tqdm.auto import tqdm

        log_mels = (front_end(recipe), cnn_front_end(recipe))
        # An empty first part, so that a split without clips has the right shape too.
        shapes = ((0, recipe.n_frames, recipe.n_mels), (0, recipe.cnn_n_frames, recipe.n_mels), (0, len(classes)))
        parts: list[tuple[np.ndarray, ...]] = [tuple(np.zeros(shape) for shape in shapes)]
        for seed in tqdm(seeds, unit="scene", disable=None if progress else True):
            sound, events = clip(seed)
            samples = torch.as_tensor(sound)[None]
            x, x_cnn = (to_segments(samples, log_mel, mode=recipe.chunking).numpy() for log_mel in log_mels)
            y = scenes.segment_labels(events, classes, duration_s=recipe.clip_s, segment_s=recipe.segment_s)
            parts.append((x, x_cnn, y))
        stacked = (np.concatenate([_float32(one) for one in part]) for part in zip(*parts, strict=True))
        return dict(zip(("x", "x_cnn", "y"), stacked, strict=True))

    key = [classes, seeds, [getattr(recipe, field) for field in DATA_FIELDS], origin]
    arrays = cached_arrays(name, key, DATA_MODULES, compute)
    return Split(**arrays, scene_seeds=seeds)


def _float32(values: np.ndarray) -> np.ndarray:
    return np.asarray(values, dtype=np.float32)
