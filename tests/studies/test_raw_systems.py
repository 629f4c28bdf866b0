"""Every system reads, trains and answers; splits share nothing; scaling comes from the training split."""

import numpy as np
import pytest
import torch

from audiolab.data import esc50
from audiolab.recipes.raw_waveform import RawWaveform
from audiolab.studies import raw_systems as systems

pytestmark = pytest.mark.usefixtures("apart")


@pytest.fixture(scope="module")
def recipe():
    return RawWaveform().at("smoke").but(width=0.04)


@pytest.fixture(scope="module")
def world(recipe):
    return systems.made_world(recipe)


def test_world(world, recipe):
    assert [len(s.samples) for s in (world.train, world.validation, world.test)] == [12, 12, 12]
    assert world.train.samples.shape[1] == recipe.clip_length
    assert all(world.parents[fine] == coarse for coarse, fine in world.train.y)
    assert ((world.train.chunk >= 0) == (world.train.y[:, 0] < 2)).all()
    assert not np.array_equal(world.train.samples, world.test.samples)
    scenes = systems.make_scenes(recipe, 3, seed=2)
    np.testing.assert_array_equal(scenes[2].samples, world.test.samples[2])
    assert systems.made_world(recipe).checksum == world.checksum
    assert systems.made_world(recipe, 1).checksum != world.checksum


@pytest.mark.parametrize("system", ["joint", "coarse", "long", "gru", "ncnn", "sample_cnn", "raw_cnn"])
def test_a_system_trains_and_answers(system, world, recipe):
    trained = systems.train_system(system, world, recipe, 1, progress=False)
    found = systems.ask(system, trained.model, world.test, recipe, train=world.train)
    assert found.fine.shape == (12, 12)
    np.testing.assert_allclose(found.fine.sum(axis=1), 1, atol=1e-4)
    assert found.coarse.shape[1] == (4 if system in systems.RAW_SYSTEMS else 0)
    assert found.attention.shape[1] == (3 if system in systems.RAW_SYSTEMS else 0)
    assert len(trained.fit.history) == 1


def test_pictures_span_the_clip_and_bands_are_the_training_splits(world, recipe):
    read = systems.Reader("nac", recipe).fit(world.train)
    x = read(world.train)
    assert x.shape == (12, 128, 128)
    np.testing.assert_allclose(x.mean(dim=(0, 1)).numpy(), 0, atol=1e-3)
    one = read(world.test.pick(slice(0, 1)))
    assert torch.allclose(one[0], read(world.test)[0])  # scaled by the training split, not by itself
    with pytest.raises(ValueError, match="train: expected"):
        systems.ask("nac", torch.nn.Identity(), world.test, recipe)


def test_recordings_split_by_fold(recipe):
    try:
        esc50.find_esc50()
    except FileNotFoundError:
        pytest.skip("the ESC-10 recordings are not here: set AUDIOLAB_DATA")
    recorded = recipe.for_recordings()
    rows = {fold: {row.path.stem.split("-")[1] for row in esc50.list_esc50(folds=[fold])} for fold in recipe.folds}
    for fold in recipe.folds:
        assert not any(rows[fold] & rows[other] for other in rows if other != fold), "a source is in two folds"
    world = systems.recordings_world(recorded, 1)
    assert (len(world.coarse), len(world.fine)) == (5, 10)
    assert world.test.samples.shape == (80, 40_000)
    assert len(world.train.samples) == 80 * (len(recipe.folds) - 2)


def test_silent_chunks_of_recordings():
    try:
        esc50.find_esc50()
    except FileNotFoundError:
        pytest.skip("the ESC-10 recordings are not here: set AUDIOLAB_DATA")
    recorded = RawWaveform().for_recordings()
    counts, exact = 0, 0
    for fold in (1, 2, 3, 4):
        split = systems._recorded_split(recorded, [fold], [0] * 10)
        counts += int(systems.silent_chunks(split, recorded).sum())
        exact += int(systems.silent_chunks(split, recorded, below=1e-12).sum())
    assert counts == pytest.approx(66, abs=3)
    assert exact == pytest.approx(47, abs=3)


def test_errors_name_the_argument(recipe, world):
    with pytest.raises(ValueError, match="system: expected"):
        systems.Reader("vggish", recipe)
    with pytest.raises(ValueError, match="system: expected"):
        systems.make_system("vggish", recipe, world)
    with pytest.raises(ValueError, match="test_fold"):
        systems.recordings_world(recipe, 9)
