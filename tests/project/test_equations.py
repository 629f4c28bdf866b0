"""Equations have one label, in the book and in the docstrings, and every such link leads somewhere both ways."""

import ast
import re
from pathlib import Path

from tools.chapters import ROOT, find_pages

_LABEL = re.compile(r"^\$\$[ \t]*\((eq[:-][\w.-]+)\)|^:label:[ \t]*(eq[:-][\w.-]+)", re.M)
# A docstring names the label in backquotes after the word: Equation ``eq:...`` or Eq. `eq:...`.
_NAMED = re.compile(r"`+(eq:[\w.-]+)`+")


def labels_in(pages: list[Path]) -> dict[str, str]:
    """Equation labels and the page each one stands on."""
    return {a or b: p.stem for p in pages for a, b in _LABEL.findall(p.read_text(encoding="utf-8"))}


def named_in(package: Path) -> dict[str, str]:
    """Equation labels that docstrings of a package name, and the file of each."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
                found |= dict.fromkeys(_NAMED.findall(ast.get_docstring(node) or ""), str(path.relative_to(package)))
    return found


def linked_pages(pages: list[Path]) -> set[str]:
    """Chapters that promise code for each of their equations: ``equations: package`` in the header."""
    return {p.stem for p in pages if re.search(r"\A---\n.*?^equations: package$.*?^---$", p.read_text(), re.M | re.S)}


def loose_ends(pages: list[Path], package: Path) -> list[str]:
    """Labels named without an equation, and equations of linked chapters without a docstring."""
    labels, named, linked = labels_in(pages), named_in(package), linked_pages(pages)
    lost = [f"{file} names {label}, which no page has" for label, file in named.items() if label not in labels]
    bare = [f"{p}.md has {label}, which no docstring names" for label, p in labels.items() if p in linked - set(named)]
    return lost + [line for line in bare if line.split(" has ")[1].split(",")[0] not in named]


def test_labels_resolve_both_ways():
    assert loose_ends(find_pages(ROOT / "book"), ROOT / "audiolab") == []


def test_labels_are_unique():
    pages = find_pages(ROOT / "book")
    every = [a or b for p in pages for a, b in _LABEL.findall(p.read_text(encoding="utf-8"))]
    assert sorted(every) == sorted(set(every))


def test_planted_loose_ends_are_found(tmp_path):
    page, package = tmp_path / "chapter.md", tmp_path / "package"
    package.mkdir()
    page.write_text(
        "---\nequations: package\n---\n# A\n\n$$\na\n$$ (eq:chapter-one)\n\n```{math}\n:label: eq:chapter-two\nb\n```\n"
    )
    module = package / "m.py"
    module.write_text('def f():\n    """Equation ``eq:chapter-one``."""\n')
    assert loose_ends([page], package) == ["chapter.md has eq:chapter-two, which no docstring names"]
    module.write_text('def f():\n    """Equations ``eq:chapter-one`` and `eq:chapter-two`, `eq:chapter-three`."""\n')
    assert loose_ends([page], package) == ["m.py names eq:chapter-three, which no page has"]
    module.write_text('def f():\n    """Equations ``eq:chapter-one`` and `eq:chapter-two`."""\n')
    assert loose_ends([page], package) == []
