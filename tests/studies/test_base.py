"""Finished runs are skipped, a failing one does not stop the others, and every run leaves a complete row."""

import sys
from types import ModuleType

import pytest

from audiolab import results
from audiolab.recipes.local_prototypes import LocalPrototypes
from audiolab.studies import base


@pytest.fixture
def toy(monkeypatch):
    """A study of four runs whose third fails; `calls` counts what ran."""
    study = ModuleType("audiolab.studies.toy")
    study.MODULES, study.calls, study.broken = ("audiolab.recipes.base",), [], True
    study.recipe = LocalPrototypes
    study.grid = lambda recipe: [
        base.Run("toy", "models", {"model": model}, seed, recipe) for seed in (0, 1) for model in ("a", "b")
    ]

    def run(run):
        study.calls.append(str(run))
        if study.broken and (run.condition["model"], run.seed) == ("a", 1):
            raise RuntimeError("no luck")
        return base.Result({"f1": 0.5 + run.seed}, 7, {"name": "toy", "checksum": "0"})

    study.run = run
    monkeypatch.setitem(sys.modules, "audiolab.studies.toy", study)
    monkeypatch.setattr(base, "load_study", lambda chapter: study)
    return study


def test_failed_run_is_reported_and_only_it_runs_again(toy, tmp_path):
    said = []
    failed = base.execute("toy", "study", root=tmp_path, say=said.append)
    assert len(toy.calls) == 4
    assert [(str(run), error) for run, error in failed] == [
        ("toy/models model=a seed=1 (study)", "RuntimeError: no luck")
    ]
    assert any("no luck" in line for line in said)
    assert len(results.read_runs("toy", root=tmp_path)) == 3
    toy.calls.clear()
    toy.broken = False
    assert base.execute("toy", "study", root=tmp_path, say=said.append) == []
    assert toy.calls == ["toy/models model=a seed=1 (study)"]
    assert base.execute("toy", "study", root=tmp_path, again=True, say=said.append) == []
    assert len(toy.calls) == 5


def test_what_every_run_lacks_is_told_once(toy, tmp_path, monkeypatch, capsys):
    from audiolab.__main__ import main

    def run(run):
        raise FileNotFoundError(f"data: no recordings for {run.condition['model']}")

    monkeypatch.setattr(toy, "run", run)
    assert main(["run", "toy", "--profile", "study", "--results", str(tmp_path)]) == 1
    said = capsys.readouterr()
    assert said.out.count("Traceback") == 2  # one for each model
    assert said.out.count("as before") == 2
    assert said.err.splitlines() == [
        f"failed: toy/models model={name} seed=0 (study) and 1 more: FileNotFoundError: data: no recordings for {name}"
        for name in "ab"
    ]


def test_row_says_what_it_was_made_with(toy, tmp_path):
    base.execute("toy", "study", root=tmp_path, only={"model": "b", "seed": "0"}, say=lambda line: None)
    (row,) = results._read_file(tmp_path / "toy" / "models.json")
    assert row["recipe"]["hash"] == LocalPrototypes().at("study").hash()
    assert row["recipe"]["fields"]["n_prototypes"] == 15
    assert set(row["modules"]) == {"audiolab.recipes.base"}
    assert {"torch", "python"} <= set(row["versions"])
    assert (row["parameters"], row["data"], row["values"]) == (7, {"name": "toy", "checksum": "0"}, {"f1": 0.5})
    assert results.read_runs("toy", root=tmp_path).stale.tolist() == [""]


def test_mistakes_are_named(toy, tmp_path):
    with pytest.raises(ValueError, match="only: expected values that occur"):
        base.execute("toy", "study", root=tmp_path, only={"model": "c"})
    with pytest.raises(ValueError, match="profile"):
        base.execute("toy", "tiny", root=tmp_path)
    with pytest.raises(ValueError, match="workers"):
        base.execute("toy", "study", root=tmp_path, workers=0)


def test_unknown_chapter_lists_the_known():
    with pytest.raises(ValueError, match="local_prototypes"):
        base.load_study("no_such")
