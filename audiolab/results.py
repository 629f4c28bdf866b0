"""The ledger: every run of a study, written once and read by the book, and the verdicts that follow from it.

A ledger file `results/<chapter>/<experiment>.json` is a sorted list of runs. What a run was made with (recipe, modules,
data, versions, commit) is stored beside its numbers, so that `read_runs` can mark rows today's code would not make.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import platform
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd

__all__ = [
    "Verdict", "identity", "module_hash", "paired", "read_runs", "replace_text", "results_folder", "run_exists",
    "summary", "verdict", "versions", "write_run",
]

Run = dict[str, Any]
LEAST_SEEDS = 3  # for a verdict
_IDENTITY = ("chapter", "experiment", "condition", "profile", "seed")
_NEEDED = {
    "chapter": str, "experiment": str, "condition": dict, "profile": str, "seed": int, "values": dict,
    "data": dict, "recipe": dict, "modules": dict, "seconds": (int, float),
}


def results_folder(root: str | Path | None = None) -> Path:
    """The ledger's folder: `root`, or `results` beside the package (or in the working directory)."""
    if root is not None:
        return Path(root)
    beside = Path(__file__).resolve().parent.parent / "results"
    return beside if beside.is_dir() else Path("results")


def identity(run: Run) -> str:
    """What makes a run the same run: chapter, experiment, condition, profile and seed, as one sortable text."""
    return json.dumps([run[name] for name in _IDENTITY], sort_keys=True)


def write_run(run: Run, root: str | Path | None = None) -> Path:
    """Put a run into its ledger file, in the place of an earlier one with the same identity.

    A lock file keeps two writers apart and the new file replaces the old one whole, so that nothing is lost or half
    written. Floats keep nine significant digits.

    Raises:
        ValueError: when a needed entry is missing or of another type, a value is not finite, or the ledger file is
            corrupt (which is left as it is).
        TimeoutError: when another writer keeps the lock for a minute.
        OSError: when the disk is full; the ledger stays as it was.
    """
    from filelock import FileLock

    for name, kind in _NEEDED.items():
        if name not in run:
            raise ValueError(f"run: expected the entry {name!r}, got {sorted(run)}")
        if not isinstance(run[name], kind) or isinstance(run[name], bool):
            raise ValueError(f"run[{name!r}]: expected {kind}, got {run[name]!r}")
    folder = results_folder(root)
    path = folder / run["chapter"] / f"{run['experiment']}.json"
    lock = folder / ".work" / f"{run['chapter']}.{run['experiment']}.lock"
    for parent in (path.parent, lock.parent):
        parent.mkdir(parents=True, exist_ok=True)
    with FileLock(lock, timeout=60):
        runs = {identity(r): r for r in _read_file(path)} if path.exists() else {}
        runs[identity(run)] = _plain(run, "run")
        text = json.dumps([runs[key] for key in sorted(runs)], indent=1, allow_nan=False) + "\n"
        replace_text(path, text)
    return path


