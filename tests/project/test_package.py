"""What is installed: whole, typed, importable without the tools that make the book, and of one version."""

import ast
import importlib.metadata
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile

import pytest
from packaging.requirements import Requirement

from audiolab import __version__
from tools.chapters import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PACKAGE = ROOT / "audiolab"
OWN = {p.relative_to(ROOT).as_posix() for p in PACKAGE.rglob("*") if p.is_file() and "__pycache__" not in p.parts}
HIDDEN = {name for name in OWN if "/." in name}


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A wheel and a source distribution, made from a copy without any network."""
    pytest.importorskip("setuptools", minversion="77", reason="setuptools 77 or newer is not installed here")
    copy = tmp_path_factory.mktemp("copy")
    shutil.copytree(PACKAGE, copy / "audiolab", ignore=shutil.ignore_patterns("__pycache__", ".*"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy / name)
    code = "from setuptools import build_meta as b; print(b.build_wheel('out'), b.build_sdist('out'), sep='\\n')"
    (copy / "out").mkdir()
    done = subprocess.run([sys.executable, "-c", code], cwd=copy, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    wheel, source = done.stdout.split()[-2:]
    return copy / "out" / wheel, copy / "out" / source


def test_the_wheel_holds_every_file_of_the_package_and_nothing_else(built):
    with zipfile.ZipFile(built[0]) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}
        metadata = next(wheel.read(name).decode() for name in wheel.namelist() if name.endswith("METADATA"))
    assert names == OWN - HIDDEN, "a file is missing in pyproject.toml's package-data, or too much is taken along"
    assert "audiolab/py.typed" in names
    assert f"\nVersion: {__version__}\n" in metadata
    assert "\nName: audiolab-book\n" in metadata


def test_the_source_distribution_can_be_installed_from(built):
    with tarfile.open(built[1]) as source:
        names = {name.partition("/")[2] for name in source.getnames()}
    assert OWN - HIDDEN <= names
    assert {"pyproject.toml", "README.md", "LICENSE"} <= names


def imports(path):
    """Top names that a file imports, and whether a function does it (when it is called) or the file (at once)."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    late = {id(node) for function in functions for node in ast.walk(function)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [item.name for item in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module or ""]
        else:
            continue
        yield from ((name.split(".")[0], id(node) in late) for name in names)


def test_the_package_needs_only_what_it_says():
    """At import only the dependencies; the optional groups of the music chapters when a function that needs them runs.

    What only makes the book (Jupyter Book, papermill and others) or tests it is never imported.
    """
    groups = PROJECT["optional-dependencies"]
    base = {normal(Requirement(line).name) for line in PROJECT["dependencies"]}
    music = {normal(Requirement(line).name) for line in groups["music"]}
    # Parts of a dependency that are distributions of their own, and are used by name.
    parts = {"contourpy": "matplotlib", "matplotlib-inline": "ipython", "soxr": "librosa"}
    distributions = importlib.metadata.packages_distributions()
    wrong = []
    for path in sorted(PACKAGE.rglob("*.py")):
        for name, late in imports(path):
            if name in sys.stdlib_module_names or name == "audiolab":
                continue
            found = {normal(d) for d in distributions.get(name, [name])}
            found |= {parts[d] for d in found if d in parts}
            if not found & (base | music if late else base):
                wrong.append(f"{path.relative_to(ROOT)}: {name}")
    assert wrong == []


def test_the_command_prints_help_without_any_library(tmp_path):
    """In an isolated interpreter nothing but the standard library and the lazy loader is loaded for it."""
    code = (
        "import sys; sys.path.insert(0, sys.argv.pop(1)); import runpy\n"
        "sys.argv[0] = 'audiolab'\n"
        "try:\n    runpy.run_module('audiolab', run_name='__main__')\n"
        "except SystemExit as end:\n    assert not end.code\n"
        "print(sorted({'torch', 'numpy', 'scipy', 'IPython', 'sphinx'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code, str(ROOT)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "usage: python -m audiolab" in done.stdout
    assert done.stdout.endswith("[]\n")
