"""Two writers lose nothing, a broken file is named, stale rows are marked, verdicts follow the rule."""

import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from audiolab import results
from audiolab.recipes.local_prototypes import LocalPrototypes


def make_run(seed=0, model="attprotos", f1=0.5, **changes):
    recipe = LocalPrototypes().at("study")
    return {
        "chapter": "toy", "experiment": "models", "condition": {"model": model}, "profile": "study", "seed": seed,
        "values": {"f1": f1, "history": [1.0, 2.0]}, "seconds": 1.5, "parameters": 10,
        "data": {"name": "made here", "checksum": "0"},
        "recipe": {"class": "audiolab.recipes.local_prototypes.LocalPrototypes", "hash": recipe.hash()},
        "modules": {"audiolab.results": results.module_hash("audiolab.results")},
    } | changes


def test_round_trip_sorted_and_replaced(tmp_path):
    for seed in (2, 0, 1, 0):
        path = results.write_run(make_run(seed, f1=np.float32(0.1) * (seed + 1)), tmp_path)
    runs = results.read_runs("toy", "models", tmp_path)
    assert runs.seed.tolist() == [0, 1, 2]
    np.testing.assert_allclose(runs.f1, [0.1, 0.2, 0.3], rtol=1e-6)
    assert runs.model.tolist() == ["attprotos"] * 3
    assert runs.stale.tolist() == [""] * 3
    assert [p.name for p in path.parent.iterdir()] == ["models.json"]


def test_many_writers_lose_nothing(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda seed: results.write_run(make_run(seed), tmp_path), range(40)))
    assert len(results.read_runs("toy", root=tmp_path)) == 40


def test_stale_rows_are_marked_and_run_again(tmp_path):
    results.write_run(make_run(0), tmp_path)
    results.write_run(make_run(1, modules={"audiolab.results": "0"}), tmp_path)
    results.write_run(make_run(2, modules={"audiolab.no_such": "0"}), tmp_path)
    other = make_run(3)
    results.write_run(other | {"recipe": other["recipe"] | {"hash": "0"}}, tmp_path)
    runs = results.read_runs("toy", root=tmp_path)
    assert runs.stale.tolist() == ["", "audiolab.results", "audiolab.no_such", "recipe"]
    assert [results.run_exists(make_run(seed), tmp_path) for seed in range(5)] == [True, False, False, False, False]


