"""The data of visual attention's experiments: bands of sampled instruments made here, their solo notes, OpenMIC-2018.

Log-mels are those of VGGish (Watcharasupat et al. 2020 take its input for both networks); labels that nobody gave are
nan. Axes: N clips, T frames, F mel bands, K classes.
"""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from audiolab.data import openmic
from audiolab.data.sounds import read_clip
from audiolab.features import vggish as front_end
from audiolab.recipes.visual_attention import VisualAttention
from audiolab.worlds import instruments
from audiolab.worlds.scenes import scene_seed

from .cache import cached_arrays

WORLD_MODULES = tuple(f"audiolab.worlds.{name}" for name in ("instruments", "note_bank", "scenes", "blocks", "effects"))
WORLD_SEED = 0


class Split(NamedTuple):
    """Clips of one split: log-mels `x` (N, T, F), known labels `y` (N, K) with nan, all labels `truth` (N, K)."""

    x: np.ndarray
    y: np.ndarray
    truth: np.ndarray
    clip_seeds: list[int]
    programs: str = "training"

    @property
    def n_clips(self) -> int:
        """Number of clips."""
        return len(self.x)


class World(NamedTuple):
    """The data of one experiment, and how to make one of its clips again with its stems."""

    classes: tuple[str, ...]
    train: Split
    validation: Split
    test: Split
    held_out: Split
    mean: float
    std: float
    checksum: str

    def clip(self, split: Split, number: int) -> instruments.InstrumentClip:
        """Make a clip of a split again, as `InstrumentClip`."""
        return instruments.make_instrument_clip(
            seed=split.clip_seeds[number], classes=self.classes, programs=split.programs
        )


def log_mel(samples: np.ndarray) -> np.ndarray:
    """Log-mel of one sound at 16 kHz, (n,) -> (T, 64) float32."""
    return front_end.VGGishLogMel()(torch.as_tensor(np.asarray(samples, dtype=np.float32))[None])[0].numpy()


@functools.lru_cache(maxsize=2)
def instrument_world(
    recipe: VisualAttention, seed: int = WORLD_SEED, *, classes: tuple[str, ...] = instruments.BAND
) -> World:
    """The four splits; about 0.05 s a clip the first time, then from the cache.

    `held_out` has as many clips as half of the test and only programs that training never plays.
    """
    sizes = {
        "train": (recipe.n_train_clips, recipe.known_rate, "training"),
        "validation": (recipe.n_validation_clips, recipe.test_known_rate, "training"),
        "test": (recipe.n_test_clips, recipe.test_known_rate, "training"),
        "held_out": (recipe.n_test_clips // 2, 1.0, "held_out"),
    }
    splits = {}
    for number, (name, (n, rate, programs)) in enumerate(sizes.items()):
        split_seed = scene_seed(seed, 100 + number)
        arrays = _clips(n, split_seed, classes, programs, recipe.clip_s)
        known = instruments.known_labels(arrays["truth"], rate=rate, seed=split_seed % 2**32)
        seeds = [scene_seed(split_seed, i) for i in range(n)]
        splits[name] = Split(arrays["x"], known, arrays["truth"], seeds, programs)
    x = splits["train"].x.astype(np.float32)
    return World(classes, **splits, mean=float(x.mean()), std=float(x.std()), checksum=_checksum(splits))


def _checksum(splits: dict[str, Split]) -> str:
    digest = hashlib.sha256()
    for split in splits.values():
        digest.update(np.round(split.x[:, ::50].astype(np.float32), 1).tobytes())
        digest.update(np.nan_to_num(split.y, nan=-1).tobytes())
    return digest.hexdigest()[:12]


def _clips(n: int, seed: int, classes: tuple[str, ...], programs: str, clip_s: float) -> dict[str, np.ndarray]:
    def make() -> dict[str, np.ndarray]:
        options = {"classes": classes, "programs": programs, "duration_s": clip_s}
        x = np.zeros((n, front_end.n_frames(round(clip_s * front_end.SAMPLE_RATE)), front_end.N_MELS), dtype=np.float16)
        truth = np.zeros((n, len(classes)), dtype=np.float32)
        for i in range(n):
            clip = instruments.make_instrument_clip(seed=scene_seed(seed, i), **options)
            x[i], truth[i] = log_mel(clip.samples), clip.labels
        return {"x": x, "truth": truth}

    key = [n, seed, list(classes), programs, clip_s]
    return cached_arrays("instruments", key, (*WORLD_MODULES, "audiolab.features.vggish"), make)


def openmic_world(recipe: VisualAttention, seed: int = WORLD_SEED, *, root: str | Path | None = None) -> World:
    """The paper's own data: OpenMIC-2018's official split, of which the first clips, as many as the recipe says.

    Validation clips are drawn from the training part with `seed`. Labels nobody gave stay unknown, there are no stems,
    no programs, and so neither `World.clip` nor a split `held_out`. All log-mels are 2.6 GB and stay in the cache.
    Raises FileNotFoundError where the data set or one of its sounds is not there.
    """
    table = openmic.read_openmic(root)
    train, validation = openmic.split_validation(table.train, seed=seed)
    sizes = {"train": (train, recipe.n_train_clips), "validation": (validation, recipe.n_validation_clips),
             "test": (table.test, recipe.n_test_clips), "held_out": (table.test, 0)}  # fmt: skip
    splits = {name: _openmic_split(table, rows[:n], recipe) for name, (rows, n) in sizes.items()}
    x = splits["train"].x
    mean, std = float(x.mean(dtype=np.float64)), float(x.std(dtype=np.float64))
    return World(table.classes, **splits, mean=mean, std=std, checksum=_checksum(splits))


def _openmic_split(table: openmic.OpenMIC, rows: np.ndarray, recipe: VisualAttention) -> Split:
    keys = [table.keys[row] for row in rows]

    def make() -> dict[str, np.ndarray]:
        n_frames = front_end.n_frames(round(recipe.clip_s * front_end.SAMPLE_RATE))
        x = np.zeros((len(keys), n_frames, front_end.N_MELS), dtype=np.float16)
        for i, key in enumerate(keys):
            path = table.audio_path(key)
            x[i] = log_mel(read_clip(path, sample_rate=front_end.SAMPLE_RATE, duration_s=recipe.clip_s))
        return {"x": x}

    sizes = [table.audio_path(key).stat().st_size for key in keys]
    x = cached_arrays("openmic", [keys, sizes, recipe.clip_s], ("audiolab.features.vggish",), make)["x"]
    return Split(x, table.y[rows], table.y[rows], [], "training")


def solo_notes(n: int, seed: int, *, programs: str = "training") -> dict[str, np.ndarray]:
    """Patches `x` (n, 98, 64) of one class alone and its number `label` (n,), all twenty classes in turn."""

    def make() -> dict[str, np.ndarray]:
        label = np.arange(n) % len(instruments.CLASSES)
        sounds = (
            instruments.solo_note(instruments.CLASSES[k], seed=scene_seed(seed, i), programs=programs)
            for i, k in enumerate(label)
        )
        x = [log_mel(sound) for sound in sounds]
        return {"x": np.stack(x).astype(np.float16), "label": label}

    return cached_arrays("solo-notes", [n, seed, programs], (*WORLD_MODULES, "audiolab.features.vggish"), make)
