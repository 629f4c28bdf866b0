"""Are the made sounds like the recorded ones? A classifier trained on made clips alone is tested on real ones.

The real clips are ESC-10's (Piczak 2015), folds 1 to 4; they are never used for training or to choose an epoch.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, ClassVar

import librosa
import numpy as np
import pandas as pd
import soundfile as sf
import torch
from torch.nn import functional

from audiolab.models.small_cnn import SmallCNN
from audiolab.recipes.base import Recipe
from audiolab.worlds.events import ESC10_CLASSES, make_clip

from .base import Result, Run

CHAPTER = "realism"
MODULES = (
    "audiolab.worlds.blocks",
    "audiolab.worlds.effects",
    "audiolab.worlds.esc10",
    "audiolab.worlds.events",
    "audiolab.models.small_cnn",
    "audiolab.studies.realism",
)


@dataclasses.dataclass(frozen=True)
class Realism(Recipe):
    """Sizes of the test of realism; adopted, it belongs to no paper."""

    n_clips: int = 150  # made clips of each class
    n_seeds: int = 3
    max_epochs: int = 12
    batch_size: int = 32
    learning_rate: float = 3e-3  # the top of the one-cycle schedule
    label_smoothing: float = 0.1
    sample_rate: int = 22050
    n_fft: int = 1024
    hop_length: int = 512
    n_mels: int = 64
    f_min: float = 40.0
    f_max: float = 10000.0

    sizes: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"n_clips": 2, "n_seeds": 1, "max_epochs": 1},
        "demo": {"n_clips": 40, "n_seeds": 1},
    }


def log_mel(samples: np.ndarray, recipe: Realism) -> np.ndarray:
    """Log-mel spectrogram (T, F) of samples in dB, its maximum at 0 and clamped at -80."""
    power = librosa.feature.melspectrogram(
        y=np.asarray(samples, dtype=np.float32),
        sr=recipe.sample_rate,
        n_fft=recipe.n_fft,
        hop_length=recipe.hop_length,
        n_mels=recipe.n_mels,
        fmin=recipe.f_min,
        fmax=recipe.f_max,
    )
    return librosa.power_to_db(power, ref=max(float(power.max()), 1e-10), top_db=80.0).T.astype(np.float32)


def _made(task: tuple[str, int, Realism]) -> np.ndarray:
    name, seed, recipe = task
    return log_mel(make_clip(name, seed=seed, sample_rate=recipe.sample_rate).samples, recipe)


def made_set(recipe: Realism, *, seed: int, workers: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Log-mels (B, T, F) and class numbers (B,) of made clips; each ``seed`` has clips of its own."""
    first = 100_000 * (seed + 1)
    tasks = [(name, first + i, recipe) for name in ESC10_CLASSES for i in range(recipe.n_clips)]
    if workers > 1:
        with ProcessPoolExecutor(workers) as pool:
            x = list(pool.map(_made, tasks, chunksize=16))
    else:
        x = [_made(task) for task in tasks]
    return np.stack(x), np.repeat(np.arange(len(ESC10_CLASSES)), recipe.n_clips)


