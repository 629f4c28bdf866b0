"""All claims on one page: sorted and filtered in the browser, every number beside the runs it was computed from."""

from __future__ import annotations

import hashlib
import math
from html import escape
from pathlib import Path
from typing import Any

from IPython.display import HTML

from .critical import Evidence, _inline, command_of, evidence_of, find_book, load_claims, verdict_of
from .page import package_text

WORDS = ("held", "did not hold", "undecided", "not tested")


def ledger(
    chapter: str | None = None,
    *,
    repository: str | None = None,
    book: str | Path | None = None,
    root: str | Path | None = None,
) -> HTML:
    """Return the claims of a chapter (or of all) as cards that can be searched, filtered by verdict and sorted.

    Each card has the claim, what was published, what was found (mean ± standard deviation over n seeds or folds, the
    paired difference and its 95 % interval), data, profile, control and verdict; unfolded, every run behind the numbers
    and the command that makes them again. Runs made by code that has changed since are marked. Without scripts all
    cards are shown in order.

    Args:
        chapter: name of a chapter, None for all.
        repository: address on the web of the folder that holds `results`; None reads it from the book's
            configuration, and "" leaves links out.
        book, root: other folders of the book and the ledger.

    Raises:
        ValueError: unknown chapter, or an unsound claim (the id is named).
    """
    if repository is None:
        repository = _repository(find_book(book))
    cards = [_card(claim, repository, root) for claim in load_claims(chapter, book=book)]
    chapters = sorted({claim["chapter"] for claim in load_claims(chapter, book=book)})
    options = "".join(f'<option value="{name}">{name.replace("_", " ")}</option>' for name in chapters)
    words = "".join(f"<option>{word}</option>" for word in WORDS)
    controls = (
        '<form class="al-filter" role="search"><label>Find <input type="search" name="text" autocomplete="off"></label>'
        f'<label>Chapter <select name="chapter"><option value="">all</option>{options}</select></label>'
        f'<label>Verdict <select name="verdict"><option value="">all</option>{words}</select></label>'
        '<label>Order <select name="order"><option value="id">number</option><option value="verdict">verdict</option>'
        '<option value="size">size of the difference</option></select></label>'
        f'<p role="status">{len(cards)} claims</p></form>'
    )
    body = f'{controls}<div class="al-cards">{"".join(cards)}</div>'
    identity = hashlib.sha256(body.encode()).hexdigest()[:12]
    return HTML(
        f'<style>{package_text("ledger.css")}</style>'
        f'<div class="al-ledger" data-ledger="{identity}" data-lm-suppress-shortcuts="true">{body}</div>'
        f'<script>{package_text("ledger.js")}("{identity}");</script>'
    )


def _repository(book: Path) -> str:
    """Address of the project's files, from the configuration beside the book; "" where it names none."""
    path = book.parent / "_config.yml"
    if not path.is_file():
        return ""
    import yaml

    named = yaml.safe_load(path.read_text(encoding="utf-8")).get("repository", {})
    return f"{named['url'].rstrip('/')}/blob/{named.get('branch', 'main')}" if named.get("url") else ""


def _card(claim: dict[str, Any], repository: str, root: str | Path | None) -> str:
    found = verdict_of(claim, root=root)
    rows = {"published": f"{claim['published']} ({claim['where']})"}
    if found["n"]:
        rows["here"] = f"{found['ours']}; difference {found['difference']}, n = {found['n']} {found['pairs']}"
        rows["how to read it"] = found["reason"]
    else:
        rows["why not"] = found["reason"]
    rows["data"] = found["data"] + (f"; profile `{found['profile']}`" if found["profile"] else "")
    rows |= {"compared with": claim["comparison"], "control": claim["control"]}
    if found["stale"]:
        rows["mind"] = f"{found['stale']} of the runs were made by code that has changed since"
    parts = "".join(f"<dt>{name}</dt><dd>{_inline(text)}</dd>" for name, text in rows.items() if text)
    size, runs = 0.0, ""
    if found["n"]:
        evidence = evidence_of(claim, root=root)
        size = abs(float(evidence.differences.mean()))
        runs = _runs(claim, evidence, repository)
    order = WORDS.index(found["verdict"])
    name = found["verdict"].replace(" ", "-")
    return (
        f'<section class="al-claim" id="claim-{claim["id"]}" data-id="{claim["id"]}" data-chapter="{claim["chapter"]}" '
        f'data-verdict="{found["verdict"]}" data-order="{order}" data-size="{size:.6g}">'
        f'<p class="al-head"><b>{claim["id"]}</b> <span class="al-word al-{name}">{found["verdict"]}</span> '
        f'<span class="al-chapter">{claim["chapter"].replace("_", " ")}</span></p>'
        f'<p class="al-text">{_inline(claim["claim"])}</p><dl>{parts}</dl>{runs}</section>'
    )


def _runs(claim: dict[str, Any], evidence: Evidence, repository: str) -> str:
    """Every run behind a claim's numbers, unfolded on demand."""
    test = claim["test"]
    by, columns = test.get("by", "model"), list(dict.fromkeys([test["value"], test.get("against", test["value"])]))
    unit = "fold, from 0" if test.get("pairs") == "folds" else "seed"
    head = [by, unit, *columns, "seconds", "made by"]
    lines = []
    for _, run in evidence.table.sort_values([by, "seed"]).iterrows():
        made_by = f"older code: {run['stale']}" if run["stale"] else "today's code"
        cells = [run[by], int(run["seed"]), *(_number(run[c]) for c in columns), _number(run["seconds"], 0), made_by]
        lines.append("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in cells) + "</tr>")
    path = f"results/{claim['chapter']}/{test['experiment']}.json"
    place = f'<a href="{escape(repository.rstrip("/"), quote=True)}/{path}"><code>{path}</code></a>'
    place = place if repository else f"<code>{path}</code>"
    titles = "".join(f'<th scope="col">{escape(str(name))}</th>' for name in head)
    return (
        f"<details><summary>{len(lines)} runs, and how to make them again</summary>"
        f'<div class="al-runs" tabindex="0" role="region" aria-label="Runs behind {claim["id"]}"><table>'
        f"<thead><tr>{titles}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"
        f"<p>In {place}. Again: <code>{escape(command_of(claim))}</code></p></details>"
    )


def _number(value: Any, digits: int = 4) -> str:
    return f"{value:.{digits}f}" if isinstance(value, int | float) and math.isfinite(value) else str(value)
