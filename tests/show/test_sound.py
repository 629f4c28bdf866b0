import io

import numpy as np
import pytest
import soundfile

from audiolab.show.sound import apply_gain, check_samples, comparison_gain, encode_mp3

RATE = 22050


def tone(seconds=1.0, level=0.25):
    return level * np.sin(2 * np.pi * 440 * np.arange(int(seconds * RATE)) / RATE)


@pytest.mark.parametrize(
    ("samples", "said"),
    [
        (np.zeros(0), "empty"),
        (np.zeros((2, 5)), "shape"),
        (np.array([0.0, np.nan]), "NaN"),
        (np.array([0.0, np.inf]), "infinite"),
    ],
)
def test_what_cannot_be_heard_is_refused(samples, said):
    with pytest.raises(ValueError, match=f"samples.*{said}"):
        check_samples(samples)


def test_one_gain_brings_the_loudest_to_the_peak_and_keeps_the_ratio():
    quiet, loud = tone(level=0.05), tone(level=0.4)
    gain = comparison_gain([quiet, loud], peak=0.9)
    assert np.abs(loud * gain).max() == pytest.approx(0.9)
    assert np.abs(quiet * gain).max() == pytest.approx(0.9 * 0.05 / 0.4, rel=1e-3)
    assert comparison_gain([np.zeros(9)]) == 1.0
    with pytest.raises(ValueError, match="sounds"):
        comparison_gain([])


def test_the_level_is_stated_and_never_changed_silently():
    samples, said = apply_gain(tone(), None)
    assert np.array_equal(samples, tone())
    assert "own level" in said
    samples, said = apply_gain(tone(), 2.0)
    assert np.allclose(samples, 2 * tone())
    assert "+6.0 dB" in said
    assert "−6.0 dB" in apply_gain(tone(), 0.5)[1]
    samples, said = apply_gain(np.array([0.0, 2.0]), None)
    assert samples.max() == 1
    assert "6.0 dB" in said


@pytest.mark.parametrize("gain", [0.0, -1.0, float("nan"), 5.0])
def test_a_gain_that_clips_or_is_no_gain_is_refused(gain):
    with pytest.raises(ValueError, match="gain"):
        apply_gain(tone(level=0.5), gain)


def test_mp3_comes_back_at_the_same_level_and_time():
    samples = tone(2.0) * (np.arange(2 * RATE) > RATE)
    decoded, rate = soundfile.read(io.BytesIO(encode_mp3(samples, RATE)))
    assert rate == RATE
    inside = slice(int(1.1 * RATE), int(1.9 * RATE))
    assert np.std(decoded[inside]) == pytest.approx(np.std(samples[inside]), rel=0.05)
    onset_s = np.argmax(np.abs(decoded) > 0.12) / RATE
    assert onset_s == pytest.approx(1.0, abs=0.01)


def test_mp3_knows_only_some_rates():
    with pytest.raises(ValueError, match="sample_rate"):
        encode_mp3(tone(), 12345)
