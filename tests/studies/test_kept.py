"""A network and what is said of it come back together, or not at all."""

import pytest
import torch

from audiolab.studies import kept


def make(about):
    return torch.nn.Linear(about["n_inputs"], 2)


def test_weights_and_words_come_back_together(tmp_path):
    model = torch.nn.Linear(3, 2).train()
    path = kept.keep("some_network", model, {"n_inputs": 3, "of": "é"}, tmp_path)
    assert sorted(p.name for p in path.parent.iterdir()) == ["some_network.json", "some_network.safetensors"]
    again, about = kept.fetch("some_network", "chapter", make, tmp_path)
    assert about == {"n_inputs": 3, "of": "é"}
    assert not again.training
    assert torch.equal(again.weight, model.weight)


def test_what_is_missing_or_damaged_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="python -m audiolab run chapter --profile study"):
        kept.fetch("some_network", "chapter --profile study", make, tmp_path)
    path = kept.keep("some_network", torch.nn.Linear(3, 2), {"n_inputs": 3}, tmp_path)
    for text in ('{"n_inputs": 4}', "{}", '{"n_inputs"', "[]"):
        path.with_suffix(".json").write_text(text)
        with pytest.raises(ValueError, match=r"some_network\.json to describe some_network\.safetensors"):
            kept.fetch("some_network", "chapter", make, tmp_path)
    path.with_suffix(".json").unlink()
    with pytest.raises(FileNotFoundError, match="some_network"):
        kept.fetch("some_network", "chapter", make, tmp_path)
