"""Data, mixing, training and scoring of the sound-effects study, and what comes back from its files."""

import itertools

import numpy as np
import pytest
import torch

from audiolab import training
from audiolab.losses.metric_learning import focal_weights
from audiolab.recipes import SoundEffects
from audiolab.studies import base, kept
from audiolab.studies import sound_effects as study

pytestmark = pytest.mark.usefixtures("apart")


@pytest.fixture(scope="module")
def recipe():
    return SoundEffects().at("smoke")


@pytest.fixture(scope="module")
def datas(recipe):
    return [study.library_data(recipe, name) for name in recipe.libraries]


def test_data_come_back_from_the_cache_as_they_were(recipe, datas):
    again = study.library_data(recipe, "workshop")
    assert again.checksum == datas[0].checksum
    assert torch.equal(again.frames[3], datas[0].frames[3])
    assert len(datas[0].classes) == 20
    assert set(datas[0].truth) == set(range(20))
    assert all(0 <= float(f.min()) and float(f.max()) <= 1 for f in datas[0].frames)
    torn = set(again.groups[again.parts.train]) & set(again.groups[again.parts.test])
    assert not torn
    by_file = study.library_data(recipe.but(split_by="file"), "workshop")
    assert set(by_file.groups[by_file.parts.train]) & set(by_file.groups[by_file.parts.test])
    noisy = study.library_data(recipe, "attic")
    assert 0.05 < np.mean(noisy.labels != noisy.truth) < 0.35


def test_windows_carry_their_files_class(recipe, datas):
    data = datas[0]
    windows = study.windows_of(data, data.parts.test, recipe)
    assert windows.x.shape[1:] == (100, 48)
    assert (windows.labels == data.labels[windows.files]).all()
    assert set(windows.files) == set(data.parts.test)


@pytest.mark.parametrize("mixing", ["sequential", "joint"])
@pytest.mark.parametrize("balanced", [False, True])
def test_batches_never_mix_libraries(recipe, datas, mixing, balanced):
    mixer = study.Mixer(datas, recipe, mixing=mixing, balanced=balanced)
    batches = list(mixer.epoch(0, 1))
    assert all(len(batch.y[:, 1].unique()) == 1 for batch in batches)
    numbers = [int(batch.y[0, 1]) for batch in batches]
    assert set(numbers) == {0, 1}
    changes = sum(a != b for a, b in itertools.pairwise(numbers))
    assert changes == 1 if mixing == "sequential" else changes > 1
    if balanced:
        assert {len(batch.x) for batch in batches} == {16}
        for batch in batches:
            assert set(np.unique(batch.y[:, 0], return_counts=True)[1]) == {4}
    else:
        assert sum(len(batch.x) for batch in batches) == sum(len(d.parts.train) for d in datas)
    again = list(mixer.epoch(0, 1))
    assert all(torch.equal(a.x, b.x) and torch.equal(a.y, b.y) for a, b in zip(batches, again, strict=True))
    assert not torch.equal(batches[0].x, next(iter(mixer.epoch(0, 2))).x)


def test_balanced_and_plain_draws_have_as_many_updates(recipe, datas):
    counts = [len(list(study.Mixer(datas[:1], recipe, balanced=b).epoch(0, 1))) for b in (True, False)]
    assert counts[0] == counts[1]


def test_the_order_of_libraries_depends_on_the_seed(recipe, datas):
    first = {int(next(iter(study.Mixer(datas, recipe).epoch(seed, 1))).y[0, 1]) for seed in range(6)}
    assert first == {0, 1}


def test_training_keeps_the_lowest_validation_loss(recipe, datas):
    trained = study.train(datas, recipe.but(max_epochs=3, patience=3, metric="triplet"), 0, progress=False)
    values = [row["validation_minus_loss"] for row in trained.fit.history]
    assert trained.fit.best_value == max(values)
    assert trained.learned_at == [3, 3]
    assert {"loss_cross_entropy", "loss_triplet", "loss_regular_face"} <= set(trained.fit.history[0])
    held = study.windows_of(datas[0], datas[0].parts.validation, recipe)
    before = {name: value.clone() for name, value in trained.model.state_dict().items()}
    scores = study.evaluate(trained.model, datas[0], recipe)
    assert all(torch.equal(value, before[name]) for name, value in trained.model.state_dict().items())
    assert set(scores) == {"f1", "f1_k5", "f1_file", "dbi", "dbi_cosine"}
    assert study.embed(trained.model, held.x).shape == (len(held.x), 32)


def test_the_epoch_at_which_a_library_was_learned():
    history = [{"epoch": i, "validation_train_f1_0": f1} for i, f1 in ((1, 0.4), (2, 0.92), (3, 0.8), (4, 0.95))]
    assert study._first_epoch(history, 0, 0.9) == 2
    assert study._first_epoch(history, 0, 0.99) == 4


def test_mean_and_deviation(datas, recipe):
    x = study.windows_of(datas[1], datas[1].parts.test[:2], recipe).x
    found = study.mean_std(x)
    np.testing.assert_allclose(found[:, :48], x.mean(dim=1), atol=1e-6)
    np.testing.assert_allclose(found[:, 48:], x.std(dim=1), atol=1e-6)