def replace_text(path: Path, text: str) -> None:
    """Write a whole text file in the place of an old one: beside it first, so that no reader meets half of it.

    Raises OSError when it cannot be written; the old file is then as it was and no half file stays behind.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_text(text, encoding="utf-8")
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def read_runs(chapter: str, experiment: str | None = None, root: str | Path | None = None) -> pd.DataFrame:
    """Runs of a chapter as a table: identity, each condition and value in its own column, seconds, `stale`.

    `stale` says why today's code might not give this row: "" when it would, else the names of the changed modules, or
    "recipe". Changes that `equivalent.json` declares to move no number do not count. Condition `model` becomes column
    `model`; value `f1` becomes column `f1`; lists and nested values stay as
    they are.

    Raises:
        FileNotFoundError: when there is no such ledger (names the command that makes it).
        ValueError: when a ledger file is corrupt.
    """
    folder = results_folder(root) / chapter
    paths = sorted(folder.glob("*.json")) if experiment is None else [folder / f"{experiment}.json"]
    paths = [path for path in paths if path.exists()]
    if not paths:
        wanted = f"{chapter}/{experiment or '*'}.json"
        raise FileNotFoundError(f"no ledger {wanted}; make it with: python -m audiolab run {chapter} --profile study")
    rows = []
    for run in (run for path in paths for run in _read_file(path)):
        row = {name: run[name] for name in ("chapter", "experiment", "profile", "seed")}
        row |= run["condition"] | run["values"]
        row |= {"seconds": run["seconds"], "parameters": run.get("parameters"), "data_name": run["data"].get("name")}
        rows.append(row | {"stale": _why_stale(run, root)})
    return pd.DataFrame(rows)


def run_exists(run: Run, root: str | Path | None = None) -> bool:
    """Whether the ledger holds a run of this identity that is not stale."""
    path = results_folder(root) / run["chapter"] / f"{run['experiment']}.json"
    if not path.exists():
        return False
    return any(identity(old) == identity(run) and not _why_stale(old, root) for old in _read_file(path))


def _read_file(path: Path) -> list[Run]:
    try:
        runs = json.loads(path.read_text(encoding="utf-8"))
        for run in runs:
            for name, kind in _NEEDED.items():
                if not isinstance(run[name], kind):
                    raise TypeError(f"{name!r} is {run[name]!r}")
    except (json.JSONDecodeError, UnicodeDecodeError, TypeError, KeyError) as error:
        raise ValueError(
            f"ledger: expected a json list of runs in {path}, got something else ({type(error).__name__}: {error}); "
            "restore it with git or remove it and run the study again"
        ) from error
    return runs


def _plain(value: Any, where: str) -> Any:
    """Numpy to plain Python, floats to nine digits (float32 has seven), infinities and NaN refused by name."""
    if isinstance(value, dict):
        return {str(k): _plain(v, f"{where}[{k!r}]") for k, v in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [_plain(v, f"{where}[{i}]") for i, v in enumerate(value)]
    if isinstance(value, np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        if not np.isfinite(value):
            raise ValueError(f"{where}: expected a finite number, got {value}")
        return float(f"{value:.9g}")
    if value is None or isinstance(value, str | int | bool):
        return value
    raise ValueError(f"{where}: expected numbers, texts, lists and dicts, got {type(value).__name__}")


# What a row was made with


@functools.cache
def module_hash(name: str) -> str:
    """Twelve hexadecimal digits of a module's code; comments, docstrings and layout do not count.

    "package.module:one,two" hashes these top-level definitions alone, for a module that holds many things.
    Raises ValueError when there is no such module or definition.
    """
    name, _, wanted = name.partition(":")
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise ValueError(f"name: expected an importable module, got {name!r}")
    tree = ast.parse(Path(spec.origin).read_text())
    if wanted:
        tree.body = [node for node in tree.body if getattr(node, "name", None) in wanted.split(",")]
        if len(tree.body) != len(wanted.split(",")):
            raise ValueError(f"name: expected definitions of {name}, got {wanted!r}")
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            if body and isinstance(body[0], ast.Expr) and isinstance(getattr(body[0], "value", None), ast.Constant):
                del body[0]
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()[:12]


def _why_stale(run: Run, root: str | Path | None = None) -> str:
    changed = []
    if not _recipe_is_current(run["recipe"], run["profile"]):
        changed.append("recipe")
    for name, digest in run["modules"].items():
        try:
            current = module_hash(name)
        except (ValueError, ModuleNotFoundError):
            current = "gone"
        if current != digest and not _equivalent(name, digest, current, root):
            changed.append(name)
    return ", ".join(changed)


def _equivalent(name: str, before: str, after: str, root: str | Path | None) -> bool:
    """Whether `equivalent.json` declares, in one or several steps, that a change of a module moves no number.

    Its entries have `module`, `before` and `after` (hashes), `why` and `checked`: input that was accepted before gives
    the same bits, and how that was seen. It spares hours of runs when only an error message was added.
    """
    steps = [entry for entry in _declared(results_folder(root) / "equivalent.json") if entry["module"] == name]
    reached, waiting = {before}, [before]
    while waiting:
        here = waiting.pop()
        new = {entry["after"] for entry in steps if entry["before"] == here} - reached
        reached |= new
        waiting += new
    return after in reached


def _declared(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    about = path.stat()
    return _read_declared(path, about.st_mtime_ns, about.st_size)


@functools.lru_cache(maxsize=8)
def _read_declared(path: Path, mtime_ns: int, size: int) -> list[dict[str, str]]:
    """The entries, read again only when the file has changed: every row of a table asks for them."""
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        needed = ("module", "before", "after", "why", "checked")
        if not all(isinstance(entry[key], str) and entry[key] for entry in entries for key in needed):
            raise TypeError("an empty or wrong entry")
    except (json.JSONDecodeError, UnicodeDecodeError, TypeError, KeyError) as error:
        raise ValueError(f"ledger: expected a list of declared changes in {path} ({error!r})") from error
    return entries


def _recipe_is_current(stored: dict[str, Any], profile: str) -> bool:
    """Whether the recipe class named in the row still has the stored hash at the row's profile."""
    try:
        return _recipe_hash(stored["class"], profile) == stored["hash"]
    except (ImportError, AttributeError, ValueError, KeyError):
        return False


@functools.cache
def _recipe_hash(path: str, profile: str) -> str:
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)().at(profile).hash()


