"""Reading chapters: prose is counted without code and formulas, cells lose what only a notebook understands."""

from tools import chapters


def test_plain_python():
    assert chapters.plain_python("%config x\n!ls\na = 1") == "pass\npass\na = 1"


def test_count_words_leaves_out_code_and_formulas():
    template = chapters.ROOT / "book" / "_template.md"
    assert 150 < chapters.count_words(template) < 300


def test_code_lines():
    cell = chapters.Cell("code", "# why\n\na = 1  # here\n")
    assert cell.code_lines == ["a = 1  # here"]


def test_find_notebooks_leaves_the_template_out():
    book = chapters.ROOT / "book"
    assert "_template" not in {p.stem for p in chapters.find_notebooks(book)}
    assert "_template" in {p.stem for p in chapters.find_notebooks(book, template=True)}