def test_scenarios(recipe, datas):
    """Each scenario of the grid but those that repeat another's code."""
    for model in ("mean_std", "untrained", "within ce", "transfer triplet", "x_equal ce", "x_fdr0.999 ce", "x_bn ce"):
        result = study.run(base.Run("sound_effects", "libraries", {"model": model}, 0, recipe))
        assert {"f1", "dbi", "f1_others", "f1_workshop", "dbi_stage"} <= set(result.values)
        assert result.values["f1_others"] == result.values["f1_stage"]
        assert result.values["f1"] == pytest.approx(np.mean([result.values[f"f1_{d.name}"] for d in datas]))
        if "fdr" in model:
            weights = [result.values[f"weight_{d.name}"] for d in datas]
            assert weights == pytest.approx(focal_weights([1, 1], beta=0.999))
        if "bn" in model:
            plain = sum(p.numel() for p in study.make_model(recipe, [20, 7]).parameters())
            assert result.parameters == plain + 3840 * recipe.base // 64
    with pytest.raises(ValueError, match="paper"):
        study.run(base.Run("sound_effects", "libraries", {"model": "mean_std"}, 0, SoundEffects()))


def test_an_order_drawn_anew_changes_between_epochs(recipe, datas):
    mixer = study.Mixer(datas, recipe, mixing="drawn")
    first = [int(next(iter(mixer.epoch(0, epoch))).y[0, 1]) for epoch in range(1, 9)]
    assert set(first) == {0, 1}
    plain = study.Mixer(datas, recipe)
    assert len({int(next(iter(plain.epoch(0, epoch))).y[0, 1]) for epoch in range(1, 9)}) == 1
    with pytest.raises(ValueError, match="mixing"):
        study.Mixer(datas, recipe, mixing="shuffled")


def test_weights_upside_down_are_the_reciprocals(recipe, monkeypatch):
    monkeypatch.setattr(study, "focal_weights", lambda learned_at, beta: [0.5, 1.5])
    seen = {}
    for model in ("x_fdr0.9 ce", "x_inverse0.9 ce"):
        result = study.run(base.Run("sound_effects", "mixing", {"model": model}, 0, recipe))
        seen[model] = [result.values["weight_workshop"], result.values["weight_stage"]]
    assert seen["x_fdr0.9 ce"] == [0.5, 1.5]
    assert seen["x_inverse0.9 ce"] == pytest.approx([1.5, 0.5])


def test_floor_of_the_split_by_file(recipe):
    by_file, by_recording = (
        study.run(base.Run("sound_effects", "controls", {"model": model}, 0, recipe))
        for model in ("by_file mean_std", "mean_std")
    )
    assert by_file.values["f1"] != by_recording.values["f1"]
    assert by_file.parameters is by_recording.parameters is None


def test_grid():
    runs = study.grid(SoundEffects().at("study"))
    assert len({str(run) for run in runs}) == len(runs)
    seeds = {name: {run.seed for run in runs if run.experiment == name} for name in study.GRID}
    assert seeds == {name: set(range(5)) for name in study.GRID}
    assert len(runs) == sum(len(seeds[name]) * len(models) for name, models in study.GRID.items())
    assert [run.seed for run in runs] == sorted(run.seed for run in runs)


def test_weights_come_back(recipe, datas, tmp_path):
    model = study.make_model(recipe, [20, 7], seed=5)
    study.save_study_weights(model, datas, recipe, tmp_path)
    again, stored, classes = study.load_study_weights(tmp_path)
    assert stored == recipe
    assert list(classes) == ["workshop", "stage"]
    x = torch.rand(2, 100, 48)
    with torch.no_grad():
        assert torch.equal(again(x, 1).logits, model.eval()(x, 1).logits)
    with pytest.raises(FileNotFoundError, match="audiolab run sound_effects"):
        study.load_study_weights(tmp_path / "nowhere")


def test_mixing_is_named():
    with pytest.raises(ValueError, match="mixing"):
        study.Mixer([], SoundEffects(), mixing="shaken")


def test_a_stopped_training_goes_on_and_ends_the_same(recipe, datas, tmp_path):
    whole = study.train(datas[:1], recipe.but(max_epochs=2, patience=2), 0, progress=False)
    study.train(datas[:1], recipe.but(max_epochs=1, patience=2), 0, progress=False, checkpoint=tmp_path)
    rest = study.train(datas[:1], recipe.but(max_epochs=2, patience=2), 0, progress=False, checkpoint=tmp_path)
    a, b = (t.model.state_dict() for t in (whole, rest))
    assert all(torch.allclose(a[name], b[name], atol=1e-6) for name in a)
    assert isinstance(whole.fit, training.Fit)


def test_the_search_tool_uses_what_the_study_keeps(recipe, tmp_path, monkeypatch, capsys):
    """A run of the study at its first seed keeps the encoder; the two commands find sounds with it."""
    import soundfile

    from audiolab.__main__ import main

    monkeypatch.setattr(kept, "results_folder", lambda root=None: root or tmp_path)
    folder = tmp_path / "sounds"
    folder.mkdir()
    for hz in (300, 310, 2000):
        soundfile.write(folder / f"{hz}.wav", 0.3 * np.sin(2 * np.pi * hz * np.arange(22050) / 22050), 22050)
    call = ["index", str(folder), "--cache", str(tmp_path / "cache")]
    assert main(call) == 2
    assert "make it with: python -m audiolab run sound_effects --profile study" in capsys.readouterr().err
    for seed in (1, 0):
        run = base.Run("sound_effects", "libraries", {"model": "x_sequential ce"}, seed, recipe.but(profile="study"))
        study.run(run)
        assert (tmp_path / "weights" / "sound_effects_encoder.safetensors").exists() == (seed == 0)
    assert main(call) == 0
    assert "3 sounds" in capsys.readouterr().out
    assert main(["query", str(folder / "300.wav"), "--in", str(folder), "-k", "1", *call[2:]]) == 0
    assert "310.wav" in capsys.readouterr().out
