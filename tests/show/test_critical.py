"""The claims table, the verdict sentences and the fidelity notes: read from files, joined with runs, never typed."""

from pathlib import Path

import pandas as pd
import pytest
import yaml

from audiolab import results
from audiolab.show import critical

CLAIM = {
    "id": "A1", "chapter": "local_prototypes", "claim": "One <is> as good.", "published": "0.5", "where": "Table 1",
    "comparison": "c", "control": "d", "data": "made here", "main": True,
    "test": {
        "experiment": "comparison", "value": "f1_1s", "first": "attprotos", "second": "cnn", "direction": "within",
        "margin": 0.03,
    },
}
OPEN = {**{k: v for k, v in CLAIM.items() if k != "test"}, "id": "A2", "not_tested": "not yet"}


def make_book(folder: Path, claims: list[dict]) -> Path:
    (folder / "book" / "fidelity").mkdir(parents=True)
    (folder / "book" / "claims.yml").write_text(yaml.safe_dump(claims))
    return folder / "book"


def runs(first: list[float], second: list[float], profile: str = "study") -> pd.DataFrame:
    rows = [
        {"model": model, "seed": seed, "profile": profile, "f1_1s": value, "data_name": "urban mixtures", "stale": ""}
        for model, values in (("attprotos", first), ("cnn", second))
        for seed, value in enumerate(values)
    ]
    return pd.DataFrame(rows)


@pytest.fixture
def ledger(monkeypatch):
    def put(table: pd.DataFrame) -> None:
        monkeypatch.setattr(results, "read_runs", lambda chapter, experiment=None, root=None: table)

    return put


def test_the_book_has_every_claim_and_each_is_sound():
    claims = critical.load_claims()
    ids = [claim["id"] for claim in claims]
    wanted = {"A": 6, "B": 12, "C": 6, "D": 8, "E": 6, "F": 10}
    assert ids == [f"{letter}{number}" for letter, n in wanted.items() for number in range(1, n + 1)]
    assert all(len(claim["claim"]) > 20 and claim["claim"].endswith(".") for claim in claims)


def test_fidelity_notes_tell_every_choice_apart():
    notes = critical.load_fidelity("local_prototypes")
    assert sum(note["kind"] == "choice" for note in notes) >= 12
    assert {"dead-decoder", "mask-leak", "scale-collapse"} <= {n["id"] for n in notes if n["kind"] == "finding"}
    assert 0 < len(critical.fidelity_table("local_prototypes", main=True)) < len(notes)


def test_the_verdict_is_that_of_the_paired_differences(ledger):
    ledger(runs([0.70, 0.72, 0.71], [0.69, 0.71, 0.705]))
    found = critical.verdict_of(CLAIM)
    expected = results.verdict([0.01, 0.01, 0.005], claim="within", margin=0.03)
    assert (found["verdict"], found["n"], found["profile"]) == (expected.word, 3, "study") == ("held", 3, "study")
    assert found["ours"] == "0.710 ± 0.010 against 0.702 ± 0.010"


def test_two_values_of_the_same_runs_and_a_choice_of_rows(ledger):
    table = runs([0.5, 0.6, 0.7], [0.1, 0.1, 0.1]).assign(other=[0.4, 0.4, 0.4, 9.0, 9.0, 9.0])
    extra = table.assign(data_name="another", f1_1s=0.0)
    ledger(pd.concat([table.assign(room="a"), extra.assign(room="b")]))
    test = {"experiment": "comparison", "value": "f1_1s", "against": "other", "first": "attprotos",
            "second": "attprotos", "direction": "greater", "where": {"room": "a"}}  # fmt: skip
    found = critical.verdict_of({**CLAIM, "test": test})
    expected = results.verdict([0.1, 0.2, 0.3], claim="greater")
    assert (found["verdict"], found["n"]) == (expected.word, 3)
    assert found["ours"] == "0.600 ± 0.100 against 0.400 ± 0.000"
    assert "no column `missing`" in critical.verdict_of({**CLAIM, "test": {**test, "against": "missing"}})["reason"]


def test_the_largest_profile_decides(ledger):
    ledger(pd.concat([runs([0.9, 0.91], [0.1, 0.11], "demo"), runs([0.7, 0.71], [0.7, 0.705])]))
    assert critical.verdict_of(CLAIM)["profile"] == "study"


