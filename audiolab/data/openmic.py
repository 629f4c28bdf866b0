"""OpenMIC-2018: 20 000 clips of ten seconds, twenty instruments, one label in ten known (Humphrey et al. 2018).

Layout: `class-map.json`, `openmic-2018-aggregated-labels.csv` (sample_key, instrument, relevance, num_responses),
`partitions/split01_train.csv` and `split01_test.csv` (or `train01.txt`, `test01.txt`: both names are about), and
`audio/000/000046_3840.ogg`. Labels come from the table, not from the packed arrays, whose keys are stored as pickled
objects. The audio carries licences of its own, clip by clip: look before passing any on.
"""

from __future__ import annotations

import hashlib
import json
import pickle
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from .esc50 import data_folder

if TYPE_CHECKING:
    from torch import Tensor

LABELS = "openmic-2018-aggregated-labels.csv"
_FOLDERS = ("openmic-2018", "OpenMIC-2018", "")
_HINT = "set AUDIOLAB_DATA to a folder holding openmic-2018/, unpacked from Zenodo record 1432913 (2.6 GB)"


class OpenMIC(NamedTuple):
    """Labels and splits of the clips, in order of their keys.

    ``y`` float32 (N, K): 1 present, 0 absent, nan unknown; ``train`` and ``test`` are row numbers.
    """

    keys: tuple[str, ...]
    y: np.ndarray
    classes: tuple[str, ...]
    train: np.ndarray
    test: np.ndarray
    folder: Path

    def audio_path(self, key: str) -> Path:
        """Where a clip's sound lies. Raises ValueError for a key that is not in the data set."""
        if key not in self.keys:
            raise ValueError(f"key: expected one of the {len(self.keys)} clips, got {key!r}")
        return self.folder / "audio" / key[:3] / f"{key}.ogg"


def find_openmic(root: str | Path | None = None) -> Path:
    """The folder with the table of labels: `root` itself, or openmic-2018 in it.

    Raises FileNotFoundError when there is none (says where it was looked for and how to get it).
    """
    root = data_folder() if root is None else Path(root)
    for name in _FOLDERS:
        if (root / name / LABELS).exists():
            return root / name
    raise FileNotFoundError(f"OpenMIC-2018: no {LABELS} in {root} or its folder {_FOLDERS[0]}; {_HINT}")


def read_openmic(root: str | Path | None = None) -> OpenMIC:
    """Labels, masks and the official split.

    A label is "present" at a relevance of one half or more. Raises FileNotFoundError when a table is not there, and
    ValueError when one lacks a column, names an unknown instrument, or a clip is in both parts or in neither.
    """
    folder = find_openmic(root)
    numbers = json.loads((folder / "class-map.json").read_text())
    classes = tuple(sorted(numbers, key=numbers.get))
    table = pd.read_csv(folder / LABELS, dtype={"sample_key": str})
    if missing := [name for name in ("sample_key", "instrument", "relevance") if name not in table]:
        raise ValueError(f"{LABELS}: expected columns sample_key, instrument and relevance, got none of {missing}")
    if unknown := sorted(set(table["instrument"]) - set(classes)):
        raise ValueError(f"{LABELS}: expected instruments of class-map.json, got {unknown}")
    parts = {name: _read_part(folder / "partitions", name) for name in ("train", "test")}
    keys = tuple(sorted(set(table["sample_key"])))
    twice, nowhere = parts["train"] & parts["test"], set(keys) - parts["train"] - parts["test"]
    if twice or nowhere:
        raise ValueError(f"partitions: expected each clip once, got {len(twice)} twice and {len(nowhere)} nowhere")
    row = {key: i for i, key in enumerate(keys)}
    y = np.full((len(keys), len(classes)), np.nan, dtype=np.float32)
    columns = table["instrument"].map(classes.index)
    y[table["sample_key"].map(row), columns] = table["relevance"].to_numpy() >= 0.5
    train, test = (np.array([i for i, key in enumerate(keys) if key in parts[name]]) for name in ("train", "test"))
    return OpenMIC(keys, y, classes, train, test, folder)


def split_validation(train: np.ndarray, *, seed: int, share: float = 0.15) -> tuple[np.ndarray, np.ndarray]:
    """Rows for training and for validation: a random `share` of the training rows, as the paper draws it.

    Of 14 915 rows 2237 go to validation and 12 678 stay, the numbers of the predecessor's own split. Clips of one
    artist may fall on both sides. Raises ValueError for a share outside (0, 1).
    """
    if not 0 < share < 1:
        raise ValueError(f"share: expected between 0 and 1, got {share}")
    order = np.random.default_rng(seed).permutation(len(train))
    n = int(share * len(train))
    return np.sort(train[order[n:]]), np.sort(train[order[:n]])


def read_vggish_weights(path: str | Path) -> dict[str, Tensor]:
    """Weights of the public PyTorch port (`vggish-10086976.pth`) by name, for `VGGish.load_published`.

    The file is a pickle, and is read with everything but tensors refused. Raises FileNotFoundError when it is not
    there, and ValueError when its name does not end in the first digits of its checksum, as the public file's does,
    when the checksum is another, or when it holds something else than named tensors.
    """
    import torch

    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"path: no file {path}; it is release v0.1 of harritaylor/torchvggish (about 289 MB)")
    named = path.stem.rpartition("-")[2]
    if not re.fullmatch(r"[0-9a-f]{8,64}", named):
        raise ValueError(f"path: expected a name that ends in its checksum, vggish-10086976.pth, got {path.name}")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if not digest.startswith(named):
        raise ValueError(f"path: expected a SHA-256 that begins with {named}, got {digest[:12]}")
    try:
        weights = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, EOFError, RuntimeError, KeyError) as error:
        raise ValueError(f"path: expected a file of tensors, got {path} ({type(error).__name__})") from error
    if not isinstance(weights, dict) or not all(isinstance(value, torch.Tensor) for value in weights.values()):
        raise ValueError(f"path: expected tensors by name in {path}, got {type(weights).__name__}")
    return dict(weights)


def _read_part(folder: Path, name: str) -> set[str]:
    for file in (f"split01_{name}.csv", f"{name}01.txt"):
        if (folder / file).exists():
            return {line.strip() for line in (folder / file).read_text().splitlines() if line.strip()}
    raise FileNotFoundError(f"OpenMIC-2018: neither split01_{name}.csv nor {name}01.txt in {folder}")
