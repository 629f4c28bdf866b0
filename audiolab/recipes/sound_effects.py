"""Hyper-parameters of the sound-effects encoder (aiSFX, ISMIR 2022) and the sizes at which it is run here.

Sources: "paper" is the text, "code" the authors' published inference code; "adopted" is this book's choice where
neither says anything. The paper found its learning rate, epochs and margins by a random search that it does not report.
"""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

from .base import Recipe


@dataclasses.dataclass(frozen=True)
class SoundEffects(Recipe):
    """Recipe of chapter sound_effects; the defaults are the published experiment."""

    # Input
    sample_rate: int = 44100  # Hz; paper 3.2
    n_fft: int = 2048  # samples, 46.4 ms; paper 3.2 ("46 ms"), code
    hop_length: int = 1024  # samples, 23.2 ms; paper 3.2 ("23 ms"), code
    n_mels: int = 96  # paper 3.2
    level: str = "none"  # code (Essentia path); the paper says "normalized"; code's librosa path divides by the peak
    n_frames: int = 100  # paper 3.2
    hop_frames: int = 50  # paper 3.3 ("50 % overlap")

    # Network
    base: int = 64  # channels of the first block; code; the paper says 4.7 million parameters
    dataset_bn: bool = False  # paper 5.3.3: a variant

    # Loss
    metric: str | None = None  # "contrastive", "triplet", "circle" or None: paper 5.1
    metric_weight: float = 1.0  # adopted: the paper says "hybrid sum"
    regular_weight: float = 1.0  # adopted: library default; the paper names the regulariser
    triplet_margin: float = 0.05  # adopted: library default
    beta: float = 0.999  # paper 6.4, focal data-set weights
    f1_threshold: float = 0.9  # paper 5.3.2

    # Optimiser
    learning_rate: float = 1e-3  # adopted (random search in paper 3.3)
    betas: tuple[float, float] = (0.9, 0.999)  # adopted: Adam's defaults
    adam_eps: float = 1e-8  # adopted: library default
    batch_size: int = 64  # paper 3.3
    n_batch_classes: int = 16  # paper 5.1.1
    per_class: int = 4  # paper 5.1.1
    max_epochs: int = 200  # adopted
    recordings_epochs: int = 200  # adopted: of ESC-10 by itself
    patience: int = 10  # epochs; adopted ("early stopping" in paper 3.3)
    metric_name: str = "minus_loss"  # paper 3.3: best validation loss, over several sets their mean

    # Data
    libraries: tuple[str, ...] = ("PSE", "SDLY", "UMIX", "CART", "HPX", "PROD", "S6", "S9", "STRM")  # paper 4
    base_library: str = "PSE"  # paper 4: the one that UCS-Transfer starts from
    n_files: int = 7200  # files of a library; paper 4: 65 000 in nine
    shares: tuple[float, float, float] = (0.8, 0.1, 0.1)  # paper 4
    split_by: str = "file"  # paper 4: stratified, no grouping is mentioned
    world_seed: int = 1  # adopted: which libraries are made; a run's own seed draws weights, order and windows
    n_seeds: int = 5  # adopted
    n_main_seeds: int = 5  # adopted; runs are made up to the larger of the two

    weights: str | None = None  # "study" loads what the study trained instead of training

    counts: ClassVar[tuple[str, ...]] = ("n_main_seeds",)  # how many runs there are, not what one is

    sizes: ClassVar[dict[str, dict[str, Any]]] = {
        # Half the rate with half the window and hop: blocks and hops of the same duration, windows of 2.32 s.
        # Half the bands and an eighth of the channels: about 1/250 of the published encoder's work.
        "smoke": {
            "sample_rate": 22050, "n_fft": 1024, "hop_length": 512, "n_mels": 48, "base": 4, "batch_size": 16,
            "n_batch_classes": 4, "max_epochs": 1, "libraries": ("workshop", "stage"), "base_library": "workshop",
            "n_files": 66, "shares": (0.6, 0.15, 0.25), "split_by": "recording", "n_seeds": 1,
            "n_main_seeds": 1,
        },
        "demo": {
            "sample_rate": 22050, "n_fft": 1024, "hop_length": 512, "n_mels": 48, "base": 8, "batch_size": 32,
            "n_batch_classes": 8, "max_epochs": 20, "patience": 20, "libraries": ("workshop", "stage"),
            "base_library": "workshop", "n_files": 700, "shares": (0.6, 0.15, 0.25), "split_by": "recording",
            "n_seeds": 1, "n_main_seeds": 1,
        },
        "study": {
            "sample_rate": 22050, "n_fft": 1024, "hop_length": 512, "n_mels": 48, "base": 8, "batch_size": 32,
            "n_batch_classes": 8, "max_epochs": 8, "patience": 8, "libraries": ("atlas", "workshop", "attic"),
            "base_library": "atlas", "n_files": 600, "shares": (0.6, 0.15, 0.25), "split_by": "recording",
            "f1_threshold": 0.5,  # so few epochs never reach 0.9
            "recordings_epochs": 30,  # few files, so as many updates as a library made here
            "world_seed": 2, "n_seeds": 3,
        },
    }
