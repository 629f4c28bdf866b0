"""Cost of the made sounds: seconds of work per second of sound, for each class, on one core.

Beside it the obvious alternative for a pulse train, a sum of sines over all harmonics. Run: python benchmarks/worlds.py
"""

import time
from collections.abc import Callable

import numpy as np

from audiolab.worlds.blocks import pulse_train
from audiolab.worlds.events import ESC10_CLASSES, URBAN_CLASSES, make_clip

RATE, SECONDS, DRAWS = 22050, 5.0, 8


def seconds_of(work: Callable[[int], object], draws: int = DRAWS) -> float:
    """Median seconds of one call."""
    times = []
    for seed in range(draws):
        start = time.perf_counter()
        work(seed)
        times.append(time.perf_counter() - start)
    return float(np.median(times))


def harmonic_sum(f0_hz: np.ndarray) -> np.ndarray:
    """A pulse train as the sum of its harmonics up to half the sample rate."""
    angle = 2 * np.pi * np.cumsum(f0_hz) / RATE
    return sum(np.cos(h * angle) for h in range(1, int(RATE / 2 / f0_hz.max()) + 1))


if __name__ == "__main__":
    costs = {}
    for name in ESC10_CLASSES + URBAN_CLASSES:
        dry = seconds_of(lambda seed, name=name: make_clip(name, seed=seed, effects=False)) / SECONDS
        costs[name] = seconds_of(lambda seed, name=name: make_clip(name, seed=seed)) / SECONDS
        print(f"{name:18s} dry {dry:.4f}  with effects {costs[name]:.4f} x real time")
    mean = np.mean(list(costs.values()))
    print(f"mean {mean:.4f} x real time; 1000 clips of 5 s: {5000 * mean:.0f} s")
    curve = np.full(int(SECONDS * RATE), 120.0)
    placed = seconds_of(lambda seed: pulse_train(np.random.default_rng(seed), curve, RATE))
    summed = seconds_of(lambda seed: harmonic_sum(curve), 2)
    print(f"120 Hz pulse train: placed {1000 * placed:.1f} ms, harmonic sum {1000 * summed:.1f} ms")
