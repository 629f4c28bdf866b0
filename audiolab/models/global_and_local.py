"""GL-AT: a global stream tags the whole clip and points at windows, a local stream tags those (Wang et al. 2021).

Axis letters: B clips, T frames of the global feature map, C channels, K classes, N windows. Samples, not frames, are
the unit of windows: they are cut from the waveform. Equations: `eq:glat-global` and `eq:glat-frame-scores` live in the
taggers, `eq:glat-window` and `eq:glat-suppression` in `select_windows`, `eq:glat-pool` in `pool_windows`,
`eq:glat-fusion` in `fuse`. Where paper and published code disagree a switch has both.

"Attention" here is a cut: the place of a window is an arg max, and no gradient passes through it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn

from .panns import TagOutput

Share = Literal["none", "classifier", "all"]
Source = Literal["selected", "random", "even"]


class Windows(NamedTuple):
    """Where to look: for each clip N windows in rank order, and what each was chosen for."""

    classes: Tensor  # (B, N) index of the class
    peaks: Tensor  # (B, N) frame of M with the highest score of that class
    starts: Tensor  # (B, N) first sample


class GlobalLocalOutput(NamedTuple):
    """Both streams, their fusion, and the windows that explain the local one. All probabilities are per class."""

    probs: Tensor  # (B, K), fused
    probs_global: Tensor  # (B, K)
    probs_local: Tensor  # (B, K)
    embedding: Tensor  # (B, D), of the global stream
    window_probs: Tensor  # (B, N, K)
    frame_probs: Tensor  # S_g, (B, T, K)
    windows: Windows


def select_windows(
    clip_probs: Tensor,
    frame_probs: Tensor,
    *,
    n_windows: int,
    window: int,
    n_samples: int,
    suppress: bool = True,
    frame_centres: Tensor | None = None,
) -> Windows:
    """One window around the highest frame of each of the N most probable classes. Equation `eq:glat-window`.

    Args:
        clip_probs: (B, K); its order ranks the classes (the paper says to sort the frame scores, which have two axes).
        frame_probs: S_g, (B, T, K); only the order of frames within a class counts. Of equal frames the first wins.
        n_windows: N, at most K. Windows of different classes may be the same piece of sound.
        window: length in samples, W.
        n_samples: length of the clip, n, at least W.
        suppress: before the next class, set frames [m - q, m + q) around the peak m to 0 in all classes that are still
            to come, q = floor(floor(W T / n) / 4). Equation `eq:glat-suppression`; in the published code only.
        frame_centres: (T,) the sample that each frame is centred on. None is the published map, floor(n m / T), up to
            75 ms early for CNN10.

    Returns:
        Windows; every start lies in 0 .. n - W.

    Raises:
        ValueError: N above K or below 1, a window longer than the clip, or shapes that do not fit.
    """
    _, n_frames, n_classes = _check_scores(clip_probs, frame_probs)
    if not 1 <= n_windows <= n_classes:
        raise ValueError(f"n_windows: expected 1 to the number of classes, {n_classes}, got {n_windows}")
    _check_window(window, n_samples)
    classes = _most_probable(clip_probs, n_windows)
    rows = frame_probs.gather(2, classes[:, None].expand(-1, n_frames, -1)).transpose(1, 2).contiguous()  # (B, N, T)
    # What a peak leads to does not depend on the clip: one table for all frames, read with the peaks.
    frame = torch.arange(n_frames, device=rows.device)
    centre = n_samples * frame // n_frames if frame_centres is None else frame_centres.to(frame)
    past_end, before = centre + window // 2 >= n_samples, centre < window // 2
    start = torch.where(past_end, n_samples - window, torch.where(before, 0, centre - window // 2))
    reach = window * n_frames // n_samples // 4 if suppress else 0  # q
    first = torch.where(past_end, n_frames - 2 * reach, torch.where(before, 0, frame - reach))
    cleared = (frame >= first[:, None]) & (frame < first[:, None] + 2 * reach)  # (T, T): peak, frame
    peaks = []
    for rank in range(n_windows):  # each window depends on the ones before it; all clips go at once
        peaks.append(rows[:, rank].argmax(dim=1))  # (B,)
        if reach:
            rows[:, rank + 1 :].masked_fill_(cleared[peaks[-1]][:, None], 0.0)
    chosen = torch.stack(peaks, 1)
    return Windows(classes, chosen, start[chosen])


def _most_probable(probs: Tensor, n: int) -> Tensor:
    """The n largest of each row, largest first and of equal ones the first: probs (B, K) -> indices (B, n).

    As a stable sort gives them; n times the largest is several times faster than sorting all of K for the few.
    """
    if n > 16:
        return probs.argsort(dim=1, descending=True, stable=True)[:, :n]
    left, found = probs.clone(), []
    for _ in range(n):
        found.append(left.argmax(dim=1, keepdim=True))
        left.scatter_(1, found[-1], -torch.inf)
    return torch.cat(found, dim=1)


def cut_windows(samples: Tensor, starts: Tensor, window: int, *, out: Tensor | None = None) -> Tensor:
    """All windows by one gather: samples (B, n), starts (B, N) -> (B, N, W). Sliding views cost no copy.

    With `out`, a contiguous tensor of that shape, its memory is used again: new memory costs more than the copies.

    Raises ValueError for a window longer than the clip, a start outside 0 .. n - W, or an `out` that does not fit.
    """
    if samples.ndim != 2 or starts.ndim != 2 or len(samples) != len(starts) or not len(samples):
        raise ValueError(
            f"samples, starts: expected (B, n) and (B, N), B at least 1, got {tuple(samples.shape)} and "
            f"{tuple(starts.shape)}"
        )
    _check_window(window, samples.shape[1])
    if starts.numel() and not (0 <= int(starts.min()) and int(starts.max()) <= samples.shape[1] - window):
        raise ValueError(f"starts: expected 0 to {samples.shape[1] - window}, got {int(starts.min())} "
                         f"to {int(starts.max())}")  # fmt: skip
    shape = (*starts.shape, window)
    if out is not None and (out.shape != shape or not out.is_contiguous()):
        raise ValueError(f"out: expected a contiguous tensor of shape {shape}, got {tuple(out.shape)}")
    first = starts + samples.shape[1] * torch.arange(len(samples), device=samples.device)[:, None]
    pieces = samples.flatten().unfold(0, window, 1)  # no copy: every window that could be cut, (B n - W + 1, W)
    memory = None if out is None else out.flatten(0, 1)
    return torch.index_select(pieces, 0, first.flatten(), out=memory).view(shape)


def pool_windows(window_probs: Tensor) -> Tensor:
    """Window probabilities (B, N, K) -> (B, K): half of maximum plus mean. Equation `eq:glat-pool`.

    The half is the published code's. The paper's pooling is the plain sum, which for probabilities can exceed 1.
    """
    return (window_probs.amax(dim=1) + window_probs.mean(dim=1)) / 2


def fuse(probs_global: Tensor, probs_local: Tensor) -> Tensor:
    """Both streams' probabilities, any shape -> 3/4 of the larger plus 1/4 of the smaller. Equation `eq:glat-fusion`.

    This is `pool_windows` of the two.
    """
    return 0.75 * torch.maximum(probs_global, probs_local) + 0.25 * torch.minimum(probs_global, probs_local)


def even_starts(n_clips: int, n_windows: int, *, window: int, n_samples: int) -> Tensor:
    """Starts (B, N) of windows spread evenly from the clip's first sample to its last; one alone sits in the middle."""
    _check_window(window, n_samples)
    room = n_samples - window
    place = [room // 2] if n_windows == 1 else [room * j // (n_windows - 1) for j in range(n_windows)]
    return torch.tensor(place).expand(n_clips, -1)


class GlobalLocal(nn.Module):
    """Two taggers and the selection between them; CNN10 twice has 10 438 558 parameters for 527 classes.

    Parameters: `front_end` turns samples (B, n) into log-mel (B, T, F); `make_tagger()` gives one tagger (called once
    with `share="all"`, else twice); `n_windows` N (5) and `window_samples` W (3 s at 32 kHz).

    Switches, the first value is the default: `share` "none", "classifier" (the fully connected layers) or "all";
    `freeze_global` False (paper: joint training) or True (published code: the global stream stays as it is, in
    evaluation mode); `frame_classifier` "global" (paper) or "local" (published code, which drops out as well when
    training; not imitated); `suppress` and `true_centres` as in `select_windows`; `source` "selected", or as controls
    "random" and "even" windows, of which random ones are drawn from torch's generator of the moment in training and
    from `source_seed` in evaluation.

    With W equal to the clip every window is the clip: the local stream is then a second whole-clip tagger, whatever N.

    Draws of the local stream never shift those of the global one, so that with separate weights the global stream
    learns exactly what it learns alone.

    Raises ValueError for an unknown switch, clips shorter than W, and N above the number of classes.
    """

    def __init__(
        self,
        front_end: nn.Module,
        make_tagger: Callable[[], nn.Module],
        *,
        n_windows: int = 5,
        window_samples: int = 96000,
        share: Share = "none",
        freeze_global: bool = False,
        frame_classifier: Literal["global", "local"] = "global",
        suppress: bool = True,
        true_centres: bool = False,
        source: Source = "selected",
        source_seed: int = 0,
    ) -> None:
        super().__init__()
        known: dict[str, tuple[Any, tuple[str, ...]]] = {
            "share": (share, ("none", "classifier", "all")), "source": (source, ("selected", "random", "even")),
            "frame_classifier": (frame_classifier, ("global", "local")),
        }
        for name, (value, allowed) in known.items():
            if value not in allowed:
                raise ValueError(f"{name}: expected one of {allowed}, got {value!r}")
        if freeze_global and share != "none":
            raise ValueError("freeze_global: expected separate weights (share='none'), shared ones cannot be frozen")
        self.front_end = front_end
        self.global_stream = make_tagger()
        self.local_stream = self.global_stream if share == "all" else make_tagger()
        if share == "classifier":
            for name in self.global_stream.classifier_names:
                setattr(self.local_stream, name, getattr(self.global_stream, name))
        self.n_windows, self.window_samples, self.share, self.freeze_global = (
            n_windows, window_samples, share, freeze_global,
        )
        self.frame_classifier, self.suppress, self.true_centres = frame_classifier, suppress, true_centres
        self.source, self.source_seed = source, source_seed
        self._memory: Tensor | None = None  # of the windows, used again by the next forward
        if freeze_global:
            self.global_stream.requires_grad_(False)

    def train(self, mode: bool = True) -> GlobalLocal:
        """Training or evaluation mode; a frozen global stream stays in evaluation."""
        super().train(mode)
        if self.freeze_global:
            self.global_stream.eval()
        return self

    def frame_centres(self, n_frames: int) -> Tensor:
        """Sample that each frame of M is centred on, (T,): CNN10 at PANNs' hop has 5120 t + 2400."""
        pool, hop = self.global_stream.pool_t, self.front_end.hop_length
        return torch.arange(n_frames) * pool * hop + (pool - 1) * hop // 2

    @torch.no_grad()
    def select(self, whole: TagOutput, n_samples: int) -> Windows:
        """Windows for clips of `n_samples` from the global stream's output; the controls ignore its frame scores."""
        classifier = self.local_stream if self.frame_classifier == "local" else self.global_stream
        scores = whole.frame_probs if self.frame_classifier == "global" else classifier.classify_frames(whole.frames)
        windows = select_windows(
            whole.probs, scores, n_windows=self.n_windows, window=self.window_samples, n_samples=n_samples,
            suppress=self.suppress, frame_centres=self.frame_centres(scores.shape[1]) if self.true_centres else None,
        )
        shape, device = windows.starts.shape, windows.starts.device
        if self.source == "even":
            starts = even_starts(*shape, window=self.window_samples, n_samples=n_samples)
            windows = windows._replace(starts=starts.to(device))
        elif self.source == "random":
            room = n_samples - self.window_samples + 1
            own = None if self.training else torch.Generator().manual_seed(self.source_seed)
            windows = windows._replace(starts=torch.randint(room, shape, generator=own).to(device))
        return windows

    def _cut(self, samples: Tensor, starts: Tensor) -> Tensor:
        """`cut_windows` into memory that lasts; nothing that a forward returns lies there."""
        if samples.requires_grad or any(p.requires_grad for p in self.front_end.parameters()):
            return cut_windows(samples, starts, self.window_samples)  # a graph may hold on to the windows
        shape, old = (*starts.shape, self.window_samples), self._memory
        fits = old is not None and old.shape == shape and (old.dtype, old.device) == (samples.dtype, samples.device)
        if not fits or old.is_inference():
            self._memory = samples.new_empty(shape)
        return cut_windows(samples, starts, self.window_samples, out=self._memory)

    def forward(self, samples: Tensor) -> GlobalLocalOutput:
        """Samples (B, n) -> `GlobalLocalOutput`."""
        if samples.ndim != 2 or samples.shape[1] < self.window_samples:
            raise ValueError(
                f"samples: expected shape (B, n) with n at least window_samples={self.window_samples} (pad first), "
                f"got {tuple(samples.shape)}"
            )
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.freeze_global):
            whole = self.global_stream(self.front_end(samples))
        with torch.random.fork_rng(devices=[samples.device] if samples.is_cuda else []):
            windows = self.select(whole, samples.shape[1])
            pieces = self._cut(samples, windows.starts)  # (B, N, W)
            local = self.local_stream(self.front_end(pieces.flatten(0, 1)))
        window_probs = local.probs.unflatten(0, pieces.shape[:2])  # (B, N, K)
        probs_local = pool_windows(window_probs)
        return GlobalLocalOutput(
            probs=fuse(whole.probs, probs_local),
            probs_global=whole.probs,
            probs_local=probs_local,
            embedding=whole.embedding,
            window_probs=window_probs,
            frame_probs=whole.frame_probs,
            windows=windows,
        )


def _check_scores(clip_probs: Tensor, frame_probs: Tensor) -> tuple[int, int, int]:
    if frame_probs.ndim != 3 or clip_probs.shape != (frame_probs.shape[0], frame_probs.shape[2]):
        raise ValueError(
            f"clip_probs, frame_probs: expected (B, K) and (B, T, K), got {tuple(clip_probs.shape)} and "
            f"{tuple(frame_probs.shape)}"
        )
    return tuple(frame_probs.shape)


def _check_window(window: int, n_samples: int) -> None:
    if not 1 <= window <= n_samples:
        raise ValueError(f"window: expected 1 to the clip's {n_samples} samples (pad the clip first), got {window}")


class WholeClip(nn.Module):
    """One tagger on the waveform, `front_end` then `tagger`: the single stream that GL-AT is compared with.

    `forward` takes samples (B, n) and returns the tagger's `TagOutput`.
    """

    def __init__(self, front_end: nn.Module, tagger: nn.Module) -> None:
        super().__init__()
        self.front_end, self.global_stream = front_end, tagger

    def forward(self, samples: Tensor) -> TagOutput:
        return self.global_stream(self.front_end(samples))
