"""The ten city recipes: lengths, identities that can be heard in the samples, and what marks a class."""

import numpy as np
import pytest

from audiolab.worlds import urban
from audiolab.worlds.events import URBAN_CLASSES, make_event

RATE = 22050


def make(name, seed, *, seconds=3.0, whole=False):
    return urban.RECIPES[name](np.random.default_rng(seed), int(seconds * RATE), RATE, whole)


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("name", URBAN_CLASSES)
def test_recipes_keep_to_their_length(name, whole):
    for seed in range(3):
        samples, info = make(name, seed, whole=whole)
        assert len(samples) == 3 * RATE if whole else 0 < len(samples) <= 3 * RATE
        assert np.isfinite(samples).all()
        assert info["events"]


def peak_hz(samples, low, high):
    power = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) ** 2
    frequencies = np.fft.rfftfreq(len(samples), 1 / RATE)
    inside = (frequencies > low) & (frequencies < high)
    return frequencies[inside][np.argmax(power[inside])]


def test_a_horn_sounds_at_its_pitch():
    for seed in range(4):
        samples, info = make("car_horn", seed)
        f0 = info["f0_hz"]
        assert peak_hz(samples, 0.9 * f0, 1.1 * f0) == pytest.approx(f0, rel=0.03)


def test_a_siren_stays_between_its_tones():
    for seed in range(6):
        samples, info = make("siren", seed)
        power = np.abs(np.fft.rfft(samples)) ** 2
        frequencies = np.fft.rfftfreq(len(samples), 1 / RATE)
        assert power[(frequencies > 20) & (frequencies < 0.6 * info["f_low_hz"])].sum() < 0.05 * power.sum()


def test_a_jackhammer_strikes_at_its_rate():
    samples, info = make("jackhammer", 1)
    envelope = np.abs(samples)[: len(samples) // 50 * 50].reshape(-1, 50).mean(axis=1)
    spectrum = np.abs(np.fft.rfft((envelope - envelope.mean()) * np.hanning(len(envelope))))
    frequencies = np.fft.rfftfreq(len(envelope), 50 / RATE)
    inside = (frequencies > 8) & (frequencies < 30)
    assert frequencies[inside][np.argmax(spectrum[inside])] == pytest.approx(info["rate_hz"], rel=0.06)


def test_shots_are_short_and_engines_are_steady():
    def active(name, seed):
        samples = make_event(name, seed=seed, duration_s=2.0).samples
        level = np.abs(samples[: len(samples) // 500 * 500]).reshape(-1, 500).max(axis=1)
        return np.mean(level > 0.3 * level.max()) * len(samples) / RATE

    shots = np.median([active("gun_shot", seed) for seed in range(9)])
    engines = np.median([active("engine_idling", seed) for seed in range(9)])
    assert shots < 0.5 < 1.0 < engines
