"""Statistics by hand, parts that add up, and an ensemble that is a mean."""

import librosa
import numpy as np
import pytest
import torch

from audiolab.features.vggish import VGGishLogMel
from audiolab.models.vggish import VGGish
from audiolab.recipes.raw_waveform import RawWaveform
from audiolab.studies import cache, raw_rivals
from audiolab.studies import raw_systems as systems


@pytest.fixture(scope="module")
def recipe():
    return RawWaveform().at("smoke").but(n_train_clips=12, n_validation_clips=12, n_test_clips=12)


@pytest.fixture(scope="module")
def world(recipe, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cache")
    patch = pytest.MonkeyPatch()
    patch.setattr(cache, "cache_folder", lambda: folder)
    yield systems.made_world(recipe)
    patch.undo()


def test_statistics_by_hand(world, recipe):
    found = raw_rivals.mfcc_statistics(world.test.samples[:2], recipe)
    mfcc = librosa.feature.mfcc(y=world.test.samples[1], sr=16_000, n_mfcc=20, n_fft=1024, hop_length=512)
    assert found.shape == (2, 80)
    np.testing.assert_allclose(found[1, :20], mfcc.mean(1), rtol=1e-5)
    np.testing.assert_allclose(found[1, 60:], (mfcc[:, 1:] - mfcc[:, :-1]).std(1), rtol=1e-4)


def test_classifiers_learn_what_is_plain():
    rng = np.random.default_rng(2)
    y = rng.integers(0, 3, 60)
    points = 5 * np.eye(3)[y] + rng.normal(size=(60, 3))
    for kind in ("svm", "lr"):
        assert np.mean(raw_rivals.classify(kind, points, y, points) == y) > 0.9
    with pytest.raises(ValueError, match="kind"):
        raw_rivals.classify("tree", points, y, points)


def test_classifier_reports_both_levels(world, recipe):
    values = raw_rivals.mfcc_classifier("svm", world, recipe)
    assert 0 <= values["fine"] <= values["coarse_via_fine"] <= 1


def test_parts_add_up(world):
    some = world.test.samples[:1]
    both = raw_rivals.separated(some, "harmonic") + raw_rivals.separated(some, "percussive")
    np.testing.assert_allclose(both, some, atol=0.02 * np.abs(some).max())
    np.testing.assert_array_equal(raw_rivals.separated(some, "whole"), some)
    with pytest.raises(ValueError, match="part"):
        raw_rivals.separated(some, "vocal")


def test_ensemble_is_the_mean_of_three(world, recipe):
    mean, said = raw_rivals.ensemble(world, recipe, 0)
    assert set(said) == set(raw_rivals.PARTS)
    np.testing.assert_allclose(mean, sum(said.values()) / 3, atol=1e-6)
    assert not np.allclose(said["harmonic"], said["percussive"])


@pytest.fixture
def vggish(tmp_path):
    """A narrow VGGish in a file with the names of the public port."""
    model = VGGish(channels=(2, 2, 3, 3, 4, 4), hidden=(9, 7, 5), generator=torch.Generator().manual_seed(0)).eval()
    places = {f"cnn.layers.{i}": f"features.{n}" for i, n in enumerate((0, 3, 6, 8, 11, 13))}
    places |= {f"fc.{i}": f"embeddings.{2 * i}" for i in range(3)}
    state = {f"{places[k.rsplit('.', 1)[0]]}.{k.rsplit('.', 1)[1]}": v for k, v in model.state_dict().items()}
    torch.save(state, tmp_path / raw_rivals.VGGISH_FILE)
    return model, tmp_path / raw_rivals.VGGISH_FILE


def test_vggish_embeddings_are_means_over_patches(world, recipe, vggish):
    model, path = vggish
    found = raw_rivals.vggish_embeddings(world.test.samples, recipe, path)
    assert found.shape == (12, 5)
    with torch.no_grad():
        patches = model(VGGishLogMel()(torch.as_tensor(world.test.samples[3:4]))).embedding
    assert patches.shape == (1, 2, 5)  # 2.5 s hold two patches
    np.testing.assert_allclose(found[3], patches[0].mean(0), rtol=1e-5)
    values = raw_rivals.mfcc_classifier("svm", world, recipe, vggish=path)
    assert 0 <= values["fine"] <= values["coarse_via_fine"] <= 1


def test_vggish_that_is_not_there_or_not_vggish_is_named(world, recipe, vggish, tmp_path, monkeypatch):
    monkeypatch.setattr(raw_rivals, "data_folder", lambda: tmp_path)
    assert raw_rivals.find_vggish() == vggish[1]
    with pytest.raises(ValueError, match="16000 Hz for VGGish, got 22050"):
        raw_rivals.vggish_embeddings(world.test.samples, recipe.but(sample_rate=22050), vggish[1])
    torch.save({"features.0.weight": torch.zeros(2, 1, 3, 3)}, tmp_path / "other.pth")
    with pytest.raises(ValueError, match=r"missing .*embeddings\.0\.weight"):
        raw_rivals.vggish_embeddings(world.test.samples, recipe, tmp_path / "other.pth")
    vggish[1].unlink()
    assert raw_rivals.find_vggish() is None
    with pytest.raises(FileNotFoundError, match="AUDIOLAB_DATA"):
        raw_rivals.find_vggish(needed=True)
