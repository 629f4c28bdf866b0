"""Splits are what they say, a clip is made again with its stems, and OpenMIC-2018 becomes a world of the same form."""

import importlib.util

import numpy as np
import pytest

from audiolab.data import openmic
from audiolab.recipes.visual_attention import VisualAttention
from audiolab.studies import instrument_worlds as worlds

pytestmark = [
    pytest.mark.usefixtures("apart"),
    pytest.mark.skipif(
        importlib.util.find_spec("pretty_midi") is None, reason="pretty_midi is not installed: no sound font"
    ),
]


def test_splits(band_recipe, band_world):
    world = band_world
    expected = ((world.train, 6, "training"), (world.test, 4, "training"), (world.held_out, 2, "held_out"))
    for split, n, programs in expected:
        assert split.x.shape == (n, 998, 64)
        assert split.y.shape == split.truth.shape == (n, 10)
        shown = ~np.isnan(split.y)
        assert (split.y[shown] == split.truth[shown]).all()
        assert split.programs == programs
    assert np.isnan(band_world.train.y).any()
    assert not np.isnan(band_world.held_out.y).any()
    seeds = [set(s.clip_seeds) for s in (world.train, world.validation, world.test, world.held_out)]
    assert len(set.union(*seeds)) == sum(len(s) for s in seeds)
    assert worlds.instrument_world(band_recipe).checksum == band_world.checksum
    assert worlds.instrument_world(band_recipe, 1).checksum != band_world.checksum


def test_a_clip_is_made_again(band_world):
    clip = band_world.clip(band_world.test, 1)
    np.testing.assert_allclose(worlds.log_mel(clip.samples), band_world.test.x[1].astype(np.float32), atol=5e-3)
    assert np.array_equal(clip.labels, band_world.test.truth[1])


def test_openmic_becomes_a_world(miniature_openmic, monkeypatch):
    monkeypatch.setattr(openmic, "split_validation", lambda rows, seed: (rows[:3], rows[3:]))
    small = VisualAttention().at("smoke").but(profile="paper", n_train_clips=3)
    with pytest.raises(FileNotFoundError, match="OpenMIC"):
        worlds.openmic_world(small, root=miniature_openmic / "nothing")
    monkeypatch.setenv("AUDIOLAB_DATA", str(miniature_openmic))
    world = worlds.openmic_world(small)
    assert [s.n_clips for s in (world.train, world.validation, world.test, world.held_out)] == [3, 1, 2, 0]
    assert world.train.x.shape == (3, 998, 64)
    nan = np.nan
    np.testing.assert_array_equal(world.train.y, [[0, 1, nan], [nan, 0, 1], [1, nan, 0]])
    (miniature_openmic / "openmic-2018" / "audio" / "000" / "000005_0.ogg").unlink()
    with pytest.raises(FileNotFoundError, match=r"000005_0\.ogg"):
        worlds.openmic_world(small)
