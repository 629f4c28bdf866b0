"""Student and teacher notebooks from the chapters: the same lesson without and with the solutions.

Cell tags: ``exercise`` (a stub to fill), ``hint``, ``solution``, ``check`` (defines and calls the check), ``wrong``
(typical wrong answers that the check must reject), ``quiz``. A student notebook has a stub in place of each solution
and no ``wrong`` cells; a teacher notebook has everything. Both are plain notebooks: what only the book's renderer
understands is written out as ordinary Markdown.
"""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import nbformat
import yaml
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from tools.chapters import ROOT, find_notebooks, plain_python, read_notebook
from tools.stage import put

_FENCE = re.compile(
    r"^(?P<fence>:{3,}|`{3,})\{(?P<name>[\w:-]+)\}[ \t]*(?P<title>[^\n]*)\n"
    r"(?P<body>(?:(?!(?::{3,}|`{3,})\{)[^\n]*\n)*?)(?P=fence)[ \t]*$",  # no note inside: innermost first
    re.M,
)
_ROLE = re.compile(r"\{(?P<role>[\w:-]+)\}`(?P<text>[^`]+)`")
_CODE = re.compile(r"(```.*?```|`[^`\n]*`)", re.S)


def make_stub(source: str) -> str:
    """What is left of a solution for the student: imports, names and signatures, with ``...`` for what was answered."""
    lines = []
    for node in ast.parse(plain_python(source)).body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            lines.append(ast.unparse(node))
        elif isinstance(node, ast.FunctionDef):
            keep = node.body[:1] if ast.get_docstring(node) else []
            node.body = [*keep, ast.Expr(ast.Constant(...))]
            lines.append(ast.unparse(node))
        elif isinstance(node, ast.Assign):
            lines.append(f"{' = '.join(ast.unparse(t).strip('()') for t in node.targets)} = ...")
        elif isinstance(node, ast.AnnAssign):
            lines.append(f"{ast.unparse(node.target)} = ...")
    return "\n".join(["# Your answer here.", *lines]) if lines else "# Your answer here.\n..."


def plain_markdown(text: str, *, site: str = "") -> str:
    """Markdown that any notebook shows: notes as quotations, roles as text or links, labels dropped.

    Parameters
    ----------
    site
        Address of the repository's files, put before the path of an image.
    """
    for _ in range(5):  # notes may stand inside notes
        text, changes = _FENCE.subn(lambda m: _write_out(m, site), text)
        if not changes:
            break
    text = re.sub(r"^\(([\w:.-]+)\)=[ \t]*\n", "", text, flags=re.M)
    text = re.sub(r"\$\$[ \t]*\([\w:.-]+\)[ \t]*$", "$$", text, flags=re.M)
    text = re.sub(r"^\+\+\+.*\n?", "", text, flags=re.M)
    text = re.sub(r"^%[^\n]*\n?", "", text, flags=re.M)
    text = re.sub(r"(!\[[^\]]*\]\()(?!https?:|attachment:|data:)([^)]+\))", rf"\1{site}\2" if site else r"\1\2", text)
    return _ROLE.sub(_write_role, text).strip("\n")


def _write_out(match: re.Match[str], site: str) -> str:
    name, title, body = match["name"], match["title"].strip(), match["body"]
    options = dict(re.findall(r"^:([\w-]+):[ \t]*(.*)$", body, re.M))
    body = re.sub(r"\A(?:[ \t]*:[\w-]+:[^\n]*\n)+", "", body).strip("\n")
    if name == "math":
        return f"$$\n{body}\n$$"
    if name in {"figure", "image"}:
        return f"![{options.get('alt', '')}]({site}{title})\n\n{body}".rstrip()
    if name in {"code-block", "code"}:
        return f"```{title}\n{body}\n```"
    if name == "literalinclude":
        return f"*Source: `{title.removeprefix('../')}`{', ' + options['pyobject'] if 'pyobject' in options else ''}*"
    if name in {"raw", "glue:figure", "glue", "bibliography", "toctree", "contents"}:
        return body if name == "raw" else ""
    if name == "list-table":
        return body
    heading = title if title and name in {"admonition", "dropdown"} else f"{name.capitalize()} {title}".strip()
    return "\n".join(f"> {line}".rstrip() for line in [f"**{heading}**", "", *body.splitlines()])


def _write_role(match: re.Match[str]) -> str:
    role, text = match["role"], match["text"]
    named = re.fullmatch(r"(.*?)\s*<([^>]+)>", text, re.S)
    shown = named[1] if named else text
    if role.startswith("cite"):
        return "; ".join(_cite(key.strip()) for key in text.split(","))
    if role == "math":
        return f"${text}$"
    if role in {"eq", "numref", "ref"} and not named:
        return f"({re.sub('^(eq|fig|tab|sec)[:-]', '', shown)})"
    if role == "doc" and not named:
        return Path(shown).name.replace("_", " ")
    return shown


def _cite(key: str) -> str:
    parts = re.fullmatch(r"([a-z-]+?)[-_]?(\d{4})\w*", key, re.I)
    return f"{parts[1].replace('-', ' ').title()} ({parts[2]})" if parts else key


def leftovers(text: str) -> list[str]:
    """Renderer-only syntax still found in Markdown, outside code: each piece would show as it stands."""
    outside = "".join(part for i, part in enumerate(_CODE.split(text)) if i % 2 == 0)
    return re.findall(r"^:{3,}.*$|^`{3,}\{[\w:-]+\}|^\([\w:.-]+\)=$", outside, re.M) + _ROLE.findall(text)


def make_notebook(page: Path, *, teacher: bool, repository: str, branch: str = "main") -> NotebookNode:
    """A clean notebook of one chapter for students or teachers, which also runs where only a browser is at hand."""
    notebook = read_notebook(page)
    site = repository.replace("https://github.com/", "https://raw.githubusercontent.com/") + f"/{branch}/book/"
    cells = []
    for cell in notebook.cells:
        tags = set(cell.metadata.get("tags", []))
        if cell.cell_type == "markdown":
            cell.source = plain_markdown(cell.source, site=site)
            if not cell.source:
                continue
        elif not teacher and "wrong" in tags:
            continue
        elif not teacher and "solution" in tags:
            cell.source = make_stub(cell.source)
            cell.metadata["tags"] = ["exercise"]
        cells.append(cell)
    setup = new_code_cell(
        "# Needed once where the package is missing, such as on a hosted notebook.\n"
        "try:\n    from audiolab import _version\n"
        f'except ImportError:\n    %pip install -q "audiolab-book @ git+{repository}"'
    )
    setup["id"] = "cell-setup"
    notebook.cells = [setup, *cells]
    notebook.metadata.pop("jupytext", None)
    return notebook


def write_all(*, root: Path = ROOT) -> list[Path]:
    """Write every chapter's two notebooks below ``_build/notebooks`` and return their paths."""
    settings = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))["repository"]
    written = []
    for page in find_notebooks(root / "book"):
        for kind in ("student", "teacher"):
            notebook = make_notebook(
                page, teacher=kind == "teacher", repository=settings["url"], branch=settings["branch"]
            )
            path = root / "_build" / "notebooks" / kind / f"{page.stem}.ipynb"
            put(path, nbformat.writes(notebook).encode())
            written.append(path)
    return written


if __name__ == "__main__":
    print(f"notebooks: {len(write_all())} written below _build/notebooks")
    sys.exit(0)
