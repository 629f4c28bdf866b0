"""What all studies share: a run, its result, the row it leaves in the ledger, and the loop over a grid.

A study is a module `audiolab.studies.<chapter>` with

- `recipe() -> Recipe`, the paper's;
- `grid(recipe) -> list[Run]`, all runs at the recipe's profile;
- `run(Run) -> Result`, one of them;
- `MODULES`, the modules whose code decides the numbers (rows made by other code are marked stale);
- optionally `dry_run(recipe) -> dict`, which builds everything at the paper's size and takes one step.
"""

from __future__ import annotations

import importlib
import sys
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from audiolab import results
from audiolab.recipes.base import PROFILES, Recipe


@dataclass(frozen=True)
class Run:
    """One entry of a grid: what is compared (`condition`), on which seed, at which recipe."""

    chapter: str
    experiment: str
    condition: dict[str, Any]
    seed: int
    recipe: Recipe
    options: dict[str, Any] = field(default_factory=dict)  # what `run` needs besides, not part of the identity

    @property
    def profile(self) -> str:
        """The recipe's profile."""
        return self.recipe.profile

    def __str__(self) -> str:
        condition = " ".join(f"{name}={value}" for name, value in self.condition.items())
        return f"{self.chapter}/{self.experiment} {condition} seed={self.seed} ({self.profile})"


class Result(NamedTuple):
    """What a run gives: `values` for the ledger, learned `parameters`, and the data it was measured on."""

    values: dict[str, Any]
    parameters: int | None
    data: dict[str, str]  # name, checksum
    device: str = "cpu"


def load_study(chapter: str) -> ModuleType:
    """The module of a chapter's study.

    Raises ValueError when there is none (lists those there are).
    """
    files = Path(__file__).parent.glob("*.py")
    names = sorted(p.stem for p in files if "\ndef grid(" in p.read_text(encoding="utf-8"))
    if chapter not in names:
        raise ValueError(f"chapter: expected one of {names}, got {chapter!r}")
    return importlib.import_module(f"audiolab.studies.{chapter}")


def ledger_row(run: Run, study: ModuleType) -> dict[str, Any]:
    """Everything of a run's row that is known before it starts: identity, recipe, code, versions.

    What is missing are `values`, `parameters`, `data`, `device` and `seconds`. Raises ValueError when one of the
    study's `MODULES` does not exist.
    """
    kind = type(run.recipe)
    return {
        "chapter": run.chapter,
        "experiment": run.experiment,
        "condition": run.condition,
        "profile": run.profile,
        "seed": run.seed,
        "recipe": {
            "class": f"{kind.__module__}.{kind.__qualname__}",
            "hash": run.recipe.hash(),
            "fields": run.recipe.to_dict(),
        },
        "modules": {name: results.module_hash(name) for name in study.MODULES},
        "versions": results.versions(),
        "commit": results.commit(),
    }


def run_one(run: Run, *, root: str | Path | None = None, threads: int | None = None) -> dict[str, Any]:
    """Run one entry, write its row to the ledger in folder `root` (None: the kept one), and return the row.

    `threads` is the number torch may use in this process, None leaves it. `seconds` is wall-clock time, data included.
    Whatever the study's `run` raises goes through, and then nothing is written.
    """
    if threads is not None:
        import torch

        torch.set_num_threads(threads)
    study = load_study(run.chapter)
    row = ledger_row(run, study)
    started = time.perf_counter()
    result = study.run(run)
    row |= {
        "values": result.values, "parameters": result.parameters, "data": result.data, "device": result.device,
        "seconds": round(time.perf_counter() - started, 1),
    }
    results.write_run(row, root)
    return row


def execute(
    chapter: str,
    profile: str,
    *,
    workers: int = 1,
    root: str | Path | None = None,
    only: dict[str, str] | None = None,
    again: bool = False,
    say: Callable[[str], None] = print,
) -> list[tuple[Run, str]]:
    """Run what is missing of a study's grid and return the runs that failed, each with its error in a line.

    Each run writes its row as it ends, so a stopped study continues where it was. With several `workers`, each is a
    process with one thread. `only` keeps runs whose condition (or `seed`, `experiment`) has these values; `again` runs
    also what the ledger already holds.

    Raises ValueError for an unknown chapter, profile or condition, or `workers` below 1.
    """
    if profile not in PROFILES:
        raise ValueError(f"profile: expected one of {PROFILES}, got {profile!r}")
    if workers < 1:
        raise ValueError(f"workers: expected at least 1, got {workers}")
    study = load_study(chapter)
    runs = [run for run in study.grid(study.recipe().at(profile)) if _matches(run, only or {})]
    if not runs:
        raise ValueError(f"only: expected values that occur in the grid of {chapter}, got {only}")
    todo = [run for run in runs if again or not results.run_exists(ledger_row(run, study), root)]
    say(f"{chapter}: {len(runs)} runs at {profile!r}, {len(runs) - len(todo)} already in the ledger")
    failed: list[tuple[Run, str]] = []

    def report(run: Run, outcome: Callable[[], dict[str, Any]]) -> None:
        try:
            row = outcome()
        except Exception as error:
            line = f"{type(error).__name__}: {error}"
            # Data that are missing fail every run alike: once is enough.
            known = any(line == other for _, other in failed)
            say(f"failed  {run}" + (", as before" if known else f"\n{''.join(traceback.format_exception(error))}"))
            failed.append((run, line))
            return
        numbers = " ".join(f"{k}={v:.3f}" for k, v in row["values"].items() if isinstance(v, float))
        say(f"done    {run} in {row['seconds']} s: {numbers}")

    if workers == 1:
        for run in todo:
            report(run, lambda run=run: run_one(run, root=root))
    else:
        # Fresh processes: forking one that has run torch threads can hang.
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            futures = {pool.submit(run_one, run, root=root, threads=1): run for run in todo}
            for future in as_completed(futures):
                report(futures[future], future.result)
    sys.stdout.flush()
    return failed


def _matches(run: Run, only: dict[str, str]) -> bool:
    described = {"experiment": run.experiment, "seed": run.seed, **run.condition}
    return all(str(described.get(name)) == value for name, value in only.items())
