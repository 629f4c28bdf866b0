"""Building blocks: levels, slopes, periods and causality, against definitions."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.signal import freqz, welch

from audiolab.worlds import blocks

RATE = 22050


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("slope_db", [-6.0, -3.0, 0.0, 2.0])
def test_slope_noise_falls_by_its_slope_per_octave(slope_db):
    noise = blocks.slope_noise(rng(), 10 * RATE, RATE, slope_db)
    frequencies, power = welch(noise, RATE, nperseg=4096)
    level = 10 * np.log10(power)
    inside = (frequencies > 200) & (frequencies < 8000)
    fitted = np.polyfit(np.log2(frequencies[inside]), level[inside], 1)[0]
    assert fitted == pytest.approx(slope_db, abs=0.3)
    assert blocks.rms(noise) == pytest.approx(1.0)


def test_octave_noise_has_the_levels_asked_for():
    wanted = np.array([-20, -17, -10, -7, -6, -7, -10, -14, -22.0])
    noise = blocks.octave_noise(rng(), 10 * RATE, RATE, wanted)
    power = np.abs(np.fft.rfft(noise)) ** 2
    frequencies = np.fft.rfftfreq(len(noise), 1 / RATE)
    edges = blocks.OCTAVE_EDGES_HZ
    found = [10 * np.log10(power[(frequencies >= a) & (frequencies < b)].sum()) for a, b in pairwise(edges)]
    difference = np.array(found) - wanted
    assert np.ptp(difference) < 3.0


def test_pulses_come_once_a_period_and_keep_their_power():
    for f0 in (50.0, 441.0):
        pulses = blocks.pulse_train(rng(), np.full(RATE, f0), RATE)
        places = np.flatnonzero(np.add(pulses, np.roll(pulses, -1)) > 0.999 * np.sqrt(RATE / f0))
        assert len(places) == pytest.approx(f0, abs=2)
    # Amplitude grows with the square root of the period: the summed squares of the heights do not depend on f0.
    energies = [np.sum(blocks.pulse_train(rng(), np.full(RATE, f), RATE)) ** 2 / f for f in (50.0, 441.0)]
    assert energies[0] == pytest.approx(energies[1], rel=0.05)


def test_pulses_of_a_frequency_that_is_not_positive_are_refused():
    with pytest.raises(ValueError, match="f0_hz"):
        blocks.pulse_train(rng(), np.array([100.0, 0.0]), RATE)


def test_resonance_peaks_where_it_should_and_nothing_rings_before():
    impulse = np.zeros(8192)
    impulse[4096] = 1.0
    out = blocks.resonate(impulse, RATE, [(1500.0, 100.0, 0.0)], floor_db=-60.0)
    frequencies, response = freqz(out[4096:], worN=4096, fs=RATE)
    assert frequencies[np.argmax(np.abs(response))] == pytest.approx(1500.0, abs=15)
    assert np.sum(out[:4000] ** 2) < 0.02 * np.sum(out**2)


def test_voice_is_quiet_under_its_fundamental():
    curve = np.full(RATE, 500.0)
    voice = blocks.voiced(rng(), curve, RATE, [(800.0, 200.0, 0.0)], jitter=0.05)
    power = np.abs(np.fft.rfft(voice)) ** 2
    assert 10 * np.log10(power[:200].sum() / power.sum()) < -25


def test_grains_equal_a_slow_sum_of_single_grains():
    n = 4000
    options = {"rate_hz": 0, "decay_s": (0.001, 0.002), "share_of_noise": 0.0, "log_std": 0.5}
    out = blocks.grains(rng(3), n, RATE, positions=np.array([100, 3990]), **options)
    assert not out[:100].any()
    assert out[100:3990].any()
    assert out[3991:].any()
    # An amplitude drawn for each grain keeps its own time constant: energy is spent within a few milliseconds.
    assert np.sum(out[100:400] ** 2) > 0.999 * np.sum(out[:3900] ** 2)


def test_grains_at_a_rate_are_as_many_as_poisson_says():
    out = blocks.grains(rng(), 60 * RATE, RATE, rate_hz=5.0, decay_s=(0.0005, 0.0006), log_std=0.1)
    starts = np.sum((np.abs(out[1:]) > 0) & (out[:-1] == 0))
    assert starts == pytest.approx(300, abs=60)


def test_wander_is_smooth_and_of_unit_size():
    curve = blocks.wander(rng(), 60 * RATE, RATE, 2.0)
    assert len(curve) == 60 * RATE
    assert np.std(curve) == pytest.approx(0.85, abs=0.3)
    assert np.max(np.abs(np.diff(curve))) < 40 / RATE


def test_comb_puts_a_notch_where_the_delay_is_half_a_period():
    impulse = np.zeros(4096)
    impulse[100] = 1.0
    out = blocks.comb(impulse, RATE, 0.001, gain=0.9, low_pass_hz=10000.0)
    frequencies, response = freqz(out, worN=8192, fs=RATE)
    level = np.abs(response)
    assert level[np.argmin(np.abs(frequencies - 500))] < 0.4 < level[np.argmin(np.abs(frequencies - 1000))]


def test_body_response_has_unit_energy_and_decays():
    response = blocks.body_response(rng(), RATE, 0.005)
    assert np.sum(response**2) == pytest.approx(1.0)
    assert np.sum(response[: int(0.01 * RATE)] ** 2) > 0.9


def test_add_at_drops_what_lies_outside():
    out = np.zeros(5)
    blocks.add_at(out, np.ones(4), 3)
    blocks.add_at(out, np.ones(4), -2)
    blocks.add_at(out, np.ones(4), 9)
    np.testing.assert_array_equal(out, [1, 1, 0, 1, 1])


def test_silence_has_no_level_to_set():
    assert not blocks.at_level(np.zeros(10), -3.0).any()
