"""AttentionMIC: instruments recognised in a cloud of time-frequency instances (Watcharasupat et al. 2020, III.A).

Axis letters: B recordings, T' and F' steps of the feature map (60 and 4), C its channels, H width of the split first
layer, D embedding, K classes. Equations: `eq:visual-features` is `vggish.VGGishCNN`, `eq:visual-embedding` in
`InstanceEmbedding`, `eq:visual-instance` and `eq:visual-attention` in `AttentionMIC`, `eq:visual-pooling` in
`pool_instances`. Where the paper is silent the code of its predecessor (Gururani et al. 2019) is followed.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from .vggish import CHANNELS, HIDDEN, ORDINATES, STEPS, VGGishCNN

Kind = Literal["AttTF", "AttTFid", "AttT", "FC"]
Split = Literal["C", "B"]
Normalisation = Literal["sum", "softmax", "uniform"]
CLAMP = 1e-7  # attention stays away from 0 and 1, as in the predecessor's code


class AttentionMICOutput(NamedTuple):
    """What the network decides and everything that explains it."""

    probs: Tensor  # (B, K)
    embedding: Tensor  # v, (B, T', F', D); F' is 1 for AttT
    attention: Tensor | None  # alpha, (B, T', F', K), sums to 1 over instances for each class; None for FC
    instance: Tensor | None  # prediction of each instance, (B, T', F', K); None for FC


# The split first layer


def split_first_layer(weight: Tensor, n_channels: int, option: Split = "C") -> Tensor:
    """Cut the first layer behind the convolutions, (H, 6 * 4 * C), into the parts that belong to an ordinate.

    Option "B" keeps one matrix for each of the six positions in a patch, (6, 4, H, C): the sum over the 24 instances of
    a patch is then the layer itself. Option "C" averages the positions, (1, 4, H, C): one matrix for an ordinate, and
    the result does not depend on where the borders of patches fall. The paper says only that each ordinate passes "the
    segment responsible for it". Raises ValueError for another option or shape.
    """
    if weight.ndim != 2 or weight.shape[1] != STEPS * ORDINATES * n_channels:
        raise ValueError(f"weight: expected shape (H, {STEPS * ORDINATES * n_channels}), got {tuple(weight.shape)}")
    parts = weight.reshape(-1, STEPS, ORDINATES, n_channels).permute(1, 2, 0, 3)  # (6, 4, H, C)
    if option == "B":
        return parts
    if option == "C":
        return parts.mean(0, keepdim=True)
    raise ValueError(f'option: expected "C" or "B", got {option!r}')


def apply_split(features: Tensor, parts: Tensor) -> Tensor:
    """Each instance times the part of its ordinate, no bias: U (B, T', F', C), parts (P, F', H, C) -> (B, T', F', H).

    P is 1 (option C) or 6 (option B, where instance t takes part t mod 6).
    """
    n_parts = parts.shape[0]
    if features.shape[1] % n_parts:
        raise ValueError(f"features: expected a number of steps T' divisible by {n_parts}, got {features.shape[1]}")
    cut = features.unflatten(1, (-1, n_parts))  # (B, N, P, F', C)
    return torch.einsum("bnpfc,pfhc->bnpfh", cut, parts).flatten(1, 2)


# Embedding, attention, pooling


class InstanceEmbedding(nn.Module):
    """Three layers with batch normalisation and a skip over all of them. Equation `eq:visual-embedding`.

    (..., D) -> (..., D). Batch normalisation of the input; three times linear without bias, batch normalisation, ReLU,
    dropout; plus the input before its normalisation. 3 D^2 + 8 D parameters (50 176 for D = 128). The paper states
    three layers of 128 and a skip connection, the rest is the predecessor's.
    """

    def __init__(self, n_embedding: int, *, dropout: float = 0.6, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(n_embedding)
        self.linears = nn.ModuleList(nn.Linear(n_embedding, n_embedding, bias=False) for _ in range(3))
        self.norms = nn.ModuleList(nn.BatchNorm1d(n_embedding) for _ in range(3))
        self.dropout = nn.Dropout(dropout)
        for linear in self.linears:
            nn.init.kaiming_uniform_(linear.weight, nonlinearity="relu", generator=generator)

    def forward(self, v: Tensor) -> Tensor:
        """(..., D) -> (..., D); every instance of the batch counts in the statistics."""
        flat = v.reshape(-1, v.shape[-1])
        h = self.norm(flat)
        for linear, norm in zip(self.linears, self.norms, strict=True):
            h = self.dropout(functional.relu(norm(linear(h))))
        return (h + flat).reshape(v.shape)


def normalise_attention(scores: Tensor, how: Normalisation = "sum") -> Tensor:
    """Weights alpha (B, T', F', K) of scores (B, T', F', K): they sum to 1 over the instances, for each class alone.

    "sum" divides the sigmoid of the scores by its sum (equation 4 of the paper, Equation `eq:visual-attention`);
    "softmax" and "uniform" are the two alternatives a reader may switch to. With "sum" a gate ends at 1, so a
    weight is large only where the other gates are closed: one instance at 1 among 239 at one half gets twice their
    share and no more.
    """
    flat = scores.flatten(1, 2)  # (B, T' F', K)
    if how == "sum":
        gate = flat.sigmoid().clamp(CLAMP, 1 - CLAMP)
        weights = gate / gate.sum(1, keepdim=True)
    elif how == "softmax":
        weights = flat.softmax(1)
    elif how == "uniform":
        weights = torch.full_like(flat, 1 / flat.shape[1])
    else:
        raise ValueError(f'how: expected "sum", "softmax" or "uniform", got {how!r}')
    return weights.reshape(scores.shape)


def pool_instances(attention: Tensor, instance: Tensor) -> Tensor:
    """Weighted mean of the instances' predictions, both (B, T', F', K) -> (B, K). Equation `eq:visual-pooling`."""
    return (attention * instance).sum((1, 2)).clamp(0, 1)


class AttentionMIC(nn.Module):
    """AttTF, its variant with a frequency identifier AttTFid, and the comparisons AttT and FC.

    Watcharasupat et al. 2020, sections III.A and IV.B. `forward` takes features U (B, T', F', C), or a log-mel
    (B, T, 64) when a `cnn` is given, and returns `AttentionMICOutput`.

    | kind | instances | what differs | parameters behind the split layer, full width |
    |---|---|---|---|
    | AttTF | 60 x 4 | | 579 752 |
    | AttTFid | 60 x 4 | a one-hot code of the ordinate is appended to the embedding | 579 912 |
    | AttT | 60 x 1 | ordinates are summed before the first ReLU | 579 752 |
    | FC | 60 x 4 | one linear layer on all embedded values | 1 189 012 |

    Parameters: `n_classes` K; `n_steps` T' (only FC needs it); `n_channels` C; `n_hidden` H; `n_embedding` D;
    `dropout`; `split` "C" or "B"; `normalisation` of the attention; `cnn` is put in front when given; `frozen_front`
    leaves the convolutions and the split layer out of training, which is how "partially pre-trained" is read here.
    Raises ValueError for sizes, kinds and shapes that do not fit.

    >>> net = AttentionMIC("AttTF", n_classes=8, n_channels=16, n_hidden=32, n_embedding=24)
    >>> net(torch.zeros(2, 60, 4, 16)).attention.shape
    torch.Size([2, 60, 4, 8])
    """

    def __init__(
        self,
        kind: Kind = "AttTF",
        *,
        n_classes: int = 20,
        n_steps: int = 60,
        n_channels: int = CHANNELS[-1],
        n_hidden: int = HIDDEN[0],
        n_embedding: int = 128,
        dropout: float = 0.6,
        split: Split = "C",
        normalisation: Normalisation = "sum",
        cnn: VGGishCNN | None = None,
        frozen_front: bool = True,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        if kind not in ("AttTF", "AttTFid", "AttT", "FC"):
            raise ValueError(f'kind: expected "AttTF", "AttTFid", "AttT" or "FC", got {kind!r}')
        sizes = {"n_classes": n_classes, "n_steps": n_steps, "n_channels": n_channels, "n_hidden": n_hidden}
        for name, value in {**sizes, "n_embedding": n_embedding}.items():
            if value < 1:
                raise ValueError(f"{name}: expected at least 1, got {value}")
        if cnn is not None and cnn.n_channels != n_channels:
            raise ValueError(f"cnn: expected one with {n_channels} channels, got {cnn.n_channels}")
        self.kind, self.normalisation, self.n_classes, self.n_steps = kind, normalisation, n_classes, n_steps
        self.cnn = cnn
        n_parts = STEPS if split == "B" else 1
        self.first_weight = nn.Parameter(torch.empty(n_parts, ORDINATES, n_hidden, n_channels))
        self.first_bias = nn.Parameter(torch.zeros(n_hidden))
        bound = (6 / (ORDINATES * n_channels)) ** 0.5
        nn.init.uniform_(self.first_weight, -bound, bound, generator=generator)
        self.second = nn.Linear(n_hidden, n_embedding)
        self.embedding = InstanceEmbedding(n_embedding, dropout=dropout, generator=generator)
        n_ordinates = 1 if kind == "AttT" else ORDINATES
        n_in = n_embedding + (ORDINATES if kind == "AttTFid" else 0)
        heads = 1 if kind == "FC" else 2
        n_in = n_steps * n_ordinates * n_embedding if kind == "FC" else n_in
        self.heads = nn.ModuleList(nn.Linear(n_in, n_classes) for _ in range(heads))  # instance, attention; or FC's
        for layer in (self.second, *self.heads):
            nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu", generator=generator)
            nn.init.zeros_(layer.bias)
        if frozen_front:
            for parameter in (self.first_weight, self.first_bias, *(cnn.parameters() if cnn is not None else ())):
                parameter.requires_grad_(False)

    @torch.no_grad()
    def load_first_layer(self, weight: Tensor, bias: Tensor) -> None:
        """Take the split layer from a trained first layer: `weight` (H, 24 C) and `bias` (H,)."""
        n_parts, _, n_hidden, n_channels = self.first_weight.shape
        parts = split_first_layer(weight, n_channels, "B" if n_parts == STEPS else "C")
        if bias.shape != (n_hidden,) or parts.shape != self.first_weight.shape:
            raise ValueError(f"weight, bias: expected {n_hidden} outputs, got {len(weight)} and {tuple(bias.shape)}")
        self.first_weight.copy_(parts)
        self.first_bias.copy_(bias)

    def embed(self, features: Tensor) -> Tensor:
        """Features U (B, T', F', C) -> embedded instances v (B, T', F', D), F' = 1 for AttT."""
        h = apply_split(features, self.first_weight)
        if self.kind == "AttT":
            h = h.sum(2, keepdim=True)
        h = functional.relu(h + self.first_bias)  # (B, T', F', H)
        return self.embedding(functional.relu(self.second(h)))

    def forward(self, x: Tensor) -> AttentionMICOutput:
        """U (B, T', F', C), or a log-mel (B, T, 64) with a `cnn` in front."""
        features = self.cnn(x) if self.cnn is not None else x
        n_channels = self.first_weight.shape[-1]
        if features.ndim != 4 or features.shape[2:] != (ORDINATES, n_channels):
            raise ValueError(f"x: expected features (B, T', {ORDINATES}, {n_channels}), got {tuple(features.shape)}")
        v = self.embed(features)
        if self.kind == "FC":
            if v.shape[1] != self.n_steps:
                raise ValueError(f"x: expected T' = {self.n_steps} steps, which FC is built for, got {v.shape[1]}")
            return AttentionMICOutput(self.heads[0](v.flatten(1)).sigmoid(), v, None, None)
        seen = v
        if self.kind == "AttTFid":
            code = torch.eye(ORDINATES, dtype=v.dtype, device=v.device).expand(*v.shape[:2], -1, -1)
            seen = torch.cat([v, code], dim=-1)  # (B, T', F', D + F')
        instance = self.heads[0](seen).sigmoid()  # equation 3, `eq:visual-instance`
        attention = normalise_attention(self.heads[1](seen), self.normalisation)  # (B, T', F', K)
        return AttentionMICOutput(pool_instances(attention, instance), v, attention, instance)


# The temporal predecessor and its baselines (Gururani et al. 2019), on the data set's own features (B, 10, 128)


class TemporalAttention(nn.Module):
    """ATT of Gururani et al. 2019: attention over the ten seconds of ready VGGish features; 55 336 parameters.

    (B, T, D) in 0..1 (bytes over 255) -> `AttentionMICOutput` with F' = 1. What AttT is designed to resemble.
    """

    def __init__(self, *, n_classes: int = 20, n_embedding: int = 128, dropout: float = 0.6) -> None:
        super().__init__()
        self.embedding = InstanceEmbedding(n_embedding, dropout=dropout)
        self.heads = nn.ModuleList(nn.Linear(n_embedding, n_classes) for _ in range(2))

    def forward(self, x: Tensor) -> AttentionMICOutput:
        """x (B, T, D)."""
        v = self.embedding(x)[:, :, None]  # (B, T, 1, D)
        instance, attention = self.heads[0](v).sigmoid(), normalise_attention(self.heads[1](v))
        return AttentionMICOutput(pool_instances(attention, instance), v, attention, instance)


def _dense(*widths: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for a, b in pairwise(widths):
        layers += [nn.Linear(a, b), nn.LeakyReLU(0.01), nn.Dropout(0.5)]
    return nn.Sequential(*layers)


class PredecessorBaseline(nn.Module):
    """The three baselines of Gururani et al. 2019 on ready features (B, 10, 128): `AttentionMICOutput` without maps.

    "FC": 1280 values through 512, 512 and 128 units (986 772 parameters). "FC_T": three layers of 128 for each second
    with a skip over all, mean over time (52 116). "GRU": three bidirectional layers of 64 units, last step (226 068).
    """

    def __init__(self, kind: Literal["FC", "FC_T", "GRU"], *, n_classes: int = 20, n_steps: int = 10) -> None:
        super().__init__()
        if kind not in ("FC", "FC_T", "GRU"):
            raise ValueError(f'kind: expected "FC", "FC_T" or "GRU", got {kind!r}')
        self.kind = kind
        if kind == "GRU":
            self.body: nn.Module = nn.GRU(128, 64, num_layers=3, bidirectional=True, batch_first=True)
        else:
            self.body = _dense(128 * n_steps, 512, 512, 128) if kind == "FC" else _dense(128, 128, 128, 128)
        self.head = nn.Linear(128, n_classes)

    def forward(self, x: Tensor) -> AttentionMICOutput:
        """x (B, T, 128)."""
        if self.kind == "FC":
            v = self.body(x.flatten(1))
        elif self.kind == "FC_T":
            v = (self.body(x) + x).mean(1)
        else:
            v = self.body(x)[0][:, -1]
        return AttentionMICOutput(self.head(v).sigmoid(), v[:, None, None], None, None)


def count_parameters(module: nn.Module, *, trainable: bool = False) -> int:
    """Number of learned values, frozen ones included unless `trainable`."""
    return sum(p.numel() for p in module.parameters() if p.requires_grad or not trainable)
