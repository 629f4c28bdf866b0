"""`python -m audiolab`: run studies and look at data sets."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line and do what it says; exit status 1 when a run failed, 2 for a mistake in the call."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.command is None:
        parser.print_help()
        return 0
    try:
        commands = {"run": _run, "data": _data, "index": _index, "query": _query}
        return commands[options.command](options)
    except (ValueError, OSError) as error:
        print(f"audiolab: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m audiolab", description="Studies and data sets of the book.")
    commands = parser.add_subparsers(dest="command", title="commands")
    run = commands.add_parser("run", help="run what is missing of a chapter's study and write the ledger")
    run.add_argument("chapter", help="for example local_prototypes")
    run.add_argument("--profile", default="study", help="smoke, demo, study (default) or paper")
    run.add_argument("--workers", type=int, default=1, help="processes of one thread each (default 1)")
    run.add_argument("--only", action="append", default=[], metavar="NAME=VALUE", help="such as model=cnn or seed=0")
    run.add_argument("--again", action="store_true", help="also run what the ledger already holds")
    run.add_argument("--dry-run", action="store_true", help="list the runs; at paper: one step, its cost")
    run.add_argument("--results", type=Path, default=None, help="folder of the ledger")
    data = commands.add_parser("data", help="official data sets: list, get or check them")
    data.add_argument(
        "action",
        choices=["list", "get", "check"],
        help="list: which data sets are known, and which were found; get: fetch one; check: is it whole?",
    )
    data.add_argument("name", nargs="?", help="a data set's name, for get and check")
    data.add_argument("--root", type=Path, default=None, help="folder of data sets (default: AUDIOLAB_DATA)")
    data.add_argument("--keep-archives", action="store_true", help="keep what was downloaded after unpacking it")
    index = commands.add_parser("index", help="make or update the index of a folder of sounds")
    index.add_argument("folder", type=Path)
    index.add_argument("--workers", type=int, default=1, help="processes of one thread each (default 1)")
    query = commands.add_parser("query", help="find the sounds of an indexed folder that are most like one")
    query.add_argument("sound", type=Path)
    query.add_argument("--in", dest="folder", type=Path, required=True, metavar="FOLDER", help="the indexed folder")
    query.add_argument("-k", type=int, default=5, help="how many (default 5)")
    query.add_argument("--json", action="store_true", help="print one json object")
    for one in (index, query):
        one.add_argument("--cache", type=Path, default=None, help="where the index lies (default: the user's cache)")
    return parser


def _run(options: argparse.Namespace) -> int:
    from audiolab import results
    from audiolab.studies import base

    study = base.load_study(options.chapter)
    recipe = study.recipe().at(options.profile)
    if options.dry_run and options.profile == "paper" and hasattr(study, "dry_run"):
        for name, row in study.dry_run(recipe).items():
            print(name)
            for key, value in row.items():
                print(f"  {key}: {value}")
        return 0
    # Only a study's rows belong in the ledger that is kept; trials go where the build goes.
    kept = results.results_folder()
    root = options.results or (kept if options.profile in ("study", "paper") else kept.parent / "_build" / "results")
    if options.dry_run:
        for run in study.grid(recipe):
            known = results.run_exists(base.ledger_row(run, study), root)
            print(f"{'done   ' if known else 'missing'} {run}")
        return 0
    wrong = [pair for pair in options.only if "=" not in pair]
    if wrong:
        raise ValueError(f"--only: expected NAME=VALUE, got {wrong[0]!r}")
    failed = base.execute(
        options.chapter, options.profile, workers=options.workers, root=root,
        only=dict(pair.split("=", 1) for pair in options.only), again=options.again,
        say=lambda line: print(line, flush=True),
    )  # fmt: skip
    for error, runs in groupby(sorted(failed, key=itemgetter(1)), key=itemgetter(1)):
        names = [str(run) for run, _ in runs]
        others = f" and {len(names) - 1} more" if len(names) > 1 else ""
        print(f"failed: {names[0]}{others}: {error}", file=sys.stderr)
    return 1 if failed else 0


def _data(options: argparse.Namespace) -> int:
    from audiolab.data import fetch
    from audiolab.data.catalogue import CATALOGUE

    if options.action != "list" and options.name is None:
        raise ValueError(f"name: expected the name of a data set to {options.action}, one of {sorted(CATALOGUE)}")
    if options.action == "get":
        fetch.get(options.name, options.root, keep_archives=options.keep_archives)
        return 0
    if options.action == "check":
        found = fetch.check(options.name, options.root)
        clips = "no reader looks at its clips" if found.n_clips is None else f"{found.n_clips} clips listed"
        print(f"{options.name}: in {found.folder}, {clips}, {len(found.problems)} problems")
        for line in found.problems:
            print(f"  {line}")
        return 1 if found.problems else 0
    for name in CATALOGUE if options.name is None else [options.name]:
        _print_data_set(name, options.root)
    return 0


def _print_data_set(name: str, root: Path | None) -> None:
    from audiolab.data import fetch
    from audiolab.data.catalogue import data_set

    entry = data_set(name)
    size = "size not known" if entry.n_bytes is None else f"{entry.n_bytes / 1e9:.1f} GB to fetch"
    try:
        found = f"found in {fetch.find(name, root)}"
    except FileNotFoundError:
        found = f"not found; not to be fetched: {entry.obstacle}" if entry.obstacle else f"not found; {size}"
    print(f"{name:15s} {entry.title}: {entry.what}\n{'':15s} {entry.licence}; {found}")


def _index(options: argparse.Namespace) -> int:
    from audiolab import search

    return search.run_index(options.folder, cache=options.cache, workers=options.workers)


def _query(options: argparse.Namespace) -> int:
    from audiolab import search

    return search.run_query(options.sound, options.folder, cache=options.cache, k=options.k, as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
