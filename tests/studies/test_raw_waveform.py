"""Scores by hand, fusion and transfer on tiny runs, and a grid that lands in the ledger."""

import numpy as np
import pytest
import torch
from sklearn.metrics import top_k_accuracy_score

from audiolab import results
from audiolab.models.raw_scene import RawScene
from audiolab.recipes.raw_waveform import RawWaveform
from audiolab.studies import base, cache
from audiolab.studies import raw_systems as systems
from audiolab.studies import raw_waveform as study
from audiolab.studies.raw_systems import Answers, Split


@pytest.fixture(scope="module", autouse=True)
def own_cache(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cache")
    patch = pytest.MonkeyPatch()
    for module in (cache, study):
        patch.setattr(module, "cache_folder", lambda: folder)
    patch.delenv("AUDIOLAB_DATA", raising=False)
    patch.setattr("audiolab.data.esc50.data_folder", lambda: folder)
    yield folder
    patch.undo()


@pytest.fixture(scope="module")
def recipe():
    return RawWaveform().at("smoke").but(width=0.04)


def test_top_k_is_scikit_learns():
    rng = np.random.default_rng(0)
    p, y = rng.random((200, 6)), rng.integers(0, 6, 200)
    for k in (1, 3):
        assert study.top_k(p, y, k) == pytest.approx(top_k_accuracy_score(y, p, k=k))
    assert study.top_k(p, y, 3) >= study.top_k(p, y, 1)


def test_coarse_via_fine_is_never_below_fine():
    rng = np.random.default_rng(1)
    parents = (0, 0, 1, 1, 2, 2)
    for _ in range(20):
        fine = rng.integers(0, 6, 50)
        split = Split(np.zeros((50, 1)), np.stack([np.array(parents)[fine], fine], axis=1), np.full(50, -1))
        answers = Answers(rng.random((50, 6)), rng.random((50, 3)), rng.random((50, 4)), np.zeros((50, 0)))
        values = study.score(answers, split, parents)
        assert values["coarse_via_fine"] >= values["fine"]
        by_hand = np.mean(np.array(parents)[answers.fine.argmax(1)] == split.y[:, 0])
        assert values["coarse_via_fine"] == pytest.approx(by_hand)


def test_scores_of_a_head_that_was_not_trained_are_left_out():
    values = {"fine": 1.0, "fine_top3": 1.0, "coarse": 0.5, "coarse_top3": 0.5, "coarse_via_fine": 1.0, "icd_fine": 2.0}
    assert set(study.for_labels(values, "fine")) == {"fine", "fine_top3", "coarse_via_fine", "icd_fine"}
    assert set(study.for_labels(values, "coarse")) == {"coarse", "coarse_top3", "icd_fine"}
    assert study.for_labels(values, "joint") == values


def test_attention_scores_by_hand():
    attention = np.array([[0.7, 0.2, 0.1], [0.2, 0.5, 0.3], [1 / 3, 1 / 3, 1 / 3]])
    split = Split(np.zeros((3, 1)), np.zeros((3, 2)), np.array([0, 2, -1]))
    values = study.attention_scores(Answers(np.zeros((3, 2)), np.zeros((3, 0)), np.zeros((3, 2)), attention), split)
    assert values["event_weight"] == pytest.approx((0.7 + 0.3) / 2)
    assert values["event_hit"] == pytest.approx(0.5)


def test_kept_systems_come_back_the_same(recipe):
    world = systems.made_world(recipe)
    one = study.kept_system("joint", world, recipe, 3)
    two = study.kept_system("joint", world, recipe, 3)
    assert two.fit.history == []
    assert (two.fit.best_epoch, two.fit.best_value) == (one.fit.best_epoch, one.fit.best_value)
    x = systems.raw_chunks(world.test.samples, recipe)
    np.testing.assert_array_equal(systems.answers(one.model, x).fine, systems.answers(two.model, x).fine)


def test_fusion_is_the_mean_of_posteriors(recipe, monkeypatch):
    world = systems.made_world(recipe)
    said, asked = {}, []
    for number, name in enumerate(("joint 0", "joint 1", "nac 0")):
        said[name] = np.random.default_rng(number).dirichlet(np.ones(12), 12)

    def keep(system, world, recipe, seed):
        return systems.Trained(f"{system} {seed}", None)

    def ask(system, model, *rest, **options):
        asked.append(model)
        return Answers(said[model], np.zeros((12, 0)), np.zeros((12, 1)), np.zeros((12, 0)))

    monkeypatch.setattr(study, "kept_system", keep)
    monkeypatch.setattr(systems, "ask", ask)
    for name, other in (("raw+spectrogram", "nac 0"), ("raw+raw", "joint 1")):
        asked.clear()
        found = study.fused(name, world, recipe, 0)
        assert asked == ["joint 0", other]
        mean = np.mean([said["joint 0"], said[other]], axis=0)
        assert found["fine"] == pytest.approx(np.mean(mean.argmax(1) == world.test.y[:, 1]))
        assert found["fine_top3"] == pytest.approx(study.top_k(mean, world.test.y[:, 1], 3))


def test_transfer_data_share_no_class_and_keep_the_network_still(recipe):
    before, after = study.transfer_worlds(recipe, 0)
    assert (before.coarse, len(before.fine)) == (("struck", "air", "machine"), 9)
    assert after.fine == ("call low", "call high", "call warble")
    assert set(before.train.y[:, 1]) == set(range(9))
    assert np.bincount(after.train.y[:, 1]).tolist() == [recipe.n_transfer_clips] * 3
    assert all(before.fine[b].startswith(before.coarse[a]) for a, b in before.train.y)
    model = systems.make_system("fine", recipe, after, 0)
    kept = {n: v.clone() for n, v in model.state_dict().items()}
    study.tune_head(model, after, recipe, 0)
    moved = {n for n, v in model.state_dict().items() if not torch.equal(v, kept[n])}
    assert moved == {"fine_head.linear.weight", "fine_head.linear.bias"}


def test_white_noise_has_the_labels_and_nothing_else(recipe):
    world = systems.made_world(recipe)
    noise = study.white_noise_world(recipe, world, 0)
    assert sorted(noise.train.y[:, 1]) == sorted(world.train.y[:, 1])
    assert noise.train.samples.std() == pytest.approx(0.05, rel=0.01)


def test_surface_has_its_minimum_of_steps_and_leaves_the_model(recipe):
    world = systems.made_world(recipe)
    model = RawScene(4, 12, width=0.04, generator=torch.Generator().manual_seed(0)).eval()
    kept = {n: v.clone() for n, v in model.state_dict().items()}
    values, steps = study.surface(model, world.test, recipe)
    assert values.shape == (3, 3)
    assert steps.tolist() == [-1, 0, 1]
    assert all(torch.equal(v, kept[n]) for n, v in model.state_dict().items())


def test_grid_runs_and_lands_in_the_ledger(tmp_path, monkeypatch):
    small = RawWaveform().at("smoke").but(width=0.04)
    monkeypatch.setattr(study, "recipe", lambda: type("R", (), {"at": lambda self, profile: small})())
    runs = study.grid(small)
    assert [r.condition["model"] for r in runs] == list(study.MADE)  # no recordings here
    assert base.execute("raw_waveform", "smoke", root=tmp_path, say=lambda line: None) == []
    table = results.read_runs("raw_waveform", "made", tmp_path).set_index("model")
    assert set(table.index) == set(study.MADE)
    assert np.shape(table.surface["joint"]) == (3, 3)
    assert len(table.peaks_short["untrained"]) == 4


def test_every_system_is_in_the_grid_and_every_recorded_run_has_its_folds(tmp_path, monkeypatch):
    assert {*systems.SYSTEMS} - {*study.RECORDINGS} <= {*study.MADE}
    assert {"raw+raw", "raw+spectrogram", "ensemble", "mfcc_svm", "mfcc_lr"} <= {*study.RECORDINGS}
    monkeypatch.setattr("audiolab.data.esc50.find_esc50", lambda: tmp_path)
    monkeypatch.setattr("audiolab.studies.raw_rivals.data_folder", lambda: tmp_path)
    small = RawWaveform().at("study")
    runs = [run for run in study.grid(small) if run.experiment == "recordings"]
    assert [(r.condition["model"], r.seed) for r in runs] == [
        (m, k) for m in study.RECORDINGS for k in range(len(small.folds))
    ]
    (tmp_path / "vggish-10086976.pth").write_bytes(b"")
    assert {r.condition["model"] for r in study.grid(small)} == {*study.RECORDINGS, *study.GIVEN, *study.MADE}


def test_weights_of_the_study_come_back(tmp_path):
    with pytest.raises(FileNotFoundError, match="python -m audiolab run raw_waveform"):
        study.load_study_weights(tmp_path)
    recipe = RawWaveform().at("study")
    model = RawScene(4, 12, width=0.125, generator=torch.Generator().manual_seed(4)).eval()
    study.save_study_weights(model, recipe, tmp_path)
    x = torch.randn(1, 3, 16_000)
    assert torch.equal(study.load_study_weights(tmp_path)(x).logits, model(x).logits)


def test_dry_run_takes_one_step_at_a_small_width():
    row = study.dry_run(RawWaveform().but(width=0.05, chunk_s=1.0, overlap_s=0.25, clip_s=2.5))["joint"]
    assert row["input"] == "(64, 3, 16000)"
    assert row["parameters"] > 200_000
    with pytest.raises(ValueError, match="'paper' needs"):
        study.run(base.Run("raw_waveform", "made", {"model": "joint"}, 0, RawWaveform()))
