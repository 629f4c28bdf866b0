"""The small world: each cause is in its stated band, and only texture tells bursts from hiss."""

import time

import numpy as np
import pytest

from audiolab.worlds import scenes, small

BANDS_HZ = {
    "am_hum": (70, 820), "siren": (450, 1700), "bursts": (1300, 8200), "hiss": (3800, 9700), "horn": (300, 4100),
}


@pytest.mark.parametrize("label", small.SMALL_CLASSES)
def test_each_sound_lies_in_its_band_and_is_reproducible(label):
    for seed in range(8):
        sound = small.make_small_event(label, seed=seed, duration_s=1.5)
        low_hz, high_hz = scenes.occupied_band(sound.samples, sample_rate=22050, share=0.99)
        assert BANDS_HZ[label][0] <= low_hz < high_hz <= BANDS_HZ[label][1]
        assert sound.samples.shape == (33075,)
        assert sound.samples.dtype == np.float32
        assert np.abs(sound.samples).max() == pytest.approx(0.9, abs=1e-6)
        np.testing.assert_array_equal(sound.samples, small.make_small_event(label, seed=seed, duration_s=1.5).samples)
    assert not np.array_equal(sound.samples, small.make_small_event(label, seed=99, duration_s=1.5).samples)


def test_pitched_sounds_are_at_the_stated_fundamental():
    for label in ("am_hum", "horn"):
        sound = small.make_small_event(label, seed=4, duration_s=4.0)
        spectrum = np.abs(np.fft.rfft(sound.samples * np.hanning(len(sound.samples))))
        peak_hz = np.argmax(spectrum) / 4.0
        assert peak_hz == pytest.approx(sound.info["f0_hz"], abs=0.5)


def _roughness(samples):
    level = np.sqrt(np.mean(samples[: len(samples) // 110 * 110].reshape(-1, 110).astype(float) ** 2, axis=1))
    return level.std() / level.mean()


def test_texture_separates_bursts_from_hiss_and_the_band_centre_does_not():
    sounds = {name: [small.make_small_event(name, seed=s).samples for s in range(40)] for name in ("bursts", "hiss")}
    rough = {name: [_roughness(x) for x in group] for name, group in sounds.items()}
    assert min(rough["bursts"]) > 2 * max(rough["hiss"])
    low = {name: [small.make_small_event(name, seed=s).info["low_hz"] for s in range(40)] for name in sounds}
    high = {name: [small.make_small_event(name, seed=s).info["high_hz"] for s in range(40)] for name in sounds}
    assert max(low["bursts"]) > min(low["hiss"])
    assert max(high["bursts"]) > min(high["hiss"])


def test_scenes_hold_overlaps_partial_segments_and_every_class():
    made = small.make_small_scenes(60, seed=1)
    assert {event.label for scene in made for event in scene.events} == set(small.SMALL_CLASSES)
    assert all(1 <= len(scene.events) <= 6 for scene in made)
    assert all(scene.samples.shape == (220500,) and np.isfinite(scene.samples).all() for scene in made)
    assert max(scenes.polyphony(scene.events) for scene in made) >= 3
    assert max(np.abs(scene.samples).max() for scene in made) < 1
    labels = np.concatenate([scenes.segment_labels(scene.events, scene.classes) for scene in made])
    assert labels.shape == (600, 5)
    assert 0.5 < labels.sum(axis=1).mean() < 2


def test_a_scene_costs_at_most_a_tenth_of_a_second():
    small.make_small_scene(seed=0)
    durations = []
    for seed in range(5):
        start = time.process_time()
        small.make_small_scene(seed=seed)
        durations.append(time.process_time() - start)
    assert min(durations) < 0.1


def test_brownian_noise_falls_by_six_decibels_an_octave():
    noise = small.brownian(seed=2, duration_s=10.0)
    power = np.abs(np.fft.rfft(noise)) ** 2
    frequencies_hz = np.fft.rfftfreq(len(noise), 1 / 22050)
    octaves_hz = 50 * 2.0 ** np.arange(8)
    level_db = [10 * np.log10(power[(frequencies_hz >= f) & (frequencies_hz < 2 * f)].mean()) for f in octaves_hz[:-1]]
    assert np.polyfit(np.arange(7), level_db, 1)[0] == pytest.approx(-6.02, abs=0.3)


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="label must be one of"):
        small.make_small_event("dog", seed=0)
    with pytest.raises(ValueError, match="duration_s"):
        small.make_small_event("horn", seed=0, duration_s=0)
    with pytest.raises(ValueError, match="sample_rate"):
        small.make_small_event("hiss", seed=0, sample_rate=16000)
