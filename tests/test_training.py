"""The loop ends the same when killed, logs every term, keeps the best weights and says what is wrong."""

from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import nn

from audiolab import training


class Terms(NamedTuple):
    total: torch.Tensor
    terms: dict


class Output(NamedTuple):
    logits: torch.Tensor


class Net(nn.Module):
    def __init__(self, seed=0):
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.first, self.second = nn.Linear(4, 8), nn.Linear(8, 2)
        self.norm, self.dropout = nn.BatchNorm1d(8), nn.Dropout(0.5)

    def forward(self, x):
        return Output(self.second(self.dropout(self.norm(self.first(x).relu()))))


def step(model, batch):
    error = (model(batch.x).logits - batch.y).square().mean()
    size = 1e-3 * model.first.weight.abs().sum()
    return Terms(error + size, {"error": error, "size": size})


def metric(model, loader):
    assert not model.training
    assert not torch.is_grad_enabled()
    return {"score": -float(np.mean((training.collect(model, loader) - loader.y.numpy()) ** 2))}


@pytest.fixture
def recipe():
    optimiser = {"learning_rate": 1e-2, "betas": (0.9, 0.999), "adam_eps": 1e-7}
    return SimpleNamespace(**optimiser, max_epochs=4, patience=100, metric_name="score")


@pytest.fixture
def loaders():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(50, 4)).astype(np.float32)
    y = x[:, :2] ** 2
    return training.Loaders(
        training.make_loader(x[:35], y[:35], batch_size=8, shuffle=True),
        training.make_loader(x[35:], y[35:], batch_size=8),
    )


def test_amsgrad_is_torchs_and_goes_on_from_a_checkpoint(recipe, loaders, tmp_path):
    recipe.amsgrad, recipe.betas, recipe.max_epochs = True, (0.9, 0.5), 3  # a short memory, so that the maximum matters
    whole = training.fit(Net(), step, loaders, recipe, metric, seed=3)
    recipe.max_epochs = 1
    training.fit(Net(), step, loaders, recipe, metric, seed=3, checkpoint=tmp_path)
    recipe.max_epochs = 3
    again = training.fit(Net(seed=9), step, loaders, recipe, metric, seed=3, checkpoint=tmp_path)
    assert all(torch.equal(whole.weights[name], value) for name, value in again.weights.items())
    model = Net()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2, betas=(0.9, 0.5), eps=1e-7, amsgrad=True)
    for epoch in (1, 2, 3):
        model.train()
        torch.manual_seed(training._derive(3, epoch, 1))
        for batch in loaders.train.epoch(3, epoch):
            optimizer.zero_grad()
            step(model, batch).total.backward()
            optimizer.step()
        last = {name: value.clone() for name, value in model.state_dict().items()}
    assert whole.best_epoch == 3
    assert all(torch.equal(whole.weights[name], value) for name, value in last.items())
    recipe.amsgrad = False
    plain = training.fit(Net(), step, loaders, recipe, metric, seed=3)
    assert plain.history[-1]["loss"] != whole.history[-1]["loss"]
    with pytest.raises(ValueError, match="amsgrad"):
        training.fit(Net(), step, loaders, recipe, metric, seed=3, checkpoint=tmp_path)


def test_killed_run_ends_like_one_that_was_not(recipe, loaders, tmp_path):
    whole = training.fit(Net(), step, loaders, recipe, metric, seed=3)
    calls = []

    def killing(model, loader):
        calls.append(1)
        if len(calls) == 3:  # in epoch 3, after two were written
            raise KeyboardInterrupt
        return metric(model, loader)

    with pytest.raises(KeyboardInterrupt):
        training.fit(Net(), step, loaders, recipe, killing, seed=3, checkpoint=tmp_path)
    torch.rand(7)  # the global state must not matter
    again = training.fit(Net(seed=9), step, loaders, recipe, metric, seed=3, checkpoint=tmp_path)
    assert [{k: v for k, v in r.items() if k != "seconds"} for r in whole.history] == [
        {k: v for k, v in r.items() if k != "seconds"} for r in again.history
    ]
    assert (whole.best_epoch, whole.best_value) == (again.best_epoch, again.best_value)
    assert all(torch.equal(whole.weights[k], again.weights[k]) for k in whole.weights)
    finished = training.fit(Net(seed=9), step, loaders, recipe, killing, seed=3, checkpoint=tmp_path)
    assert len(calls) == 3
    assert finished.history == again.history


def test_seed_decides_and_global_state_does_not(recipe, loaders):
    before = torch.get_rng_state()
    one = training.fit(Net(), step, loaders, recipe, metric, seed=1)
    assert torch.equal(before, torch.get_rng_state())
    torch.rand(3)
    same = training.fit(Net(), step, loaders, recipe, metric, seed=1)
    other = training.fit(Net(), step, loaders, recipe, metric, seed=2)
    assert [r["loss"] for r in one.history] == [r["loss"] for r in same.history]
    assert [r["loss"] for r in one.history] != [r["loss"] for r in other.history]


