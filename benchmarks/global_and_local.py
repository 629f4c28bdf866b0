"""Choosing and cutting windows for a whole batch at once, beside one window at a time; and a step beside its networks.

Both ways must give equal tensors. Sizes are the published ones: 32 clips of 10 s at 32 kHz, 5 windows of 3 s, 62
frames, 527 classes; the step takes two clips, for a small machine's memory. Run: make bench
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from audiolab.features.panns_mel import PannsLogMel
from audiolab.losses.global_and_local import GlobalLocalLoss
from audiolab.models.global_and_local import GlobalLocal, cut_windows, select_windows
from audiolab.models.panns import CNN10
from audiolab.training import Batch
from benchmarks.common import machine, measure, write

B, T, K, N, RATE, SECONDS, WINDOW_S = 32, 62, 527, 5, 32000, 10, 3
STEP_CLIPS = 2
LENGTH, WINDOW = SECONDS * RATE, WINDOW_S * RATE


def places_one_by_one(clip_probs: torch.Tensor, frame_probs: torch.Tensor) -> list[list[int]]:
    """First samples of the windows, clip by clip and class by class, each peak read back to Python."""
    found = []
    quarter = int(int(WINDOW / LENGTH * T) / 4)
    for b in range(len(clip_probs)):
        classes = clip_probs[b].argsort(descending=True, stable=True)[:N]
        rows, starts = frame_probs[b][:, classes].T.clone(), []
        for j in range(N):
            peak = rows[j].argmax().item()
            centre = LENGTH * peak // T
            start, low, high = centre - WINDOW // 2, peak - quarter, peak + quarter
            if centre + WINDOW // 2 >= LENGTH:
                start, low, high = LENGTH - WINDOW, T - 2 * quarter, T
            elif start < 0:
                start, low, high = 0, 0, 2 * quarter
            rows[j + 1 :, low:high] = 0
            starts.append(start)
        found.append(starts)
    return found


def cut_one_by_one(samples: torch.Tensor, starts: list[list[int]]) -> torch.Tensor:
    """Each window copied into zeros."""
    pieces = torch.zeros(len(starts), N, WINDOW)
    for b, row in enumerate(starts):
        for j, start in enumerate(row):
            pieces[b, j] = samples[b, start : start + WINDOW]
    return pieces


def places_at_once(clip_probs: torch.Tensor, frame_probs: torch.Tensor) -> torch.Tensor:
    """The package's way."""
    return select_windows(clip_probs, frame_probs, n_windows=N, window=WINDOW, n_samples=LENGTH).starts


def steps() -> dict[str, Callable[[], None]]:
    """One training step at full width, and that of the two bare networks on ready log-mels."""
    torch.manual_seed(0)
    model = GlobalLocal(PannsLogMel(), CNN10)
    batch = Batch(torch.randn(STEP_CLIPS, LENGTH), (torch.rand(STEP_CLIPS, K) < 0.005).float())
    criterion, optimizer = GlobalLocalLoss(), torch.optim.Adam(model.parameters())
    whole = model.front_end(batch.x)
    pieces = model.front_end(batch.x.repeat_interleave(N, 0)[:, :WINDOW])

    def step() -> None:
        optimizer.zero_grad()
        criterion(model(batch.x), batch).total.backward()
        optimizer.step()

    def bare() -> None:
        optimizer.zero_grad()
        loss = model.global_stream(whole).probs.mean() + model.local_stream(pieces).probs.mean()
        loss.backward()
        optimizer.step()

    return {"the book's step": step, "its two networks alone": bare}


def main() -> None:
    """Measure, say how many times faster, and write results/benchmarks/global_and_local.json."""
    torch.set_num_threads(1)
    about = machine()
    generator = torch.Generator().manual_seed(0)
    scores = torch.rand(B, K, generator=generator), torch.rand(B, T, K, generator=generator)
    samples = torch.randn(B, LENGTH, generator=generator)
    slow_places, places = places_one_by_one(*scores), places_at_once(*scores)
    kept = torch.empty(B, N, WINDOW)
    slow_pieces = cut_one_by_one(samples, slow_places)
    assert places.tolist() == slow_places, "both ways must choose the same windows"
    for out in (None, kept):
        assert torch.equal(slow_pieces, cut_windows(samples, places, WINDOW, out=out)), "and cut the same samples"
    parts: dict[str, dict[str, Callable[[], object]]] = {
        "choosing windows": {
            "one by one": lambda: places_one_by_one(*scores),
            "all clips at once": lambda: places_at_once(*scores),
        },
        "cutting windows": {
            "one by one": lambda: cut_one_by_one(samples, slow_places),
            "one gather, new memory": lambda: cut_windows(samples, places, WINDOW),
            "one gather, memory used again": lambda: cut_windows(samples, places, WINDOW, out=kept),
        },
        "choosing and cutting": {
            "one by one": lambda: cut_one_by_one(samples, places_one_by_one(*scores)),
            "the book's way": lambda: cut_windows(samples, places_at_once(*scores), WINDOW, out=kept),
        },
    }
    rows = []
    for part, cases in parts.items():
        found = measure(cases, repeats=15)
        for what, row in found.items():
            times = {f"faster_{name}": found["one by one"][name] / row[name] for name in ("lowest_s", "cpu_s")}
            rows.append({"part": part, "what": what, "clips": B, "windows": N, **row, **times})
    for what, row in measure(steps(), repeats=3).items():
        rows.append({"part": "step of two streams", "what": what, "clips": STEP_CLIPS, "windows": N, **row})
    write("global_and_local", rows, about)


if __name__ == "__main__":
    main()
