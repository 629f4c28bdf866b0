"""ESC-50 and its ten-class part ESC-10: five-second recordings of single sounds, in folds (Piczak 2015).

Layout: `meta/esc50.csv` with the columns filename, fold, target, category, esc10 and `audio/` with the files named
there. A clip is looked for with its own ending first and then as `.ogg`, so that compressed copies work as well.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from math import gcd
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

_COLUMNS = ("filename", "fold", "target", "category", "esc10")
_FOLDERS = ("ESC-50", "ESC-50-master", "ESC-10", "")
_HINT = (
    "set AUDIOLAB_DATA to a folder holding ESC-50/ with meta/esc50.csv and audio/, from github.com/karolpiczak/ESC-50"
)


class Clip(NamedTuple):
    """One row of the table, and where its sound lies."""

    path: Path
    fold: int
    target: int  # ESC-50's number, 0 to 49
    category: str


class Clips(NamedTuple):
    """Clips read into memory: `samples` (N, n_samples) float32, `labels` (N,) into `classes`, `rows` their origin."""

    samples: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]
    rows: list[Clip]
    sample_rate: int


def data_folder() -> Path:
    """The folder of official data sets: `AUDIOLAB_DATA`, or the platform's cache directory."""
    if named := os.environ.get("AUDIOLAB_DATA"):
        return Path(named)
    import platformdirs

    return Path(platformdirs.user_cache_dir("audiolab")) / "data"


def find_esc50(root: str | Path | None = None) -> Path:
    """The folder with `meta/esc50.csv`: `root` itself, or ESC-50 or ESC-10 in it.

    Raises FileNotFoundError when there is none (says where it was looked for and how to get it).
    """
    root = data_folder() if root is None else Path(root)
    for name in _FOLDERS:
        if (root / name / "meta" / "esc50.csv").exists():
            return root / name
    raise FileNotFoundError(f"ESC-50: no meta/esc50.csv in {root} or its folders {', '.join(_FOLDERS[:-1])}; {_HINT}")


def list_esc50(
    root: str | Path | None = None, *, folds: Sequence[int] | None = None, classes: Sequence[str] | None = None
) -> list[Clip]:
    """Rows of the table in file-name order, of these folds and categories only; `None` means all there are.

    Raises:
        FileNotFoundError: when the data set is not there, or a clip's file is not (names it).
        ValueError: when the table lacks a column, or a fold or category does not occur in it.
    """
    folder = find_esc50(root)
    table = pd.read_csv(folder / "meta" / "esc50.csv")
    if missing := [name for name in _COLUMNS if name not in table]:
        raise ValueError(f"{folder / 'meta' / 'esc50.csv'}: expected the columns {_COLUMNS}, got none of {missing}")
    for name, wanted, column in (("folds", folds, "fold"), ("classes", classes, "category")):
        known = set(table[column])
        if unknown := [one for one in wanted or () if one not in known]:
            raise ValueError(f"{name}: expected some of {sorted(known)}, got {unknown}")
        if wanted is not None:
            table = table[table[column].isin(list(wanted))]
    return [
        Clip(_clip_path(folder / "audio", row.filename), int(row.fold), int(row.target), row.category)
        for row in table.sort_values("filename").itertuples()
    ]


def read_esc50(
    root: str | Path | None = None,
    *,
    folds: Sequence[int] | None = None,
    classes: Sequence[str] | None = None,
    sample_rate: int = 22050,
    duration_s: float = 5.0,
) -> Clips:
    """Clips of the given folds and categories, all cut or padded with zeros to `duration_s` seconds.

    `labels` index into `classes` in the order given (in ESC-50's own order when `None`). Values may exceed 1 slightly
    where a compressed copy overshoots. Errors as `list_esc50` and `read_clip`.
    """
    rows = list_esc50(root, folds=folds, classes=classes)
    if classes is None:
        classes = [category for _, category in sorted({(row.target, row.category) for row in rows})]
    samples = [read_clip(row.path, sample_rate=sample_rate, duration_s=duration_s) for row in rows]
    labels = np.array([list(classes).index(row.category) for row in rows], dtype=np.int64)
    stacked = np.stack(samples) if samples else np.zeros((0, round(duration_s * sample_rate)), dtype=np.float32)
    return Clips(stacked, labels, tuple(classes), rows, sample_rate)


def read_clip(path: str | Path, *, sample_rate: int = 22050, duration_s: float = 5.0) -> np.ndarray:
    """One sound file as mono float32 (n_samples,), first channel, resampled, cut or zero-padded to `duration_s`.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when it cannot be decoded (names it), or a number is not positive.
    """
    import soundfile
    from scipy.signal import resample_poly

    if sample_rate <= 0 or duration_s <= 0:
        raise ValueError(f"sample_rate, duration_s: expected positive numbers, got {sample_rate} and {duration_s}")
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"path: no file {path}")
    try:
        samples, own_rate = soundfile.read(path, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise ValueError(f"path: expected a sound file, got {path} ({error})") from error
    samples = samples[:, 0]
    if own_rate != sample_rate:
        shared = gcd(own_rate, sample_rate)
        samples = resample_poly(samples, sample_rate // shared, own_rate // shared)
    n_samples = round(duration_s * sample_rate)
    samples = samples[:n_samples]
    return np.pad(samples, (0, n_samples - len(samples))).astype(np.float32)


def _clip_path(folder: Path, filename: str) -> Path:
    for path in (folder / filename, (folder / filename).with_suffix(".ogg")):
        if path.exists():
            return path
    raise FileNotFoundError(f"ESC-50: no file {filename} (nor .ogg) in {folder}, though the table lists it")
