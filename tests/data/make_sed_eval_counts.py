"""Count random rolls with sed_eval and store what it found, so that the comparison also runs where it is not installed.

Run from the project's root: ``python tests/data/make_sed_eval_counts.py`` writes ``tests/data/sed_eval_counts.json``.
"""

import json
import os
import warnings
from pathlib import Path

import numpy as np

SHAPE = (12, 10, 10)  # clips, one-second rows, classes
CASES = [(seed, density, rows) for seed, density in enumerate((0.05, 0.15, 0.4)) for rows in (1, 2)]


def make_rolls(seed, density):
    """Draw a reference and an estimate that agree on four cells in five."""
    rng = np.random.default_rng(seed)
    reference = rng.random(SHAPE) < density
    return reference, np.where(rng.random(SHAPE) < 0.8, reference, rng.random(SHAPE) < density)


def count_with_sed_eval(reference, estimate, rows_per_segment):
    """Return sed_eval's counts; every active cell becomes a one-second event."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import sed_eval
    names = [str(k) for k in range(reference.shape[-1])]
    scorer = sed_eval.sound_event.SegmentBasedMetrics(names, time_resolution=float(rows_per_segment))
    for truth, guess in zip(reference, estimate, strict=True):
        lists = [
            [{"event_onset": float(t), "event_offset": float(t + 1), "event_label": names[k], "file": "clip"}
             for t, k in np.argwhere(roll)]
            for roll in (truth, guess)
        ]
        scorer.evaluate(*lists, evaluated_length_seconds=float(len(truth)))
    total = scorer.overall
    measured = scorer.results_overall_metrics()
    return {
        "tp": int(total["Ntp"]), "n_ref": int(total["Nref"]), "n_sys": int(total["Nsys"]),
        "substitutions": int(total["S"]), "deletions": int(total["D"]), "insertions": int(total["I"]),
        "f1": float(measured["f_measure"]["f_measure"]), "error_rate": float(measured["error_rate"]["error_rate"]),
    }


def main():
    """Write the counts beside the file and move them into place."""
    found = [
        {
            "seed": seed, "density": density, "rows_per_segment": rows,
            **count_with_sed_eval(*make_rolls(seed, density), rows),
        }
        for seed, density, rows in CASES
    ]
    path = Path(__file__).with_name("sed_eval_counts.json")
    beside = path.with_suffix(".tmp")
    beside.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    os.replace(beside, path)


if __name__ == "__main__":
    main()