def augment(x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Circular shift in time, a smooth random equaliser (four cosines of 3 dB) and a random floor at -80 to -40 dB,
    by clip.

    ``x`` (B, T, F) in dB with its maximum at 0; the result as well.
    """
    B, T, F = x.shape
    shift = torch.randint(0, T, (B, 1), generator=generator)
    x = torch.take_along_dim(x, ((torch.arange(T) + shift) % T)[..., None], dim=1)
    order = torch.arange(1, 5)[:, None] * (torch.arange(F) + 0.5) / F
    x = x + ((3.0 * torch.randn(B, 4, generator=generator)) @ torch.cos(torch.pi * order))[:, None]
    x = x - x.amax(dim=(1, 2), keepdim=True)
    floor = -80.0 + 40.0 * torch.rand(B, 1, 1, generator=generator)
    # The floor adds power, so it fills the quiet cells and leaves the loud ones.
    return 10.0 * torch.log10(10.0 ** (x / 10.0) + 10.0 ** (floor / 10.0)).clamp(min=-80.0, max=0.0)


def train(x: np.ndarray, y: np.ndarray, recipe: Realism, *, seed: int) -> SmallCNN:
    """A classifier trained for a fixed number of epochs: there is no validation to stop on, so the test stays unseen.

    Parameters: ``x`` (B, T, F) log-mels in dB with their maximum at 0, ``y`` (B,) class numbers, ``recipe`` (schedule
    and sizes), ``seed`` of the initial weights, the order, the augmentation and dropout. Returns the network in
    evaluation mode; the same arguments give the same weights.
    """
    generator = torch.Generator().manual_seed(seed)
    inputs, targets = torch.as_tensor(x), torch.as_tensor(y)
    model = SmallCNN(len(ESC10_CLASSES), generator=generator)
    optimizer = torch.optim.AdamW(model.parameters(), recipe.learning_rate)
    steps = recipe.max_epochs * -(-len(inputs) // recipe.batch_size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, recipe.learning_rate, total_steps=steps)
    with torch.random.fork_rng(devices=[]):  # dropout draws from the global state
        torch.manual_seed(seed)
        model.train()
        for _ in range(recipe.max_epochs):
            for index in torch.randperm(len(inputs), generator=generator).split(recipe.batch_size):
                logits = model(augment(inputs[index], generator)).logits
                loss = functional.cross_entropy(logits, targets[index], label_smoothing=recipe.label_smoothing)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
    return model.eval()


def confusion(model: SmallCNN, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Counts (K, K): rows are the true classes, columns the answers."""
    with torch.no_grad():
        answers = torch.cat([model(part).logits.argmax(1) for part in torch.as_tensor(x).split(64)]).numpy()
    n = len(ESC10_CLASSES)
    return np.bincount(n * y + answers, minlength=n * n).reshape(n, n)


def recipe() -> Realism:
    """The full-size test."""
    return Realism()


def grid(recipe: Realism) -> list[Run]:
    """One run a seed; each has its own made clips, initial weights and order."""
    condition = {"train": "made", "test": "ESC-10 folds 1-4"}
    return [Run(CHAPTER, "made_to_real", condition, seed, recipe) for seed in range(recipe.n_seeds)]


def run(run: Run) -> Result:
    """Train on made clips, test on the recordings: accuracy, fold 4's alone, recall by class and the confusion matrix.

    Raises FileNotFoundError when the recordings are not there.
    """
    recipe: Realism = run.recipe
    clips, y, folds, checksum = real_clips(recipe.sample_rate)
    x = np.stack([log_mel(samples, recipe) for samples in clips])
    model = train(*made_set(recipe, seed=run.seed), recipe, seed=run.seed)
    counts = confusion(model, x, y)
    fold_4 = confusion(model, x[folds == 4], y[folds == 4])
    values = {
        "accuracy": np.trace(counts) / counts.sum(),
        "accuracy_fold_4": np.trace(fold_4) / fold_4.sum(),
        "recall": dict(zip(ESC10_CLASSES, np.diag(counts) / counts.sum(axis=1), strict=True)),
        "confusion": counts,
        "classes": ESC10_CLASSES,
    }
    parameters = sum(p.numel() for p in model.parameters())
    return Result(values, parameters, {"name": "ESC-10, folds 1-4", "checksum": checksum})


def real_clips(sample_rate: int) -> tuple[list[np.ndarray], np.ndarray, np.ndarray, str]:
    """The recordings of five seconds, their class numbers (B,), folds (B,) and a checksum of the table.

    They lie in ``$AUDIOLAB_DATA/ESC-10``, laid out as ESC-50 (wav or ogg). Raises FileNotFoundError when they do not.
    """
    folder = Path(os.environ.get("AUDIOLAB_DATA", "data")) / "ESC-10"
    table = folder / "meta" / "esc50.csv"
    if not table.exists():
        raise FileNotFoundError(f"AUDIOLAB_DATA: expected a folder with ESC-10/meta/esc50.csv, got {folder.parent}")
    rows = pd.read_csv(table)
    rows = rows[rows["category"].isin(ESC10_CLASSES) & (rows["fold"] <= 4)]
    clips = []
    for name in rows["filename"]:
        path = folder / "audio" / name
        samples, rate = sf.read(path if path.exists() else path.with_suffix(".ogg"), dtype="float32")
        samples = librosa.resample(samples, orig_sr=rate, target_sr=sample_rate)
        clips.append(librosa.util.fix_length(samples, size=5 * sample_rate))
    y = rows["category"].map(ESC10_CLASSES.index).to_numpy()
    return clips, y, rows["fold"].to_numpy(), hashlib.sha256(table.read_bytes()).hexdigest()[:12]
