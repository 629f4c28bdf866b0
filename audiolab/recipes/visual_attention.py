"""Hyper-parameters of AttentionMIC and Sightreader (Watcharasupat et al. 2020).

Sources: "paper" is the text; "predecessor" the published code of Gururani et al. 2019; "RAM code" a public version of
the recurrent attention model; "adopted" is this book's choice where none says anything or none can be kept.
"""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

from .base import Recipe


@dataclasses.dataclass(frozen=True)
class VisualAttention(Recipe):
    """Recipe of chapter visual_attention; the defaults are the published experiment on OpenMIC-2018."""

    # Input
    sample_rate: int = 16000  # Hz; VGGish's front end
    clip_s: float = 10.0  # data set
    n_classes: int = 20  # data set

    # VGGish and AttentionMIC
    channels: tuple[int, ...] = (64, 128, 256, 256, 512, 512)  # VGGish
    n_hidden: int = 4096  # VGGish's first fully connected layer
    n_embedding: int = 128  # paper III.A
    dropout: float = 0.6  # predecessor's published run; the paper does not say
    split: str = "C"  # adopted: one matrix for an ordinate; "B" keeps the six positions of a patch
    normalisation: str = "sum"  # paper equation 4
    frozen_front: bool = True  # adopted reading of "partially pretrained"

    # Sightreader
    n_glimpses: int = 16  # paper IV.C
    sigma: float = 0.17  # paper III.B
    n_sensor: int = 128  # paper equation 6
    n_core: int = 256  # paper III.B
    returned: str = "past"  # paper III.C: the sum of past rewards
    reinforce_weight: float = 0.01  # RAM code

    # Loss
    gamma: float = 2.0  # paper III.C
    reduction: str = "recording"  # paper equation 8
    weight_decay: float = 1e-5  # predecessor; the paper says "with weight decay" and gives no value

    # Optimiser
    learning_rate: float = 5e-4  # paper III.C
    sightreader_learning_rate: float = 5e-4  # paper III.C
    betas: tuple[float, float] = (0.9, 0.999)  # adopted (torch's default)
    adam_eps: float = 1e-8  # adopted (torch's default)
    batch_size: int = 32  # paper III.C
    max_epochs: int = 250  # paper III.C
    sightreader_max_epochs: int = 250  # paper III.C
    patience: int = 10  # epochs; paper III.C
    metric_name: str = "macro_f1"  # paper III.C: validation F1
    threshold: float = 0.5  # predecessor
    n_seeds: int = 5  # paper IV.D
    sightreader_n_seeds: int = 5  # paper IV.D; seeds of a network that run before its further ones, up to n_seeds

    # Data
    n_train_clips: int = 12678  # data set, predecessor's split
    n_validation_clips: int = 2237  # data set, predecessor's split
    n_test_clips: int = 5085  # data set
    known_rate: float = 0.103  # data set: share of known labels
    test_known_rate: float = 0.103  # data set

    # Pre-training of the convolutions, made here: adopted throughout (the paper takes VGGish's published weights)
    pretrain_n_notes: int = 6000
    pretrain_max_epochs: int = 8
    pretrain_learning_rate: float = 1e-3

    weights: str | None = None  # "study" loads what the study trained instead of training

    sizes: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {
            "channels": (8, 16, 32, 32, 64, 64), "n_hidden": 128, "n_embedding": 64, "dropout": 0.3,
            "n_train_clips": 12, "n_validation_clips": 6, "n_test_clips": 6, "max_epochs": 1, "n_seeds": 1,
            "sightreader_max_epochs": 1, "sightreader_n_seeds": 1, "pretrain_n_notes": 64, "pretrain_max_epochs": 1,
            "known_rate": 0.35, "test_known_rate": 1.0,
        },
        # Few clips mean few steps: the rates are larger than the paper's, chosen on clips that no score is taken from.
        "demo": {
            "channels": (8, 16, 32, 32, 64, 64), "n_hidden": 128, "n_embedding": 64, "dropout": 0.3,
            "n_train_clips": 500, "n_validation_clips": 100, "n_test_clips": 120, "max_epochs": 20, "n_seeds": 1,
            "learning_rate": 3e-3, "sightreader_learning_rate": 1e-3, "sightreader_max_epochs": 25,
            "sightreader_n_seeds": 1, "known_rate": 0.35, "test_known_rate": 1.0,
        },
        "study": {
            "channels": (8, 16, 32, 32, 64, 64), "n_hidden": 128, "n_embedding": 64, "dropout": 0.3,
            "n_train_clips": 800, "n_validation_clips": 150, "n_test_clips": 400, "max_epochs": 25,
            "learning_rate": 3e-3, "sightreader_learning_rate": 1e-3, "sightreader_max_epochs": 30,
            "sightreader_n_seeds": 3, "known_rate": 0.35, "test_known_rate": 1.0,
        },
    }
