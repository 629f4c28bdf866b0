"""Student notebooks have no answers, teacher notebooks have all, and neither shows the renderer's own syntax."""

import ast

import nbformat
import pytest

from tools import strip
from tools.chapters import ROOT, find_notebooks

URL = "https://github.com/owner/name"
CHAPTERS = find_notebooks(ROOT / "book", template=True)


@pytest.mark.parametrize(
    ("solution", "stub"),
    [
        ("x = 3 * 4", "x = ..."),
        ("a, b = f()", "a, b = ..."),
        ("import numpy as np\nprint(1)", "import numpy as np"),
        ('def f(x, *, k=2):\n    """What."""\n    return x * k', 'def f(x, *, k=2):\n    """What."""\n    ...'),
        ("def f(x):\n    return x", "def f(x):\n    ..."),
        ("y: int = 5", "y = ..."),
    ],
)
def test_stub(solution, stub):
    made = strip.make_stub(solution)
    assert made == f"# Your answer here.\n{stub}"
    ast.parse(made)


def test_stub_of_bare_code_is_empty():
    assert strip.make_stub("print(42)") == "# Your answer here.\n..."


@pytest.mark.parametrize(
    ("source", "plain"),
    [
        (":::{note}\nRead `x`.\n:::", "> **Note**\n>\n> Read `x`."),
        ("```{admonition} Take care\n:class: tip\nNow\n```", "> **Take care**\n>\n> Now"),
        ("(a-label)=\n## Title", "## Title"),
        ("$$\na\n$$ (eq:a-b)", "$$\na\n$$"),
        ("see {eq}`eq:a-b` and {doc}`local_prototypes`", "see (a-b) and local prototypes"),
        ("{doc}`the first <local_prototypes>`", "the first"),
        ("by {cite:t}`zinemanas2021`", "by Zinemanas (2021)"),
        ("{cite}`a-2020,b-2021`", "A (2020); B (2021)"),
        ("![alt](assets/a.png)", "![alt](SITE/assets/a.png)"),
        ("```{literalinclude} ../audiolab/a.py\n:pyobject: f\n```", "*Source: `audiolab/a.py`, f*"),
        ("::::{note}\n:::{tip}\nin\n:::\n::::", "> **Note**\n>\n> > **Tip**\n> >\n> > in"),
    ],
)
def test_plain_markdown(source, plain):
    made = strip.plain_markdown(source, site="SITE/")
    assert made == plain
    assert strip.leftovers(made) == []


def test_leftovers_are_found():
    assert strip.leftovers("x {cite}`y`")
    assert strip.leftovers(":::{note}")
    assert strip.leftovers("`{cite}` in code") == []


@pytest.mark.parametrize("page", CHAPTERS, ids=lambda p: p.stem)
def test_chapters(page):
    student = strip.make_notebook(page, teacher=False, repository=URL)
    teacher = strip.make_notebook(page, teacher=True, repository=URL)
    nbformat.validate(student)
    nbformat.validate(teacher)
    tags = [tag for cell in student.cells for tag in cell.metadata.get("tags", [])]
    assert not {"solution", "wrong"} & set(tags)
    answers = [c.source for c in teacher.cells if "solution" in c.metadata.get("tags", [])]
    text = "\n".join(c.source for c in student.cells)
    assert not [a for a in answers if a in text]
    assert sum("solution" in c.metadata.get("tags", []) for c in teacher.cells) == text.count("# Your answer here.")
    for notebook in (student, teacher):
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                assert strip.leftovers(cell.source) == []


def test_an_unanswered_exercise_is_rejected():
    """The student's copy of the template stops at its first check."""
    page = next(p for p in CHAPTERS if p.stem == "_template")
    student = strip.make_notebook(page, teacher=False, repository=URL)
    names: dict = {}
    exec("import numpy as np", names)
    cells = [c.source for c in student.cells if {"exercise", "check"} & set(c.metadata.get("tags", []))]
    with pytest.raises(AssertionError, match="nothing is returned"):
        exec("\n".join(cells), names)
