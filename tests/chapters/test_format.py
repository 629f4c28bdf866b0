"""The form of a chapter: parameters, lengths, captions, exercises with checks, canonical text."""

import ast
import re
from pathlib import Path

import jupytext
import pytest

from tools.chapters import ROOT, Cell, count_words, find_notebooks, plain_python, read_cells

CHAPTERS = find_notebooks(ROOT / "book", template=True)
TAGS = {
    "parameters", "exercise", "hint", "solution", "check", "quiz", "wrong", "hide-input", "hide-output", "hide-cell",
    "remove-input", "remove-output", "remove-cell", "nbval-check-output", "raises-exception", "full-width",
}  # fmt: skip
pytestmark = pytest.mark.skipif(not CHAPTERS, reason="the book has no chapter")
each_chapter = pytest.mark.parametrize("page", CHAPTERS, ids=lambda p: p.stem)


def code_of(page: Path) -> list[Cell]:
    return [cell for cell in read_cells(page) if cell.kind == "code"]


@each_chapter
def test_parameters(page):
    cells = [cell for cell in code_of(page) if "parameters" in cell.tags]
    assert len(cells) == 1, "one cell is tagged parameters"
    names = {t.id for n in ast.parse(cells[0].source).body if isinstance(n, ast.Assign) for t in n.targets}
    assert {"profile", "dataset", "seed", "device"} <= names


@each_chapter
def test_lengths(page):
    cells = code_of(page)
    sizes = sorted(len(cell.code_lines) for cell in cells)
    assert len(cells) <= 60
    assert count_words(page) <= 6000
    assert sizes[-1] <= 40, "no cell is longer than a screen"
    assert sizes[int(0.9 * (len(sizes) - 1))] <= 20, "nine in ten cells are under 20 lines"
    wide = [line for cell in cells for line in cell.source.splitlines() if len(line) > 79]
    assert wide == [], "longer lines are cut on the page"


@each_chapter
def test_tags_are_known(page):
    assert {tag for cell in read_cells(page) for tag in cell.tags} <= TAGS


@each_chapter
def test_no_installs_or_shell_in_the_reading_flow(page):
    assert not [c.source for c in code_of(page) if re.search(r"^!|pip install", c.source, re.M)]


@each_chapter
def test_images_have_alternative_text(page):
    text = page.read_text(encoding="utf-8")
    assert re.findall(r"!\[\s*\]\([^)]*\)", text) == []
    assert [t for t in re.findall(r"<img\b[^>]*>", text) if not re.search(r'alt="[^"]', t)] == []
    for body in re.findall(r"\{figure\}[^\n]*\n(.*?)^(?:`{3,}|:{3,})", text, re.M | re.S):
        assert re.search(r"^:alt:[ \t]*\S", body, re.M), body


@each_chapter
def test_named_figures_have_captions_and_alternative_text(page):
    for cell in jupytext.read(page).cells:
        shown = cell.metadata.get("mystnb", {})
        if "figure" in shown:
            assert shown["figure"].get("caption", "").strip(), cell.source
            assert shown.get("image", {}).get("alt", "").strip(), cell.source


@each_chapter
def test_text_is_canonical(page):
    """Reading and writing the chapter changes nothing, so that an edit in a notebook shows as that edit alone.

    Where it fails: ``python -m tools.chapters`` writes every chapter in the canonical form.
    """
    text = page.read_text(encoding="utf-8")
    written = jupytext.writes(jupytext.reads(text, fmt="md:myst"), fmt="md:myst")
    assert header_free(written) == header_free(text)


def header_free(text: str) -> str:
    body = re.sub(r"\A---\n.*?^---\n", "", text, flags=re.M | re.S).strip()
    return re.sub(r"\n{3,}", "\n\n", body)


def exercise_faults(cells: list[Cell]) -> list[str]:
    """What is missing around exercises: a solution before each check, and wrong answers that the check rejects."""
    found, solved, checks = [], False, 0
    for number, cell in enumerate(cells):
        if cell.kind == "code" and not plain_python(cell.source).strip():
            found.append(f"cell {number} is empty")
        if "solution" in cell.tags:
            solved = True
        if "check" in cell.tags:
            checks += 1
            if not solved:
                found.append(f"cell {number}: a check without a solution before it")
            solved = False
            # The next code cell holds the wrong answers.
            later = next((c for c in cells[number + 1 :] if c.kind == "code"), None)
            if later is None or "wrong" not in later.tags:
                found.append(f"cell {number}: a check without a cell of wrong answers after it")
        if "wrong" in cell.tags:
            found += [f"cell {number}: {fault}" for fault in wrong_faults(cell)]
    if solved:
        found.append("the last solution has no check")
    return found


def wrong_faults(cell: Cell) -> list[str]:
    tree = ast.parse(plain_python(cell.source))
    found = [] if "remove-cell" in cell.tags else ["wrong answers are shown on the page"]
    named = [
        n.value for n in ast.walk(tree)
        if isinstance(n, ast.Assign) and any(getattr(t, "id", "") == "wrong" for t in n.targets)
    ]  # fmt: skip
    if not (named and all(isinstance(d, ast.Dict) and d.keys for d in named)):
        found.append("no dict named wrong with at least one answer")
    handled = any(isinstance(n, ast.ExceptHandler) and getattr(n.type, "id", "") == "AssertionError"
                  for n in ast.walk(tree))  # fmt: skip
    if not (handled and any(isinstance(n, ast.Raise) for n in ast.walk(tree))):
        found.append("a wrong answer that is accepted would not stop the chapter")
    return found


@each_chapter
def test_exercises_have_solutions_checks_and_wrong_answers(page):
    assert exercise_faults(read_cells(page)) == []


def test_planted_faults_of_exercises_are_found():
    page = next(p for p in CHAPTERS if p.stem == "_template")
    cells = read_cells(page)
    assert exercise_faults(cells) == []
    for tag, words in [("solution", "without a solution"), ("wrong", "wrong answers"), ("check", "has no check")]:
        assert any(words in fault for fault in exercise_faults([c for c in cells if tag not in c.tags]))
    tame = [Cell(c.kind, c.source.replace("raise ", "print") if "wrong" in c.tags else c.source, c.tags) for c in cells]
    assert any("would not stop" in fault for fault in exercise_faults(tame))
