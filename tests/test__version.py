"""One version, stated in one place."""

import re
import tomllib

import yaml
from packaging.version import Version

from audiolab import __version__
from tools.chapters import ROOT


def test_the_version_is_stated_once():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert str(Version(__version__)) == __version__
    assert project["dynamic"] == ["version"]
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))["version"] == __version__
    changes = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)
    assert changes[0] == __version__, "the changelog begins with the version that is being made"
