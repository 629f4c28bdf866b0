"""Factorisations by number of concepts, on a network that was not trained."""

import numpy as np
import pytest
import torch

from audiolab.models.resnet_roll import ResNetRoll
from audiolab.studies import composer_factors
from audiolab.studies.composer_worlds import Rolls


@pytest.fixture(scope="module")
def network():
    return ResNetRoll.narrow(4, n_classes=3, generator=torch.Generator().manual_seed(0)).eval()


@pytest.fixture(scope="module")
def test_side():
    draw = np.random.default_rng(0)
    rolls = (draw.random((9, 400, 88)) < 0.05) * draw.integers(1, 128, (9, 400, 88))
    return Rolls(rolls.astype(np.uint8), np.arange(9) % 3, np.arange(9))


@pytest.mark.parametrize("kind", ["nmf", "pca", "random"])
def test_by_number_of_concepts(network, test_side, kind):
    values = composer_factors.rank_values(network, test_side, kind)
    errors = [values[f"error_{m}"] for m in composer_factors.RANKS]
    assert errors[-1] < errors[0] <= 1
    assert all(0 <= values[f"fidelity_{m}"] <= 1 for m in composer_factors.RANKS)
    four = composer_factors._factorise(network, test_side, kind, [4], n=160, seed=0)[4]
    assert four["error"] == values["error_4"]


def test_two_classes_compete_alone(network, test_side, monkeypatch):
    seen = []
    monkeypatch.setattr(composer_factors.parts, "layer_maps", lambda m, x, layer: seen.append(len(x)) or draw(x))

    def draw(x):
        return np.random.default_rng(1).random((len(x), 13, 3, 32))

    values = composer_factors.rank_values(network, test_side, "random", among=(0, 2))
    assert seen == [6]
    assert set(values) == {f"{key}_{m}" for key in ("fidelity", "error") for m in composer_factors.RANKS}
