"""The executor on a throwaway book: what runs again, what a failure looks like, what lands on the stage."""

import nbformat
import pytest

from tools import execute as executor
from tools.chapters import ROOT, count_words, find_notebooks, is_notebook, read_cells

HEAD = """---
jupytext: {text_representation: {extension: .md, format_name: myst}}
kernelspec: {display_name: Python 3, language: python, name: python3}
---

# A chapter

```{code-cell} ipython3
:tags: [parameters]

profile = "demo"
```

```{code-cell} ipython3
CODE
```
"""


@pytest.fixture
def book(tmp_path):
    def write(**chapters):
        for name, code in chapters.items():
            (tmp_path / "book" / f"{name}.md").write_text(HEAD.replace("CODE", code))

    for name, text in {
        "book/plain.md": "# Plain\n",
        "constraints.txt": "numpy==2\n",
        "audiolab/__init__.py": "",
        "audiolab/metrics.py": "",
        "audiolab/training.py": "",
        "results/one/a.json": "[]",
        "results/two/a.json": "[]",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    write(one="from audiolab import metrics", two="import audiolab.training")
    return tmp_path, write


def keys(root, profile="smoke"):
    return {p.stem: executor.chapter_key(p, profile, root=root) for p in find_notebooks(root / "book")}


@pytest.mark.parametrize(
    ("file", "changed"),
    [
        ("audiolab/metrics.py", {"one"}),
        ("audiolab/training.py", {"two"}),
        ("audiolab/__init__.py", {"one", "two"}),
        ("constraints.txt", {"one", "two"}),
        ("results/two/a.json", {"two"}),
        ("book/one.md", {"one"}),
        ("book/plain.md", set()),
    ],
)
def test_a_change_reruns_the_chapters_it_concerns(book, file, changed):
    root, _ = book
    before = keys(root)
    (root / file).write_text((root / file).read_text() + "\n# changed\n")
    after = keys(root)
    assert {name for name in before if before[name] != after[name]} == changed


def test_profile_and_recordings_are_part_of_the_key(book, tmp_path, monkeypatch):
    root, _ = book
    monkeypatch.delenv("AUDIOLAB_DATA", raising=False)
    bare = keys(root)
    assert set(keys(root, "demo").values()).isdisjoint(bare.values())
    data = tmp_path / "data"
    (data / "esc10").mkdir(parents=True)
    monkeypatch.setenv("AUDIOLAB_DATA", str(data))
    assert set(keys(root).values()).isdisjoint(bare.values())


def test_pages_are_told_apart(book):
    root, _ = book
    assert not is_notebook(root / "book" / "plain.md")
    with pytest.raises(ValueError, match="kernelspec"):
        read_cells(root / "book" / "plain.md")
    assert [cell.tags for cell in read_cells(root / "book" / "one.md")] == [(), ("parameters",), ()]
    assert count_words(root / "book" / "one.md") == 2


@pytest.mark.slow
def test_run_skip_and_fail(book, tmp_path, capfd):
    root, write = book
    write(one="assert profile == 'smoke'\nprint(profile)", two="left = 1\nraise KeyError('planted')")
    stage = tmp_path / "stage"
    sources = find_notebooks(root / "book")
    one, two = executor.run_chapters(sources, stage, "smoke", root=root)
    assert (one.error, one.name) == ("", "one")
    assert "two.md, code cell 2:" in two.error
    assert "planted" in two.error
    assert "\x1b" not in two.error
    said = capfd.readouterr().out
    assert "2 to run, 0 unchanged" in said
    assert "FAILED" in said

    notebook = nbformat.read(stage / "book" / "one.ipynb", as_version=4)
    [injected] = [c for c in notebook.cells if "injected-parameters" in c.metadata.get("tags", [])]
    assert "remove-cell" in injected.metadata["tags"]
    assert notebook.cells[-1].outputs[0].text == "smoke\n"

    again, failed = executor.run_chapters(sources, stage, "smoke", root=root)
    assert again.seconds == 0.0
    assert failed.error, "a failure is not forgotten"


def test_an_unknown_chapter_is_named(capsys):
    assert executor.build("smoke", only="no_such_chapter") == 2
    assert "no_such_chapter" in capsys.readouterr().err


@pytest.mark.slow
def test_a_check_that_accepts_everything_stops_the_chapter(tmp_path):
    """The template with its checks taken out must fail: else wrong answers would pass unseen."""
    text = (ROOT / "book" / "_template.md").read_text(encoding="utf-8")
    assert "assert np.isclose(" in text
    page = tmp_path / "book" / "lenient.md"
    page.parent.mkdir()
    page.write_text(text.replace("assert np.isclose(", "print("))
    stage = tmp_path / "stage" / "book"
    stage.mkdir(parents=True)
    outcome = executor.execute(page, stage / "lenient.ipynb", "smoke")
    assert "accepts a wrong answer" in outcome.error
