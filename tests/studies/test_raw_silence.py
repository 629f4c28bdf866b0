"""Silent chunks as truth: which clips are chosen, what the numbers say, where the lanes of a player begin and end."""

import numpy as np
import pytest

from audiolab.recipes.raw_waveform import RawWaveform
from audiolab.studies import cache, raw_silence, raw_systems, raw_waveform
from audiolab.studies.raw_silence import SilentClips, silent_clips


@pytest.fixture
def recipe():
    return RawWaveform().at("smoke").but(width=0.04)


@pytest.fixture
def world(recipe, tmp_path, monkeypatch):
    """The made-here world in the place of the recordings: a clip in four goes silent after a second, one is empty."""
    for module in (cache, raw_waveform):
        monkeypatch.setattr(module, "cache_folder", lambda: tmp_path)
    made = raw_systems.made_world(recipe)
    samples = made.test.samples.copy()
    samples[::4, 16_000:] = 0
    samples[1] = 0
    made = made._replace(test=made.test._replace(samples=samples))
    monkeypatch.setattr(raw_silence.raw_systems, "recordings_world", lambda recipe, fold: made)
    return made


def test_clips_with_silent_and_sounding_chunks(recipe, world):
    found = silent_clips(recipe)
    assert np.array_equal(found.samples, world.test.samples[::4])  # not the empty clip
    # Chunks begin at 0, 0.75 and 1.5 s: the second still holds a quarter of a second of sound.
    assert found.silent.tolist() == [[False, False, True]] * 3
    assert found.names == tuple(world.fine[k] for k in world.test.y[::4, 1])
    np.testing.assert_allclose(found.attention.sum(1), 1, rtol=1e-5)
    assert found.weight == pytest.approx(found.attention[:, 2].mean())
    assert found.chance == pytest.approx(1 / 3)
    assert found.spans(0, recipe) == [("silence", 1.5, 2.5)]


def test_numbers_by_hand(recipe):
    attention = np.array([[0.5, 0.3, 0.2], [0.1, 0.2, 0.7]])
    silent = np.array([[False, True, True], [False, False, True]])
    found = SilentClips(np.zeros((2, 4)), ("a", "b"), ("a", "a"), attention, silent)
    assert found.weight == pytest.approx((0.3 + 0.2 + 0.7) / 3)
    assert (found.mistaken, found.chance) == (0.5, 0.5)
    assert found.spans(0, recipe) == [("silence", 0.75, 2.5)]  # two chunks that overlap


def test_what_cannot_be_asked_is_named(recipe, world, monkeypatch):
    with pytest.raises(ValueError, match="fold: expected 0 to 2, got 3"):
        silent_clips(recipe, 3)
    full = world._replace(test=world.test._replace(samples=np.ones_like(world.test.samples)))
    full.test.samples[:] = np.random.default_rng(0).normal(size=full.test.samples.shape)
    monkeypatch.setattr(raw_silence.raw_systems, "recordings_world", lambda recipe, fold: full)
    with pytest.raises(ValueError, match="fold: expected clips with a silent chunk"):
        silent_clips(recipe)
