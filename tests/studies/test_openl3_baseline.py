"""OpenL3 as a row of the study: weights from the published layout, and windows that its vectors are averaged over."""

import h5py
import numpy as np
import pytest
import torch

from audiolab.models.openl3 import OpenL3
from audiolab.recipes import SoundEffects
from audiolab.studies import base, cache
from audiolab.studies import openl3_baseline as baseline
from audiolab.studies import sound_effects as study


@pytest.fixture
def weights(tmp_path, monkeypatch):
    """A file in the published layout with random numbers."""
    path = tmp_path / baseline.FILE
    path.parent.mkdir()
    drawn = OpenL3()
    with h5py.File(path, "w") as file:
        for i in range(8):
            layer = "audio_embedding_layer" if i == 7 else f"conv2d_{i + 1}"
            kernel = drawn.convolutions[i].weight.detach().permute(3, 2, 1, 0).numpy()
            file[f"{layer}/{layer}/kernel:0"], file[f"{layer}/{layer}/bias:0"] = kernel, np.zeros(kernel.shape[-1])
            norm = f"batch_normalization_{i + 1}"
            n = drawn.norms[i].num_features
            for name, value in (("gamma", 1), ("beta", 0), ("moving_mean", 0), ("moving_variance", 1)):
                file[f"{norm}/{norm}/{name}:0"] = np.full(n, value, np.float32)
    monkeypatch.setenv("AUDIOLAB_DATA", str(tmp_path))
    return drawn


def test_weights_are_found_and_read(weights):
    assert baseline.find_weights() is not None
    model = baseline.load_openl3()
    torch.testing.assert_close(model.convolutions[3].weight, weights.convolutions[3].weight)
    assert not model.training
    runs = study.grid(SoundEffects().at("study"))
    assert [run.experiment for run in runs if run.condition["model"] == "openl3"] == ["libraries", "recordings"]


def test_without_weights_there_is_no_row_and_the_message_says_where(monkeypatch, tmp_path):
    monkeypatch.setenv("AUDIOLAB_DATA", str(tmp_path))
    assert baseline.find_weights() is None
    assert "openl3" not in {run.condition["model"] for run in study.grid(SoundEffects().at("study"))}
    with pytest.raises(FileNotFoundError, match="AUDIOLAB_DATA"):
        baseline.load_openl3()


class Second(torch.nn.Module):
    """A network whose two numbers are the mean and the deviation of the level."""

    def forward(self, x):
        embedding = torch.stack([x.mean((1, 2)), x.std((1, 2))], 1)
        return type("Output", (), {"embedding": embedding})


def test_a_window_takes_the_vectors_centred_in_it(monkeypatch):
    monkeypatch.setattr(baseline, "mel256", lambda seconds: seconds[:, 24000:24001, None])
    sound = np.repeat(np.arange(6.0), 24000)  # centre i, at half a second times i, sounds i
    model = torch.nn.Module()
    model.forward = lambda x: type("Output", (), {"embedding": x[:, 0]})
    found = baseline.embed_windows(model, sound, np.array([0.0, 1.0, 9.0]), 1.0)
    np.testing.assert_allclose(found[:, 0], [0.5, 2.5, 5.0])  # the last window has none: the nearest


def test_a_row_of_the_study(monkeypatch, tmp_path):
    monkeypatch.setattr(cache, "cache_folder", lambda: tmp_path)
    monkeypatch.setattr(baseline, "load_openl3", lambda: Second())
    recipe = SoundEffects().at("smoke").but(libraries=("stage",), base_library="stage", n_files=45)
    result = study.run(base.Run("sound_effects", "libraries", {"model": "openl3"}, 0, recipe))
    assert result.parameters == 4_687_042
    assert 0 <= result.values["f1_stage"] <= 1
