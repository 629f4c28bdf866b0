"""Building blocks of the made sounds: noises, pulses, resonances, grains, slow curves and combs.

Everything takes its own random generator and returns float64 arrays (T,) of samples. Curves in time are made by
interpolation and filters are one multiplication in the frequency domain, so that a sound costs about a hundredth of
its length.
"""

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.signal import lfilter, oaconvolve

OCTAVE_EDGES_HZ = (31.25, 62.5, 125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0, 11025.0)


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """One draw whose logarithm is uniform between ``low`` and ``high`` (both positive)."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def log_normal(rng: np.random.Generator, median: float, log_std: float) -> float:
    """One draw with the given median whose natural logarithm has standard deviation ``log_std``."""
    return float(median * np.exp(log_std * rng.standard_normal()))


def amplitude(level_db: float | np.ndarray) -> float | np.ndarray:
    """Amplitude factor of a level in dB, 10^(level / 20)."""
    return 10.0 ** (np.asarray(level_db) / 20.0) if np.ndim(level_db) else 10.0 ** (float(level_db) / 20.0)


def rms(samples: np.ndarray) -> float:
    """Root mean square of samples (T,)."""
    return float(np.sqrt(np.mean(np.square(samples)))) if len(samples) else 0.0


def at_level(samples: np.ndarray, level_db: float = 0.0) -> np.ndarray:
    """Samples (T,) scaled so that their RMS is ``level_db``; silence stays silence."""
    value = rms(samples)
    return samples * (amplitude(level_db) / value) if value > 0 else samples


def _padded_length(n: int, pad: int) -> int:
    # A multiple of 1024 keeps the transform fast whatever the length of the sound.
    return -(-(n + pad) // 1024) * 1024


def curve_db(frequencies_hz: np.ndarray, knots_hz: np.ndarray, levels_db: np.ndarray) -> np.ndarray:
    """Levels in dB at frequencies (F,), interpolated over log frequency between knots and held beyond them."""
    return np.interp(np.log(np.maximum(frequencies_hz, 1.0)), np.log(np.asarray(knots_hz, dtype=float)), levels_db)


def shape(samples: np.ndarray, sample_rate: int, knots_hz: np.ndarray, levels_db: np.ndarray) -> np.ndarray:
    """Filter samples (T,) by a zero-phase dB curve given at knots in Hz. It rings before onsets: for noise and
    voices."""
    size = _padded_length(len(samples), sample_rate // 50)
    frequencies = np.fft.rfftfreq(size, 1.0 / sample_rate)
    spectrum = np.fft.rfft(samples, size) * amplitude(curve_db(frequencies, knots_hz, levels_db))
    return np.fft.irfft(spectrum, size)[: len(samples)]


def shaped_noise(
    rng: np.random.Generator, n: int, sample_rate: int, knots_hz: np.ndarray, levels_db: np.ndarray
) -> np.ndarray:
    """White noise times a dB curve (density) at log-spaced knots, unit RMS, shape (n,)."""
    return at_level(shape(rng.standard_normal(n), sample_rate, knots_hz, levels_db))


def slope_noise(
    rng: np.random.Generator,
    n: int,
    sample_rate: int,
    slope_db: float,
    *,
    low_hz: float = 25.0,
    curve_std_db: float = 0.0,
) -> np.ndarray:
    """Noise whose density falls by ``slope_db`` per octave above ``low_hz`` (-3 pink, -6 brown), unit RMS, shape (n,).

    ``curve_std_db`` adds a smooth random curve, drawn at eight log-spaced knots.
    """
    knots = np.geomspace(low_hz, sample_rate / 2, 8)
    levels = slope_db * np.log2(knots / low_hz) + curve_std_db * rng.standard_normal(8)
    return shaped_noise(rng, n, sample_rate, np.r_[low_hz / 2, knots], np.r_[levels[0] - 18.0, levels])


def octave_noise(rng: np.random.Generator, n: int, sample_rate: int, band_levels_db: np.ndarray) -> np.ndarray:
    """Noise with the given levels in the nine bands between ``OCTAVE_EDGES_HZ``, unit RMS, shape (n,)."""
    edges = np.asarray(OCTAVE_EDGES_HZ)
    density = np.asarray(band_levels_db) - 10.0 * np.log10(np.diff(edges))
    centres = np.sqrt(edges[:-1] * edges[1:])
    return shaped_noise(rng, n, sample_rate, np.r_[18.0, centres], np.r_[density[0] - 9.0, density])


def low_pass(samples: np.ndarray, sample_rate: int, cut_hz: float) -> np.ndarray:
    """One-pole low-pass of samples (T,) with its -3 dB point near ``cut_hz``; causal."""
    pole = np.exp(-2.0 * np.pi * cut_hz / sample_rate)
    return lfilter([1.0 - pole], [1.0, -pole], samples)


def high_pass(samples: np.ndarray, sample_rate: int, cut_hz: float) -> np.ndarray:
    """Samples (T,) minus their one-pole low-pass at ``cut_hz``; causal."""
    return samples - low_pass(samples, sample_rate, cut_hz)


def wander(rng: np.random.Generator, n: int, sample_rate: int, rate_hz: float) -> np.ndarray:
    """Smooth random curve (n,) of zero mean and unit deviation that changes about ``rate_hz`` times a second."""
    knots = max(4, int(np.ceil(n / sample_rate * rate_hz)) + 3)
    offset = rng.uniform(0.0, 1.0)
    position = np.arange(0, n + 64, 64) / sample_rate * rate_hz + offset
    coarse = CubicSpline(np.arange(knots), rng.standard_normal(knots))(np.minimum(position, knots - 1))
    return np.interp(np.arange(n), np.arange(0, n + 64, 64), coarse)


def breakpoints(n: int, positions: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Piecewise-linear curve (n,) through values at positions given as fractions of the length, 0 to 1."""
    return np.interp(np.linspace(0.0, 1.0, n), positions, values)


