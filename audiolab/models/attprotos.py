"""AttProtos: a sound event detector that decides by where its local prototypes are (Zinemanas et al. 2021).

Axis letters: B segments, T frames, F mel bands, T' = T/4 and F' = F/4 latent frames and bands, C channels,
M prototypes, K classes. Outputs keep channels last, (B, T', F', C), as the equations read; convolutions inside put
channels second.

Equations: `eq:attprotos-latent` in `place_prototypes`, `eq:attprotos-time-sum` in `reduce_time`,
`eq:attprotos-readout` in `read_out_maps`. Where paper and published code differ the code is followed (it made the
published table); the paper's choice is a switch.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

LEAKY_SLOPE = 0.3  # the default slope in Keras, which the published weights were trained with
PROTOTYPE_RANGE = 0.05  # prototypes start uniform within plus or minus this
POOL = 2  # each of two poolings halves both axes

TimeReduce = Literal["sum", "mean"]


class AttProtosOutput(NamedTuple):
    """What the network decides and everything that explains it."""

    logits: Tensor  # (B, K)
    embedding: Tensor  # Z, (B, T', F', C)
    attention: Tensor  # S, (B, T', F', M), at least 0
    pre_attention: Tensor  # A, (B, T', F', M): S before its ReLU
    z_hat: Tensor  # Z^ = S P, (B, T', F', C)
    reconstruction: Tensor  # X~ = g(Z), (B, T, F), in [-1, 1]
    reconstruction_hat: Tensor  # X^ = g(Z^), (B, T, F), in [-1, 1]
    masks: tuple[Tensor, Tensor]  # (B, T, F, C) and (B, T/2, F/2, C), 0 or 1


def place_prototypes(attention: Tensor, prototypes: Tensor) -> Tensor:
    """Rebuild the latent map from prototypes: Z^ = S P. Equation `eq:attprotos-latent`.

    `attention` S (..., M) times `prototypes` P (M, C) -> (..., C). It is a 1x1 convolution without bias.
    """
    return attention @ prototypes


def reduce_time(attention: Tensor, time_reduce: TimeReduce = "sum") -> Tensor:
    """Sum the attention maps over time, S (B, T', F', M) -> (B, F', M). Equation `eq:attprotos-time-sum`.

    The paper's equation 1 is a mean; the published code sums, which is T' times larger and shifts the balance with the
    penalty on the read-out weights. Raises ValueError for another name.
    """
    if time_reduce == "sum":
        return attention.sum(dim=1)
    if time_reduce == "mean":
        return attention.mean(dim=1)
    raise ValueError(f'time_reduce: expected "sum" or "mean", got {time_reduce!r}')


def read_out_maps(summed: Tensor, weight: Tensor) -> Tensor:
    """Logit k is the sum over f and m of summed[f, m] weight[f, m, k]. Equation `eq:attprotos-readout`.

    `summed` (B, F', M), `weight` (F', M, K) -> (B, K). There is no bias: no evidence gives logit 0, probability 0.5.
    """
    return torch.einsum("bfm,fmk->bk", summed, weight)


def value_mask(activation: Tensor, pooled: Tensor) -> Tensor:
    """1 wherever an activation equals the maximum of its 2x2 block: (B, C, T, F) and its pooling -> (B, C, T, F).

    Several equal maxima all count, unlike the indices of `max_pool2d`; without ties the two are the same. No gradient
    passes.
    """
    upsampled = functional.interpolate(pooled.detach(), scale_factor=POOL, mode="nearest")
    return (activation.detach() >= upsampled).to(activation.dtype)


class AttProtos(nn.Module):
    """Detector with an autoencoder of the input, M attention maps and M local prototypes; 147 920 parameters.

    Zinemanas et al. 2021, section 2; sizes, kernels and initial values from the published code.

    Parameters: `n_classes` K; `n_mels` F, a multiple of 4; `n_prototypes` M (15; the paper does not say);
    `n_channels` C of the encoder, of the first two attention layers and of the decoder (32); `time_reduce` "sum" (code)
    or "mean" (paper); `kernel_size` odd (5); `generator` draws the initial values (the default generator of torch if
    None).

    `forward` wants scaled log-mel segments x (B, T, F) in [-1, 1], T a multiple of 4, and returns `AttProtosOutput`.
    `detect` gives the logits alone at a quarter of the cost. Raises ValueError for sizes that do not divide.

    >>> model = AttProtos(generator=torch.Generator().manual_seed(0))
    >>> model(torch.zeros(2, 20, 128)).attention.shape
    torch.Size([2, 5, 32, 15])
    """

    def __init__(
        self,
        *,
        n_classes: int = 10,
        n_mels: int = 128,
        n_prototypes: int = 15,
        n_channels: int = 32,
        time_reduce: TimeReduce = "sum",
        kernel_size: int = 5,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        if n_mels < 4 or n_mels % 4:
            raise ValueError(f"n_mels: expected a positive multiple of 4 (two poolings), got {n_mels}")
        if time_reduce not in ("sum", "mean"):
            raise ValueError(f'time_reduce: expected "sum" or "mean", got {time_reduce!r}')
        if kernel_size < 1 or kernel_size % 2 == 0:
            raise ValueError(f"kernel_size: expected an odd number, got {kernel_size}")
        for name, value in (("n_classes", n_classes), ("n_prototypes", n_prototypes), ("n_channels", n_channels)):
            if value < 1:
                raise ValueError(f"{name}: expected at least 1, got {value}")
        self.n_classes, self.n_mels, self.n_prototypes, self.n_channels = n_classes, n_mels, n_prototypes, n_channels
        self.time_reduce: TimeReduce = time_reduce

        def convolution(n_in: int, n_out: int) -> nn.Conv2d:
            return nn.Conv2d(n_in, n_out, kernel_size, padding=kernel_size // 2)

        def transposed(n_in: int, n_out: int) -> nn.ConvTranspose2d:
            return nn.ConvTranspose2d(n_in, n_out, kernel_size, padding=kernel_size // 2)

        C = n_channels
        self.encoder = nn.ModuleList([convolution(1, C), convolution(C, C), convolution(C, C)])
        self.attention = nn.ModuleList([convolution(1, C), convolution(C, C), convolution(C, n_prototypes)])
        self.prototypes = nn.Parameter(torch.empty(n_prototypes, C))
        self.decoder = nn.ModuleList([transposed(C, C), transposed(C, C), transposed(C, 1)])
        # Rows of the flattened map go band by band, prototype within band: index f * M + m.
        self.read_out_layer = nn.Linear(self.n_latent_bands * n_prototypes, n_classes, bias=False)
        self.reset_parameters(generator)

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Draw initial values: Glorot-uniform kernels, zero biases, prototypes uniform in [-0.05, 0.05]."""
        for layer in (*self.encoder, *self.attention, *self.decoder, self.read_out_layer):
            nn.init.xavier_uniform_(layer.weight, generator=generator)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        nn.init.uniform_(self.prototypes, -PROTOTYPE_RANGE, PROTOTYPE_RANGE, generator=generator)

    @property
    def n_latent_bands(self) -> int:
        """F' = F / 4."""
        return self.n_mels // POOL**2

    @property
    def read_out_weight(self) -> Tensor:
        """W as (F', M, K): a view of the read-out layer, gradients included."""
        shape = (self.n_classes, self.n_latent_bands, self.n_prototypes)
        return self.read_out_layer.weight.reshape(shape).permute(1, 2, 0)

    def _check(self, x: Tensor) -> Tensor:
        if x.ndim != 3:
            raise ValueError(f"x: expected shape (B, T, F), got {tuple(x.shape)}")
        if x.shape[1] < 4 or x.shape[1] % 4:
            raise ValueError(f"x: expected a number of frames T that is a multiple of 4, got T={x.shape[1]}")
        if x.shape[2] != self.n_mels:
            raise ValueError(f"x: expected F={self.n_mels} mel bands, got F={x.shape[2]}")
        return x[:, None]  # (B, 1, T, F)

    def encode(self, x: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Encoder f: x (B, T, F) -> Z (B, T', F', C) and the two unpooling masks (B, T, F, C), (B, T/2, F/2, C)."""
        h = self._check(x)
        masks = []
        for layer in self.encoder[:2]:
            activation = functional.leaky_relu(layer(h), LEAKY_SLOPE)
            h = functional.max_pool2d(activation, POOL)
            masks.append(value_mask(activation, h).permute(0, 2, 3, 1))
        z = functional.leaky_relu(self.encoder[2](h), LEAKY_SLOPE)  # (B, C, T', F')
        return z.permute(0, 2, 3, 1), (masks[0], masks[1])

    def attend(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Attention s: x (B, T, F) -> maps S and their values before the ReLU, A, both (B, T', F', M)."""
        h = self._check(x)
        for layer in self.attention[:2]:
            h = functional.max_pool2d(functional.relu(layer(h)), POOL)
        pre_attention = self.attention[2](h).permute(0, 2, 3, 1)
        return functional.relu(pre_attention), pre_attention

    def decode(self, z: Tensor, masks: tuple[Tensor, Tensor]) -> Tensor:
        """Decoder g: z (B, T', F', C) and the masks of `encode` -> (B, T, F) in [-1, 1].

        A mask replaces the indices of unpooling: every value is repeated over its block and kept where the input had
        the block's maximum. Raises ValueError when the masks do not have 4 and 2 times the size of z.
        """
        for mask, factor in zip(masks, (4, 2), strict=True):
            expected = (z.shape[0], factor * z.shape[1], factor * z.shape[2], self.n_channels)
            if tuple(mask.shape) != expected:
                raise ValueError(f"masks: expected shape {expected}, got {tuple(mask.shape)}")
        h = z.permute(0, 3, 1, 2)
        for layer, mask in zip(self.decoder[:2], reversed(masks), strict=True):
            h = functional.interpolate(layer(h), scale_factor=POOL, mode="nearest")
            h = functional.leaky_relu(h * mask.permute(0, 3, 1, 2), LEAKY_SLOPE)
        return torch.tanh(self.decoder[2](h)).squeeze(1)

    def read_out(self, attention: Tensor) -> Tensor:
        """Attention maps S (B, T', F', M) -> logits (B, K), linear and without bias."""
        return read_out_maps(reduce_time(attention, self.time_reduce), self.read_out_weight)

    def detect(self, x: Tensor) -> Tensor:
        """Logits (B, K) alone: attention and read-out, all that detection needs."""
        return self.read_out(self.attend(x)[0])

    def forward(self, x: Tensor) -> AttProtosOutput:
        """x (B, T, F) -> `AttProtosOutput`; both decoder calls use the masks of the same input."""
        embedding, masks = self.encode(x)
        attention, pre_attention = self.attend(x)
        z_hat = place_prototypes(attention, self.prototypes)
        return AttProtosOutput(
            logits=self.read_out(attention),
            embedding=embedding,
            attention=attention,
            pre_attention=pre_attention,
            z_hat=z_hat,
            reconstruction=self.decode(embedding, masks),
            reconstruction_hat=self.decode(z_hat, masks),
            masks=masks,
        )
