"""Clips repeat, stems add up, events enclose the sound, labels are hidden at the stated rate."""

import importlib.util

import numpy as np
import pytest
import torch

from audiolab.features.vggish import VGGishLogMel, n_frames
from audiolab.worlds import instruments as w
from audiolab.worlds.scenes import class_region, scene_seed

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("pretty_midi") is None, reason="pretty_midi is not installed: no sound font"
)


@pytest.fixture(scope="module")
def clips():
    return w.make_instrument_clips(12, seed=5)


def test_same_seed_same_bits(clips):
    np.random.seed(1)  # noqa: NPY002
    again = w.make_instrument_clip(seed=scene_seed(5, 3))
    assert np.array_equal(again.samples, clips[3].samples)
    assert again.notes == clips[3].notes


def test_stems_sum_to_the_mix_and_levels_are_healthy(clips):
    for clip in clips:
        assert clip.samples.shape == (160_000,)
        assert clip.samples.dtype == np.float32
        np.testing.assert_allclose(sum(clip.stems.values()), clip.samples, atol=1e-6)
        assert np.abs(clip.samples).max() == pytest.approx(0.9, abs=1e-4)
        assert 2 <= len(clip.programs) <= 5
        assert set(clip.stems) == set(clip.programs) | {"background"}


def test_labels_activity_and_stems_agree(clips):
    for clip in clips:
        assert {clip.classes[k] for k in np.flatnonzero(clip.labels)} == set(clip.programs)
        assert {event.label for event in clip.events} == set(clip.programs)
        for event in clip.events:
            stem = np.square(clip.stems[event.label].astype(np.float64))
            first, last = round(16_000 * event.onset_s), round(16_000 * event.offset_s)
            # The room and the release may ring on after the last note; nothing sounds before the first.
            assert stem[: max(0, first - 320)].sum() <= 0.01 * stem.sum()
            assert stem[first : last + 16_000].sum() >= 0.95 * stem.sum()
            share = (event.offset_s - event.onset_s) / 10
            assert 0.05 < share < 0.75
            assert 0 < event.f_low_hz < event.f_high_hz <= 8000


def test_other_players_do_not_change_a_part():
    """Each class draws from a generator of its own."""
    one = w.make_instrument_clip(seed=9, classes=("flute", "organ"), n_playing=(2, 2))
    flute = [note for note in one.notes if note.label == "flute"]
    again = w.make_instrument_clip(seed=9, classes=("flute", "organ"), n_playing=(2, 2))
    assert flute == [note for note in again.notes if note.label == "flute"]


def test_every_class_can_play():
    for name in w.CLASSES:
        clip = w.make_instrument_clip(seed=4, classes=(name,), n_playing=(1, 1))
        assert clip.labels.tolist() == [1.0]
        assert len([note for note in clip.notes if note.label == name]) >= 1
        solo = w.solo_note(name, seed=2)
        assert solo.shape == (16_000,)
        assert 0.05 < np.abs(solo).max() <= 0.901


def test_held_out_programs_are_never_trained_on():
    names = w.held_out_classes()
    assert set(names) >= {"guitar", "organ", "piano", "synthesizer"}
    for seed in range(5):
        for programs in ("training", "held_out"):
            clip = w.make_instrument_clip(seed=seed, classes=names, n_playing=(3, 4), programs=programs)
            for name, program in clip.programs.items():
                assert (program in w.INSTRUMENTS[name].held_out) == (programs == "held_out")


def test_bass_lies_low_and_cymbals_lie_high():
    clip = w.make_instrument_clip(seed=3, classes=("bass", "cymbals"), n_playing=(2, 2))
    by_name = {event.label: event for event in clip.events}
    assert by_name["bass"].f_low_hz < 200
    assert by_name["cymbals"].f_high_hz > 4000


def test_regions_can_be_read(clips):
    def picture(samples):
        return 20 / np.log(10) * VGGishLogMel()(torch.as_tensor(samples)[None])[0].numpy()

    event = clips[0].events[0]
    region = class_region(clips[0], event.label, picture, scale="db")
    assert region.shape == (n_frames(160_000), 64)
    frames = np.flatnonzero(region.any(1)) / 100
    assert frames.min() >= event.onset_s - 0.05
    assert 0 < region.mean() < 0.5


def test_known_labels():
    labels = (np.random.default_rng(0).random((2000, 10)) < 0.35).astype(np.float32)
    known = w.known_labels(labels, rate=0.3, seed=1)
    shown = ~np.isnan(known)
    assert shown.mean() == pytest.approx(0.3, abs=0.01)
    assert shown.any(1).all()
    assert (known[shown] == labels[shown]).all()
    assert not np.isnan(w.known_labels(labels, rate=1.0, seed=1)).any()
    sparse = ~np.isnan(w.known_labels(labels, rate=0.001, seed=1))
    assert (sparse.sum(1) >= 1).all()


def test_pan_keeps_power():
    for position in (-1, -0.3, 0, 1):
        assert (w.pan_gains(position) ** 2).sum() == pytest.approx(1)
    assert w.pan_gains(-1).tolist() == pytest.approx([1, 0])


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"classes": ("kazoo",)}, "classes"),
        ({"classes": "flute"}, "classes"),
        ({"duration_s": 1}, "duration_s"),
        ({"n_playing": (0, 2)}, "n_playing"),
        ({"active_share": (0.1, 0.5)}, "active_share"),
        ({"gain_db": (3, -3)}, "gain_db"),
        ({"programs": "mine"}, "programs"),
    ],
)
def test_mistakes_are_named(options, name):
    with pytest.raises(ValueError, match=f"^{name}: expected"):
        w.make_instrument_clip(seed=0, **options)


def test_other_mistakes():
    with pytest.raises(ValueError, match="rate"):
        w.known_labels(np.zeros((1, 2)), rate=0, seed=0)
    with pytest.raises(ValueError, match="position"):
        w.pan_gains(2)


def test_many_solo_notes_sound():
    for seed in range(150):
        sound = w.solo_note(w.CLASSES[seed % 20], seed=1000 + seed)
        assert np.isfinite(sound).all()
        assert np.abs(sound).max() > 0.05