def pulse_train(
    rng: np.random.Generator, f0_hz: np.ndarray, sample_rate: int, *, jitter: float = 0.0, shimmer: float = 0.0
) -> np.ndarray:
    """One impulse per period of a frequency curve (T,) in Hz, placed between samples by linear interpolation.

    ``jitter`` is a fraction of a period, ``shimmer`` a log-amplitude; the amplitude grows with the square root of the
    period, which keeps the power independent of the frequency. Raises ValueError where the frequency is not positive.
    """
    if np.min(f0_hz) <= 0:
        raise ValueError(f"f0_hz: expected positive frequencies, got a minimum of {np.min(f0_hz)}")
    n = len(f0_hz)
    phase = np.cumsum(f0_hz) / sample_rate + rng.uniform(0.0, 1.0)
    whole = np.arange(np.ceil(phase[0]), np.floor(phase[-1]) + 1)
    if not len(whole):
        return np.zeros(n)
    noise = rng.standard_normal((2, len(whole)))
    times = np.interp(whole + jitter * noise[0], phase, np.arange(n))
    index = np.clip(times.astype(int), 0, n - 2)
    fraction = times - index
    heights = np.exp(shimmer * noise[1]) * np.sqrt(sample_rate / f0_hz[index])
    return np.bincount(index, heights * (1 - fraction), n) + np.bincount(index + 1, heights * fraction, n)


