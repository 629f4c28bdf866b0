"""Level statistics of a clip, by which made sounds are compared with recordings."""

from typing import NamedTuple

import numpy as np

from .blocks import OCTAVE_EDGES_HZ


class ClipStatistics(NamedTuple):
    """Octave levels (9,) in dB of the total, share of active frames, floor and crest in dB."""

    octave_db: np.ndarray
    active: float
    floor_db: float
    crest_db: float


def clip_statistics(samples: np.ndarray, sample_rate: int = 22050) -> ClipStatistics:
    """Spectrum, activity, floor and crest of samples (T,).

    ``octave_db`` holds the levels between ``OCTAVE_EDGES_HZ`` relative to the whole; ``active`` is the share of 23 ms
    frames within 30 dB of the loudest; ``floor_db`` the 10th percentile of frame levels relative to the loudest;
    ``crest_db`` the peak over the RMS.

    Raises ValueError for silent samples, whose levels have no reference.
    """
    samples = np.asarray(samples, dtype=np.float64)
    if not np.any(samples):
        raise ValueError("samples: expected a sound, got silence")
    power = np.abs(np.fft.rfft(samples)) ** 2
    bands = np.digitize(np.fft.rfftfreq(len(samples), 1.0 / sample_rate), OCTAVE_EDGES_HZ)
    octaves = np.bincount(bands, power, len(OCTAVE_EDGES_HZ) + 1)[1:-1]
    frames = samples[: len(samples) // 512 * 512].reshape(-1, 512) if len(samples) >= 512 else samples[None]
    level = 10.0 * np.log10(np.mean(frames**2, axis=1) + 1e-14)
    level -= level.max()
    return ClipStatistics(
        10.0 * np.log10(octaves / power.sum() + 1e-12),
        float(np.mean(level > -30.0)),
        float(np.percentile(level, 10)),
        float(20.0 * np.log10(np.max(np.abs(samples)) / np.sqrt(np.mean(samples**2)))),
    )
