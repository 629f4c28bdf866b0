"""Recording effects: identity when off, stated amounts when on, silence in and silence out."""

import numpy as np
import pytest

from audiolab.worlds import effects

RATE = 22050


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.fixture
def noise():
    return rng(1).standard_normal(RATE)


OFF = {
    "reverb": lambda x: effects.reverb(x, RATE, rng(), wet_db=None),
    "equalise": lambda x: effects.equalise(x, RATE, None),
    "floor": lambda x: effects.add_floor(x, RATE, rng(), level_db=None),
    "band limit": lambda x: effects.band_limit(x, RATE),
    "codec": lambda x: effects.codec(x, RATE, frame_range_db=None),
    "clip": lambda x: effects.clip(x),
    "silence": lambda x: effects.digital_silence(x, RATE, after_s=None),
}
ON = {
    "reverb": lambda x: effects.reverb(x, RATE, rng()),
    "equalise": lambda x: effects.equalise(x, RATE, np.array([3.0, -3, 1, 0, 2, -6])),
    "floor": lambda x: effects.add_floor(x, RATE, rng()),
    "band limit": lambda x: effects.band_limit(x, RATE, high_pass_hz=100.0, low_pass_hz=6000.0),
    "codec": lambda x: effects.codec(x, RATE, frame_range_db=20.0),
    "clip": lambda x: effects.clip(x, drive=3.0),
    "silence": lambda x: effects.digital_silence(x, RATE, after_s=0.5),
    "recording": lambda x: effects.recording(x, RATE, rng(), silence_after_s=0.5),
}


@pytest.mark.parametrize("name", OFF)
def test_an_effect_that_is_off_changes_nothing(name, noise):
    np.testing.assert_array_equal(OFF[name](noise), noise)


@pytest.mark.parametrize("name", ON)
def test_an_effect_that_is_on_keeps_length_and_changes_the_sound(name, noise):
    out = ON[name](noise)
    assert out.shape == noise.shape
    assert np.isfinite(out).all()
    assert np.max(np.abs(out - noise)) > 1e-3


@pytest.mark.parametrize("name", ON)
def test_silence_stays_silence(name):
    out = ON[name](np.zeros(RATE))
    assert not out.any()


def test_reverb_keeps_the_direct_sound_in_place_and_decays():
    impulse = np.zeros(RATE)
    impulse[1000] = 1.0
    out = effects.reverb(impulse, RATE, rng(), rt60_s=0.5, wet_db=-6.0, pre_delay_s=0.01)
    assert np.argmax(np.abs(out)) == 1000
    assert out[1000] == pytest.approx(1.0)
    assert np.max(np.abs(out[:1000])) < 1e-9
    tail = out[1001:] ** 2
    assert np.sum(tail) == pytest.approx(10 ** (-6 / 10), rel=0.02)
    # From 0.1 to 0.3 s a 60 dB decay in 0.5 s falls by 24 dB.
    first, second = (np.mean(tail[int(t * RATE) : int((t + 0.05) * RATE)]) for t in (0.1, 0.3))
    assert 10 * np.log10(first / second) == pytest.approx(24, abs=4)


def test_band_limit_attenuates_above_the_cut_by_the_stated_amount(noise):
    out = effects.band_limit(noise, RATE, low_pass_hz=6000.0, attenuation_db=40.0)
    before, after = (np.abs(np.fft.rfft(x)) ** 2 for x in (noise, out))
    frequencies = np.fft.rfftfreq(len(noise), 1 / RATE)
    above, below = frequencies > 7000, (frequencies < 5800) & (frequencies > 100)
    assert 10 * np.log10(before[above].sum() / after[above].sum()) == pytest.approx(40, abs=2)
    assert 10 * np.log10(before[below].sum() / after[below].sum()) == pytest.approx(0, abs=0.2)


def test_floor_lies_at_its_level_below_the_active_part():
    burst = np.zeros(4 * RATE)
    burst[:RATE] = rng(2).standard_normal(RATE)
    out = effects.add_floor(burst, RATE, rng(), level_db=-40.0)
    quiet = np.sqrt(np.mean(out[2 * RATE :] ** 2))
    assert 20 * np.log10(quiet) == pytest.approx(-40, abs=1.5)


def test_codec_empties_quiet_cells_only(noise):
    tone = np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE)
    out = effects.codec(tone + 1e-5 * noise, RATE, frame_range_db=50.0)
    spectrum = np.abs(np.fft.rfft(out[2048:-2048] * np.hanning(RATE - 4096)))
    assert np.max(np.abs(out - tone)[1024:-1024]) < 0.01
    assert spectrum[8000:].max() < 1e-5 * spectrum.max()


def test_clipping_keeps_the_peak_and_raises_the_level(noise):
    out = effects.clip(noise, drive=5.0)
    assert np.max(np.abs(out)) == pytest.approx(np.max(np.abs(noise)))
    assert np.std(out) > 1.3 * np.std(noise)


def test_digital_silence_is_exact(noise):
    out = effects.digital_silence(noise, RATE, after_s=0.5)
    assert not out[RATE // 2 :].any()
    np.testing.assert_array_equal(out[: RATE // 4], noise[: RATE // 4])
