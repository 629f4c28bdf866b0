"""Read the book's sources: which pages are notebooks, and their cells, tags and sizes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import jupytext
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[1]
TEMPLATE = "_template"
_KERNEL = re.compile(r"\A---\n.*?^kernelspec:.*?^---$", re.M | re.S)


@dataclass(frozen=True)
class Cell:
    """One cell of a chapter: its kind ("code" or "markdown"), source text and tags."""

    kind: str
    source: str
    tags: tuple[str, ...] = field(default=())

    @property
    def code_lines(self) -> list[str]:
        """Lines of code that are neither empty nor only a comment."""
        return [line for line in self.source.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def is_notebook(page: Path) -> bool:
    """Whether a Markdown page names a kernel in its header, which makes it a notebook."""
    return page.suffix == ".md" and bool(_KERNEL.match(page.read_text(encoding="utf-8")))


def find_pages(book: Path) -> list[Path]:
    """All Markdown pages below a book folder, notebooks or not, sorted; hidden folders are left out."""
    return sorted(p for p in book.rglob("*.md") if not any(part.startswith(".") for part in p.relative_to(book).parts))


def find_notebooks(book: Path, *, template: bool = False) -> list[Path]:
    """The pages that are notebooks, sorted by name; the empty chapter only where ``template`` is true."""
    return [p for p in find_pages(book) if is_notebook(p) and (template or p.stem != TEMPLATE)]


def read_notebook(page: Path) -> NotebookNode:
    """A chapter as a notebook without outputs, its cells numbered instead of named at random.

    Raises
    ------
    ValueError
        If the page names no kernel.
    """
    if not is_notebook(page):
        raise ValueError(f"page must be a notebook with a kernelspec in its header, got {page}")
    notebook = jupytext.read(page)
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number:03d}"
    return notebook


def read_cells(page: Path) -> list[Cell]:
    """The cells of a chapter, in order."""
    return [
        Cell(cell.cell_type, cell.source, tuple(cell.metadata.get("tags", ()))) for cell in read_notebook(page).cells
    ]


def plain_python(source: str) -> str:
    """Code of a cell with the lines that only a notebook understands (``%``, ``!``) blanked out."""
    return "\n".join("pass" if line.startswith(("%", "!")) else line for line in source.splitlines())


def count_words(page: Path) -> int:
    """Words of prose in a chapter: markdown cells without fences of code and displayed equations."""
    prose = "\n".join(cell.source for cell in read_cells(page) if cell.kind == "markdown")
    prose = re.sub(r"^(`{3,}|~{3,})\{?(?:code|literalinclude|math).*?^\1", "", prose, flags=re.M | re.S)
    prose = re.sub(r"\$\$.*?\$\$", "", prose, flags=re.S)
    return len(re.findall(r"[^\W\d_][\w'’-]*", prose))


def normalise(page: Path) -> bool:
    """Write a chapter in the form that jupytext itself writes, header kept; returns whether it changed."""
    text = page.read_text(encoding="utf-8")
    header = re.match(r"\A---\n.*?^---\n", text, re.M | re.S)
    written = jupytext.writes(jupytext.reads(text, fmt="md:myst"), fmt="md:myst")
    body = re.sub(r"\A---\n.*?^---\n", "", written, flags=re.M | re.S)
    made = (header[0] if header else "") + body
    if made != text:
        page.write_text(made, encoding="utf-8")
    return made != text


if __name__ == "__main__":
    for chapter in find_notebooks(ROOT / "book", template=True):
        if normalise(chapter):
            print(f"normalised {chapter.relative_to(ROOT)}")
