"""The mixer against slow counts and against what a mixture must be: the sum of its parts, at the levels it states."""

import numpy as np
import pytest

from audiolab.worlds import scenes
from audiolab.worlds.scenes import Event
from audiolab.worlds.small import SmallSound, brownian


def tone_source(label, *, seed, duration_s, sample_rate):
    """Give a steady tone, at a frequency that tells the label."""
    time_s = np.arange(round(duration_s * sample_rate)) / sample_rate
    frequency_hz = {"low": 300.0, "high": 3000.0}[label]
    return SmallSound(np.sin(2 * np.pi * frequency_hz * time_s).astype(np.float32), 0.0, duration_s, {})


def make(seed=0, **options):
    settings = {"classes": ("low", "high"), "source": tone_source, "background": brownian, "duration_s": 4.0,
                "event_s": (0.3, 1.5), "n_events": (2, 5), **options}
    return scenes.make_scene(seed=seed, **settings)


def power_spectrogram(samples, n_fft=1024):
    frames = np.lib.stride_tricks.sliding_window_view(samples, n_fft)[:: n_fft // 2]
    return np.abs(np.fft.rfft(frames * np.hanning(n_fft), axis=1)) ** 2


def test_stems_sum_to_the_mixture_and_do_not_change_it():
    with_stems, without = make(3, stems=True), make(3)
    assert with_stems.samples.dtype == np.float32
    assert without.stems is None
    np.testing.assert_array_equal(with_stems.samples, without.samples)
    np.testing.assert_allclose(sum(with_stems.stems.values()), with_stems.samples, atol=1e-6)
    assert set(with_stems.stems) == {"background"} | {event.label for event in with_stems.events}


def test_same_seed_same_bits_whatever_was_made_before_and_however_many_workers():
    options = {"classes": ("low", "high"), "source": tone_source, "background": brownian, "duration_s": 2.0,
               "event_s": (0.3, 1.0)}
    np.random.seed(1)  # noqa: NPY002 - shows that the global state plays no part
    many = scenes.make_scenes(4, seed=9, **options)
    alone = scenes.make_scene(seed=scenes.scene_seed(9, 2), **options)
    np.testing.assert_array_equal(many[2].samples, alone.samples)
    assert many[2].events == alone.events
    assert not np.array_equal(many[0].samples, many[1].samples)


@pytest.mark.slow
def test_workers_change_nothing():
    from audiolab.worlds.small import make_small_scenes

    for one, two in zip(make_small_scenes(3, seed=5), make_small_scenes(3, seed=5, workers=2), strict=True):
        np.testing.assert_array_equal(one.samples, two.samples)
        assert one.events == two.events


@pytest.mark.parametrize("seed", range(5))
def test_levels_are_the_stated_ones_against_the_background(seed):
    scene = make(seed, n_events=(1, 1), stems=True, fade_s=0.0)
    event = scene.events[0]
    first, last = (round(edge * scene.sample_rate) for edge in (event.onset_s, event.offset_s))
    own = scene.stems[event.label][first:last]
    background = scene.stems["background"]
    assert 20 * np.log10(np.sqrt(np.mean(background.astype(float) ** 2))) == pytest.approx(-50, abs=1e-3)
    measured_db = 10 * np.log10(np.mean(own.astype(float) ** 2) / np.mean(background.astype(float) ** 2))
    assert measured_db == pytest.approx(event.snr_db, abs=1e-3)
    assert 6 <= event.snr_db <= 30
    assert not scene.stems[event.label][:first].any()
    assert not scene.stems[event.label][last:].any()


def test_fades_start_and_end_at_nothing_and_keep_the_level():
    scene = make(1, n_events=(1, 1), stems=True, fade_s=0.02)
    event = scene.events[0]
    first, last = (round(edge * scene.sample_rate) for edge in (event.onset_s, event.offset_s))
    own = scene.stems[event.label][first:last]
    assert np.abs(own[:20]).max() < 0.01 * np.abs(own).max()
    assert np.abs(own[-20:]).max() < 0.01 * np.abs(own).max()


def test_an_event_is_labelled_only_as_long_as_it_sounds():
    def short(label, *, seed, duration_s, sample_rate):
        samples = np.zeros(round(duration_s * sample_rate), dtype=np.float32)
        samples[1000:3000] = 1.0
        return SmallSound(samples, 500 / sample_rate, duration_s, {})

    event = make(0, source=short, n_events=(1, 1), event_s=(1.0, 1.0)).events[0]
    assert event.offset_s - event.onset_s == pytest.approx(2000 / 22050, abs=0.02)


@pytest.mark.parametrize("label", ["air_conditioner", "dog_bark", "gun_shot", "siren"])
def test_made_events_are_mixed_whole_and_labelled_while_they_sound(label):
    scene = scenes.make_scene(
        seed=4, classes=(label,), n_events=(1, 1), event_s=(2.0, 2.0), background=brownian, stems=True
    )
    event = scene.events[0]
    times_s = np.arange(len(scene.samples)) / scene.sample_rate
    outside = (times_s < event.onset_s - 1e-4) | (times_s > event.offset_s + 1e-4)
    assert not scene.stems[label][outside].any()
    assert 0.1 < event.offset_s - event.onset_s <= 2.0 + 1e-4
    if label in ("air_conditioner", "siren"):
        assert event.offset_s - event.onset_s > 1.9


def test_the_default_scene_is_urban():
    scene = scenes.make_scene(seed=8)
    assert scene.samples.shape == (220500,)
    assert 1 <= len(scene.events) <= 9
    assert len(scene.classes) == 10
    assert {event.label for event in scene.events} <= set(scene.classes)


def test_onsets_lie_anywhere_and_events_inside_the_scene():
    events = [event for seed in range(40) for event in make(seed).events]
    assert all(0 <= event.onset_s < event.offset_s <= 4.0 for event in events)
    fractions = np.array([event.onset_s for event in events]) % 1
    assert np.histogram(fractions, bins=4, range=(0, 1))[0].min() > len(events) / 10


def test_polyphony_is_the_slow_count_and_the_cap_holds():
    for seed in range(10):
        scene = make(seed, n_events=(9, 9), event_s=(1.0, 2.0))
        times_s = np.linspace(0, 4, 4001) + 1e-6
        slow = max(sum(e.onset_s <= t < e.offset_s for e in scene.events) for t in times_s)
        assert scenes.polyphony(scene.events) == slow
        capped = make(seed, n_events=(9, 9), event_s=(0.3, 0.6), max_polyphony=2)
        assert 1 <= scenes.polyphony(capped.events) <= 2
    assert scenes.polyphony(()) == 0
    touching = [Event("low", 0, 1, 6, 1, 2), Event("low", 1, 2, 6, 1, 2)]
    assert scenes.polyphony(touching) == 1


def test_segment_labels_by_hand():
    events = [Event("low", 0.4, 1.0, 6, 0, 1), Event("high", 1.9, 3.1, 6, 0, 1), Event("low", 2.0, 2.5, 6, 0, 1)]
    labels = scenes.segment_labels(events, ("low", "high"), duration_s=4.0)
    assert labels.dtype == np.uint8
    assert labels.tolist() == [[1, 0], [0, 1], [1, 1], [0, 1]]
    # 0.3 / 0.1 is not 3 in floating point: the label must not leak into row 2.
    tenths = scenes.segment_labels([Event("low", 0.3, 0.6, 6, 0, 1)], ("low",), duration_s=1.0, segment_s=0.1)
    assert np.flatnonzero(tenths).tolist() == [3, 4, 5]
    assert scenes.segment_labels([Event("low", 3.5, 9.0, 6, 0, 1)], ("low",), duration_s=4.0).sum() == 1


def test_segment_labels_equal_a_slow_overlap_test():
    for seed in range(10):
        scene = make(seed)
        labels = scenes.segment_labels(scene.events, scene.classes, duration_s=4.0, segment_s=0.5)
        slow = np.zeros_like(labels)
        for event in scene.events:
            for row in range(8):
                if min(event.offset_s, 0.5 * row + 0.5) - max(event.onset_s, 0.5 * row) > 1e-6:
                    slow[row, scene.classes.index(event.label)] = 1
        np.testing.assert_array_equal(labels, slow)


def test_segment_labels_reject_what_they_cannot_place():
    with pytest.raises(ValueError, match="classes must hold"):
        scenes.segment_labels([Event("other", 0, 1, 6, 0, 1)], ("low",))
    with pytest.raises(ValueError, match="onset_s < offset_s"):
        scenes.segment_labels([Event("low", 1, 1, 6, 0, 1)], ("low",))


def test_class_region_is_where_the_tone_is_in_power_and_in_decibels():
    scene = next(s for s in (make(i, stems=True, snr_db=(25, 30)) for i in range(20)) if len(s.stems) == 3)
    region = scenes.class_region(scene, "high", power_spectrogram)
    decibels = scenes.class_region(scene, "high", lambda x: 10 * np.log10(power_spectrogram(x) + 1e-10))
    np.testing.assert_array_equal(region, decibels)
    frequencies_hz = np.arange(region.shape[1]) * scene.sample_rate / 1024
    times_s = (np.arange(region.shape[0]) * 512 + 512) / scene.sample_rate
    assert region.any()
    assert np.abs(frequencies_hz[region.any(axis=0)] - 3000).max() < 200
    sounding = scenes.time_region(scene.events, "high", times_s)
    assert (region.any(axis=1) == sounding).mean() > 0.95
    assert not (region & scenes.class_region(scene, "low", power_spectrogram)).any()


def test_class_region_needs_stems_and_a_known_class():
    with pytest.raises(ValueError, match="stems=True"):
        scenes.class_region(make(0), "low", power_spectrogram)
    scene = make(0, stems=True, n_events=(0, 0))
    with pytest.raises(ValueError, match="label must be one of"):
        scenes.class_region(scene, "other", power_spectrogram)
    with pytest.raises(ValueError, match=r"\(T, F\)"):
        scenes.class_region(scene, "low", lambda x: x)
    assert not scenes.class_region(scene, "low", power_spectrogram).any()


def test_band_region_marks_the_bands_of_the_events_of_that_part():
    events = [Event("low", 0.0, 1.0, 6, 100, 200), Event("low", 2.0, 3.0, 6, 900, 905)]
    frequencies_hz = np.array([50.0, 150.0, 400.0, 890.0, 1500.0])
    assert scenes.band_region(events, "low", frequencies_hz).tolist() == [False, True, False, True, False]
    assert scenes.band_region(events, "low", frequencies_hz, stop_s=2.0).tolist() == [False, True, False, False, False]
    assert not scenes.band_region(events, "low", frequencies_hz, start_s=1.0, stop_s=2.0).any()
    assert scenes.time_region(events, "low", np.array([0.5, 1.0, 2.5])).tolist() == [True, False, True]


def test_occupied_band_of_a_tone_and_of_white_noise():
    time_s = np.arange(22050) / 22050
    low_hz, high_hz = scenes.occupied_band(np.sin(2 * np.pi * 1000 * time_s), sample_rate=22050)
    assert low_hz == pytest.approx(1000, abs=5)
    assert high_hz == pytest.approx(1000, abs=5)
    shifted = scenes.occupied_band(np.sin(2 * np.pi * 1000 * time_s) + 0.9, sample_rate=22050)
    assert shifted[0] == pytest.approx(1000, abs=150)
    low_hz, high_hz = scenes.occupied_band(np.random.default_rng(0).standard_normal(22050), sample_rate=22050)
    assert high_hz - low_hz == pytest.approx(0.95 * 11025, rel=0.02)
    with pytest.raises(ValueError, match="silent"):
        scenes.occupied_band(np.zeros(100), sample_rate=22050)


@pytest.mark.parametrize(("options", "message"), [
    ({"classes": ("low", "low")}, "classes must be distinct"),
    ({"classes": "low"}, "classes must be distinct"),
    ({"classes": ("background",)}, "background"),
    ({"n_events": (3, 1)}, "n_events"),
    ({"event_s": (1.0, 9.0)}, "event_s"),
    ({"snr_db": (9, 3)}, "snr_db"),
    ({"duration_s": 0.0}, "duration_s"),
    ({"max_polyphony": 0}, "max_polyphony"),
    ({"background": lambda **_: np.zeros(5)}, "background must give"),
    ({"background": lambda **_: np.zeros(4 * 22050)}, "not silent"),
    ({"source": lambda label, **_: SmallSound(np.full(9000, np.nan), 0.0, 0.3, {})}, "finite"),
])
def test_bad_settings_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        make(0, **options)


def test_make_scenes_rejects_impossible_counts():
    with pytest.raises(ValueError, match="n must be"):
        scenes.make_scenes(-1, seed=0)
    with pytest.raises(ValueError, match="workers must be"):
        scenes.make_scenes(1, seed=0, workers=0)
    assert scenes.make_scenes(0, seed=0) == []
