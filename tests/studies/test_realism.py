"""The test of realism: features, augmentation and training, on a few made clips; the full one needs the recordings."""

import os

import numpy as np
import pytest
import torch

from audiolab.studies import realism

SMOKE = realism.recipe().at("smoke")


@pytest.fixture(scope="module")
def clips():
    return realism.made_set(SMOKE, seed=0)


def test_log_mel_is_relative_to_its_maximum(clips):
    x, y = clips
    assert x.shape == (20, 216, 64)
    assert x.dtype == np.float32
    np.testing.assert_allclose(x.max(axis=(1, 2)), 0, atol=1e-5)
    assert x.min() >= -80
    np.testing.assert_array_equal(np.bincount(y), np.full(10, SMOKE.n_clips))


def test_silence_has_a_finite_log_mel():
    assert np.isfinite(realism.log_mel(np.zeros(22050), SMOKE)).all()


def test_every_seed_has_clips_of_its_own(clips):
    other, _ = realism.made_set(SMOKE.but(n_clips=1), seed=1)
    assert not any(np.array_equal(a, b) for a in clips[0] for b in other)


def test_augmentation_is_repeatable_and_keeps_the_scale(clips):
    x = torch.as_tensor(clips[0])
    first, second = (realism.augment(x, torch.Generator().manual_seed(s)) for s in (3, 3))
    other = realism.augment(x, torch.Generator().manual_seed(4))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)
    assert first.shape == x.shape
    assert first.max() <= 0
    assert first.min() >= -80


def test_augmentation_shifts_in_a_circle():
    x = torch.full((1, 40, 16), -80.0)
    x[:, 7] = 0.0
    out = realism.augment(x, torch.Generator().manual_seed(0))
    loud = (out.amax(dim=2) > -1).nonzero()
    assert len(loud) == 1


def test_training_is_repeatable_and_counts_add_up(clips):
    x, y = clips
    models = [realism.train(x, y, SMOKE, seed=2) for _ in range(2)]
    for a, b in zip(models[0].state_dict().values(), models[1].state_dict().values(), strict=True):
        assert torch.equal(a, b)
    counts = realism.confusion(models[0], x, y)
    np.testing.assert_array_equal(counts.sum(axis=1), np.bincount(y))


def test_the_grid_has_a_run_a_seed():
    runs = realism.grid(realism.recipe())
    assert [run.seed for run in runs] == [0, 1, 2]
    assert len({str(run) for run in runs}) == 3


def test_missing_recordings_are_named(monkeypatch, tmp_path):
    monkeypatch.setenv("AUDIOLAB_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="AUDIOLAB_DATA"):
        realism.real_clips(22050)


@pytest.mark.slow
@pytest.mark.skipif("AUDIOLAB_DATA" not in os.environ, reason="needs the recordings in AUDIOLAB_DATA")
def test_a_classifier_of_made_clips_knows_recordings():
    result = realism.run(realism.grid(realism.recipe().but(n_clips=100))[0])
    assert result.values["accuracy"] > 0.72
    assert min(result.values["recall"].values()) > 0.35
