"""The front's layer is split and kept, every network of the grid runs and repeats."""

import importlib.util

import numpy as np
import pytest
import torch

from audiolab import results
from audiolab.data import openmic
from audiolab.features import vggish
from audiolab.models.attention_mic import split_first_layer
from audiolab.models.sightreader import SHAPED, covered_cells
from audiolab.recipes.visual_attention import VisualAttention
from audiolab.studies import base
from audiolab.studies import visual_attention as study

pytestmark = [
    pytest.mark.usefixtures("apart"),
    pytest.mark.skipif(
        importlib.util.find_spec("pretty_midi") is None, reason="pretty_midi is not installed: no sound font"
    ),
]


@pytest.fixture(scope="module")
def front(band_recipe):
    return study.Soloist(band_recipe).body.eval().requires_grad_(False)


def test_features_are_the_front_s_and_the_split_layer_is_its_own(band_recipe, band_world, front):
    u = study.features(front, band_world.test.x)
    with torch.no_grad():
        expected = front(torch.as_tensor(band_world.test.x.astype(np.float32))).features
    assert u.shape == (4, 60, 4, 64)
    np.testing.assert_allclose(u, expected.numpy(), rtol=2e-3, atol=1e-3)
    model = study.make_attention_mic("AttTF", band_recipe, front, n_classes=10)
    torch.testing.assert_close(model.first_weight, split_first_layer(front.fc[0].weight, 64))
    assert not model.first_weight.requires_grad


def test_front_is_pretrained_saved_and_loaded(band_recipe, tmp_path):
    with pytest.raises(FileNotFoundError, match="python -m audiolab run visual_attention"):
        study.load_front(band_recipe, tmp_path)
    model, values = study.pretrain(band_recipe.but(pretrain_n_notes=20))
    assert set(values) == {"accuracy", "accuracy_held_out"}
    study.save_front(model, tmp_path)
    x = torch.randn(2, 96, 64)
    stored = study.load_front(band_recipe, tmp_path)(x).embedding
    torch.testing.assert_close(stored, model.body(x).embedding, rtol=0.01, atol=0.01)  # kept with 16 bits
    with pytest.raises(ValueError, match="widths"):
        study.load_front(band_recipe.but(n_hidden=16), tmp_path)


def test_training_repeats_and_scores(band_recipe, band_world, front):
    one, two = (study.train_attention_mic("AttTF", band_world, band_recipe, front, 3, progress=False) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(one.model.parameters(), two.model.parameters(), strict=True))
    assert set(one.fit.history[0]) >= {"loss_classification", "loss_weight_decay", "validation_macro_f1"}
    values = study.score(one.model, band_world, band_recipe, front)
    assert values["macro_f1"] == pytest.approx(np.mean(list(values["f1_by_class"].values())))
    chordal, others = values["f1_chordal"], values["f1_others"]
    assert (4 * chordal + 6 * others) / 10 == pytest.approx(values["macro_f1"])


@pytest.mark.parametrize("name", ["SR16", "SR16-FL", "RAM16-RNN", "SR16 sweep"])
def test_sightreaders_train(band_recipe, band_world, name):
    trained = study.train_sightreader(name, band_world, band_recipe, 1, progress=False)
    assert {"loss_classification", "loss_baseline", "loss_reinforce"} <= set(trained.fit.history[0])
    steps = study.f1_by_glimpse(trained.model, band_world, band_recipe)
    assert len(steps) == 16
    assert steps[-1] == pytest.approx(study.score(trained.model, band_world, band_recipe)["macro_f1"])


def test_regions_and_lifts(band_recipe, band_world, front):
    regions = study.true_regions(band_world, band_world.test, [0, 1])
    assert {r.k for r in regions if r.clip == 1} == set(np.flatnonzero(band_world.test.truth[1]))
    uniform = study.make_attention_mic("AttTF uniform", band_recipe, front, n_classes=10)
    found = study.attention_lifts(uniform, study.features(front, band_world.test.x[:2]), regions, threshold=0.0)
    assert found["time_lift"] == pytest.approx(1, abs=1e-5)
    assert found["instance_lift"] == pytest.approx(1, abs=1e-5)

    class Knows(torch.nn.Module):
        """Attention that is 1 where each class is."""

        def forward(self, u):
            alpha = torch.zeros(len(u), 60, 4, 10)
            for r in regions:
                alpha[r.clip, ..., r.k] = torch.as_tensor(r.instances).float() / r.instances.sum()
            return uniform(u)._replace(attention=alpha)

    perfect = study.attention_lifts(Knows(), study.features(front, band_world.test.x[:2]), regions, threshold=0.0)
    expected = np.mean([1 / r.instances.mean() for r in regions if 0 < r.time.mean() < 1])
    assert perfect["instance_lift"] == pytest.approx(expected, rel=1e-4)


