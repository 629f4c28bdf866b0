"""Hyper-parameters of local prototypes (Zinemanas et al. 2021) and of the CNN it is compared with.

Sources: "paper" is the text, "code" the authors' published code and weights, which made their table and which is
followed where the two differ; "adopted" is this book's choice where neither says anything or neither can be kept.
"""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar, Self

from .base import Recipe


@dataclasses.dataclass(frozen=True)
class LocalPrototypes(Recipe):
    """Recipe of chapter local_prototypes; the defaults are the published experiment on URBAN-SED."""

    # Input
    sample_rate: int = 22050  # Hz; paper 3.1
    n_fft: int = 4096  # samples, window as long; paper 3.1
    hop_length: int = 1070  # samples; code (paper prints 1024, which gives 21 frames, not divisible by 4)
    n_mels: int = 128  # paper 3.1
    top_db: float = 80.0  # code (default of librosa's power_to_db)
    chunking: str = "per_second"  # adopted: segments sit on label rows; code is "reference", up to 0.27 s early
    cnn_n_fft: int = 512  # code; also the hop
    clip_s: float = 10.0  # data set
    segment_s: float = 1.0  # paper 3.1

    # Network
    n_classes: int = 10  # data set
    n_prototypes: int = 15  # code (all published weights); the paper does not say
    n_channels: int = 32  # code
    time_reduce: str = "sum"  # code; paper equation 1 is a mean

    # Loss
    loss_preset: str = "code"  # code's reductions and weights (10, 5, 5, 1e-6, 1e-5); "paper" for the printed ones

    # Optimiser
    learning_rate: float = 1e-3  # paper 3.3
    betas: tuple[float, float] = (0.9, 0.999)  # code (Keras default)
    adam_eps: float = 1e-7  # code (Keras default; PyTorch's is 1e-8)
    batch_size: int = 256  # segments; code
    max_epochs: int = 50  # code
    patience: int = 100  # epochs; code: larger than max_epochs, so it never fires
    metric_name: str = "f1"  # paper 3.3; adopted: on the true 1-s grid, where the code selects on its 2-s grid
    threshold: float = 0.5  # code: strictly above is "on"

    # Data
    n_train_clips: int = 6000  # data set
    n_validation_clips: int = 2000  # data set
    n_test_clips: int = 2000  # data set
    n_events: tuple[int, int] = (1, 9)  # data set: events per clip
    event_s: tuple[float, float] = (0.5, 4.0)  # data set
    snr_db: tuple[float, float] = (6.0, 30.0)  # data set
    background: str = "brownian"  # data set
    background_db: float = -50.0  # data set (level relative to full scale, RMS)
    recorded_n_train_clips: int = 600  # adopted: two folds of ESC-10 give no more variety than this
    recorded_n_validation_clips: int = 150  # adopted
    recorded_n_test_clips: int = 150  # adopted
    recorded_max_epochs: int = 50  # as `max_epochs`
    mlp_decay: float = 1e-4  # code: times the plain sum of squares of the three kernels
    mlp_max_epochs: int = 50  # code
    ablation_n_train_clips: int = 120  # adopted: a sweep is eleven networks for each seed
    ablation_max_epochs: int = 5  # adopted
    ablation_n_seeds: int = 3  # adopted
    n_main_seeds: int = 5  # adopted; changes are run up to the larger of the two
    n_explained_clips: int = 40  # adopted: test clips whose explanations are scored
    n_seeds: int = 5  # adopted (the paper has 10 runs)

    # The small world, whose answer is known: adopted throughout (the paper has none)
    small_n_train_clips: int = 150
    small_n_validation_clips: int = 40
    small_batch_size: int = 32
    small_max_epochs: int = 5

    weights: str | None = None  # "study" loads what the study trained instead of training

    counts: ClassVar[tuple[str, ...]] = ("n_main_seeds",)  # how many runs there are, not what one is

    sizes: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {
            "recorded_n_train_clips": 4, "recorded_n_validation_clips": 2, "recorded_n_test_clips": 2,
            "n_explained_clips": 1, "mlp_max_epochs": 1, "ablation_n_train_clips": 4, "ablation_max_epochs": 1,
            "ablation_n_seeds": 1, "n_main_seeds": 1, "recorded_max_epochs": 1,
            "n_train_clips": 4, "n_validation_clips": 2, "n_test_clips": 2, "batch_size": 16, "max_epochs": 1,
            "small_n_train_clips": 4, "small_n_validation_clips": 2, "small_max_epochs": 1, "n_seeds": 1,
        },
        "demo": {
            "n_train_clips": 120, "n_validation_clips": 40, "n_test_clips": 40, "batch_size": 32, "max_epochs": 4,
            "n_seeds": 1,
        },
        # Small batches: few clips fit into the time of a study, and the networks need some thousand steps. Both train
        # until the validation score has not risen for `patience` epochs, or to the end of what a study may take.
        "study": {
            "n_train_clips": 240, "n_validation_clips": 50, "n_test_clips": 100, "batch_size": 16, "max_epochs": 20,
            "recorded_max_epochs": 10, "patience": 5,
        },
    }

    def for_small_world(self) -> Self:
        """The same recipe with the small world's sizes and its five classes."""
        return self.but(
            n_classes=5, batch_size=self.small_batch_size, max_epochs=self.small_max_epochs,
            n_train_clips=self.small_n_train_clips, n_validation_clips=self.small_n_validation_clips, n_test_clips=0,
        )

    @property
    def n_segments(self) -> int:
        """Segments in a clip."""
        return round(self.clip_s / self.segment_s)

    @property
    def n_frames(self) -> int:
        """Frames in a segment of the prototype network."""
        return int(self.segment_s * self.sample_rate) // self.hop_length

    @property
    def cnn_n_frames(self) -> int:
        """Frames in a segment of the CNN."""
        return int(self.segment_s * self.sample_rate) // self.cnn_n_fft
