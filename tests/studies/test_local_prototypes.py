"""Worlds are what they say, both grids are scored, rules and training run, and the study's weights come back."""

import numpy as np
import pytest
import torch

from audiolab import results
from audiolab.recipes.local_prototypes import LocalPrototypes
from audiolab.studies import base
from audiolab.studies import local_prototypes as study

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


def test_score_on_both_grids_by_hand():
    y, p = np.zeros((10, 2)), np.zeros((10, 2))
    y[[0, 3], 0] = 1
    p[[1, 3], 0] = 0.9  # one second late, then right: pairs of rows forgive it
    p[9, 1] = 0.5  # exactly at the threshold is off
    values = study.score(p, y)
    assert (values["f1"], values["error_rate"]) == pytest.approx((0.5, 1.0))  # one deletion and one insertion of two
    assert (values["f1_2s"], values["error_rate_2s"]) == (1.0, 0.0)
    with pytest.raises(ValueError, match="whole clips of 10 rows"):
        study.score(p[:9], y[:9])


def test_band_rule_finds_a_band(world):
    rng = np.random.default_rng(0)
    y = (rng.random((100, 2)) < 0.3).astype(np.float32)
    x = rng.uniform(-1, -0.5, (100, 20, 128)).astype(np.float32)
    x[:, :, 40:44] += y[:, 0, None, None]
    x[:, :, 100:104] += y[:, 1, None, None]
    split = study.Split(x, x, y, list(range(10)))
    toy = world._replace(train=split, test=split)
    found = study.band_energy_rule(toy)
    assert found["bands"] == [10, 25]
    assert found["f1"] == 1.0
    assert study.band_logistic_rule(toy)["f1"] > 0.95


def test_best_threshold_equals_trying_them_all():
    rng = np.random.default_rng(1)
    values = rng.integers(0, 12, 60).astype(float)  # many ties
    target = rng.random(60) < 0.2 + 0.05 * values
    found, threshold = study._best_threshold(values, target)

    def f1(t):
        on = values > t
        return 2 * (on & target).sum() / (on.sum() + target.sum())

    assert found == pytest.approx(max(f1(t) for t in np.arange(0.5, 11)))
    assert f1(threshold) == pytest.approx(found)


def test_training_both_networks_evaluates_and_repeats(recipe, world, small):
    one = study.train_attprotos(small, recipe.for_small_world(), 3, progress=False)
    two = study.train_attprotos(small, recipe.for_small_world(), 3, progress=False)
    assert all(torch.equal(a, b) for a, b in zip(one.model.parameters(), two.model.parameters(), strict=True))
    terms = {"classification", "reconstruction", "prototype_latent", "prototype_input", "sparsity", "read_out"}
    assert {f"loss_{name}" for name in terms} <= set(one.fit.history[0])
    cnn = study.train_cnn(world, recipe, 0, progress=False)
    assert set(study.evaluate(cnn.model, world.test)) == {"f1", "error_rate", "f1_2s", "error_rate_2s"}
    checks = study.reconstruction_checks(one.model, small.validation)
    assert all(np.isfinite(value) for value in checks.values())


def test_detection_is_the_whole_networks(recipe, world):
    model = study.make_attprotos(recipe).eval()
    with torch.no_grad():
        whole = model(torch.as_tensor(world.test.x)).logits.sigmoid().numpy()
    np.testing.assert_allclose(study.probabilities(model, world.test), whole, atol=1e-6)


def test_study_weights_come_back(recipe, world, tmp_path):
    with pytest.raises(FileNotFoundError, match="python -m audiolab run local_prototypes"):
        study.load_study_weights(tmp_path)
    model = study.make_attprotos(recipe, seed=5)
    study.save_study_weights(model, world, recipe, tmp_path)
    loaded, scaler, about = study.load_study_weights(tmp_path)
    np.testing.assert_array_equal(study.probabilities(model, world.test), study.probabilities(loaded, world.test))
    assert scaler.to_dict() == world.scaler.to_dict()
    assert tuple(about["classes"]) == world.classes


