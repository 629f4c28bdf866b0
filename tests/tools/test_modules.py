"""The imports that a chapter's outputs depend on are followed through the lazy rooms."""

import pytest

from tools.modules import Package

ROOM = """import lazy_loader as _lazy
__getattr__, __dir__, __all__ = _lazy.attach(__name__, submodules=["scenes", "events"],
    submod_attrs={"scenes": ["make_scene"], "events": ["make_clip"]})
"""


@pytest.fixture
def package(tmp_path):
    files = {
        "__init__.py": "",
        "worlds/__init__.py": ROOM,
        "worlds/scenes.py": "from .events import make_clip\n",
        "worlds/events.py": "def make_clip():\n    from ..features import melspec\n",
        "features/__init__.py": "",
        "features/melspec.py": "",
        "features/other.py": "",
        "show/__init__.py": "",
        "show/players.py": 'FILE = "player.js"\n',
        "show/player.js": "",
        "show/unused.js": "",
        "training.py": "import audiolab.metrics\n",
        "metrics.py": "",
    }
    for name, text in files.items():
        path = tmp_path / "audiolab" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Package(tmp_path)


SCENES = {"worlds", "worlds.scenes", "worlds.events", "features", "features.melspec"}


@pytest.mark.parametrize(
    ("source", "modules"),
    [
        ("import numpy as np\nnp.audiolab", None),
        ("import audiolab", set()),
        ("from audiolab.worlds import make_clip", {"worlds", "worlds.events", "features", "features.melspec"}),
        ("from audiolab.worlds import make_scene as s", SCENES),
        ("import audiolab\naudiolab.worlds.make_scene(seed=0)", SCENES),
        ("import audiolab as al\nal.worlds.scenes.make_scene", SCENES),
        ("from audiolab import worlds as w\nx = w.make_scene(seed=w.events.SEED)", SCENES),
        ("from audiolab import worlds\nhelp(worlds)", SCENES),
        ("from audiolab.worlds import *", SCENES),
        ("from audiolab.training import fit", {"training", "metrics"}),
        ("def late():\n    from audiolab import training\n    training.fit", {"training", "metrics"}),
        ("import audiolab.features.other\naudiolab.features.other.f()", {"features", "features.other"}),
    ],
)
def test_needed_by(package, source, modules):
    expected = set() if modules is None else {"audiolab"} | {f"audiolab.{m}" for m in modules}
    assert package.needed_by(source) == expected


def test_files_named_by_a_module_belong_to_it(package):
    names = {p.name for p in package.files_of({"audiolab.show.players"})}
    assert names == {"players.py", "player.js"}


def test_real_package_is_read():
    from tools.chapters import ROOT

    found = Package(ROOT).needed_by("from audiolab.worlds import make_clip")
    assert {"audiolab", "audiolab.worlds"} < found
    assert not any(m.startswith("audiolab.show") for m in found)
