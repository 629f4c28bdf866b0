"""Libraries of the reader's own for the sound-effects study: a folder named by UCS, and public sets from Freesound.

Both become `sound_effects.Data`, which `sound_effects.train` and `evaluate` take like a library made here.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from audiolab.data import freesound, ucs
from audiolab.data.sounds import read_clip, readable
from audiolab.data.splits import split_library
from audiolab.recipes.sound_effects import SoundEffects

from . import sound_effects
from .cache import cached_arrays

LONGEST_S = 30.0  # of a file; what lies beyond is not read


class Own(NamedTuple):
    """A library, and the files that are not in it with the reason of each."""

    data: sound_effects.Data
    dropped: dict[Path, str]


def library_of(
    recipe: SoundEffects, name: str, paths: Sequence[Path], labels: Sequence[str], groups: Sequence[str], *,
    per_class: int = 150, smallest_class: int = 10,
) -> Own:
    """A library from sound files, their classes and the recordings they were cut from; log-mels come from the cache.

    Dropped are files that cannot be read, those beyond `per_class` (evenly spaced over the sorted paths), and classes
    left with fewer than `smallest_class` files or three recordings. Parts are split by recording, or by file where the
    recipe says so.

    Raises ValueError when the three lists differ in length or no class is left.
    """
    if not len(paths) == len(labels) == len(groups):
        raise ValueError(f"paths, labels, groups: expected one length, got {len(paths)}, {len(labels)}, {len(groups)}")
    rows = sorted(zip(map(Path, paths), map(str, labels), map(str, groups), strict=True))
    dropped = {path: reason for path, _, _ in rows if (reason := readable(path))}
    rows = [row for row in rows if row[0] not in dropped]
    kept = []
    for label in sorted({row[1] for row in rows}):
        own = [row for row in rows if row[1] == label]
        if len(own) < smallest_class or len({group for *_, group in own}) < 3:
            reason = f"class {label!r} with fewer than {smallest_class} files or 3 recordings"
            dropped |= {path: reason for path, *_ in own}
            continue
        chosen = {i * len(own) // per_class for i in range(per_class)} if len(own) > per_class else set(range(len(own)))
        kept += [row for i, row in enumerate(own) if i in chosen]
        dropped |= {row[0]: f"beyond {per_class} files of a class" for i, row in enumerate(own) if i not in chosen}
    if not kept:
        raise ValueError(f"labels: expected a class with {smallest_class} files and 3 recordings, got none of {name!r}")

    def make() -> dict[str, np.ndarray]:
        log_mel = sound_effects.front_end(recipe)
        frames = [log_mel(torch.from_numpy(_read(path, recipe.sample_rate))[None])[0] for path, *_ in kept]
        words = [label for _, label, _ in kept]
        return sound_effects._arrays(frames, words, words, [group for *_, group in kept])

    about = [[str(path), path.stat().st_size, path.stat().st_mtime_ns, label] for path, label, _ in kept]
    digest = hashlib.sha256(json.dumps(about).encode()).hexdigest()
    key = [digest, sound_effects._input_key(recipe)]
    arrays = cached_arrays(f"own_{name}", key, sound_effects.DATA_MODULES[-1:], make)
    by_recording = arrays["groups"] if recipe.split_by == "recording" else None
    parts = split_library(arrays["truth"], by_recording, shares=recipe.shares, seed=recipe.world_seed)
    classes = tuple(sorted({label for _, label, _ in kept}))
    return Own(sound_effects._data(name, arrays, classes, parts), dropped)


def _read(path: Path, sample_rate: int) -> np.ndarray:
    import soundfile

    about = soundfile.info(path)
    seconds = min(LONGEST_S, about.frames / about.samplerate)
    return read_clip(path, sample_rate=sample_rate, duration_s=seconds, channel="mean")


def ucs_library(recipe: SoundEffects, folder: str | Path, **limits: int) -> Own:
    """A folder of sounds named by UCS: class is the category, recording what the names have in common.

    `limits` are `per_class` and `smallest_class` of `library_of`. What `data.ucs.read_folder` drops is in `dropped`.
    Raises FileNotFoundError without the folder or the list of categories, and ValueError when no class is left.
    """
    found = ucs.read_folder(folder, smallest_class=1, per_class=10**9)
    sounds = found.sounds
    own = library_of(
        recipe, Path(folder).name, [s.path for s in sounds], [s.category for s in sounds],
        [s.group for s in sounds], **limits,
    )
    return own._replace(dropped={d.path: d.reason for d in found.dropped} | own.dropped)


def public_libraries(
    recipe: SoundEffects, names: Sequence[str] = ("esc50", "urbansound8k", "fsdnoisy18k", "fsd50k"), *,
    root: str | Path | None = None, **limits: int,
) -> list[Own]:
    """Public sets as libraries, in the order of who keeps a Freesound recording that several hold.

    Raises as `data.freesound.read_rows` and `library_of`.
    """
    left = freesound.remove_shared({name: freesound.read_rows(name, root) for name in names})
    libraries = []
    for name, rows in left.rows.items():
        fields = [row.path for row in rows], [row.label for row in rows], [row.freesound_id for row in rows]
        libraries.append(library_of(recipe, name, *fields, **limits))
    return libraries


def count_reasons(dropped: dict[Path, str]) -> dict[str, int]:
    """How many files were dropped for each reason, the most frequent first."""
    return dict(Counter(dropped.values()).most_common())