@functools.cache
def versions() -> dict[str, str]:
    """Versions of Python and of the libraries that numbers depend on."""
    names = ("torch", "numpy", "scipy", "librosa", "scikit-learn")
    found = {"python": platform.python_version()}
    for name in names:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def commit() -> str:
    """The package's commit, with `+` when its code has changes that are not committed; "" outside a repository."""
    here = Path(__file__).resolve().parent

    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=here, capture_output=True, text=True, check=True).stdout.strip()

    try:
        return git("rev-parse", "--short=12", "HEAD") + ("+" if git("status", "--porcelain", "--", ".") else "")
    except (OSError, subprocess.CalledProcessError):
        return ""


# What follows from the rows


class Verdict(NamedTuple):
    """`word` is "held", "did not hold" or "undecided"; the mean difference and its 95 % interval over n seeds."""

    word: str
    mean: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return f"{self.word} ({self.mean:+.3f}, 95 % interval {self.low:+.3f} to {self.high:+.3f}, n = {self.n})"


def verdict(
    differences: Sequence[float] | np.ndarray | pd.Series,
    *,
    claim: Literal["greater", "less", "within"] = "greater",
    margin: float | None = None,
) -> Verdict:
    """Judge a claim by the 95 % t-interval of paired differences over seeds (same data, split and budget).

    "greater" (or "less") held when the interval is wholly above (below) zero, and did not hold when wholly on the other
    side. "within" held when it is wholly inside +-margin, and did not hold when wholly outside. Else undecided, and so
    is all that rests on fewer than three seeds: two that happen to agree make an interval of almost no width.

    Raises:
        ValueError: for fewer than two differences, one that is not finite, an unknown claim, or a margin that is
            missing for "within" or given for another claim.
    """
    from scipy import stats

    values = np.asarray(differences, dtype=float)
    if values.ndim != 1 or len(values) < 2:
        raise ValueError(f"differences: expected at least two numbers, got shape {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError(f"differences: expected finite numbers, got {values.tolist()}")
    if claim not in ("greater", "less", "within"):
        raise ValueError(f'claim: expected "greater", "less" or "within", got {claim!r}')
    if (claim == "within") != (margin is not None) or (margin is not None and margin <= 0):
        raise ValueError(f'margin: expected a positive number for "within" and None else, got {margin} for {claim!r}')
    mean = low = high = float(values.mean())
    if np.ptp(values) > 0:  # equal differences have an interval of no width, which the t statistic cannot express
        interval = stats.ttest_1samp(values, 0.0).confidence_interval(0.95)
        low, high = float(interval.low), float(interval.high)
    if claim == "within":
        held, failed = -margin < low and high < margin, low > margin or high < -margin
    else:
        above, below = low > 0, high < 0
        held, failed = (above, below) if claim == "greater" else (below, above)
    enough = len(values) >= LEAST_SEEDS
    word = "held" if held and enough else "did not hold" if failed and enough else "undecided"
    return Verdict(word, mean, low, high, len(values))


def paired(
    runs: pd.DataFrame, value: str, first: str, second: str, *, by: str = "model", against: str | None = None
) -> pd.Series:
    """`value` of condition `first` minus that of `second`, seed by seed; only seeds that both have.

    With `against` the second number is read from that column instead, so that two values of one run are compared
    (`first` and `second` may then be the same condition).

    Raises ValueError when a column or condition is missing, or a seed occurs twice for one condition.
    """
    against = against or value
    for column in (value, against, by, "seed"):
        if column not in runs:
            raise ValueError(f"runs: expected the column {column!r}, got {list(runs.columns)}")
    for name in (first, second):
        if name not in set(runs[by]):
            raise ValueError(f"{by}: expected one of {sorted(set(runs[by]))}, got {name!r}")
    chosen = runs[runs[by].isin([first, second])]
    if chosen.duplicated([by, "seed"]).any():
        raise ValueError("runs: expected one row for each condition and seed; choose one profile and experiment first")
    left, right = (chosen.pivot(index="seed", columns=by, values=column) for column in (value, against))
    name = f"{value}: {first} - {second}" if against == value else f"{first}: {value} - {second}: {against}"
    return (left[first] - right[second]).dropna().rename(name)


def summary(runs: pd.DataFrame, values: Iterable[str], *, by: str | list[str] = "model") -> pd.DataFrame:
    """Mean and standard deviation (over seeds, n - 1) of each value for each condition, as texts, and n."""
    groups = runs.groupby(by, sort=False)
    table = pd.DataFrame({"n": groups.size()})
    for value in values:
        mean, deviation = groups[value].mean(), groups[value].std()
        table[value] = [
            f"{m:.3f}" if np.isnan(s) else f"{m:.3f} ± {s:.3f}" for m, s in zip(mean, deviation, strict=True)
        ]
    return table
