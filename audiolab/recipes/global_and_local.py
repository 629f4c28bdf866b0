"""Hyper-parameters of the global-local tagger (Wang et al. 2021) on PANNs' features.

Sources: "paper" is the text, "code" the authors' published code, "PANNs" the code of Kong et al. 2020 that both build
on; "adopted" is this book's choice.
"""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

from .base import Recipe

_SMALL: dict[str, Any] = {
    "sample_rate": 16000, "n_fft": 512, "f_max": 7600.0, "n_mels": 32, "n_classes": 8, "n_windows": 3,
    "augment": False, "dropout": 0.0, "batch_size": 4, "amsgrad": False, "balanced": False,
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class GlobalAndLocal(Recipe):
    """Recipe of chapter global_and_local; the defaults are the published experiment on AudioSet."""

    # Input
    sample_rate: int = 32000  # Hz; PANNs
    n_fft: int = 1024  # samples; PANNs
    hop_length: int = 320  # samples; PANNs
    n_mels: int = 64  # PANNs
    f_min: float = 50.0  # Hz; PANNs
    f_max: float = 14000.0  # Hz; PANNs
    clip_s: float = 10.0  # data set

    # Networks
    backbone: str = "cnn10"  # paper 3.1: also resnet38, talnet and AT-SCA (here sca_style)
    n_channels: tuple[int, ...] = ()  # of the backbone; () is the published width
    n_classes: int = 527  # data set
    augment: bool = True  # SpecAugment; PANNs and code
    dropout: float = 1.0  # factor on PANNs' rates; PANNs and code
    n_windows: int = 5  # paper 3.1
    window_s: float = 3.0  # paper 3.1
    share: str = "none"  # code; the paper does not say
    freeze_global: bool = False  # paper 2.1: joint training; the code freezes
    frame_classifier: str = "global"  # paper 2.2; the code applies the local stream's layers
    suppress: bool = True  # code; not in the paper
    true_centres: bool = False  # code's map from frames to samples

    # Optimiser
    learning_rate: float = 1e-3  # code's default; its run script has 2e-4, starting from trained weights
    betas: tuple[float, float] = (0.9, 0.999)  # code
    adam_eps: float = 1e-8  # code
    amsgrad: bool = True  # code; the paper says Adam
    batch_size: int = 32  # paper 3.1
    max_epochs: int = 14  # paper 3.1: 800 000 steps of 32 clips are 13.2 times the 1.93 million clips
    patience: int = 1_000_000  # adopted: no early stopping, the paper has none
    metric_name: str = "steps"  # adopted: the last epoch is kept, so that nothing is selected on any score
    balanced: bool = True  # PANNs and code: each class drawn equally often
    mixup: bool = False  # code: its script sets none, and the branch fails; PANNs mixes

    # Data
    n_train_clips: int = 1_934_187  # PANNs' copy: balanced and unbalanced part
    n_validation_clips: int = 20_550  # PANNs' copy: the balanced part, which the code watches
    n_test_clips: int = 18_887  # PANNs' copy: the evaluation part
    n_seeds: int = 1  # paper: one run

    # The made-here and the recorded worlds: adopted throughout
    n_events: tuple[int, int] = (1, 5)
    event_s: tuple[float, float] = (2.5, 5.0)  # of the long classes; the short ones end by themselves
    snr_db: tuple[float, float] = (3.0, 15.0)
    background: str = "pink"
    background_db: float = -40.0
    recorded_event_s: tuple[float, float] = (0.5, 3.0)
    recorded_snr_db: tuple[float, float] = (0.0, 15.0)

    # The first runs were recorded without these.
    later: ClassVar[dict[str, Any]] = {"amsgrad": False, "balanced": False, "mixup": False}

    # Small profiles: half the bands and a narrow network, for time; small batches and neither dropout nor stripes,
    # because a few hundred clips give few steps; plain Adam and every clip once an epoch, since the made-here classes
    # are equally frequent. Adopted after trials on clips of another seed.
    sizes: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {
            **_SMALL, "n_channels": (4, 4, 8, 8), "n_train_clips": 8, "n_validation_clips": 4, "n_test_clips": 24,
            "max_epochs": 1, "n_seeds": 1,
        },
        "demo": {
            **_SMALL, "n_channels": (8, 16, 32, 64), "n_train_clips": 240, "n_validation_clips": 8,
            "n_test_clips": 120, "max_epochs": 4, "n_seeds": 1,
        },
        "study": {
            **_SMALL, "n_channels": (8, 16, 32, 64), "n_train_clips": 240, "n_validation_clips": 8,
            "n_test_clips": 240, "max_epochs": 4, "n_seeds": 5,
        },
    }  # fmt: skip

    @property
    def window_samples(self) -> int:
        """Length of a window in samples."""
        return round(self.window_s * self.sample_rate)

    @property
    def clip_samples(self) -> int:
        """Length of a clip in samples."""
        return round(self.clip_s * self.sample_rate)
