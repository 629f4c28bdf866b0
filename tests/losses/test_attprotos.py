"""The objective on two toy segments, term by term, against loops that are the formulas."""

from itertools import product
from types import SimpleNamespace

import pytest
import torch

from audiolab.losses.attprotos import PRESETS, AttProtosLoss
from audiolab.models.attprotos import AttProtos

B, T, F, C, M, K = 2, 8, 8, 3, 2, 4


@pytest.fixture
def model():
    return AttProtos(
        n_classes=K, n_mels=F, n_prototypes=M, n_channels=C, generator=torch.Generator().manual_seed(0)
    ).double()


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(1)
    x = 2 * torch.rand(B, T, F, generator=generator, dtype=torch.float64) - 1
    return SimpleNamespace(x=x, y=torch.tensor([[1, 0, 1, 0], [0, 0, 0, 1]]))


def total_of(function, *sizes):
    """Sum over every index of nested loops."""
    return sum(function(*index) for index in product(*map(range, sizes)))


def by_hand(model, output, batch):
    """Every sum over everything, segments included, as Python numbers."""
    o = {name: value.tolist() for name, value in output._asdict().items() if name != "masks"}
    x, z, zh, xt, xh = batch.x.tolist(), o["embedding"], o["z_hat"], o["reconstruction"], o["reconstruction_hat"]
    p = torch.sigmoid(output.logits)
    likelihood = torch.where(batch.y.bool(), p, 1 - p).log()
    return {
        "classification": -sum(likelihood.flatten().tolist()),
        "reconstruction": total_of(lambda b, t, f: (x[b][t][f] - xt[b][t][f]) ** 2, B, T, F),
        "latent": total_of(lambda b, t, f, c: (z[b][t][f][c] - zh[b][t][f][c]) ** 2, B, T // 4, F // 4, C),
        "against_reconstruction": total_of(lambda b, t, f: (xt[b][t][f] - xh[b][t][f]) ** 2, B, T, F),
        "against_input": total_of(lambda b, t, f: (x[b][t][f] - xh[b][t][f]) ** 2, B, T, F),
        "A": total_of(lambda b, t, f, m: abs(o["pre_attention"][b][t][f][m]), B, T // 4, F // 4, M),
        "S": total_of(lambda b, t, f, m: abs(o["attention"][b][t][f][m]), B, T // 4, F // 4, M),
        "Z": total_of(lambda b, t, f, c: abs(z[b][t][f][c]), B, T // 4, F // 4, C),
        "W": sum(abs(w) for row in model.read_out_layer.weight.tolist() for w in row),
    }


def check(loss, expected):
    assert list(loss.terms) == list(expected)
    for name, value in expected.items():
        assert loss.terms[name].item() == pytest.approx(value, rel=1e-10), name
    assert loss.total.item() == pytest.approx(sum(expected.values()), rel=1e-10)


def test_code_preset(model, batch):
    output = model(batch.x)
    hand = by_hand(model, output, batch)
    expected = {
        "classification": 10 * hand["classification"] / (B * K),
        "reconstruction": 5 * hand["reconstruction"] / (B * T * F),
        "prototype_latent": 5 * hand["latent"] / (B * T // 4),
        "prototype_input": 5 * hand["against_reconstruction"] / (B * T),
        "sparsity": 2.56e-4 * hand["A"] / B,
        "read_out": 1e-5 * hand["W"],
    }
    check(AttProtosLoss(model)(output, batch), expected)


def test_paper_preset(model, batch):
    output = model(batch.x)
    hand = by_hand(model, output, batch)
    expected = {
        "classification": 10 * hand["classification"] / (B * K),
        "reconstruction": 5 * hand["reconstruction"] / B,
        "prototype_latent": 5 * hand["latent"] / B,
        "prototype_input": 5 * hand["against_input"] / B,
        "sparsity": 1e-5 * hand["S"] / B,
        "read_out": 1e-6 * hand["W"],
    }
    check(AttProtosLoss(model, "paper")(output, batch), expected)


@pytest.mark.parametrize("sparsity_on", ["A", "S", "Z"])
def test_sparsity_switch(model, batch, sparsity_on):
    output = model(batch.x)
    loss = AttProtosLoss(model, "paper", sparsity_on=sparsity_on, weights={"sparsity": 0.5})(output, batch)
    assert loss.terms["sparsity"].item() == pytest.approx(0.5 * by_hand(model, output, batch)[sparsity_on] / B)


@pytest.mark.parametrize("input_target", ["reconstruction", "input"])
def test_input_target_switch(model, batch, input_target):
    output = model(batch.x)
    loss = AttProtosLoss(model, input_target=input_target)(output, batch)
    hand = by_hand(model, output, batch)[f"against_{input_target}"]
    assert loss.terms["prototype_input"].item() == pytest.approx(5 * hand / (B * T))


def test_reduction_switch_is_the_ratio_of_sizes(model, batch):
    output = model(batch.x)
    code, paper = (AttProtosLoss(model, reduction=name)(output, batch).terms for name in ("code", "paper"))
    ratios = {"reconstruction": T * F, "prototype_latent": T // 4, "prototype_input": T, "sparsity": 1, "read_out": 1}
    for name, ratio in ratios.items():
        assert paper[name].item() == pytest.approx(ratio * code[name].item()), name


def test_full_size_ratios():
    """What the sheet of differences states for 20 x 128 segments: 2560 and 5 times."""
    model = AttProtos(generator=torch.Generator().manual_seed(0))
    x = torch.rand(2, 20, 128, generator=torch.Generator().manual_seed(1))
    batch, output = SimpleNamespace(x=x, y=torch.zeros(2, 10)), model(x)
    code, paper = (AttProtosLoss(model, reduction=name)(output, batch).terms for name in ("code", "paper"))
    assert paper["reconstruction"].item() == pytest.approx(2560 * code["reconstruction"].item(), rel=1e-5)
    assert paper["prototype_latent"].item() == pytest.approx(5 * code["prototype_latent"].item(), rel=1e-5)


@pytest.mark.parametrize("preset", ["code", "paper"])
def test_a_doubled_batch_changes_no_term(model, batch, preset):
    criterion = AttProtosLoss(model, preset)
    twice = SimpleNamespace(x=batch.x.repeat(2, 1, 1), y=batch.y.repeat(2, 1))
    once, doubled = (criterion(model(b.x), b).terms for b in (batch, twice))
    for name in once:
        assert doubled[name].item() == pytest.approx(once[name].item()), name


def test_code_sparsity_equals_the_published_sum_at_its_batch_size(model):
    x = torch.rand(256, T, F, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    output = model(x)
    loss = AttProtosLoss(model)(output, SimpleNamespace(x=x, y=torch.zeros(256, K)))
    assert loss.terms["sparsity"].item() == pytest.approx(1e-6 * output.pre_attention.abs().sum().item())


def test_prototype_terms_move_everything_but_the_read_out(model, batch):
    terms = AttProtosLoss(model)(model(batch.x), batch).terms
    (terms["prototype_latent"] + terms["prototype_input"]).backward()
    for name, parameter in model.named_parameters():
        reached = parameter.grad is not None and bool(parameter.grad.abs().sum() > 0)
        assert reached == (not name.startswith("read_out")), name


def test_read_out_penalty_follows_the_model(model, batch):
    criterion = AttProtosLoss(model)
    before = criterion(model(batch.x), batch).terms["read_out"].item()
    with torch.no_grad():
        model.read_out_layer.weight.mul_(3)
    assert criterion(model(batch.x), batch).terms["read_out"].item() == pytest.approx(3 * before)
    assert list(criterion.parameters()) == []


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"preset": "book"}, "preset"),
        ({"weights": {"delta": 1.0}}, "weights"),
        ({"reduction": "sum"}, "reduction"),
        ({"input_target": "X"}, "input_target"),
        ({"sparsity_on": "W"}, "sparsity_on"),
    ],
)
def test_wrong_options_are_named(model, options, word):
    with pytest.raises(ValueError, match=word):
        AttProtosLoss(model, **options)


def test_wrong_batch_is_named(model, batch):
    output = model(batch.x)
    with pytest.raises(ValueError, match=r"batch\.x"):
        AttProtosLoss(model)(output, SimpleNamespace(x=batch.x[:1], y=batch.y))


def test_overriding_a_weight_leaves_the_preset_alone(model):
    AttProtosLoss(model, weights={"sparsity": 0.0})
    assert PRESETS["code"].weights["sparsity"] == pytest.approx(2.56e-4)