def resonate(
    samples: np.ndarray,
    sample_rate: int,
    peaks: list[tuple[float, float, float]],
    *,
    tilt_db: float = 0.0,
    high_pass_hz: float = 0.0,
    floor_db: float = -40.0,
) -> np.ndarray:
    """Filter samples (T,) by a sum of Lorentzian peaks (frequency Hz, bandwidth Hz, gain dB) and a tilt in dB per
    octave.

    Each peak is the causal damped resonance g / (1 + 2j (f - f_c) / b), so nothing rings before an onset;
    ``floor_db`` lets some of the source through between the peaks. Below ``high_pass_hz`` the response falls by 24 dB
    per octave. The tail is cut at T.
    """
    size = _padded_length(len(samples), sample_rate // 20)
    f = np.fft.rfftfreq(size, 1.0 / sample_rate)
    response = np.full(len(f), amplitude(floor_db), dtype=complex)
    for frequency, bandwidth, gain in peaks:
        response += amplitude(gain) / (1.0 + 2j * (f - frequency) / bandwidth)
    response *= amplitude(tilt_db * np.log2(np.maximum(f, 50.0) / 1000.0))
    if high_pass_hz > 0:
        response *= 1.0 / (1.0 + (high_pass_hz / np.maximum(f, 1.0)) ** 4)
    return np.fft.irfft(np.fft.rfft(samples, size) * response, size)[: len(samples)]


def voiced(
    rng: np.random.Generator,
    f0_hz: np.ndarray,
    sample_rate: int,
    peaks: list[tuple[float, float, float]],
    *,
    tilt_db: float = -6.0,
    jitter: float = 0.0,
    shimmer: float = 0.0,
    breath_db: float = -30.0,
) -> np.ndarray:
    """A voice (T,) of unit RMS: pulses at a frequency curve (T,) in Hz and breath noise through resonances.

    High-passed at 0.8 of the curve's 10th percentile: without it the jitter of the pulses rumbles below the
    fundamental.
    """
    source = at_level(pulse_train(rng, f0_hz, sample_rate, jitter=jitter, shimmer=shimmer))
    source = source + amplitude(breath_db) * rng.standard_normal(len(f0_hz))
    cut = 0.8 * float(np.percentile(f0_hz, 10))
    return at_level(resonate(source, sample_rate, peaks, tilt_db=tilt_db, high_pass_hz=cut))


def body_response(
    rng: np.random.Generator, sample_rate: int, decay_s: float, *, low_pass_hz: float | None = None
) -> np.ndarray:
    """Decaying white noise of unit energy, the impulse response of a body: ``decay_s`` is the time constant."""
    n = max(2, int(5 * decay_s * sample_rate))
    response = rng.standard_normal(n) * np.exp(-np.arange(n) / (decay_s * sample_rate))
    if low_pass_hz is not None:
        response = low_pass(response, sample_rate, low_pass_hz)
    return response / np.sqrt(np.sum(response**2))


def convolve(samples: np.ndarray, response: np.ndarray) -> np.ndarray:
    """Samples (T,) through an impulse response, cut at T."""
    return oaconvolve(samples, response)[: len(samples)]


def add_at(out: np.ndarray, piece: np.ndarray, start: int) -> None:
    """Add a piece to ``out`` in place from sample ``start``; what lies outside is dropped."""
    low, high = max(start, 0), min(start + len(piece), len(out))
    if high > low:
        out[low:high] += piece[low - start : high - start]


def grains(
    rng: np.random.Generator,
    n: int,
    sample_rate: int,
    *,
    rate_hz: float,
    decay_s: tuple[float, float],
    log_std: float = 1.0,
    share_of_noise: float = 1.0,
    frequency_hz: tuple[float, float] = (800.0, 6000.0),
    positions: np.ndarray | None = None,
) -> np.ndarray:
    """Short decaying bursts at Poisson times (or given sample positions), log-normal in amplitude, shape (n,).

    Each is white noise with probability ``share_of_noise``, else a damped sine of a frequency within
    ``frequency_hz``; time constants are log-uniform within ``decay_s``.
    """
    out = np.zeros(n)
    if positions is None:
        positions = rng.integers(0, n, rng.poisson(rate_hz * n / sample_rate))
    count = len(positions)
    decays = np.exp(rng.uniform(*np.log(decay_s), count))
    heights = np.exp(log_std * rng.standard_normal(count)) / np.sqrt(decays / decay_s[0])
    frequencies = np.exp(rng.uniform(*np.log(frequency_hz), count))
    noisy = rng.random(count) < share_of_noise
    for start, decay, height, frequency, is_noise in zip(positions, decays, heights, frequencies, noisy, strict=True):
        time = np.arange(max(2, int(4 * decay * sample_rate)))
        fine = rng.standard_normal(len(time)) if is_noise else np.sin(2 * np.pi * frequency / sample_rate * time)
        add_at(out, height * fine * np.exp(-time / (decay * sample_rate)), int(start))
    return out


def damped_modes(sample_rate: int, frequencies_hz: np.ndarray, decays_s: np.ndarray, heights: np.ndarray) -> np.ndarray:
    """A struck body: the sum of damped sines of given frequencies, time constants and amplitudes."""
    time = np.arange(int(6 * np.max(decays_s) * sample_rate) + 2)[:, None] / sample_rate
    return (np.sin(2 * np.pi * time * frequencies_hz) * np.exp(-time / decays_s)) @ np.asarray(heights, dtype=float)


def comb(
    samples: np.ndarray,
    sample_rate: int,
    delay_s: float | np.ndarray,
    *,
    gain: float = 0.6,
    low_pass_hz: float = 4000.0,
) -> np.ndarray:
    """Add a reflection: a delayed, duller copy. A curve (T,) of delays makes the stripes of a moving source."""
    copy = low_pass(samples, sample_rate, low_pass_hz)
    index = np.arange(len(samples))
    delayed = np.interp(index - np.asarray(delay_s) * sample_rate, index, copy, left=0.0)
    return samples + gain * delayed


def fade(samples: np.ndarray, sample_rate: int, *, in_s: float = 0.002, out_s: float = 0.01) -> np.ndarray:
    """Samples (T,) with linear ramps at both ends."""
    n = len(samples)
    index = np.arange(n)
    rise = np.minimum(1.0, (index + 1) / max(1.0, in_s * sample_rate))
    fall = np.minimum(1.0, (n - index) / max(1.0, out_s * sample_rate))
    return samples * rise * fall
