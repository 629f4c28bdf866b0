"""Sightreader: a network that reads a spectrogram through sixteen glimpses (Watcharasupat et al. 2020, III.B).

An adaptation of the recurrent attention model of Mnih et al. 2014. Axis letters: B recordings, T frames, F mel bands,
J glimpses, P cells of one glimpse, D units of the core, K classes. A location is (time, frequency), each in [-1, 1].
Equations: `eq:visual-glimpse` in `extract_glimpses`, `eq:visual-fuse` and `eq:visual-location` in `Sightreader`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from audiolab.features.vggish import N_MELS, SILENCE

Size = tuple[int, int]
Policy = Literal["learned", "random", "centred", "sweep"]
SHAPED: tuple[Size, ...] = ((7, 25), (7, 44), (128, 1), (64, 1), (32, 1))  # musicnn's kernels for 64 bands
SQUARE: tuple[Size, ...] = ((12, 12),)
SQUARE_EQUAL: tuple[Size, ...] = ((26, 27),)  # 702 values: as many as the shaped glimpse gives (707), which overlap
SQUARE_COVER: tuple[Size, ...] = ((21, 21),)  # 441 cells: about as many as the shaped glimpse covers (429)


class SightreaderOutput(NamedTuple):
    """The decision after the last glimpse, and the whole course of looking.

    Index j is glimpse j everywhere: `log_probs[:, j]` is the log-density of the location *of* glimpse j under the
    policy that had seen the glimpses before it, and `baselines[:, j]` what the baseline expected at that moment. The
    first location is not drawn from the policy: its log-probability is 0.
    """

    probs: Tensor  # (B, K), after the last glimpse
    embedding: Tensor  # h_J, (B, D)
    step_probs: Tensor  # (B, J, K)
    locations: Tensor  # (B, J, 2), clamped to [-1, 1]
    means: Tensor  # (B, J, 2), what the location network asked for; row 0 repeats the first location
    log_probs: Tensor  # (B, J)
    baselines: Tensor  # (B, J)


# Glimpses


def location_to_index(location: Tensor, n_frames: int, n_bands: int) -> Tensor:
    """Centre cell of a location: round((l + 1) / 2 (L - 1)) with each axis' own length L; (B, 2) -> (B, 2) whole."""
    lengths = torch.tensor([n_frames - 1, n_bands - 1], dtype=location.dtype, device=location.device)
    return ((location + 1) / 2 * lengths).round().long()


