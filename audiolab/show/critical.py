"""The critical apparatus of a chapter: its claims with their verdicts, and where it departs from its paper.

The texts come from `book/claims.yml` and `book/fidelity/<chapter>.yml`, the numbers from the ledger; nothing is typed
twice. Everything returned shows itself in a notebook and on the rendered page, and `str()` of it is plain text.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from audiolab import results

from .page import package_text

__all__ = [
    "Evidence", "Sentence", "Table", "claims_table", "command_of", "evidence_of", "fidelity_table", "find_book",
    "load_claims", "load_fidelity", "verdict_of", "verdict_sentence",
]

_CLAIM_FIELDS = ("id", "chapter", "claim", "published", "where", "comparison", "control", "data", "main")
_TEST_FIELDS = ("experiment", "value", "first", "second", "direction")
_FIDELITY_FIELDS = ("id", "kind", "main", "issue", "paper", "code", "adopted", "option")
NOT_TESTED = "not tested"


class Table:
    """Rows of text as an HTML table that scrolls by itself on a narrow screen; `frame` is the same as a DataFrame.

    Text between backquotes is set as code. Everything else is escaped.
    """

    def __init__(self, frame: pd.DataFrame, caption: str = "") -> None:
        self.frame, self.caption = frame, caption

    def _repr_html_(self) -> str:
        head = "".join(f'<th scope="col">{_inline(name)}</th>' for name in self.frame.columns)
        rows = "".join(
            "<tr>" + "".join(f'<td style="text-align:left">{_inline(cell)}</td>' for cell in row) + "</tr>"
            for row in self.frame.itertuples(index=False)
        )
        caption = f"<caption>{_inline(self.caption)}</caption>" if self.caption else ""
        return (
            '<div style="overflow-x:auto" tabindex="0" role="region"'
            f' aria-label="{html.escape(self.caption or "table", quote=True)}">'
            f'<table class="dataframe">{caption}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
        )

    def __str__(self) -> str:
        return self.frame.to_string(index=False)

    def __len__(self) -> int:
        return len(self.frame)


class Cards(Table):
    """The same rows as cards, one below the other, for texts too long for a table: title, then the other columns.

    `title` names the columns that make the title; empty cells and dashes are left out.
    """

    def __init__(self, frame: pd.DataFrame, caption: str = "", *, title: Sequence[str]) -> None:
        super().__init__(frame, caption)
        self.title = list(title)

    def _repr_html_(self) -> str:
        cards = []
        for _, row in self.frame.iterrows():
            title = " ".join(_inline(row[name]) for name in self.title)
            rest = [name for name in self.frame.columns if name not in self.title and str(row[name]) not in ("", "–")]
            parts = "".join(f"<dt>{_inline(name)}</dt><dd>{_inline(row[name])}</dd>" for name in rest)
            cards.append(f'<section class="al-claim"><p class="al-text">{title}</p><dl>{parts}</dl></section>')
        caption = f"<p>{_inline(self.caption)}</p>" if self.caption else ""
        return (
            f'<style>{package_text("ledger.css")}</style><div class="al-ledger" role="region"'
            f' aria-label="{html.escape(self.caption or "cards", quote=True)}">{caption}{"".join(cards)}</div>'
        )


class Sentence(str):
    """A sentence that shows itself as Markdown."""

    __slots__ = ()

    def _repr_markdown_(self) -> str:
        return str(self)


def _inline(text: Any) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(str(text), quote=False))


def find_book(start: str | Path | None = None) -> Path:
    """The book's folder: the nearest `book/` (or the folder itself) with a claims.yml, from `start` upwards.

    `start` defaults to the working directory; then the folder beside the package is tried.

    Raises:
        FileNotFoundError: when neither has one (names where it was looked for).
    """
    first = Path(start).resolve() if start is not None else Path.cwd()
    package = Path(__file__).resolve().parents[2]
    for folder in (first, *first.parents, *(() if start is not None else (package,))):
        for book in (folder / "book", folder):
            if (book / "claims.yml").is_file():
                return book
    raise FileNotFoundError(
        f"no book/claims.yml in {first} or above it; run from a checkout of the book, or give its folder as book=..."
    )


def load_claims(chapter: str | None = None, *, book: str | Path | None = None) -> list[dict[str, Any]]:
    """Claims of one chapter (or of all) as written in `book/claims.yml`, in its order.

    Raises:
        ValueError: for a chapter without claims, or an entry that lacks a field, repeats an id, has not exactly one of
            `test` and `not_tested`, or states no margin for "within" (names the entry).
    """
    path = find_book(book) / "claims.yml"
    claims = _load_list(path, _CLAIM_FIELDS)
    for claim in claims:
        _check_test(claim, path)
    if chapter is None:
        return claims
    chosen = [claim for claim in claims if claim["chapter"] == chapter]
    if not chosen:
        raise ValueError(f"chapter: expected one of {sorted({c['chapter'] for c in claims})}, got {chapter!r}")
    return chosen


def load_fidelity(chapter: str, *, book: str | Path | None = None) -> list[dict[str, Any]]:
    """Fidelity notes of a chapter as written in `book/fidelity/<chapter>.yml`, in its order.

    Raises ValueError for a chapter without such a file, or an entry that lacks a field or repeats an id.
    """
    folder = find_book(book) / "fidelity"
    path = folder / f"{chapter}.yml"
    if not path.is_file():
        raise ValueError(f"chapter: expected one of {sorted(p.stem for p in folder.glob('*.yml'))}, got {chapter!r}")
    return _load_list(path, _FIDELITY_FIELDS)


def _load_list(path: Path, fields: Sequence[str]) -> list[dict[str, Any]]:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the same, in C, where it was built
    entries = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ValueError(f"{path.name}: expected a list of entries, got {type(entries).__name__}")
    seen: set[str] = set()
    for number, entry in enumerate(entries, 1):
        missing = [name for name in fields if name not in entry]
        if missing:
            raise ValueError(f"{path.name}: entry {entry.get('id', number)}: expected the fields {missing}")
        if entry["id"] in seen:
            raise ValueError(f"{path.name}: expected each id once, got {entry['id']!r} again")
        seen.add(entry["id"])
    return entries


def _check_test(claim: dict[str, Any], path: Path) -> None:
    where = f"{path.name}: claim {claim['id']}"
    if ("test" in claim) == ("not_tested" in claim):
        raise ValueError(f"{where}: expected either `test` or `not_tested`, got {sorted(claim)}")
    test = claim.get("test")
    if test is None:
        return
    missing = [name for name in _TEST_FIELDS if name not in test]
    if missing:
        raise ValueError(f"{where}: test: expected the fields {missing}, got {sorted(test)}")
    if test["direction"] not in ("greater", "less", "within"):
        raise ValueError(f'{where}: direction: expected "greater", "less" or "within", got {test["direction"]!r}')
    if test.get("pairs", "seeds") not in ("seeds", "folds"):
        raise ValueError(f'{where}: pairs: expected "seeds" or "folds", got {test["pairs"]!r}')
    if (test["direction"] == "within") != ("margin" in test):
        raise ValueError(f'{where}: margin: expected one for "within" and none else')


class Evidence(NamedTuple):
    """The runs that decide a claim: `table` has one row for each run of the two, on seeds (folds) that both have."""

    table: pd.DataFrame
    differences: pd.Series  # by seed
    profile: str


def evidence_of(claim: dict[str, Any], *, root: str | Path | None = None) -> Evidence:
    """Find the runs that decide a claim; the largest profile in the ledger counts ("paper", "study", "demo").

    Raises LookupError, with the reason in words, when there is no test or too few runs.
    """
    test = claim.get("test")
    if test is None:
        raise LookupError(claim["not_tested"])
    command = f"`{command_of(claim)}`"
    try:
        runs = results.read_runs(claim["chapter"], test["experiment"], root=root)
    except FileNotFoundError:
        raise LookupError(f"no runs yet: {command}") from None
    by, value = test.get("by", "model"), test["value"]
    against = test.get("against", value)
    for column in (by, value, against, *test.get("where", {})):
        if column not in runs:
            raise LookupError(f"the ledger has no column `{column}`")
    for column, wanted in test.get("where", {}).items():
        runs = runs[runs[column] == wanted]
    pair = [test["first"], test["second"]]
    profiles = [p for p in ("paper", "study", "demo") if set(pair) <= set(runs.loc[runs["profile"] == p, by])]
    if not profiles:
        raise LookupError(f"the ledger lacks runs of {' and '.join(pair)}: {command}")
    chosen = runs[(runs["profile"] == profiles[0]) & runs[by].isin(pair)]
    differences = results.paired(chosen, value, *pair, by=by, against=against)
    if len(differences) < 2:
        raise LookupError(f"only {len(differences)} seed that both have: {command}")
    return Evidence(chosen[chosen["seed"].isin(differences.index)], differences, profiles[0])


def command_of(claim: dict[str, Any]) -> str:
    """The command that makes the runs of a claim, skipping those that the ledger has."""
    only = f" --only experiment={claim['test']['experiment']}" if "test" in claim else ""
    return f"python -m audiolab run {claim['chapter']} --profile study{only}"


def verdict_of(claim: dict[str, Any], *, root: str | Path | None = None) -> dict[str, Any]:
    """Join one claim with its runs: `verdict` (word), `reason`, `ours`, `difference`, `n`, `pairs`, `data` and so on.

    `pairs` says what the n differences are taken over: "seeds", or "folds" of a cross-validation, one training each.
    The largest profile in the ledger decides ("paper" over "study" over "demo"). A claim without a test, without runs,
    or with fewer than two seeds is "not tested", and `reason` says which. Rows that today's code would not make still
    count, and `stale` tells how many they are.
    """
    try:
        runs, differences, profile = evidence_of(claim, root=root)
    except LookupError as error:
        return {
            "verdict": NOT_TESTED, "reason": str(error.args[0]), "ours": "", "difference": "", "n": 0, "pairs": "",
            "profile": "", "stale": 0, "data": claim["data"],
        }  # fmt: skip
    test = claim["test"]
    value, by = test["value"], test.get("by", "model")
    against = test.get("against", value)
    found = results.verdict(differences, claim=test["direction"], margin=test.get("margin"))
    table = results.summary(runs, [value, against], by=by)
    named = {c["data_name"] for _, c in runs.iterrows() if c.get("data_name")}
    return {
        "verdict": found.word,
        "reason": test.get("note", ""),
        "ours": f"{table[value][test['first']]} against {table[against][test['second']]}",
        "difference": f"{found.mean:+.3f} [{found.low:+.3f}, {found.high:+.3f}]",
        "n": found.n,
        "pairs": test.get("pairs", "seeds"),
        "profile": profile,
        "data": ", ".join(sorted(named)) or claim["data"],
        "stale": int((runs["stale"] != "").sum()),
    }


def claims_table(
    chapter: str | None = None, *, book: str | Path | None = None, root: str | Path | None = None
) -> Table:
    """Claims of a chapter (or of all): what was published, what was found here, and the verdict.

    "ours" is mean ± standard deviation over n seeds (or folds) of the two systems compared, and the paired difference
    with its 95 % interval; "how to read it" is the claim's note, what its test cannot say.
    """
    rows = []
    for claim in load_claims(chapter, book=book):
        found = verdict_of(claim, root=root)
        paired = f"difference {found['difference']}, n = {found['n']} {found['pairs']}"
        ours = f"{found['ours']}; {paired}" if found["n"] else "–"
        why = f": {found['reason']}" if found["verdict"] == NOT_TESTED else ""
        note = f" ({found['stale']} rows are from older code)" if found["stale"] else ""
        row = {"id": claim["id"]} | ({} if chapter else {"chapter": claim["chapter"].replace("_", " ")})
        rows.append(row | {
            "claim": claim["claim"],
            "published": f"{claim['published']} ({claim['where']})",
            "ours": ours,
            "how to read it": claim.get("test", {}).get("note", "").strip(),
            "data and profile": f"{found['data']}" + (f"; {found['profile']}" if found["profile"] else ""),
            "control": claim["control"],
            "verdict": found["verdict"] + why + note,
        })
    caption = "Claims, what was published, what was found here, and the verdict."
    return Cards(pd.DataFrame(rows), caption, title=["id", "claim"])


def verdict_sentence(claim_id: str, *, book: str | Path | None = None, root: str | Path | None = None) -> Sentence:
    """One claim and its verdict as a Markdown sentence with its numbers, or with the reason why there is none.

    `book` and `root` name other folders of the book and the ledger. Raises ValueError for an unknown id.
    """
    claims = {claim["id"]: claim for claim in load_claims(book=book)}
    if claim_id not in claims:
        raise ValueError(f"claim_id: expected one of {list(claims)}, got {claim_id!r}")
    claim = claims[claim_id]
    found = verdict_of(claim, root=root)
    opening = f"**{claim_id}**: {claim['claim']} Verdict: **{found['verdict']}**"
    if not found["n"]:
        return Sentence(f"{opening} ({found['reason']}).")
    test = claim["test"]
    margin = f", margin ±{test['margin']}" if "margin" in test else ""
    compared = f"{test['first']} minus {test['second']} in `{test['value']}`"
    if "against" in test:
        compared = f"`{test['value']}` minus `{test['against']}` of {test['first']}"
    return Sentence(
        f"{opening}. {compared} is {found['difference']}"
        f" (95 % interval, {found['n']} {found['pairs']}{margin}), on {found['data']}, profile `{found['profile']}`;"
        f" published: {claim['published']}."
    )


def fidelity_table(
    chapter: str, *, main: bool = False, kind: str | None = None, book: str | Path | None = None
) -> Table:
    """Where paper and code differ, what is done here, and the option that gives the other.

    `main=True` keeps the rows marked as main, `kind` "choice" or "finding" those of one kind. Raises ValueError for
    another kind.
    """
    if kind not in (None, "choice", "finding"):
        raise ValueError(f'kind: expected "choice", "finding" or None, got {kind!r}')
    names = {"issue": "point", "paper": "paper", "code": "published code", "adopted": "here", "option": "the other way"}
    entries = [e for e in load_fidelity(chapter, book=book) if (e["main"] or not main) and kind in (None, e["kind"])]
    rows = [{new: entry[old] for old, new in names.items()} for entry in entries]
    caption = "Where this chapter had to choose, and how to choose otherwise."
    return Cards(pd.DataFrame(rows, columns=list(names.values())), caption, title=["point"])