def test_mlp_reads_statistics_as_long_as_the_embedding(recipe, world):
    x = study.features(study.EmbeddingMLP(), world.train)
    assert x.shape == (40, 512)
    np.testing.assert_allclose(x[3, 128:256], world.train.x[3].std(axis=0))
    mlp = study.train_mlp(world, recipe, 0, progress=False)
    assert {"loss_classification", "loss_decay"} <= set(mlp.fit.history[0])


def test_grid():
    runs = study.grid(LocalPrototypes().at("study"))
    assert len(runs) == 2 * (2 + 3 * 5) + 3 * 5 + 5 * 11
    assert [r.condition.get("model") for r in runs].count("cnn") == 10
    assert {r.condition["change"] for r in runs if r.experiment == "ablation"} >= {"full", "sparse Z", "30 prototypes"}


def test_one_run_of_each_kind_lands_in_the_ledger(recipe, world, tmp_path):
    say = {"root": tmp_path, "say": lambda line: None}
    for model in ("attprotos", "cnn", "mlp", "band_logistic"):
        only = {"experiment": "ten_class", "model": model}
        assert base.execute("local_prototypes", "smoke", only=only, **say) == []
    table = results.read_runs("local_prototypes", "ten_class", tmp_path).set_index("model")
    assert (table.stale == "").all()
    assert table.parameters["attprotos"] == 147920
    assert table.parameters["cnn"] == 514890
    assert table.parameters["mlp"] == 329610
    assert base.execute("local_prototypes", "smoke", only={"points": "random"}, **say) == []
    table = results.read_runs("local_prototypes", "patches", tmp_path)
    assert table.likeness.between(-1, 1).all()
    for change in ("sparse Z", "3 prototypes"):
        assert base.execute("local_prototypes", "smoke", only={"change": change}, **say) == []
    table = results.read_runs("local_prototypes", "ablation", tmp_path).set_index("change")
    assert table.parameters["3 prototypes"] < 147920 == table.parameters["sparse Z"]


def test_the_papers_profile_runs_on_its_own_data(recipe, urban_sed, monkeypatch):
    paper = LocalPrototypes()
    runs = study.grid(paper)
    assert {run.experiment for run in runs} == {"urban_sed"}
    assert len(runs) == 2 + 3 * 5
    monkeypatch.delenv("AUDIOLAB_DATA", raising=False)
    with pytest.raises(FileNotFoundError, match="data get urban_sed"):
        study.run(runs[0])
    monkeypatch.setenv("AUDIOLAB_DATA", str(urban_sed))
    small = recipe.but(profile="paper")
    for model in ("attprotos", "cnn", "mlp", "band_rule"):
        found = study.run(base.Run("local_prototypes", "urban_sed", {"model": model}, 0, small))
        assert 0 <= found.values["f1"] <= 1
        assert found.data["name"].startswith("URBAN-SED")
        assert found.device in ("cpu", "cuda", "mps")


def test_explanations_of_a_network_that_detects_are_scored(recipe, small):
    model = study.make_attprotos(recipe.for_small_world(), n_classes=5, seed=1)
    with torch.no_grad():  # everything is on
        model.read_out_weight.abs_()
    tested = small._replace(test=small.validation, makers={"test": small.makers["validation"]})
    values = study._explanation_values(model, tested, recipe.for_small_world().but(n_explained_clips=2), 0, few=True)
    assert values["n_explained"] == 2
    names = {"mask", "mask times level", "gradient", "gradient times level", "untrained", "level alone", "random"}
    assert {f"lift: {name}" for name in names} <= set(values)
    assert values["lift: uniform"] == pytest.approx(1)
    assert values["lift: level alone"] > 1


def test_dry_run_reports_the_papers_size():
    rows = study.dry_run(LocalPrototypes().but(batch_size=2, n_train_clips=2, max_epochs=3))
    assert rows["attprotos"]["parameters"] == 147920
    assert rows["attprotos"]["steps"] == 30
    assert rows["cnn"]["input"] == "(2, 43, 128)"