def test_glimpse_lift_is_the_share_of_looks_that_fall_inside(band_recipe, band_world):
    regions = study.true_regions(band_world, band_world.test, [0, 1, 2])
    model = study.make_sightreader("SR16 centred", band_recipe, band_world)
    found = study.glimpse_lift(model, band_world, regions)
    seen = covered_cells(model.eval()(torch.as_tensor(band_world.test.x[:3].astype(np.float32))).locations, SHAPED, 998)
    each = [
        seen[r.clip].numpy()[r.cells].mean() / seen[r.clip].float().mean().item()  # share seen inside over share seen
        for r in regions if 0 < r.cells.mean() < 1
    ]  # fmt: skip
    assert found == pytest.approx(np.mean(each), rel=1e-6)
    everywhere = study.make_sightreader("SR16", band_recipe, band_world)
    everywhere.sizes = ((3000, 200),)
    assert study.glimpse_lift(everywhere, band_world, regions) == pytest.approx(1)


def names_of(runs):
    return [r.condition["model"] for r in runs]


def test_grid_runs_and_lands_in_the_ledger(tmp_path, monkeypatch, front):
    runs = study.grid(VisualAttention().at("study"))
    assert runs[0].experiment == "front"
    seeds = {name: [r.seed for r in runs[1:] if r.condition["model"] == name] for name in names_of(runs[1:])}
    assert all(found == [0, 1, 2, 3, 4] for found in seeds.values())
    assert len(study.PUBLISHED) == 8
    assert names_of(runs[1:9]) == list(study.PUBLISHED)
    assert set(seeds) == {
        *study.ATTENTION, *study.SIGHTREADERS, *study.KNOWN_RATES, *(f"AttTF {how}" for how in study.CONTROLS),
    }
    assert [r.seed for r in study.grid(VisualAttention().at("demo"))] == [0] * (len(seeds) + 1)
    monkeypatch.setattr(study, "load_front", lambda band_recipe: front)
    small = VisualAttention().at("smoke").but(n_train_clips=6, n_validation_clips=4, n_test_clips=4)
    for name in ("AttTF", "FC", "AttTF shuffled labels", "AttTF known 10 %", "RAM16-GRU equal cover"):
        base.run_one(base.Run("visual_attention", "instruments", {"model": name}, 0, small), root=tmp_path)
    table = results.read_runs("visual_attention", "instruments", tmp_path).set_index("model")
    assert table["macro_f1"].between(0, 1).all()
    assert table["glimpse_lift"].notna().tolist() == ["RAM" in name for name in table.index]
    assert table["time_lift"].notna().tolist() == [name != "FC" and "RAM" not in name for name in table.index]


def test_the_papers_profile_runs_on_its_own_data(miniature_openmic, monkeypatch, front):
    paper = VisualAttention()
    runs = study.grid(paper)
    assert {run.experiment for run in runs} == {"openmic"}
    assert names_of(runs[:8]) == list(study.PUBLISHED)
    monkeypatch.delenv("AUDIOLAB_DATA", raising=False)
    with pytest.raises(FileNotFoundError, match="OpenMIC"):
        study.run(runs[0])
    monkeypatch.setenv("AUDIOLAB_DATA", str(miniature_openmic))
    monkeypatch.setattr(openmic, "split_validation", lambda rows, seed: (rows[:3], rows[3:]))
    small = paper.at("smoke").but(profile="paper", n_train_clips=3)
    with pytest.raises(FileNotFoundError, match="VGGish"):
        study.run(base.Run("visual_attention", "openmic", {"model": "AttTF"}, 0, small))
    monkeypatch.setattr(study, "published_front", lambda: front)
    for name in ("AttTF", "FC", "SR16-FL"):
        found = study.run(base.Run("visual_attention", "openmic", {"model": name}, 0, small))
        assert 0 <= found.values["macro_f1"] <= 1
        assert "held_out_f1" not in found.values
        assert found.data["name"] == "OpenMIC-2018"


def test_dry_run_reports_the_papers_size(monkeypatch):
    rows = study.dry_run(VisualAttention().but(batch_size=2))
    counts = {name: row["parameters"] for name, row in rows.items()}
    assert counts == {"AttTF": 579_752, "AttTFid": 579_912, "AttT": 579_752, "FC": 1_189_012, "SR16": 524_695,
                      "RAM16-GRU": 452_631, "RAM16-RNN": 189_463}  # fmt: skip
    assert rows["AttTF"]["input"] == "(2, 60, 4, 512)"
    assert vggish.n_frames(160_000) == 998
