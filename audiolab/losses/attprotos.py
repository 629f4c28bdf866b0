"""The objective of AttProtos, as printed and as published in code (Zinemanas et al. 2021, section 3.1).

Axis letters: B segments, T, F frames and mel bands, T', F' latent ones, C channels, M prototypes, K classes.

| term | "code" | "paper" |
|---|---|---|
| classification | mean over B, K, p clipped to [1e-7, 1 - 1e-7] | the same without clipping |
| reconstruction | mean over B, T, F | sum over T, F, mean over B (T F times larger) |
| prototype_latent | sum over F', C, mean over B, T' | sum over T', F', C, mean over B |
| prototype_input | X^ against X~, sum over F, mean over B, T | X^ against X, sum over T, F, mean over B |
| sparsity | 1-norm of A, 2.56e-4 a segment (1e-6 summed over 256) | 1-norm of S, 1e-5 (the formula prints Z) |
| read_out | 1e-5 | 1e-6 |
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

from torch import Tensor, nn

from .bce import clipped_cross_entropy
from .terms import LossTerms

if TYPE_CHECKING:

    class ReadsOut(Protocol):
        """A model whose last layer is penalised."""

        read_out_layer: nn.Linear

    class Output(Protocol):
        """What the loss reads of a model's output."""

        logits: Tensor
        embedding: Tensor
        attention: Tensor
        pre_attention: Tensor
        z_hat: Tensor
        reconstruction: Tensor
        reconstruction_hat: Tensor

    class XY(Protocol):
        """What the loss reads of a batch."""

        x: Tensor
        y: Tensor


Preset = Literal["code", "paper"]
SparsityOn = Literal["A", "S", "Z"]
InputTarget = Literal["reconstruction", "input"]
REFERENCE_BATCH = 256  # the code sums its sparsity term over a batch of this many segments


class Choices(NamedTuple):
    """Every point on which paper and code differ."""

    weights: Mapping[str, float]
    reduction: Preset
    input_target: InputTarget
    sparsity_on: SparsityOn
    clip: float | None


_DETECTION = {"classification": 10.0, "reconstruction": 5.0, "prototype_latent": 5.0, "prototype_input": 5.0}
PRESETS: dict[str, Choices] = {
    # The regularisers look swapped between the two: (1e-6, 1e-5) is stored in all published model files.
    "code": Choices(
        {**_DETECTION, "sparsity": 1e-6 * REFERENCE_BATCH, "read_out": 1e-5}, "code", "reconstruction", "A", 1e-7
    ),
    "paper": Choices({**_DETECTION, "sparsity": 1e-5, "read_out": 1e-6}, "paper", "input", "S", None),
}


def reconstruction_loss(x: Tensor, reconstruction: Tensor, *, reduction: Preset = "code") -> Tensor:
    """Squared error of the autoencoder, X (B, T, F) against X~. Equation `eq:attprotos-reconstruction`.

    "paper" sums over T and F and averages over B; "code" averages over all three.
    """
    error = (x - reconstruction).square()
    return error.mean() if reduction == "code" else error.sum(dim=(1, 2)).mean()


def prototype_losses(
    z: Tensor, z_hat: Tensor, target: Tensor, reconstruction_hat: Tensor, *, reduction: Preset = "code"
) -> tuple[Tensor, Tensor]:
    """Squared error of the map made of prototypes, latent and input. Equation `eq:attprotos-prototype-loss`.

    Latent: Z (B, T', F', C) against Z^; input: `target` (B, T, F) against X^. "paper" sums both over all axes but B;
    "code" also averages over time, which makes them T' and T times smaller.
    """
    latent = (z - z_hat).square().sum(dim=(2, 3))  # (B, T')
    spectral = (target - reconstruction_hat).square().sum(dim=2)  # (B, T)
    if reduction == "code":
        return latent.mean(), spectral.mean()
    return latent.sum(dim=1).mean(), spectral.sum(dim=1).mean()


