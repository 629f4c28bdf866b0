"""What a recording does to a sound: room, microphone, noise floor, coder, converter and editor.

Each effect is a function of samples (T,) with stated amounts, and the identity where its amount is None or zero;
``recording`` draws the amounts for a class and applies all of them in the order of a real chain. There is
deliberately no static comb here: it would put the stripes that mark engines on every noise.
"""

import numpy as np
from scipy.signal import istft, oaconvolve, stft

from .blocks import amplitude, log_uniform, shape, slope_noise


def active_rms(samples: np.ndarray, sample_rate: int, *, range_db: float = 30.0) -> float:
    """RMS of the 20 ms frames that lie within ``range_db`` of the loudest; 0 for silence."""
    size = max(1, sample_rate // 50)
    frames = np.pad(samples, (0, -len(samples) % size)).reshape(-1, size)
    power = np.mean(frames**2, axis=1)
    if power.max() <= 0:
        return 0.0
    return float(np.sqrt(power[power >= power.max() * 10 ** (-range_db / 10)].mean()))


def reverb(
    samples: np.ndarray,
    sample_rate: int,
    rng: np.random.Generator,
    *,
    rt60_s: float = 0.5,
    wet_db: float | None = -10.0,
    pre_delay_s: float = 0.005,
    damping_db: tuple[float, float] = (-4.0, -14.0),
) -> np.ndarray:
    """Direct sound plus exponentially decaying noise of unit energy at ``wet_db``; same length, onset kept in place.

    ``rt60_s`` is the time to fall by 60 dB (the response is cut at 1 s), ``damping_db`` the response at 5 and 11 kHz.
    """
    if wet_db is None:
        return samples
    n = int(min(1.0, rt60_s) * sample_rate)
    tail = rng.standard_normal(n) * 10.0 ** (-3.0 * np.arange(n) / (rt60_s * sample_rate))
    tail = shape(tail, sample_rate, [1500.0, 5000.0, 11000.0], [0.0, *damping_db])
    tail *= amplitude(wet_db) / np.sqrt(np.sum(tail**2))
    response = np.concatenate([np.zeros(max(1, int(pre_delay_s * sample_rate))), tail])
    response[0] += 1.0
    return oaconvolve(samples, response)[: len(samples)]


def equalise(samples: np.ndarray, sample_rate: int, gains_db: np.ndarray | None) -> np.ndarray:
    """Zero-phase curve through gains in dB at log-spaced knots from 30 Hz to 10 kHz."""
    if gains_db is None:
        return samples
    return shape(samples, sample_rate, np.geomspace(30.0, 10000.0, len(gains_db)), gains_db)


def add_floor(
    samples: np.ndarray,
    sample_rate: int,
    rng: np.random.Generator,
    *,
    level_db: float | None = -60.0,
    slope_db: float = -3.0,
) -> np.ndarray:
    """Add noise of a slope in dB per octave at a level relative to the active part; silence stays silence."""
    reference = active_rms(samples, sample_rate)
    if level_db is None or reference == 0:
        return samples
    return samples + reference * amplitude(level_db) * slope_noise(rng, len(samples), sample_rate, slope_db)


def band_limit(
    samples: np.ndarray,
    sample_rate: int,
    *,
    high_pass_hz: float | None = None,
    low_pass_hz: float | None = None,
    attenuation_db: float = 40.0,
) -> np.ndarray:
    """High-pass of 18 dB per octave, and a low-pass that is down by ``attenuation_db`` a tenth of an octave above its
    cut."""
    knots, levels = [10.0], [0.0]
    if high_pass_hz:
        knots, levels = [high_pass_hz / 16, high_pass_hz], [-72.0, 0.0]
    if low_pass_hz and low_pass_hz * 1.08 < sample_rate / 2:
        knots += [low_pass_hz, low_pass_hz * 2**0.1]
        levels += [0.0, -attenuation_db]
    return shape(samples, sample_rate, knots, levels) if len(knots) > 1 else samples


def codec(
    samples: np.ndarray, sample_rate: int, *, frame_range_db: float | None = 60.0, clip_range_db: float = 80.0
) -> np.ndarray:
    """Drop the spectrogram cells that a lossy coder drops: those far below their frame's or the clip's maximum."""
    if frame_range_db is None or not np.any(samples):
        return samples
    cells = stft(samples, sample_rate, nperseg=512)[2]
    level = 20.0 * np.log10(np.abs(cells) + 1e-12)
    keep = level >= np.maximum(level.max(axis=0) - frame_range_db, level.max() - clip_range_db)
    return istft(cells * keep, sample_rate, nperseg=512)[1][: len(samples)]


def clip(samples: np.ndarray, *, drive: float | None = None) -> np.ndarray:
    """Soft clipping tanh(drive x / peak), back at the same peak."""
    peak = float(np.max(np.abs(samples), initial=0.0))
    if not drive or peak == 0:
        return samples
    return peak * np.tanh(drive * samples / peak) / np.tanh(drive)


def digital_silence(samples: np.ndarray, sample_rate: int, *, after_s: float | None) -> np.ndarray:
    """Exact zeros from ``after_s`` on, reached by a 10 ms fade."""
    if after_s is None or after_s * sample_rate >= len(samples):
        return samples
    stop = max(1, int(after_s * sample_rate))
    ramp = np.clip((stop - np.arange(len(samples))) / (0.01 * sample_rate), 0.0, 1.0)
    return samples * ramp


def to_peak(samples: np.ndarray, peak: float) -> np.ndarray:
    """Samples scaled to a peak; silence stays silence."""
    highest = float(np.max(np.abs(samples), initial=0.0))
    return samples * (peak / highest) if highest > 0 else samples


def recording(
    samples: np.ndarray,
    sample_rate: int,
    rng: np.random.Generator,
    *,
    floor_db: tuple[float, float] = (-95.0, -45.0),
    silence_after_s: float | None = None,
) -> np.ndarray:
    """A drawn recording chain: reverberation, equaliser, floor, band limit, coder, clipping, level and silence.

    ``floor_db`` is the range of the floor relative to the active part; ``silence_after_s`` is where an editor may
    have put exact zeros, which happens with probability 0.85. Source: the ranges are measured on recordings of ten
    classes.
    """
    if rng.random() < 0.75:
        samples = reverb(
            samples,
            sample_rate,
            rng,
            rt60_s=log_uniform(rng, 0.12, 1.4),
            wet_db=rng.uniform(-22.0, -1.0),
            pre_delay_s=rng.uniform(0.001, 0.02),
            damping_db=(rng.uniform(-8.0, 0.0), rng.uniform(-25.0, -4.0)),
        )
    gains = 2.5 * rng.standard_normal(6) + rng.uniform(-1.5, 1.5) * (np.arange(6) - 2.5)
    samples = equalise(samples, sample_rate, gains)
    samples = add_floor(samples, sample_rate, rng, level_db=rng.uniform(*floor_db), slope_db=rng.uniform(-7.0, 0.0))
    samples = band_limit(
        samples,
        sample_rate,
        high_pass_hz=log_uniform(rng, 20.0, 150.0) if rng.random() < 0.6 else None,
        low_pass_hz=rng.uniform(6000.0, 11000.0) if rng.random() < 0.2 else None,
        attenuation_db=rng.uniform(12.0, 60.0),
    )
    if rng.random() < 0.5:
        samples = codec(
            samples, sample_rate, frame_range_db=rng.uniform(45.0, 75.0), clip_range_db=rng.uniform(70.0, 95.0)
        )
    drive = rng.uniform(1.5, 5.0) if rng.random() < 0.08 else None
    samples = to_peak(clip(samples, drive=drive), rng.uniform(0.3, 1.0))
    if rng.random() < 0.85:
        samples = digital_silence(samples, sample_rate, after_s=silence_after_s)
    return samples