def test_module_hash_ignores_words_and_sees_code(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    worded = '"""A."""\ndef f():\n    """B."""\n    return 1\n'
    texts = [worded, "def f():\n    return 1  # C\n", "def f():\n    return 2\n"]
    for name, text in zip(("hash_a", "hash_b", "hash_c"), texts, strict=True):
        (tmp_path / f"{name}.py").write_text(text)
    a, b, c = (results.module_hash(name) for name in ("hash_a", "hash_b", "hash_c"))
    assert a == b != c
    with pytest.raises(ValueError, match="importable module"):
        results.module_hash("hash_missing")


@pytest.mark.parametrize("text", ["[{", "{}x", '[{"seed": 1}]', "[3]"])
def test_corrupt_file_is_named_and_kept(tmp_path, text):
    path = results.write_run(make_run(), tmp_path)
    path.write_text(text)
    for call in (lambda: results.read_runs("toy", root=tmp_path), lambda: results.write_run(make_run(1), tmp_path)):
        with pytest.raises(ValueError, match=r"models\.json.*restore it with git"):
            call()
    assert path.read_text() == text


def test_missing_ledger_says_how_to_make_it(tmp_path):
    with pytest.raises(FileNotFoundError, match="python -m audiolab run toy --profile study"):
        results.read_runs("toy", root=tmp_path)


def test_bad_entries_are_named(tmp_path):
    with pytest.raises(ValueError, match=r"run\['values'\]\['f1'\]: expected a finite number, got nan"):
        results.write_run(make_run(f1=float("nan")), tmp_path)
    with pytest.raises(ValueError, match=r"run\['seed'\]"):
        results.write_run(make_run(seed="0"), tmp_path)
    run = make_run()
    del run["data"]
    with pytest.raises(ValueError, match="expected the entry 'data'"):
        results.write_run(run, tmp_path)
    json.dumps(results._plain({"a": np.arange(2), "b": (np.float64(1.0), None, True)}, "run"))


def test_verdict_interval_is_the_textbook_one():
    values = np.array([0.02, -0.01, 0.03, 0.01, 0.02])
    found = results.verdict(values)
    half = 2.7764451 * values.std(ddof=1) / np.sqrt(5)  # t of 4 degrees of freedom at 97.5 %, from a table
    assert (found.low, found.high) == pytest.approx((values.mean() - half, values.mean() + half), abs=1e-8)
    assert found.n == 5


@pytest.mark.parametrize(
    ("shift", "claim", "margin", "word"),
    [
        (0.10, "greater", None, "held"), (-0.10, "greater", None, "did not hold"), (0.0, "greater", None, "undecided"),
        (-0.10, "less", None, "held"), (0.10, "less", None, "did not hold"), (0.005, "less", None, "undecided"),
        (0.0, "within", 0.05, "held"), (0.10, "within", 0.05, "did not hold"), (-0.10, "within", 0.05, "did not hold"),
        (0.05, "within", 0.05, "undecided"),
    ],
)  # fmt: skip
def test_verdict_words(shift, claim, margin, word):
    spread = np.array([-0.01, 0.0, 0.01, 0.005, -0.005])
    assert results.verdict(shift + spread, claim=claim, margin=margin).word == word


def test_verdict_edges():
    constant = pytest.approx(0.1)
    assert results.verdict([0.1, 0.1, 0.1]) == results.Verdict("held", constant, constant, constant, 3)
    assert results.verdict([0.0, 0.0]).word == "undecided"
    assert results.verdict([0.1, 0.1]).word == "undecided"  # two seeds decide nothing, however alike
    assert results.verdict([-0.1, -0.1], claim="within", margin=0.05).word == "undecided"
    for bad, message in (([0.1], "at least two"), ([0.1, np.nan], "finite")):
        with pytest.raises(ValueError, match=message):
            results.verdict(bad)
    with pytest.raises(ValueError, match="margin"):
        results.verdict([0.1, 0.2], claim="within")
    with pytest.raises(ValueError, match="claim"):
        results.verdict([0.1, 0.2], claim="equal")


def test_paired_and_summary(tmp_path):
    for seed in range(3):
        results.write_run(make_run(seed, "cnn", f1=0.5), tmp_path)
        results.write_run(make_run(seed, "attprotos", f1=0.5 + seed / 10), tmp_path)
    results.write_run(make_run(9, "cnn"), tmp_path)
    runs = results.read_runs("toy", "models", tmp_path)
    np.testing.assert_allclose(results.paired(runs, "f1", "attprotos", "cnn"), [0.0, 0.1, 0.2], atol=1e-9)
    table = results.summary(runs, ["f1"])
    assert table.loc["attprotos", "f1"] == "0.600 ± 0.100"
    assert table.loc["cnn", "n"] == 4
    with pytest.raises(ValueError, match="got 'mlp'"):
        results.paired(runs, "f1", "mlp", "cnn")


def test_hash_of_chosen_definitions():
    one = results.module_hash("audiolab.results:paired")
    assert one != results.module_hash("audiolab.results:summary") != results.module_hash("audiolab.results")
    with pytest.raises(ValueError, match=r"expected definitions of audiolab\.results, got 'nothing'"):
        results.module_hash("audiolab.results:nothing")


def test_declared_changes_do_not_make_rows_stale(tmp_path):
    now = results.module_hash("audiolab.results")
    results.write_run(make_run(0, modules={"audiolab.results": "0ld"}), tmp_path)
    assert results.read_runs("toy", root=tmp_path).stale.tolist() == ["audiolab.results"]
    step = {"module": "audiolab.results", "why": "messages only", "checked": "same bits"}
    entries = [{**step, "before": "0ld", "after": "mid"}, {**step, "before": "mid", "after": now}]
    path = tmp_path / "equivalent.json"
    path.write_text(json.dumps(entries))
    assert results.read_runs("toy", root=tmp_path).stale.tolist() == [""]
    # A step for another module, or a missing one, does not count.
    path.write_text(json.dumps([{**entries[0], "module": "audiolab.training"}, entries[1]]))
    assert results.read_runs("toy", root=tmp_path).stale.tolist() == ["audiolab.results"]
    path.write_text(json.dumps([{**entries[0], "why": ""}]))
    with pytest.raises(ValueError, match=r"declared changes in .*equivalent\.json"):
        results.read_runs("toy", root=tmp_path)
