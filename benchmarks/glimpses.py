"""Cutting glimpses: one gather for the whole batch against a loop over recordings. Run: python -m benchmarks.glimpses

32 recordings of 998 x 64 cells, one glimpse each; a network takes sixteen for every batch.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from audiolab.features.vggish import SILENCE
from audiolab.models.sightreader import (
    SHAPED,
    SQUARE,
    Size,
    extract_glimpses,
    glimpse_offsets,
    location_to_index,
)
from benchmarks.common import machine, measure, write


def loop(x: Tensor, location: Tensor, sizes: Sequence[Size]) -> Tensor:
    """The obvious way: pad every recording and slice each patch out of it."""
    rows = []
    for one, (frame, band) in zip(x, location_to_index(location, *x.shape[1:]).tolist(), strict=True):
        cells = []
        for t, f in sizes:
            padded = functional.pad(one, (f, f, t, t), value=SILENCE)
            top, left = frame + t - t // 2, band + f - f // 2
            cells.append(padded[top : top + t, left : left + f].flatten())
        rows.append(torch.cat(cells))
    return torch.stack(rows)


def main() -> None:
    """Measure and write results/benchmarks/glimpses.json."""
    torch.set_num_threads(1)
    about = machine()
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(32, 998, 64, generator=generator)
    location = torch.rand(32, 2, generator=generator) * 2 - 1
    rows = []
    for name, sizes in (("shaped, five patches", SHAPED), ("square, one patch", SQUARE)):
        offsets = glimpse_offsets(sizes)
        if not torch.equal(extract_glimpses(x, location, offsets), loop(x, location, sizes)):
            raise AssertionError(f"{name}: the gather and the loop cut different cells")
        cases = {
            "gather": lambda offsets=offsets: extract_glimpses(x, location, offsets),
            "loop": lambda sizes=sizes: loop(x, location, sizes),
        }
        rows += [
            {"part": "glimpses", "what": what, "glimpse": name, "recordings": 32, **row}
            for what, row in measure(cases, repeats=31).items()
        ]
    write("glimpses", rows, about)


if __name__ == "__main__":
    main()
