"""Which files of the package a piece of code uses: imports are followed through the lazy rooms, name by name."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

PACKAGE = "audiolab"


class Package:
    """The package's modules and what each one uses.

    Rooms load lazily, so ``from audiolab.worlds import make_scene`` needs the room's ``__init__.py`` and the one file
    that the name comes from, not the whole room. A name that cannot be traced counts as the whole room.
    """

    def __init__(self, root: Path, name: str = PACKAGE) -> None:
        self.root, self.name = root, name
        self._uses: dict[str, set[str]] = {}

    @cached_property
    def files(self) -> dict[str, Path]:
        """Dotted module name to file."""
        found = {}
        for path in sorted((self.root / self.name).rglob("*.py")):
            parts = path.relative_to(self.root).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
        return found

    def _is_room(self, module: str) -> bool:
        return module in self.files and self.files[module].name == "__init__.py"

    def _whole(self, module: str) -> set[str]:
        return {m for m in self.files if m == module or m.startswith(module + ".")}

    @cached_property
    def _lazy(self) -> dict[str, dict[str, str]]:
        """For each room: public name to the module it lives in, read from its ``attach`` call."""
        tables: dict[str, dict[str, str]] = {}
        for module, path in self.files.items():
            if path.name != "__init__.py":
                continue
            table = {}
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if not (isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "attach"):
                    continue
                for keyword in node.keywords:
                    if keyword.arg != "submod_attrs":
                        continue
                    try:
                        attributes = ast.literal_eval(keyword.value)
                    except ValueError:
                        continue  # a computed table: its names count as the whole room
                    table |= {name: f"{module}.{sub}" for sub, names in attributes.items() for name in names}
            tables[module] = table
        return tables

    def resolve(self, dotted: str) -> set[str]:
        """Modules needed for a dotted name such as ``audiolab.worlds.make_scene``; empty when it is not ours."""
        if dotted != self.name and not dotted.startswith(self.name + "."):
            return set()
        parts, needed, module = dotted.split("."), {self.name}, self.name
        for part in parts[1:]:
            inner = f"{module}.{part}"
            if inner in self.files:
                module = inner
                needed.add(module)
            elif self._is_room(module):
                if part in self._lazy.get(module, {}):
                    needed.add(self._lazy[module][part])
                elif module != self.name:
                    needed |= self._whole(module)
                return needed
            else:
                return needed  # a name inside a module's file
        if self._is_room(module) and module != self.name:
            needed |= self._whole(module)  # the room as a value: anything may be taken from it
        return needed

    def names_in(self, tree: ast.AST, *, module: str = "", is_room: bool = False) -> Iterator[str]:
        """Dotted names of ours that a syntax tree uses; relative imports are read as seen from ``module``."""
        aliases: dict[str, str] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                for item in node.names:
                    if item.name.split(".")[0] == self.name:
                        aliases[item.asname or self.name] = item.name if item.asname else self.name
                        yield self.name
                        if item.name != self.name and not item.asname:
                            yield from [item.name] if not self._is_room(item.name) else []
            elif isinstance(node, ast.ImportFrom):
                base = node.module or ""
                if node.level:
                    parts = module.split(".")
                    keep = len(parts) - node.level + (1 if is_room else 0)
                    base = ".".join([*parts[:keep], *([node.module] if node.module else [])])
                if base.split(".")[0] != self.name:
                    continue
                for item in node.names:
                    full = base if item.name == "*" else f"{base}.{item.name}"
                    if self._is_room(full) and item.name != "*":
                        aliases[item.asname or item.name] = full
                    else:
                        yield full
        covered: set[int] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and id(node) not in covered:
                chain, inner = [], node
                while isinstance(inner, ast.Attribute):
                    covered.add(id(inner))
                    chain.append(inner.attr)
                    inner = inner.value
                if isinstance(inner, ast.Name) and inner.id in aliases:
                    covered.add(id(inner))
                    yield ".".join([aliases[inner.id], *reversed(chain)])
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and node.id in aliases and id(node) not in covered:
                yield aliases[node.id]

    def direct(self, module: str) -> set[str]:
        """Modules that one module's file names itself, at the top or inside a function."""
        if module not in self._uses:
            path = self.files[module]
            room = path.name == "__init__.py"
            tree = ast.parse(path.read_text(encoding="utf-8"))
            names = self.names_in(tree, module=module, is_room=room)
            self._uses[module] = set().union(*(self.resolve(name) for name in names)) - {module}
        return self._uses[module]

    def needed_by(self, source: str) -> set[str]:
        """All modules, followed through the package, that a piece of Python source needs."""
        waiting = set().union(*(self.resolve(name) for name in self.names_in(ast.parse(source))))
        seen: set[str] = set()
        while waiting:
            module = waiting.pop()
            if module not in seen:
                seen.add(module)
                waiting |= self.direct(module) - seen
        return seen

    def files_of(self, modules: set[str]) -> list[Path]:
        """Files of these modules, and the data files beside them that they name (scripts, style sheets)."""
        found = set()
        for module in modules:
            path = self.files[module]
            text = path.read_text(encoding="utf-8")
            found.add(path)
            found |= {p for p in path.parent.iterdir() if p.is_file() and p.suffix != ".py" and p.name in text}
        return sorted(found)
