"""AudioSet as PANNs packs it: HDF5 files with every clip's name, waveform and weak label.

Entries: `audio_name` (n,) bytes such as `Y<id>.wav`; `waveform` (n, n_samples) int16, full scale 32767; `target`
(n, 527) bool. Files that could not be downloaded leave a row of zeros without a label. An index file has names and
targets of many packed files with, for each clip, `hdf5_path` and `index_in_hdf5`. The audio is not distributed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

_FIELDS = ("audio_name", "waveform", "target")
_INDEX_FIELDS = ("audio_name", "target", "hdf5_path", "index_in_hdf5")
_FULL_SCALE = 32767


class PackedClips(NamedTuple):
    """Clips of a packed file: `names`, `samples` (B, n) float32, weak labels `y` (B, K) uint8, and rows left out."""

    names: tuple[str, ...]
    samples: np.ndarray
    y: np.ndarray
    n_left_out: int


class PackedIndex(NamedTuple):
    """Clips of many packed files: `names`, weak labels `y` (B, K) uint8, file and row of each, and rows left out."""

    names: tuple[str, ...]
    y: np.ndarray
    files: tuple[Path, ...]
    rows: np.ndarray  # (B,)
    n_left_out: int


def read_packed(
    path: str | Path, *, rows: Sequence[int] | None = None, open_file: Callable[[Path], Any] | None = None
) -> PackedClips:
    """Read rows of a packed file; those without any label are left out and counted.

    Args:
        path: the HDF5 file.
        rows: which rows, in this order; None means all, which for AudioSet is far more than a machine's memory.
        open_file: opens the file as a mapping of arrays with `close`; None means `h5py.File`.

    Raises:
        FileNotFoundError: no such file.
        ValueError: it is no HDF5 file, an entry is missing or has another shape or type, or a row does not exist.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"path: no file {path}")
    file = (open_file or _open_hdf5)(path)
    try:
        if missing := [name for name in _FIELDS if name not in file]:
            raise ValueError(f"path: expected the entries {_FIELDS} in {path}, got none of {missing}")
        names, waveform, target = (file[name] for name in _FIELDS)
        n = len(names)
        if len(waveform.shape) != 2 or len(target.shape) != 2 or not len(waveform) == len(target) == n:
            raise ValueError(f"path: expected waveform (n, samples) and target (n, K) with n = {n} in {path}")
        if waveform.dtype != np.int16:
            raise ValueError(f"path: expected int16 waveforms in {path}, got {waveform.dtype}")
        wanted = range(n) if rows is None else [int(row) for row in rows]
        if outside := [row for row in wanted if not 0 <= row < n]:
            raise ValueError(f"rows: expected 0 to {n - 1}, got {outside[0]}")
        labels = {row: np.asarray(target[row], dtype=np.uint8) for row in wanted}
        kept = [row for row in wanted if labels[row].any()]
        shape = (len(kept), waveform.shape[1])
        samples = np.stack([np.asarray(waveform[row]) for row in kept]) if kept else np.zeros(shape, np.int16)
        y = np.stack([labels[row] for row in kept]) if kept else np.zeros((0, target.shape[1]), np.uint8)
        texts = tuple(bytes(names[row]).decode() for row in kept)
    finally:
        file.close()
    return PackedClips(texts, samples.astype(np.float32) / _FULL_SCALE, y, len(wanted) - len(kept))


def read_packed_index(path: str | Path, *, root: str | Path | None = None) -> PackedIndex:
    """Read an index file; clips without any label are left out and counted.

    The index names files as they were called where they were packed. With `root` they lie below it under these names;
    without it beside the index: below the folder that has `hdf5s`, in PANNs' layout (`hdf5s/indexes`,
    `hdf5s/waveforms`), or in the index's own folder. `read_packed` reads rows of them.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not an HDF5 file, an entry is missing, or entries differ in length.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"path: no file {path}")
    file = _open_hdf5(path)
    try:
        if missing := [name for name in _INDEX_FIELDS if name not in file]:
            raise ValueError(f"path: expected the entries {_INDEX_FIELDS} in {path}, got none of {missing}")
        names, target, files, rows = (np.asarray(file[name]) for name in _INDEX_FIELDS)
    finally:
        file.close()
    if target.ndim != 2 or not len(names) == len(target) == len(files) == len(rows):
        raise ValueError(f"path: expected {len(names)} rows in every entry of {path}, target (n, K)")
    kept = np.flatnonzero(target.any(axis=1))
    texts = [bytes(files[k]).decode() for k in kept]
    found = [_beside(path, text) if root is None else Path(root) / text for text in texts]
    return PackedIndex(
        tuple(bytes(names[k]).decode() for k in kept), target[kept].astype(np.uint8), tuple(found),
        rows[kept].astype(np.int64), len(names) - len(kept),
    )


def _beside(index: Path, name: str) -> Path:
    """Where a packed file lies that an index names, wherever the folder of both has been moved."""
    parts, here = Path(name).parts, index.resolve()
    for folder in here.parents:
        if folder.name == "hdf5s" and "hdf5s" in parts:
            return folder.joinpath(*parts[parts.index("hdf5s") + 1 :])
    return index.parent / name


def _open_hdf5(path: Path) -> Any:
    import h5py

    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise ValueError(f"path: expected an HDF5 file, got {path} ({error})") from error
