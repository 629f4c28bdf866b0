"""What all tests share: one thread, and matplotlib without a window."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "Agg")

import pytest


@pytest.fixture(scope="module")
def apart(tmp_path_factory):
    """The folder where studies keep arrays and weights while the tests of a module run: not the build's cache."""
    import importlib
    import pkgutil

    from audiolab import studies

    folder = tmp_path_factory.mktemp("cache")
    modules = [importlib.import_module(f"audiolab.studies.{m.name}") for m in pkgutil.iter_modules(studies.__path__)]
    patch = pytest.MonkeyPatch()
    for module in modules:
        if hasattr(module, "cache_folder"):
            patch.setattr(module, "cache_folder", lambda: folder)
    yield folder
    patch.undo()
