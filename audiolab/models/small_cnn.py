"""A small clip classifier: four convolution blocks on a log-mel spectrogram, the yardstick for made sounds.

Axis letters: B clips, T frames, F mel bands, C channels, D embedding, K classes. Adopted: a common baseline, no
paper's network.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn


class SmallCNNOutput(NamedTuple):
    """Decision and the pooled features it is made from."""

    logits: Tensor  # (B, K)
    embedding: Tensor  # (B, D)


class SmallCNN(nn.Module):
    """Blocks of 3x3 convolution, batch normalisation, ReLU and 2x2 average pooling; then mean over F, mean + max over
    T.

    Parameters: `n_classes` K; `n_channels` of each block (the last is D); `dropout` before the linear layer;
    `generator` draws the initial values (He-normal, zero bias). The input (B, T, F) is a log-mel spectrogram in dB
    whose maximum is 0 and whose minimum is -80, scaled here to -1..1. Raises ValueError for an input that is not (B,
    T, F) or is too small to pool.

    >>> SmallCNN(n_classes=10).eval()(torch.zeros(2, 216, 64)).logits.shape
    torch.Size([2, 10])
    """

    def __init__(
        self,
        n_classes: int = 10,
        *,
        n_channels: tuple[int, ...] = (8, 16, 32, 64),
        dropout: float = 0.2,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        if n_classes < 2:
            raise ValueError(f"n_classes: expected at least 2, got {n_classes}")
        layers: list[nn.Module] = []
        for n_in, n_out in zip((1, *n_channels[:-1]), n_channels, strict=True):
            # The bias would be removed by the normalisation that follows.
            convolution = nn.Conv2d(n_in, n_out, 3, padding=1, bias=False)
            layers += [convolution, nn.BatchNorm2d(n_out), nn.ReLU(), nn.AvgPool2d(2)]
        self.blocks = nn.Sequential(*layers)
        self.dropout = nn.Dropout(dropout)
        self.classify = nn.Linear(n_channels[-1], n_classes)
        self.smallest = 2 ** len(n_channels)
        with torch.no_grad():
            for module in self.modules():
                if isinstance(module, nn.Conv2d):
                    nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
            nn.init.normal_(self.classify.weight, std=n_channels[-1] ** -0.5, generator=generator)
            nn.init.zeros_(self.classify.bias)

    def forward(self, x: Tensor) -> SmallCNNOutput:
        if x.ndim != 3 or min(x.shape[1:]) < self.smallest:
            raise ValueError(f"x: expected (B, T, F) with T and F at least {self.smallest}, got {tuple(x.shape)}")
        maps = self.blocks((x / 40.0 + 1.0).unsqueeze(1))  # (B, C, T', F')
        profile = maps.mean(dim=3)  # (B, C, T')
        embedding = profile.mean(dim=2) + profile.amax(dim=2)  # (B, D)
        return SmallCNNOutput(self.classify(self.dropout(embedding)), embedding)