def test_equals_a_loop_written_by_hand(recipe, loaders):
    recipe.max_epochs = 2
    model = nn.Sequential(nn.Linear(4, 2))
    weights = {k: v.clone() for k, v in model.state_dict().items()}

    def plain_step(net, batch):
        error = (net(batch.x) - batch.y).square().mean()
        return Terms(error, {"error": error})

    def weight_sum(net, loader):
        return {"score": net[0].weight.sum().item()}

    fitted = training.fit(model, plain_step, loaders, recipe, weight_sum, seed=5)
    hand = nn.Sequential(nn.Linear(4, 2))
    hand.load_state_dict(weights)
    adam = torch.optim.Adam(hand.parameters(), lr=1e-2, betas=(0.9, 0.999), eps=1e-7)
    for epoch in (1, 2):
        losses = []
        for batch in loaders.train.epoch(5, epoch):
            loss = (hand(batch.x) - batch.y).square().mean()
            adam.zero_grad()
            loss.backward()
            adam.step()
            losses.append((loss.item(), len(batch.x)))
        assert fitted.history[epoch - 1]["loss"] == pytest.approx(sum(a * n for a, n in losses) / 35)
        assert fitted.history[epoch - 1]["validation_score"] == pytest.approx(hand[0].weight.sum().item())


def test_terms_are_logged_and_add_up(recipe, loaders):
    row = training.fit(Net(), step, loaders, recipe, metric).history[0]
    assert row["loss"] == pytest.approx(row["loss_error"] + row["loss_size"])
    assert {"epoch", "seconds", "validation_score"} <= set(row)


def test_best_is_strict_and_patience_stops(recipe, loaders):
    recipe.max_epochs, recipe.patience = 10, 2
    values = iter([0.1, 0.5, 0.5, 0.4, 0.9])
    seen = []

    def scripted(model, loader):
        seen.append({k: v.clone() for k, v in model.state_dict().items()})
        return {"score": next(values)}

    model = Net()
    fitted = training.fit(model, step, loaders, recipe, scripted)
    assert (fitted.best_epoch, fitted.best_value, len(fitted.history)) == (2, 0.5, 4)
    assert all(torch.equal(v, seen[1][k]) for k, v in model.state_dict().items())


def test_nan_names_the_term(recipe, loaders):
    def broken(model, batch):
        terms = step(model, batch)
        return Terms(terms.total * float("nan"), terms.terms | {"size": terms.total * float("nan")})

    with pytest.raises(FloatingPointError, match=r"epoch 1, batch 1; terms: .*'size': nan"):
        training.fit(Net(), broken, loaders, recipe, metric)


def test_user_mistakes_are_named(recipe, loaders, tmp_path):
    with pytest.raises(ValueError, match="y: expected as many rows as x"):
        training.make_loader(np.zeros((3, 2)), np.zeros((2, 2)), batch_size=2)
    with pytest.raises(ValueError, match="batch_size"):
        training.make_loader(np.zeros((3, 2)), np.zeros((3, 2)), batch_size=0)
    with pytest.raises(ValueError, match="device: expected one of"):
        training.fit(Net(), step, loaders, recipe, metric, device="toaster")
    recipe.metric_name = "f1"
    with pytest.raises(ValueError, match="metric_name"):
        training.fit(Net(), step, loaders, recipe, metric)
    recipe.metric_name = "score"
    training.fit(Net(), step, loaders, recipe, metric, seed=1, checkpoint=tmp_path)
    with pytest.raises(ValueError, match=r"another run \(differs in \['seed'\]\)"):
        training.fit(Net(), step, loaders, recipe, metric, seed=2, checkpoint=tmp_path)
    (tmp_path / "last.safetensors").write_bytes(b"cut off")
    with pytest.raises(ValueError, match="whole safetensors file"):
        training.fit(Net(), step, loaders, recipe, metric, seed=1, checkpoint=tmp_path)


def test_collect_keeps_order_and_mode(loaders):
    model = Net().train()
    whole = model.eval()(loaders.validation.x).logits.detach().numpy()
    model.train()
    np.testing.assert_allclose(training.collect(model, loaders.validation), whole, rtol=1e-6)
    np.testing.assert_allclose(training.collect(model, loaders.validation.x, batch_size=4), whole, rtol=1e-6)
    assert model.training


def test_training_order_is_a_permutation_that_changes_each_epoch(loaders):
    rows = [torch.cat([b.x for b in loaders.train.epoch(0, e)]) for e in (1, 2)]
    assert not torch.equal(rows[0], rows[1])
    assert torch.equal(rows[0].sort(0).values, loaders.train.x.sort(0).values)
    assert torch.equal(torch.cat([b.x for b in loaders.train]), loaders.train.x)
