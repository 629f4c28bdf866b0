"""Public sets that are drawn from Freesound, read where they lie, with what they share taken out.

UrbanSound8K (Salamon et al. 2014), FSDnoisy18k (Fonseca et al. 2019) and FSD50K (Fonseca et al. 2022) in their official
layouts, and ESC-50 through `esc50`. All four hold sounds of one site, so that one recording may lie in several of them;
before training on one and testing on another, `remove_shared` drops it from the later ones. Nothing is fetched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from .catalogue import CATALOGUE, hint
from .esc50 import data_folder, list_esc50
from .sounds import find_folder

_LAYOUTS = {
    "urbansound8k": ("UrbanSound8K", "metadata/UrbanSound8K.csv", "zenodo.org/records/1203745"),
    "fsdnoisy18k": ("FSDnoisy18k", "FSDnoisy18k.meta/train.csv", "zenodo.org/records/2529934"),
    "fsd50k": ("FSD50K", "FSD50K.metadata/collection/collection_dev.csv", "zenodo.org/records/4060432"),
}


class Row(NamedTuple):
    """One clip: where it lies, its class, the part its authors put it in, and the recording it comes from."""

    path: Path
    label: str
    part: str  # fold "1".."10", or "train" and "test"
    freesound_id: str


class WeakClips(NamedTuple):
    """Clips with weak labels: `paths`, their `parts`, names of the K classes, and `y` (N, K) uint8."""

    paths: tuple[Path, ...]
    parts: tuple[str, ...]  # "train", "validation" or "test" of each clip
    classes: tuple[str, ...]
    y: np.ndarray


class Shared(NamedTuple):
    """What `remove_shared` leaves, set by set, and how many clips each lost."""

    rows: dict[str, list[Row]]
    n_removed: dict[str, int]


def read_rows(name: str, root: str | Path | None = None) -> list[Row]:
    """The clips of a set in file-name order: "esc50", "urbansound8k", "fsdnoisy18k" or "fsd50k".

    FSD50K has several labels a clip; kept are the clips whose own annotation, before broader classes are added, is a
    single one. Labels are the sets' own words.

    Raises ValueError for an unknown name or a table without the needed columns, and FileNotFoundError when the set, or
    a clip that its table lists, is not there (names it, and where to get the set).
    """
    if name == "esc50":
        return [Row(r.path, r.category, str(r.fold), r.path.name.split("-")[1]) for r in list_esc50(root)]
    readers = {"urbansound8k": _urbansound8k, "fsdnoisy18k": _fsdnoisy18k, "fsd50k": _fsd50k}
    if name not in readers:
        raise ValueError(f"name: expected one of {('esc50', *readers)}, got {name!r}")
    rows = sorted(readers[name](_find(name, root)))
    for row in rows:
        if not row.path.exists():
            raise FileNotFoundError(f"{name}: no file {row.path}, though the table lists it")
    return rows


def read_fsd50k(
    root: str | Path | None = None, *, parts: Sequence[str] = ("train", "validation", "test")
) -> WeakClips:
    """FSD50K for tagging: every clip of some parts with all of its labels, in the order of the data set's tables.

    Labels are the ground truth with broader classes added, 200 in the order of the vocabulary; a clip is 0.3 to 30 s.

    Raises FileNotFoundError when the set, a table or a listed clip is not there, and ValueError for another part, a
    table without the needed columns, or a label that is not in the vocabulary.
    """
    names = {"train": "train", "val": "validation", "test": "test"}
    if unknown := [part for part in parts if part not in names.values()]:
        raise ValueError(f"parts: expected some of {tuple(names.values())}, got {unknown}")
    entry = CATALOGUE["fsd50k"]
    folder = find_folder(root, entry.folders, entry.marker, name="FSD50K", hint=hint("fsd50k"))
    truth = folder / "FSD50K.ground_truth"
    vocabulary = pd.read_csv(truth / "vocabulary.csv", header=None, dtype=str)
    classes = tuple(vocabulary[1]) if vocabulary.shape[1] >= 2 else ()
    columns = {name: number for number, name in enumerate(classes)}
    paths: list[Path] = []
    where: list[str] = []
    rows: list[np.ndarray] = []
    for short in ("dev", "eval"):
        table = _table(truth / f"{short}.csv", ("fname", "labels", *(["split"] if short == "dev" else [])))
        for clip in table.itertuples(index=False):
            part = names.get(clip.split if short == "dev" else "test")
            if part not in parts:
                continue
            path = folder / f"FSD50K.{short}_audio" / f"{clip.fname}.wav"
            if not path.exists():
                raise FileNotFoundError(f"fsd50k: no file {path}, though the table lists it")
            labels = str(clip.labels).split(",")
            if strange := [label for label in labels if label not in columns]:
                raise ValueError(f"{short}.csv: expected labels of vocabulary.csv, got {strange[0]!r} for {clip.fname}")
            paths.append(path)
            where.append(part)
            rows.append(np.isin(np.arange(len(classes)), [columns[label] for label in labels]).astype(np.uint8))
    y = np.stack(rows) if rows else np.zeros((0, len(classes)), dtype=np.uint8)
    return WeakClips(tuple(paths), tuple(where), classes, y)


def remove_shared(rows: Mapping[str, Sequence[Row]]) -> Shared:
    """Drop from each set the clips whose Freesound recording an earlier set has. The order of `rows` is who keeps it.

    Clips of one set that share a recording stay: they belong to one part there, or are for a split by recording.
    """
    seen: set[str] = set()
    kept: dict[str, list[Row]] = {}
    for name, clips in rows.items():
        kept[name] = [row for row in clips if row.freesound_id not in seen]
        seen |= {row.freesound_id for row in kept[name]}
    return Shared(kept, {name: len(rows[name]) - len(kept[name]) for name in rows})


def _find(name: str, root: str | Path | None) -> Path:
    folder, table, address = _LAYOUTS[name]
    base = data_folder() if root is None else Path(root)
    for place in (base / folder, base):
        if (place / table).exists():
            return place
    raise FileNotFoundError(
        f"{name}: no {table} in {base / folder} or {base}; get it from {address} and set AUDIOLAB_DATA to the folder "
        f"that holds {folder}/"
    )


def _table(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    table = pd.read_csv(path, dtype=str)
    if missing := [column for column in columns if column not in table]:
        raise ValueError(f"{path.name}: expected the columns {list(columns)}, got none of {missing}")
    return table


def _urbansound8k(folder: Path) -> list[Row]:
    table = _table(folder / "metadata" / "UrbanSound8K.csv", ("slice_file_name", "fsID", "fold", "class"))
    return [
        Row(folder / "audio" / f"fold{fold}" / file, label, fold, recording)
        for file, recording, fold, label in table[["slice_file_name", "fsID", "fold", "class"]].itertuples(index=False)
    ]


def _fsdnoisy18k(folder: Path) -> list[Row]:
    rows = []
    for part in ("train", "test"):
        table = _table(folder / "FSDnoisy18k.meta" / f"{part}.csv", ("fname", "label"))
        for file, label in table[["fname", "label"]].itertuples(index=False):
            rows.append(Row(folder / f"FSDnoisy18k.audio_{part}" / file, label, part, Path(file).stem))
    return rows


def _fsd50k(folder: Path) -> list[Row]:
    rows = []
    for part, short in (("train", "dev"), ("test", "eval")):
        path = folder / "FSD50K.metadata" / "collection" / f"collection_{short}.csv"
        table = _table(path, ("fname", "labels")).dropna(subset=["labels"])
        single = table[~table["labels"].str.contains(",")]
        for file, label in single[["fname", "labels"]].itertuples(index=False):
            rows.append(Row(folder / f"FSD50K.{short}_audio" / f"{file}.wav", label, part, file))
    return rows