def sparsity_loss(values: Tensor) -> Tensor:
    """Sum of |values| over all axes but B, averaged over B: (B, T', F', M) -> (). Equation `eq:attprotos-sparsity`.

    The published code sums over the batch too, so its strength grows with the batch; a weight of 256 times the code's
    1e-6 gives its value at its batch size of 256 and does not depend on ours.
    """
    return values.abs().flatten(1).sum(dim=1).mean()


class AttProtosLoss(nn.Module):
    """Weighted sum of detection, reconstruction, prototypes and two 1-norms. Equation `eq:attprotos-loss`.

    `criterion(output, batch) -> LossTerms`, terms already weighted: classification, reconstruction, prototype_latent,
    prototype_input, sparsity, read_out. No gradient is stopped anywhere: the prototype terms move encoder, decoder,
    attention and prototypes.

    Parameters: `model` gives the read-out weights to penalise (it is not registered as a part of the loss); `preset`
    "code" (it made the published table) or "paper"; each further option replaces one choice of the preset:
    `weights` a mapping from term to weight (terms not named keep theirs; the sparsity weight counts the sum of one
    segment), `reduction` "code" or "paper", `input_target` "reconstruction" (X~) or "input" (X) for the second
    prototype term, `sparsity_on` "A" (maps before the ReLU), "S" (maps) or "Z" (embedding, as the formula prints).

    Raises ValueError for unknown names and for shapes that do not fit.
    """

    def __init__(
        self,
        model: ReadsOut,
        preset: Preset = "code",
        *,
        weights: Mapping[str, float] | None = None,
        reduction: Preset | None = None,
        input_target: InputTarget | None = None,
        sparsity_on: SparsityOn | None = None,
    ) -> None:
        super().__init__()
        if preset not in PRESETS:
            raise ValueError(f"preset: expected one of {sorted(PRESETS)}, got {preset!r}")
        base = PRESETS[preset]
        unknown = set(weights or {}) - set(base.weights)
        if unknown:
            raise ValueError(f"weights: expected names among {list(base.weights)}, got {sorted(unknown)}")
        self.weights = {**base.weights, **(weights or {})}
        self.reduction: Preset = base.reduction if reduction is None else reduction
        self.input_target: InputTarget = base.input_target if input_target is None else input_target
        self.sparsity_on: SparsityOn = base.sparsity_on if sparsity_on is None else sparsity_on
        self.clip = base.clip
        options = (
            ("reduction", self.reduction, ("code", "paper")),
            ("input_target", self.input_target, ("reconstruction", "input")),
            ("sparsity_on", self.sparsity_on, ("A", "S", "Z")),
        )
        for name, value, known in options:
            if value not in known:
                raise ValueError(f"{name}: expected one of {known}, got {value!r}")
        # In a tuple, so that the model's parameters are not counted, moved or saved a second time with the loss.
        self._model = (model,)

    def forward(self, output: Output, batch: XY) -> LossTerms:
        """Reads every field of `AttProtosOutput` but the masks, and `batch.x` (B, T, F), `batch.y` (B, K)."""
        if output.reconstruction.shape != batch.x.shape:
            expected, got = tuple(output.reconstruction.shape), tuple(batch.x.shape)
            raise ValueError(f"batch.x: expected the shape of the reconstruction, {expected}, got {got}")
        target = batch.x if self.input_target == "input" else output.reconstruction
        latent, spectral = prototype_losses(
            output.embedding, output.z_hat, target, output.reconstruction_hat, reduction=self.reduction
        )
        sparse = {"A": output.pre_attention, "S": output.attention, "Z": output.embedding}[self.sparsity_on]
        values = {
            "classification": clipped_cross_entropy(output.logits, batch.y, clip=self.clip),
            "reconstruction": reconstruction_loss(batch.x, output.reconstruction, reduction=self.reduction),
            "prototype_latent": latent,
            "prototype_input": spectral,
            "sparsity": sparsity_loss(sparse),
            "read_out": self._model[0].read_out_layer.weight.abs().sum(),
        }
        return LossTerms.of(**{name: self.weights[name] * value for name, value in values.items()})