def glimpse_offsets(sizes: Sequence[Size]) -> Tensor:
    """Offsets (P, 2) from the centre to every cell of all patches, patch after patch, time slowest within a patch.

    A patch of even size has one cell more before its centre than after it. Raises ValueError for sizes below 1.
    """
    if not sizes or any(len(size) != 2 or min(size) < 1 for size in sizes):
        raise ValueError(f"sizes: expected pairs (frames, bands) of at least 1, got {sizes}")
    grids = [
        torch.cartesian_prod(torch.arange(t) - t // 2, torch.arange(f) - f // 2).reshape(-1, 2) for t, f in sizes
    ]
    return torch.cat(grids)


def extract_glimpses(x: Tensor, location: Tensor, offsets: Tensor, *, fill: float = SILENCE) -> Tensor:
    """The cells of every patch around a location, by one gather for the whole batch. Equation `eq:visual-glimpse`.

    x (B, T, F), `location` (B, 2) in [-1, 1], `offsets` (P, 2) of `glimpse_offsets` -> (B, P). Cells outside the
    spectrogram get `fill`; 0 would be loud on a logarithmic scale. Raises ValueError when shapes do not fit.
    """
    if x.ndim != 3 or location.shape != (x.shape[0], 2):
        shapes = f"{tuple(x.shape)} and {tuple(location.shape)}"
        raise ValueError(f"x, location: expected (B, T, F) and (B, 2), got {shapes}")
    n_frames, n_bands = x.shape[1:]
    cells = location_to_index(location, n_frames, n_bands)[:, None] + offsets.to(x.device)  # (B, P, 2)
    frames, bands = cells.unbind(-1)
    inside = (frames >= 0) & (frames < n_frames) & (bands >= 0) & (bands < n_bands)
    index = (frames * n_bands + bands).where(inside, torch.zeros((), dtype=torch.long, device=x.device))
    return x.flatten(1).gather(1, index).where(inside, torch.full((), fill, dtype=x.dtype, device=x.device))


def covered_cells(locations: Tensor, sizes: Sequence[Size], n_frames: int, n_bands: int = N_MELS) -> Tensor:
    """Which cells the glimpses saw: locations (B, J, 2) -> bool (B, T, F)."""
    n_batch, n_glimpses, _ = locations.shape
    centres = location_to_index(locations.reshape(-1, 2), n_frames, n_bands).reshape(n_batch, n_glimpses, 1, 2)
    frames, bands = (centres + glimpse_offsets(sizes).to(locations.device)).unbind(-1)  # (B, J, P)
    inside = (frames >= 0) & (frames < n_frames) & (bands >= 0) & (bands < n_bands)
    seen = torch.zeros(n_batch, n_frames * n_bands + 1, dtype=torch.bool, device=locations.device)
    index = (frames * n_bands + bands).where(inside, torch.tensor(n_frames * n_bands, device=locations.device))
    seen.scatter_(1, index.flatten(1), True)  # what lies outside goes to one cell too many
    return seen[:, :-1].reshape(n_batch, n_frames, n_bands)


# The network


class PlainCell(nn.Module):
    """The core of the original recurrent attention model: h = ReLU(W rho + b + V h' + c), two linear layers."""

    def __init__(self, n_in: int, n_hidden: int) -> None:
        super().__init__()
        self.input, self.hidden = nn.Linear(n_in, n_hidden), nn.Linear(n_hidden, n_hidden)

    def forward(self, rho: Tensor, h: Tensor) -> Tensor:
        """(B, n_in), (B, D) -> (B, D)."""
        return functional.relu(self.input(rho) + self.hidden(h))


class Sightreader(nn.Module):
    """SR16 by default; with `sizes=SQUARE` RAM16-GRU, and with `core="rnn"` RAM16-RNN.

    Parameters at the default widths: SR16 524 695, RAM16-GRU 452 631, RAM16-RNN 189 463.

    Args:
        n_classes: K.
        sizes: patches of a glimpse as (frames, bands), all centred on the same location.
        core: "gru" or "rnn".
        n_glimpses: J.
        sigma: standard deviation of the policy, in units of the location (0.17: 85 frames, but 5 bands).
        n_sensor, n_hidden: widths of the sensor (128) and of the core (256; the paper leaves the fused width open).
        policy: "learned"; or a control, which learns nothing about where to look: "random" (uniform), "centred" (the
            same noise about the middle), "sweep" (evenly through time at the middle band).
        mean, std: the input is taken minus `mean` over `std`, silence outside the spectrogram too.
        generator: draws the initial weights.

    `forward` takes a log-mel (B, T, F) and returns `SightreaderOutput`. In training, locations come from torch's global
    generator; in evaluation from a fixed seed, unless a `generator` is given; `deterministic` takes the mean of the
    policy instead of a draw (the first location stays drawn). Raises ValueError for sizes and shapes that do not fit.
    """

    def __init__(
        self,
        *,
        n_classes: int = 20,
        sizes: Sequence[Size] = SHAPED,
        core: Literal["gru", "rnn"] = "gru",
        n_glimpses: int = 16,
        sigma: float = 0.17,
        n_sensor: int = 128,
        n_hidden: int = 256,
        policy: Policy = "learned",
        mean: float = 0.0,
        std: float = 1.0,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        if core not in ("gru", "rnn"):
            raise ValueError(f'core: expected "gru" or "rnn", got {core!r}')
        if policy not in ("learned", "random", "centred", "sweep"):
            raise ValueError(f'policy: expected "learned", "random", "centred" or "sweep", got {policy!r}')
        if n_glimpses < 1 or not sigma > 0 or not std > 0:
            raise ValueError(
                f"n_glimpses, sigma, std: expected at least 1, above 0, above 0, got {n_glimpses}, {sigma}, {std}"
            )
        self.n_classes, self.n_glimpses, self.sigma, self.policy = n_classes, n_glimpses, sigma, policy
        self.sizes, self.mean, self.std = tuple(sizes), mean, std
        self.register_buffer("offsets", glimpse_offsets(sizes), persistent=False)
        self.sensor = nn.Linear(len(self.offsets), n_sensor)
        self.where = nn.Linear(2, n_sensor)
        self.fuse = nn.Linear(n_sensor, n_hidden)
        self.core = (nn.GRUCell if core == "gru" else PlainCell)(n_hidden, n_hidden)
        self.locate = nn.Linear(n_hidden, 2)
        self.classify = nn.Linear(n_hidden, n_classes)
        self.baseline = nn.Linear(n_hidden, 1)
        if generator is not None:
            for parameter in self.parameters():  # torch's own distribution for linear and recurrent layers
                bound = 1 / math.sqrt(parameter.shape[-1] if parameter.ndim > 1 else n_hidden)
                nn.init.uniform_(parameter, -bound, bound, generator=generator)

    def glimpse(self, x: Tensor, location: Tensor) -> Tensor:
        """What a look at a location gives: x (B, T, F) scaled, `location` (B, 2) -> rho (B, D). `eq:visual-fuse`."""
        cells = extract_glimpses(x, location, self.offsets, fill=(SILENCE - self.mean) / self.std)
        what = functional.relu(self.sensor(cells))  # (B, n_sensor)
        return functional.relu(self.fuse(what + functional.relu(self.where(location))))

    def _next(self, h: Tensor, j: int, generator: torch.Generator | None, deterministic: bool) -> tuple[Tensor, Tensor]:
        """Mean and draw (not clamped) of the location of glimpse j, (B, 2) each, no gradient in the draw."""
        shape = (h.shape[0], 2)

        def draw(kind: str) -> Tensor:
            noise = torch.rand(shape, generator=generator) * 2 - 1 if kind == "uniform" else torch.randn(
                shape, generator=generator)
            return noise.to(h)

        if self.policy == "sweep":
            mean = torch.zeros(shape).to(h)
            mean[:, 0] = 2 * (j + 0.5) / self.n_glimpses - 1
            return mean, mean
        if j == 0 or self.policy == "random":
            mean = draw("uniform")
            return mean, mean
        # The location network learns from its reward alone: no other gradient may pass through h.
        mean = torch.tanh(self.locate(h.detach())) if self.policy == "learned" else torch.zeros(shape).to(h)
        noise = draw("normal")  # drawn in any case, so that both modes read the same stream
        return mean, mean.detach() if deterministic else (mean + self.sigma * noise).detach()

    def forward(
        self, x: Tensor, *, generator: torch.Generator | None = None, deterministic: bool = False
    ) -> SightreaderOutput:
        """x (B, T, F) -> `SightreaderOutput`."""
        if x.ndim != 3:
            raise ValueError(f"x: expected shape (B, T, F), got {tuple(x.shape)}")
        if generator is None and not self.training:
            generator = torch.Generator().manual_seed(0)
        x = (x - self.mean) / self.std
        h = x.new_zeros(x.shape[0], self.classify.in_features)
        steps: list[tuple[Tensor, ...]] = []
        for j in range(self.n_glimpses):
            baseline = self.baseline(h.detach()).squeeze(1)  # before the glimpse: what it sees may not enter
            mean, drawn = self._next(h, j, generator, deterministic)
            location = drawn.clamp(-1, 1)
            log_prob = gaussian_log_prob(drawn, mean, self.sigma) if j > 0 else torch.zeros_like(baseline)
            h = self.core(self.glimpse(x, location), h)
            steps.append((self.classify(h).sigmoid(), location, mean, log_prob, baseline))
        probs, locations, means, log_probs, baselines = (torch.stack(part, 1) for part in zip(*steps, strict=True))
        return SightreaderOutput(probs[:, -1], h, probs, locations, means, log_probs, baselines)


def gaussian_log_prob(drawn: Tensor, mean: Tensor, sigma: float) -> Tensor:
    """Log-density of a location under the policy, summed over both coordinates: (B, 2), (B, 2) -> (B,).

    Of the draw before it is clamped: clamping piles density up on the border. Equation `eq:visual-location`.
    """
    squares = ((drawn.detach() - mean) / sigma).square()
    return (-0.5 * squares - math.log(sigma) - 0.5 * math.log(2 * math.pi)).sum(-1)
