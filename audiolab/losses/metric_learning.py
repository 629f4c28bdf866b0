"""Losses on distances between embeddings, alone and added to cross-entropy (aiSFX 2022, sections 3.3 and 5.1).

Every function takes embeddings (B, D) as they leave the encoder and class numbers (B,); lengths are divided out first,
so that s_ij is the cosine of sounds i and j. All ordered pairs, or all triplets, of the batch are used, and the mean
runs over those that still cost something: `avg_positive`. Values are those of pytorch-metric-learning 2.9.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from .terms import LossTerms

LOSSES = ("contrastive", "triplet", "circle")


class Pairs(NamedTuple):
    """Cosines (B, B) and which ordered pairs are of one class, which of two; a sound is no pair with itself."""

    cosine: Tensor
    same: Tensor
    other: Tensor


def pairs(embedding: Tensor, y: Tensor) -> Pairs:
    """All pairs of a batch: embeddings (B, D), classes (B,).

    Raises ValueError when there is not one class number for each embedding.
    """
    if embedding.ndim != 2 or y.shape != embedding.shape[:1]:
        raise ValueError(f"y: expected one class for each of the embeddings {tuple(embedding.shape)}, got {y.shape}")
    z = functional.normalize(embedding, dim=1)
    equal = y[:, None] == y[None, :]
    itself = torch.eye(len(y), dtype=torch.bool, device=y.device)
    return Pairs(z @ z.T, equal & ~itself, ~equal)


def avg_positive(values: Tensor) -> Tensor:
    """Mean of the values above zero; exactly 0, with a gradient of 0, where there is none."""
    active = values > 0
    return values[active].mean() if active.any() else values.sum() * 0.0


def contrastive_loss(
    embedding: Tensor, y: Tensor, *, positive_margin: float = 1.0, negative_margin: float = 0.0
) -> Tensor:
    """Pull same-class pairs above one cosine, push others below another. Equation `eq:sfx-contrastive`.

    The library's own defaults, 0 and 1, are meant for distances: with embeddings that are never negative they make
    this loss, and its gradient, exactly 0. The defaults here are those its manual advises for a similarity.
    """
    s, same, other = pairs(embedding, y)
    pull = functional.relu(positive_margin - s[same])
    push = functional.relu(s[other] - negative_margin)
    return avg_positive(pull) + avg_positive(push)


def triplet_loss(embedding: Tensor, y: Tensor, *, margin: float = 0.05) -> Tensor:
    """An anchor should be nearer to its class than to others by a margin. Equation `eq:sfx-triplet`."""
    s, same, other = pairs(embedding, y)
    gap = s[:, None, :] - s[:, :, None] + margin  # (anchor, positive, negative)
    return avg_positive(functional.relu(gap[same[:, :, None] & other[:, None, :]]))


def circle_loss(embedding: Tensor, y: Tensor, *, margin: float = 0.4, scale: float = 80.0) -> Tensor:
    """Each pair weighted by how far it is from where it should be. Equation `eq:sfx-circle`; Sun et al. 2020.

    The weights are not differentiated. Anchors without a partner or without an opponent count as 0.
    """
    s, same, other = pairs(embedding, y)
    held = s.detach()
    positive = -scale * functional.relu(1 + margin - held) * (s - 1 + margin)
    negative = scale * functional.relu(held + margin) * (s - margin)
    never = torch.finfo(s.dtype).min
    log_positive = torch.logsumexp(positive.masked_fill(~same, never), dim=1)
    log_negative = torch.logsumexp(negative.masked_fill(~other, never), dim=1)
    usable = same.any(dim=1) & other.any(dim=1)
    return avg_positive(functional.softplus(log_positive + log_negative)[usable])


def regular_face(embedding: Tensor) -> Tensor:
    """Mean cosine of each sound with its nearest neighbour in the batch. Equation `eq:sfx-regular-face`.

    Zhao et al. 2019 meant the vectors of classes, which should be far apart. Applied to the embeddings of a batch with
    several sounds of a class, the neighbour is of the same class, and perfect clusters cost the most: exactly 1.
    0 for fewer than two sounds.
    """
    z = functional.normalize(embedding, dim=1)
    s = z @ z.T
    if len(s) < 2:
        return s.sum() * 0.0
    nearest = s.detach().clone().fill_diagonal_(-torch.inf).argmax(dim=1)
    return s.gather(1, nearest[:, None]).mean()


class Active(NamedTuple):
    """How many pairs or triplets a batch has, and how many of them still cost something."""

    n: int
    active: int


def count_active(kind: str, embedding: Tensor, y: Tensor, *, margin: float = 0.05) -> Active:
    """Triplets of a batch (`kind` "triplet"), or its same-class ("positive") or other ("negative") ordered pairs.

    A pair counts as active with the margins 1 and 0; `margin` is the triplet's. Raises ValueError for another kind.
    """
    s, same, other = pairs(embedding.detach(), y)
    if kind == "positive":
        return Active(int(same.sum()), int((s[same] < 1).sum()))
    if kind == "negative":
        return Active(int(other.sum()), int((s[other] > 0).sum()))
    if kind == "triplet":
        mask = same[:, :, None] & other[:, None, :]
        gap = s[:, None, :] - s[:, :, None] + margin
        return Active(int(mask.sum()), int((gap[mask] > 0).sum()))
    raise ValueError(f'kind: expected "positive", "negative" or "triplet", got {kind!r}')


class HasEmbedding(Protocol):
    """Any model output with logits (B, K) and an embedding (B, D)."""

    logits: Tensor
    embedding: Tensor


class HasClasses(Protocol):
    """Any batch whose `y` is (B,) of class numbers, or (B, 2) of class and library numbers."""

    y: Tensor


class JointLoss(nn.Module):
    """Cross-entropy plus a loss on distances plus RegularFace, in one backward pass. Equation `eq:sfx-joint`.

    Parameters: `metric` one of "contrastive", "triplet", "circle" or None for cross-entropy alone; `weight` and
    `regular_weight` of the two added terms (the paper states neither: 1 and 1); `options` of the loss on distances,
    such as {"margin": 0.2}; `dataset_weights` multiplies all terms of a batch by its library's number
    (`focal_weights`). `criterion(output, batch) -> LossTerms`, terms named cross_entropy, the metric, regular_face.

    Raises ValueError for another metric, and for a batch that mixes libraries.
    """

    def __init__(
        self,
        metric: str | None = None,
        *,
        weight: float = 1.0,
        regular_weight: float = 1.0,
        options: dict[str, float] | None = None,
        dataset_weights: list[float] | None = None,
    ) -> None:
        super().__init__()
        if metric is not None and metric not in LOSSES:
            raise ValueError(f"metric: expected one of {LOSSES} or None, got {metric!r}")
        self.metric, self.weight, self.regular_weight = metric, weight, regular_weight
        self.options, self.dataset_weights = dict(options or {}), dataset_weights

    def forward(self, output: HasEmbedding, batch: HasClasses) -> LossTerms:
        """Reads `output.logits`, `output.embedding` and `batch.y`."""
        y, dataset = split_target(batch.y)
        terms = {"cross_entropy": functional.cross_entropy(output.logits, y)}
        if self.metric is not None:
            compute = {"contrastive": contrastive_loss, "triplet": triplet_loss, "circle": circle_loss}[self.metric]
            terms[self.metric] = self.weight * compute(output.embedding, y, **self.options)
            if self.regular_weight:
                terms["regular_face"] = self.regular_weight * regular_face(output.embedding)
        factor = 1.0 if self.dataset_weights is None else self.dataset_weights[dataset]
        return LossTerms.of(**{name: factor * value for name, value in terms.items()})


def split_target(y: Tensor) -> tuple[Tensor, int]:
    """Class numbers (B,) and the one library of a batch; `y` is (B,), all of library 0, or (B, 2).

    Raises ValueError for a batch that mixes libraries.
    """
    if y.ndim == 1:
        return y.long(), 0
    datasets = y[:, 1].unique()
    if len(datasets) != 1:
        raise ValueError(f"batch.y: expected sounds of one library in a batch, got libraries {datasets.tolist()}")
    return y[:, 0].long(), int(datasets)


def focal_weights(n_epochs: list[int], *, beta: float) -> list[float]:
    """Weights of L data sets by the epoch at which each was learned; they sum to L. Equation `eq:sfx-fdr`.

    `n_epochs` counts from 1: the epoch at which a data set's macro F1 on its training part reached 0.9 (aiSFX, equation
    1). The weight grows with it, so what was easy counts less. `beta` 0 gives equal weights, 1 weights proportional to
    `n_epochs`. The class-balanced loss that the formula comes from divides by it; here it multiplies.

    Raises ValueError for an empty list, an epoch below 1, or a beta outside [0, 1].
    """
    if not n_epochs or min(n_epochs) < 1:
        raise ValueError(f"n_epochs: expected epochs of at least 1, got {n_epochs}")
    if not 0 <= beta <= 1:
        raise ValueError(f"beta: expected 0 to 1, got {beta}")
    # The printed quotient is this sum, which is exact at beta = 1 as well.
    raw = [sum(beta**k for k in range(n)) for n in n_epochs]
    return [len(raw) * value / sum(raw) for value in raw]
