"""Scripts and styles of the package, put into outputs so that these need no other file."""

from __future__ import annotations

import functools
from importlib import resources


@functools.cache
def package_text(name: str) -> str:
    """Return the text of a script or style that lies beside this module."""
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8").strip()
