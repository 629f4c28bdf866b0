"""Rivals that are more than one network: classifiers on ready features, and an ensemble over three pictures of a clip.

They stand for two of the systems in Table IV of Abrol and Sharma 2020: VGGish features with a support vector machine,
or MFCC statistics where the pre-trained weights are not given, and an ensemble of nine networks on log-mel, harmonic
and percussive pictures. Axes: N clips, T samples, K classes.
"""

from __future__ import annotations

from itertools import count, takewhile
from pathlib import Path
from typing import Any

import numpy as np
import torch

from audiolab import training
from audiolab.data.esc50 import data_folder
from audiolab.data.panns_weights import read_panns_weights
from audiolab.features.melspec import BandScaler
from audiolab.features.vggish import SAMPLE_RATE, VGGishLogMel
from audiolab.losses.hierarchy import FineLoss
from audiolab.models.scene_spectrogram import NAC
from audiolab.models.vggish import VGGish
from audiolab.recipes.raw_waveform import RawWaveform

from . import raw_systems
from .raw_systems import Split, World

PARTS = ("whole", "harmonic", "percussive")
VGGISH_FILE = "vggish-10086976.pth"  # of the public PyTorch port, looked for in AUDIOLAB_DATA


def mfcc_statistics(samples: Any, recipe: RawWaveform, *, n_mfcc: int = 20) -> np.ndarray:
    """Mean and deviation over time of MFCCs and of their first differences: (N, T) -> (N, 4 n_mfcc)."""
    import librosa

    rows = []
    for clip in np.asarray(samples):
        mfcc = librosa.feature.mfcc(y=clip, sr=recipe.sample_rate, n_mfcc=n_mfcc, n_fft=1024, hop_length=512)
        change = np.diff(mfcc, axis=1)
        rows.append(np.concatenate([part for one in (mfcc, change) for part in (one.mean(axis=1), one.std(axis=1))]))
    return np.stack(rows)


def classify(kind: str, points: np.ndarray, y: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Classes of `asked` (N, D) by "svm" (polynomial of degree 3) or "lr" (logistic regression) on scaled points.

    Raises ValueError for another kind.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    if kind not in ("svm", "lr"):
        raise ValueError(f"kind: expected 'svm' or 'lr', got {kind!r}")
    chosen = SVC(kernel="poly", degree=3, coef0=1.0) if kind == "svm" else LogisticRegression(max_iter=2000)
    return make_pipeline(StandardScaler(), chosen).fit(points, y).predict(asked)


def find_vggish(*, needed: bool = False) -> Path | None:
    """The file of VGGish's published weights in `AUDIOLAB_DATA`; None, or FileNotFoundError, when it was not given."""
    path = data_folder() / VGGISH_FILE
    if needed and not path.is_file():
        raise FileNotFoundError(f"VGGish: no file {path}; set AUDIOLAB_DATA to the folder that holds {VGGISH_FILE}")
    return path if path.is_file() else None


def vggish_embeddings(samples: Any, recipe: RawWaveform, weights: str | Path) -> np.ndarray:
    """Mean over patches of 0.96 s of VGGish's embedding: (N, T) -> (N, D), D = 128 as published.

    `weights` is a file with the names of the public PyTorch port; the network's widths are read off it.

    Raises FileNotFoundError without the file, and ValueError for one that holds something else, or another sample rate
    than 16 kHz.
    """
    if recipe.sample_rate != SAMPLE_RATE:
        raise ValueError(f"recipe.sample_rate: expected {SAMPLE_RATE} Hz for VGGish, got {recipe.sample_rate}")
    state = read_panns_weights(weights)
    layers = {f"features.{n}.weight" for n in (0, 3, 6, 8, 11, 13)} | {"embeddings.0.weight"}
    if missing := sorted(layers - set(state)):
        raise ValueError(f"weights: expected VGGish's layers in {weights}, missing {missing}")
    dense = takewhile(lambda name: name in state, (f"embeddings.{2 * n}.weight" for n in count()))
    model = VGGish(
        channels=tuple(len(state[f"features.{n}.weight"]) for n in (0, 3, 6, 8, 11, 13)),
        hidden=tuple(len(state[name]) for name in dense),
    )
    model.load_published(state)
    front_end, parts = VGGishLogMel(), torch.as_tensor(np.asarray(samples)).split(16)
    with torch.no_grad():
        return torch.cat([model.eval()(front_end(part)).embedding.mean(dim=1) for part in parts]).numpy()


def mfcc_classifier(
    kind: str, world: World, recipe: RawWaveform, *, vggish: str | Path | None = None
) -> dict[str, float]:
    """Fine accuracy of a classifier on MFCC statistics, trained on the training split alone.

    With `vggish`, a file of weights, it reads `vggish_embeddings` instead, as the paper's does.
    """
    points = [
        mfcc_statistics(split.samples, recipe) if vggish is None else vggish_embeddings(split.samples, recipe, vggish)
        for split in (world.train, world.test)
    ]
    guess = classify(kind, points[0], world.train.y[:, 1], points[1])
    coarse = np.asarray(world.parents)[guess]
    return {
        "fine": float((guess == world.test.y[:, 1]).mean()),
        "coarse_via_fine": float((coarse == world.test.y[:, 0]).mean()),
    }


def separated(samples: Any, part: str) -> np.ndarray:
    """Clips (N, T), or their harmonic or percussive part by median filtering of the spectrogram.

    Raises ValueError for another part.
    """
    if part not in PARTS:
        raise ValueError(f"part: expected one of {PARTS}, got {part!r}")
    samples = np.asarray(samples)
    if part == "whole":
        return samples
    import librosa

    separate = {"harmonic": librosa.effects.harmonic, "percussive": librosa.effects.percussive}[part]
    return np.stack([separate(clip) for clip in samples]).astype(np.float32)


def ensemble(world: World, recipe: RawWaveform, seed: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Mean fine probabilities (N, K) of three NAC networks on the test split, and those of each of the three.

    Each network reads one of `PARTS`, has its own initial weights (from `seed`) and its own best epoch on validation.
    Nothing is kept: three trainings a call.
    """
    said = {}
    for number, part in enumerate(PARTS):
        splits = {
            name: getattr(world, name)._replace(samples=separated(getattr(world, name).samples, part))
            for name in ("train", "validation", "test")
        }
        scaler = BandScaler().fit(raw_systems.pictures(splits["train"].samples, recipe))

        def read(split: Split, scaler: BandScaler = scaler) -> torch.Tensor:
            return scaler.transform(raw_systems.pictures(split.samples, recipe)).float()

        model = NAC(len(world.fine), generator=torch.Generator().manual_seed(10 * seed + number))
        loaders = training.Loaders(
            training.make_loader(read(splits["train"]), world.train.y, batch_size=recipe.batch_size, shuffle=True),
            training.make_loader(read(splits["validation"]), world.validation.y, batch_size=32),
        )

        def metric(model: torch.nn.Module, loader: training.Loader) -> dict[str, float]:
            guess = training.collect(model, loader).argmax(axis=1)
            return {"accuracy": float((guess == loader.y[:, 1].numpy()).mean())}

        step = training.make_step(FineLoss())
        training.fit(model, step, loaders, recipe, metric, seed=seed, progress=False)
        said[part] = raw_systems.answers(model, read(splits["test"])).fine
    return np.mean(list(said.values()), axis=0), said
