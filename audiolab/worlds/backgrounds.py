"""Backgrounds of a place: steady or slowly changing sounds to lay under events."""

import numpy as np

from .blocks import amplitude, at_level, log_uniform, shape, slope_noise, wander
from .events import check_sound_arguments, generator


def _brownian(rng: np.random.Generator, n: int, sample_rate: int) -> np.ndarray:
    return slope_noise(rng, n, sample_rate, -6.0)


def _pink(rng: np.random.Generator, n: int, sample_rate: int) -> np.ndarray:
    return slope_noise(rng, n, sample_rate, -3.0)


def _traffic(rng: np.random.Generator, n: int, sample_rate: int) -> np.ndarray:
    """Brown rumble and a 200 to 1500 Hz wash that swells as vehicles pass."""
    level = np.ones(n)
    time = np.arange(n) / sample_rate
    for _ in range(max(1, rng.poisson(2.5 * n / sample_rate / 10))):
        middle, width = rng.uniform(0, n / sample_rate), rng.uniform(2, 5) / 4
        level += amplitude(rng.uniform(6, 15)) * np.exp(-0.5 * ((time - middle) / width) ** 2)
    wash = shape(slope_noise(rng, n, sample_rate, -3.0), sample_rate, [60, 200, 1500, 6000], [-20, 0, 0, -24])
    return at_level(wash * level) + at_level(slope_noise(rng, n, sample_rate, -6.0), rng.uniform(-6, 3))


def _room(rng: np.random.Generator, n: int, sample_rate: int) -> np.ndarray:
    """Dark noise, the odd harmonics of the mains and a fan."""
    out = slope_noise(rng, n, sample_rate, -5.0, curve_std_db=2.0)
    mains, level = float(rng.choice([50.0, 60.0])), rng.uniform(-40, -20)
    angle = 2 * np.pi * mains * np.arange(n) / sample_rate
    for h in (1, 2, 3, 5, 7, 9):
        out += amplitude(level - 1.5 * h) * np.sin(h * angle + rng.uniform(0, 6.28))
    return out


def _park(rng: np.random.Generator, n: int, sample_rate: int) -> np.ndarray:
    """Low wind in gusts and a few birds, each with its own phrase."""
    out = slope_noise(rng, n, sample_rate, rng.uniform(-8, -6)) * np.exp(0.5 * wander(rng, n, sample_rate, 0.4))
    for _ in range(int(rng.integers(1, 4))):
        low, ratio, length_s = log_uniform(rng, 1800, 6000), rng.uniform(1.1, 1.8), rng.uniform(0.03, 0.15)
        count, gap_s, level = int(rng.integers(2, 9)), rng.uniform(0.05, 0.2), amplitude(rng.uniform(-22, -8))
        start = rng.uniform(0, 3)
        while start * sample_rate < n:
            for k in range(count):
                time = np.arange(int(length_s * sample_rate)) / sample_rate
                angle = 2 * np.pi * low * (time + (ratio - 1) * time**2 / (2 * length_s))
                chirp = level * np.sin(angle) * np.hanning(len(time))
                at = int((start + k * (length_s + gap_s)) * sample_rate)
                if at < n:
                    out[at : at + len(chirp)] += chirp[: n - at]
            start += count * (length_s + gap_s) + rng.uniform(0.5, 4)
    return out


BACKGROUNDS = {"brownian": _brownian, "pink": _pink, "traffic": _traffic, "room": _room, "park": _park}


def make_background(name: str, *, seed: int, duration_s: float, sample_rate: int = 22050) -> np.ndarray:
    """One background of unit-free level: float32 samples (T,) with an RMS of 0.05 (-26 dB).

    Parameters: ``name`` one of ``BACKGROUNDS`` (brownian falls by 6 dB per octave, pink by 3), ``seed`` at least 0,
    ``duration_s`` in seconds, ``sample_rate`` in Hz. The same arguments give the same bits.

    Raises ValueError for an unknown name, a duration that is not positive, a negative seed or a sample rate under
    8000 Hz.

    >>> make_background("pink", seed=0, duration_s=1.0).shape
    (22050,)
    """
    if name not in BACKGROUNDS:
        raise ValueError(f"name: expected one of {sorted(BACKGROUNDS)}, got {name!r}")
    check_sound_arguments(seed=seed, sample_rate=sample_rate, duration_s=duration_s)
    samples = BACKGROUNDS[name](generator(f"background {name}", seed), round(duration_s * sample_rate), sample_rate)
    return at_level(samples, -26.0).astype(np.float32)
