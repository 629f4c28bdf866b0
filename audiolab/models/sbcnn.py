"""The convolutional detector that AttProtos is compared with (Zinemanas et al. 2021, after Salamon and Bello).

Axis letters: B segments, T frames, F mel bands, C channels, D embedding, K classes.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn


class SBCNNOutput(NamedTuple):
    """Decision and the layer before it; nothing in this network explains itself."""

    logits: Tensor  # (B, K)
    embedding: Tensor  # (B, D), at least 0


def _block(n_in: int, n_out: int, *, pool: bool) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Conv2d(n_in, n_out, 5), nn.ReLU()]
    if pool:
        layers.append(nn.MaxPool2d(2))
    # Keras' batch normalisation: epsilon 1e-3, momentum 0.99 (0.01 in torch's sense), after the pooling.
    layers.append(nn.BatchNorm2d(n_out, eps=1e-3, momentum=0.01))
    return nn.Sequential(*layers)


class SBCNN(nn.Module):
    """Three 5x5 convolutions without padding, then two dense layers; 515 274 parameters with the defaults.

    515 274 counts the batch normalisation's 384 running statistics; 514 890 are trained. Zinemanas et al. 2021,
    section 3; sizes from the published code.

    Parameters: `n_classes` K; `n_mels` F; `n_frames` T (43: one second at hop 512 and 22 050 Hz); `n_channels` C;
    `n_dense` D; `dropout` before both dense layers; `generator` draws the initial values (Glorot-uniform, zero bias).
    Raises ValueError when T or F is too small for the convolutions, and for inputs of another size.

    >>> SBCNN().eval()(torch.zeros(2, 43, 128)).logits.shape
    torch.Size([2, 10])
    """

    def __init__(
        self,
        n_classes: int = 10,
        n_mels: int = 128,
        n_frames: int = 43,
        *,
        n_channels: int = 64,
        n_dense: int = 64,
        dropout: float = 0.5,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        n_time, n_band = (((size - 4) // 2 - 4) // 2 - 4 for size in (n_frames, n_mels))
        if n_time < 1:
            raise ValueError(f"n_frames: expected at least 32 for three convolutions without padding, got {n_frames}")
        if n_band < 1:
            raise ValueError(f"n_mels: expected at least 32 for three convolutions without padding, got {n_mels}")
        self.n_mels, self.n_frames = n_mels, n_frames
        self.blocks = nn.Sequential(
            _block(1, n_channels, pool=True),
            _block(n_channels, n_channels, pool=True),
            _block(n_channels, n_channels, pool=False),
        )
        self.dropout = nn.Dropout(dropout)
        self.dense = nn.Linear(n_time * n_band * n_channels, n_dense)
        self.read_out_layer = nn.Linear(n_dense, n_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.xavier_uniform_(module.weight, generator=generator)
                nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> SBCNNOutput:
        """Log-mel segments x (B, T, F), each band scaled to mean 0 and deviation 1 -> `SBCNNOutput`."""
        if x.ndim != 3 or x.shape[1:] != (self.n_frames, self.n_mels):
            raise ValueError(f"x: expected shape (B, {self.n_frames}, {self.n_mels}), got {tuple(x.shape)}")
        h = self.blocks(x[:, None])  # (B, C, 3, 25) with the defaults
        h = h.permute(0, 2, 3, 1).flatten(1)  # time, frequency, channel: the order of the published weights
        embedding = torch.relu(self.dense(self.dropout(h)))
        return SBCNNOutput(logits=self.read_out_layer(self.dropout(embedding)), embedding=embedding)