def test_without_runs_or_seeds_there_is_no_verdict(ledger, tmp_path):
    empty = critical.verdict_of(CLAIM, root=tmp_path)
    assert empty["verdict"] == "not tested"
    assert "python -m audiolab run local_prototypes" in empty["reason"]
    ledger(runs([0.7], [0.6]))
    assert critical.verdict_of(CLAIM)["verdict"] == "not tested"
    ledger(runs([0.7, 0.8], []))
    assert "lacks runs" in critical.verdict_of(CLAIM)["reason"]
    assert critical.verdict_of(OPEN)["reason"] == "not yet"


def test_old_rows_are_counted(ledger):
    table = runs([0.70, 0.71], [0.70, 0.72])
    table.loc[0, "stale"] = "audiolab.training"
    ledger(table)
    assert critical.verdict_of(CLAIM)["stale"] == 1


def test_the_table_escapes_text_and_sets_code(ledger, tmp_path):
    ledger(runs([0.70, 0.71], [0.70, 0.72]))
    page = critical.claims_table("local_prototypes", book=make_book(tmp_path, [CLAIM, OPEN]))._repr_html_()
    assert "One &lt;is&gt; as good." in page
    assert page.count("<section") == 2
    assert "not tested: not yet" in page
    assert "<code>x</code>" in critical.Table(pd.DataFrame({"a": ["`x`"]}))._repr_html_()


def test_the_sentence_carries_its_numbers(ledger, tmp_path):
    book = make_book(tmp_path, [CLAIM, OPEN])
    ledger(runs([0.70, 0.71, 0.72], [0.60, 0.61, 0.62]))
    sentence = critical.verdict_sentence("A1", book=book)
    assert "**did not hold**" in sentence
    assert "+0.100" in sentence
    assert "3 seeds" in sentence
    assert "not yet" in critical.verdict_sentence("A2", book=book)
    folds = make_book(tmp_path / "folds", [CLAIM | {"test": CLAIM["test"] | {"pairs": "folds"}}])
    assert "3 folds" in critical.verdict_sentence("A1", book=folds)
    with pytest.raises(ValueError, match="claim_id"):
        critical.verdict_sentence("Z9", book=book)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"not_tested": "also"}, "either"),
        ({"test": {**CLAIM["test"], "direction": "more"}}, "direction"),
        ({"test": {**CLAIM["test"], "pairs": "clips"}}, "pairs"),
        ({"test": {k: v for k, v in CLAIM["test"].items() if k != "margin"}}, "margin"),
        ({"test": {k: v for k, v in CLAIM["test"].items() if k != "value"}}, "value"),
    ],
)
def test_an_unsound_claim_is_named(tmp_path, change, message):
    book = make_book(tmp_path, [{**CLAIM, **change}])
    with pytest.raises(ValueError, match=f"A1.*{message}"):
        critical.load_claims(book=book)


def test_a_missing_field_a_repeated_id_and_unknown_names_are_refused(tmp_path):
    book = make_book(tmp_path, [CLAIM, CLAIM])
    with pytest.raises(ValueError, match="once"):
        critical.load_claims(book=book)
    (book / "claims.yml").write_text(yaml.safe_dump([{k: v for k, v in OPEN.items() if k != "where"}]))
    with pytest.raises(ValueError, match=r"A2.*where"):
        critical.load_claims(book=book)
    with pytest.raises(ValueError, match="chapter"):
        critical.load_claims("nowhere")
    with pytest.raises(ValueError, match="chapter"):
        critical.load_fidelity("nowhere")
    with pytest.raises(ValueError, match="kind"):
        critical.fidelity_table("local_prototypes", kind="other")


def test_the_book_is_found_from_below_and_its_absence_said(tmp_path):
    book = make_book(tmp_path, [CLAIM])
    (book / "deep").mkdir()
    assert critical.find_book(book / "deep") == book
    (tmp_path / "elsewhere").mkdir()
    (book / "claims.yml").unlink()
    with pytest.raises(FileNotFoundError, match=r"claims\.yml"):
        critical.find_book(tmp_path / "elsewhere")
