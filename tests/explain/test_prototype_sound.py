"""Sounds made from prototypes and masks: what goes in comes out, in the right band, at the right time."""

import numpy as np
import pytest
import torch

from audiolab.explain.prototype_sound import mask_mixture, mel_gain, mel_to_power, prototype_sound
from audiolab.features import LogMel, MinMaxScaler


@pytest.fixture(scope="module")
def log_mel():
    return LogMel()


def tone(frequency_hz, n_samples=44100):
    return (0.3 * np.sin(2 * np.pi * frequency_hz * np.arange(n_samples) / 22050)).astype(np.float32)


def level(samples, frequency_hz):
    """Amplitude of one tone in samples, by projection."""
    phase = np.exp(-2j * np.pi * frequency_hz * np.arange(len(samples)) / 22050)
    return 2 * abs(np.mean(samples * phase))


@pytest.mark.parametrize("method", ["pinv", "nnls"])
def test_mel_inversion_fits_the_mel_power(log_mel, method):
    samples = np.random.default_rng(0).standard_normal((1, 22050)).astype(np.float32)
    mel_power = log_mel.mel_power(torch.from_numpy(samples))[0, :4].numpy()
    power = mel_to_power(mel_power, log_mel, method=method)
    assert power.shape == (4, 2049)
    assert power.min() >= 0
    again = power @ log_mel.mel_filters.numpy().T
    assert np.square(again - mel_power).sum() < 0.02 * np.square(mel_power).sum()


def test_mel_inversion_refuses_nonsense(log_mel):
    with pytest.raises(ValueError, match="method"):
        mel_to_power(np.ones((2, 128)), log_mel, method="guess")
    with pytest.raises(ValueError, match="mel_power"):
        mel_to_power(np.ones((2, 64)), log_mel)


def test_prototype_sound_keeps_the_band(log_mel):
    decibels = log_mel(torch.from_numpy(tone(2000)[None]))[0]
    scaler = MinMaxScaler().fit(decibels)
    patch = scaler.transform(decibels)[:20].numpy()
    samples = prototype_sound(patch, scaler, log_mel, n_iter=8)
    assert samples.dtype == np.float32
    assert np.abs(samples).max() == pytest.approx(1)
    assert len(samples) == pytest.approx(20 * 1070, abs=1070)
    spectrum = np.abs(np.fft.rfft(samples))
    assert np.fft.rfftfreq(len(samples), 1 / 22050)[spectrum.argmax()] == pytest.approx(2000, rel=0.05)
    np.testing.assert_array_equal(samples, prototype_sound(patch, scaler, log_mel, n_iter=8))


def test_gain_of_a_constant_mask_is_the_constant():
    for log_mel in (LogMel(), LogMel(n_fft=512, hop_length=512), LogMel(f_min=300.0, f_max=4000.0)):
        np.testing.assert_allclose(mel_gain(np.full(128, 0.25), log_mel), 0.25, rtol=1e-9)


def test_gain_by_loops(log_mel):
    mask = np.random.default_rng(0).random(128)
    filters = log_mel.mel_filters.numpy()
    gain = mel_gain(mask, log_mel)
    for bin_index in (5, 100, 777, 1500):
        weights = filters[:, bin_index]
        assert gain[bin_index] == pytest.approx((weights * mask).sum() / weights.sum())


def test_mask_of_ones_gives_the_mixture_back(log_mel):
    samples = np.random.default_rng(0).standard_normal(30000).astype(np.float32)
    np.testing.assert_allclose(mask_mixture(samples, np.ones(128), log_mel), samples, atol=1e-5)
    np.testing.assert_allclose(mask_mixture(samples, 7 * np.ones(128), log_mel), samples, atol=1e-5)


def test_mask_separates_two_tones(log_mel):
    mixture = tone(500) + tone(5000)
    low = (log_mel.frequencies_hz() < 1500).astype(float)
    kept = mask_mixture(mixture, low, log_mel)[4096:-4096]
    assert level(kept, 500) == pytest.approx(0.3, rel=0.01)
    assert level(kept, 5000) < 0.001
    half = mask_mixture(mixture, 0.25 * np.ones(128), log_mel, normalise=False)[4096:-4096]
    assert level(half, 500) == pytest.approx(0.15, rel=0.01), "masks multiply power"


def test_blocks_of_a_mask_follow_the_clip(log_mel):
    mask = np.zeros((4, 128))
    mask[2] = 1
    heard = mask_mixture(tone(1000), mask, log_mel)
    powers = np.square(heard).reshape(4, -1).mean(axis=1)
    assert powers.argmax() == 2
    assert powers[0] < 1e-6
    assert powers[2] > 0.6 * np.square(tone(1000)).mean()


def test_mixture_refuses_nonsense(log_mel):
    for samples, mask, options, word in [
        (np.zeros((2, 5000)), np.ones(128), {}, "samples"),
        (np.zeros(5000), np.ones(64), {}, "mask"),
        (np.zeros(5000), -np.ones(128), {}, "mask"),
        (np.zeros(5000), 2 * np.ones(128), {"normalise": False}, "0 to 1"),
    ]:
        with pytest.raises(ValueError, match=word):
            mask_mixture(samples, mask, log_mel, **options)
