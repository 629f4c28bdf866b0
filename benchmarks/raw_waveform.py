"""Two habits of the raw-audio chapter, each beside the obvious alternative.

Chunks folded into the batch against a loop over chunks, forwards and backwards with equal results; clips resampled
once and kept against resampling in every epoch. Run: make bench
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import torch
from scipy.signal import resample_poly
from torch import nn

from audiolab.models.raw_scene import RawScene
from benchmarks.common import machine, measure, write

N_CLIPS, N_CHUNKS = 8, 3
WIDTH = 0.125


def folded(model: RawScene, x: torch.Tensor) -> torch.Tensor:
    """Fine logits with all chunks of all clips in one call of the pipelines, and their gradients."""
    model.zero_grad()
    logits = model(x).logits
    logits.sum().backward()
    return logits


def looped(model: RawScene, x: torch.Tensor) -> torch.Tensor:
    """The same with one call for each chunk of each clip."""
    model.zero_grad()
    frames = torch.stack([torch.cat([model.embed_chunks(chunk[None]) for chunk in clip]) for clip in x])
    together = torch.einsum("bn,bnd->bd", model.weigh(frames), model.dense(frames))
    logits = model.fine_head(together)
    logits.sum().backward()
    return logits


def check_equal(model: RawScene, x: torch.Tensor) -> float:
    """Largest difference of logits; raises AssertionError where logits or gradients are not those of the loop."""
    both = []
    for work in (folded, looped):
        logits = work(model, x)
        both.append([logits.detach(), *[p.grad.clone() for p in model.parameters() if p.grad is not None]])
    for one, other in zip(*both, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)
    return float((both[0][0] - both[1][0]).abs().max())


def main() -> None:
    """Measure and write results/benchmarks/raw_waveform.json."""
    torch.set_num_threads(1)
    about, rows = machine(), []
    model: nn.Module = RawScene(4, 12, width=WIDTH, generator=torch.Generator().manual_seed(0)).eval()
    for length, name in ((16_000, "1 s"), (32_000, "2 s")):
        x = torch.randn(N_CLIPS, N_CHUNKS, length, generator=torch.Generator().manual_seed(1))
        gap = check_equal(model, x)
        cases = {"folded into the batch": lambda x=x: folded(model, x), "one by one": lambda x=x: looped(model, x)}
        for what, row in measure(cases, repeats=9).items():
            rows.append({"part": "chunks", "what": what, "chunk": name, "clips": N_CLIPS, **row, "difference": gap})
    clips = np.random.default_rng(0).standard_normal((16, 220_500)).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "kept.npy"
        np.save(path, np.stack([resample_poly(clip, 160, 441) for clip in clips]))
        cases = {
            "resampled in every epoch": lambda: [resample_poly(clip, 160, 441) for clip in clips],
            "resampled once, read from the cache": lambda: np.load(path),
        }
        for what, row in measure(cases, repeats=9).items():
            rows.append({"part": "16 clips of 5 s, 44.1 to 16 kHz", "what": what, "clips": len(clips), **row})
    write("raw_waveform", rows, about)


if __name__ == "__main__":
    main()
