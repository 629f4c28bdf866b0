"""Worlds are what they say: shapes, scaling, labels, segments, and a cache that gives the same again."""

import numpy as np
import pytest
import torch

from audiolab.recipes.local_prototypes import LocalPrototypes
from audiolab.studies import prototype_worlds as study
from audiolab.worlds.scenes import segment_labels

pytestmark = pytest.mark.usefixtures("apart")


@pytest.fixture(scope="module")
def recipe():
    return LocalPrototypes().at("smoke")


@pytest.fixture(scope="module")
def world(recipe):
    return study.ten_class_world(recipe)


@pytest.fixture(scope="module")
def small(recipe):
    return study.small_world(recipe)


def test_world_shapes_scaling_and_labels(recipe, world, small):
    for one, n_train, n_classes in ((world, recipe.n_train_clips, 10), (small, recipe.small_n_train_clips, 5)):
        split = one.train
        assert split.x.shape == (n_train * 10, 20, 128)
        assert split.x_cnn.shape == (n_train * 10, 43, 128)
        assert split.y.shape == (n_train * 10, n_classes)
        assert (split.x.min(), split.x.max()) == pytest.approx((-1, 1), abs=1e-5)
        np.testing.assert_allclose(split.x_cnn.mean(axis=(0, 1)), 0, atol=1e-3)
        scene = one.scene("validation", 1)
        np.testing.assert_array_equal(one.validation.y[10:20], segment_labels(scene.events, one.classes))
        assert set(scene.stems) == {e.label for e in scene.events} | {"background"}
    assert small.test.n_clips == 0
    assert not set(world.train.scene_seeds) & set(world.test.scene_seeds)


def test_segments_are_those_of_the_scene(recipe, world):
    scene = world.scene("train", 0, stems=False)
    second = torch.as_tensor(scene.samples[None, 3 * 22050 : 5 * 22050])
    levels = study.front_end(recipe)(second)[0, :20].numpy()
    found = world.scaler.inverse(world.train.x[3])
    loud = levels > levels.max() - 50  # the floor of 80 dB is the clip's in one and the piece's in the other
    np.testing.assert_allclose(found[loud], levels[loud], atol=0.01)


def test_cache_gives_the_same_and_seeds_differ(recipe, world, monkeypatch):
    monkeypatch.setattr(study.scenes, "make_scene", None)  # must not be needed again
    again = study.ten_class_world(recipe)
    np.testing.assert_array_equal(again.test.x, world.test.x)
    assert again.checksum == world.checksum
    monkeypatch.undo()
    assert study.ten_class_world(recipe, 1).checksum != world.checksum


def test_the_papers_own_data_in_its_own_splits(recipe, urban_sed):
    world = study.urban_sed_world(recipe.but(n_validation_clips=1), root=urban_sed)
    assert (world.train.n_clips, world.validation.n_clips, world.test.n_clips) == (2, 1, 2)
    assert world.train.x.shape == (20, 20, 128)
    assert world.train.x_cnn.shape == (20, 43, 128)
    siren, bark = world.classes.index("siren"), world.classes.index("dog_bark")
    assert np.flatnonzero(world.train.y[:, siren]).tolist() == [0, 1, 2, 3]
    assert np.flatnonzero(world.train.y[:, bark]).tolist() == [3]
    assert (world.train.x.min(), world.train.x.max()) == pytest.approx((-1, 1), abs=1e-5)
    with pytest.raises(ValueError, match="urban_sed"):
        world.scene("test", 0)
    (urban_sed / "URBAN-SED_v2.0.0" / "annotations" / "test" / "soundscape_test_bimodal0.txt").write_text("")
    assert study.urban_sed_world(recipe.but(n_validation_clips=1), root=urban_sed).checksum != world.checksum
