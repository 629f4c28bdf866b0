"""OpenL3 in the place of the encoder: the baseline of aiSFX's section 6.5, where the reader has its weights.

`AUDIOLAB_DATA` names a folder that may hold `openl3/openl3_audio_mel256_music.h5`, the published file. Axes: N windows,
D embedding (6144).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import torch

from audiolab.data.keras_weights import read_keras_weights
from audiolab.features.openl3_mel import SAMPLE_RATE, cut_seconds, mel256
from audiolab.metrics import frozen_scores
from audiolab.models.openl3 import OpenL3, state_from_keras

FILE = "openl3/openl3_audio_mel256_music.h5"
HOP_S = 0.5  # adopted: the published 0.1 s costs five times as much


class WindowsLike(Protocol):
    """Windows of some files: for each its class and its file's number; those of one file follow each other."""

    labels: np.ndarray
    files: np.ndarray


def find_weights() -> Path | None:
    """The published weights below `AUDIOLAB_DATA`, or None."""
    root = os.environ.get("AUDIOLAB_DATA", "")
    path = Path(root) / FILE
    return path if root and path.is_file() else None


def load_openl3() -> OpenL3:
    """The published network with 6144 numbers a second, in evaluation mode.

    Raises FileNotFoundError when the weights are not there (says where to put them), and ValueError when the file holds
    other arrays.
    """
    path = find_weights()
    if path is None:
        raise FileNotFoundError(f"weights: no {FILE} in AUDIOLAB_DATA; get it from github.com/marl/openl3")
    model = OpenL3(embedding_size=6144)
    model.load_state_dict(state_from_keras(read_keras_weights(path)), strict=False)
    return model.eval()


def embed_windows(
    model: OpenL3, samples: np.ndarray, starts_s: np.ndarray, length_s: float, *, hop_s: float = HOP_S
) -> np.ndarray:
    """One embedding for each window of a sound at 48 kHz, (N, D): the mean of OpenL3's vectors centred in the window.

    A window without a centre, in a sound too short for one, takes the nearest. The paper does not say how it averages.
    """
    seconds, centres = cut_seconds(samples, hop_s=hop_s)
    with torch.no_grad():
        vectors = torch.cat([model(mel256(part)).embedding for part in seconds.split(8)]).numpy()
    rows = []
    for start in starts_s:
        inside = (centres >= start) & (centres < start + length_s)
        nearest = np.abs(centres - start - length_s / 2).argmin()
        rows.append(vectors[inside].mean(axis=0) if inside.any() else vectors[nearest])
    return np.stack(rows)


def to_48k(samples: np.ndarray, sample_rate: int) -> np.ndarray:
    """Samples at OpenL3's rate."""
    import soxr

    return samples if sample_rate == SAMPLE_RATE else soxr.resample(samples, sample_rate, SAMPLE_RATE)


def evaluate_openl3(
    near: WindowsLike, test: WindowsLike, sounds: Sequence[np.ndarray], *, length_s: float, hop_s: float
) -> dict[str, float]:
    """`metrics.frozen_scores` of OpenL3 on the same windows as an encoder's: those of `near` and `test`.

    `sounds` are all files of the library at 48 kHz, by the numbers in `files`; windows are `length_s` long, every
    `hop_s`.
    """
    model, found = load_openl3(), []
    for windows in (near, test):
        rows = []
        for file in dict.fromkeys(windows.files.tolist()):
            starts = np.arange(int((windows.files == file).sum())) * hop_s
            rows.append(embed_windows(model, sounds[file], starts, length_s))
        found.append(np.concatenate(rows))
    return frozen_scores(found[0], near.labels, found[1], test.labels, test.files)
