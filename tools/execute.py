"""The one executor: run the book's chapters as notebooks, two at a time, then render the pages.

``python -m tools.execute --profile demo`` makes the book, ``--profile smoke`` the quick run of the tests, and
``--only NAME`` one page. A chapter runs again only when it, a module it uses, the pinned packages, its results or the
profile have changed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import re
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import nbformat

from tools import stage as staging
from tools.chapters import ROOT, TEMPLATE, find_notebooks, plain_python, read_cells, read_notebook
from tools.loopback import ensure_loopback
from tools.modules import Package

CELL_TIMEOUT_S = 900
# Modules make half a million objects that live to the end: the collector need not look at them so often, nor at exit.
_KERNEL_START = "import atexit, gc; gc.set_threshold(100_000, 20, 50); atexit.register(gc.freeze); del atexit, gc"
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Outcome:
    """What became of one chapter: seconds of execution, and the failing cell with its traceback, if any."""

    name: str
    seconds: float
    error: str = ""


def chapter_key(page: Path, profile: str, *, root: Path = ROOT) -> str:
    """Hash of all that a chapter's outputs depend on.

    These are its text, the package's modules that it uses (followed through imports), the pinned packages, the results
    that it shows, whether recordings are at hand, the profile, Python's version and this file.
    """
    digest = hashlib.sha256()
    code = "\n".join(plain_python(cell.source) for cell in read_cells(page) if cell.kind == "code")
    package = Package(root)
    parts = [page, *package.files_of(package.needed_by(code)), root / "constraints.txt", Path(__file__)]
    parts += [root / "book" / "claims.yml", root / "results" / "equivalent.json"]  # claims_table reads them
    # A chapter reads the ledger of its own name, and of every other study that its text names.
    text = page.read_text(encoding="utf-8")
    studies = sorted(p for p in (root / "results").glob("*") if p.is_dir() and (p.name == page.stem or p.name in text))
    parts += [p for study in studies for p in sorted(study.rglob("*")) if p.is_file() and not p.name.endswith(".lock")]
    parts += sorted(p for folder in ("fidelity", "assets") for p in (root / "book" / folder).glob(f"{page.stem}*"))
    for path in parts:
        if path.is_file():
            digest.update(f"{path.name}\0".encode() + path.read_bytes() + b"\0")
    data = os.environ.get("AUDIOLAB_DATA", "")
    names = sorted(p.name for p in Path(data).iterdir()) if data and Path(data).is_dir() else []
    digest.update(json.dumps([profile, names, platform.python_version()]).encode())
    return digest.hexdigest()


def execute(page: Path, target: Path, profile: str) -> Outcome:
    """Run one chapter with papermill and write it, outputs included, to ``target``.

    The cell that papermill adds for the profile is kept off the page. Every notebook gets one thread: two run at once,
    and the numbers on the page then do not depend on the machine's cores.
    """
    import papermill
    from papermill.exceptions import PapermillExecutionError

    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ[name] = "1"
    os.environ.update(PYTHONHASHSEED="0", TQDM_DISABLE="1", PYDEVD_DISABLE_FILE_VALIDATION="1")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    work = target.parents[1] / "_build" / "run"  # never rendered
    work.mkdir(parents=True, exist_ok=True)
    clean, raw = work / f"{page.stem}.clean.ipynb", work / f"{page.stem}.ipynb"
    nbformat.write(read_notebook(page), clean)
    started = time.monotonic()
    log = work / f"{page.stem}.log"
    try:
        with _stderr_to(log):  # a kernel says on its stderr how it is started and stopped; cells' stderr is not in it
            papermill.execute_notebook(
                str(clean), str(raw), parameters={"profile": profile}, kernel_name="python3", cwd=str(target.parent),
                progress_bar=False, log_output=False, request_save_on_cell_execute=False, autosave_cell_every=0,
                execution_timeout=CELL_TIMEOUT_S, extra_arguments=[f"--IPKernelApp.exec_lines={_KERNEL_START}"],
            )  # fmt: skip
    except PapermillExecutionError as error:
        trace = _COLOUR.sub("", "\n".join(error.traceback))
        codes = [cell.source for cell in nbformat.read(clean, as_version=4).cells if cell.cell_type == "code"]
        number = codes.index(error.source) + 1 if error.source in codes else error.exec_count
        message = f"{page.name}, code cell {number}:\n{_indent(error.source)}\n\n{trace}"
        return Outcome(page.stem, time.monotonic() - started, message)
    except Exception as error:  # a dead kernel or a cell over its time: the chapter failed, the others go on
        said = log.read_text(errors="replace")[-2000:]
        message = f"{page.name}: {type(error).__name__}: {error}\n{said}"
        return Outcome(page.stem, time.monotonic() - started, message)
    notebook = nbformat.read(raw, as_version=4)
    for cell in notebook.cells:
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell.metadata["tags"] = [*cell.metadata["tags"], "remove-cell"]
        for key in ("papermill", "execution"):  # times of day would make every run look different
            cell.metadata.pop(key, None)
    notebook.metadata.pop("papermill", None)
    target.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, target)
    for path in (raw, clean, log):
        path.unlink()
    return Outcome(page.stem, time.monotonic() - started)


@contextmanager
def _stderr_to(path: Path) -> Iterator[None]:
    """Send what this process and its children write to the standard error stream into a file."""
    sys.stderr.flush()
    kept = os.dup(2)
    with path.open("wb") as log:
        os.dup2(log.fileno(), 2)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)


def _indent(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())


def run_chapters(
    pages: list[Path], stage: Path, profile: str, *, root: Path = ROOT, workers: int = 2, force: bool = False
) -> list[Outcome]:
    """Execute the chapters that changed, with one line of progress each; returns the outcomes in the book's order."""
    book, keys = stage / "book", stage / ".keys"
    book.mkdir(parents=True, exist_ok=True)
    keys.mkdir(parents=True, exist_ok=True)
    waiting: dict[Path, str] = {}
    outcomes: dict[Path, Outcome] = {}
    for page in pages:
        key, stamp = chapter_key(page, profile, root=root), keys / page.stem
        target = book / page.relative_to(root / "book").with_suffix(".ipynb")
        if not force and target.is_file() and stamp.is_file() and stamp.read_text() == key:
            outcomes[page] = Outcome(page.stem, 0.0)
        else:
            stamp.unlink(missing_ok=True)
            waiting[page] = key
    print(f"chapters at {profile}: {len(waiting)} to run, {len(outcomes)} unchanged", flush=True)
    if not waiting:
        return [outcomes[page] for page in pages]
    with ProcessPoolExecutor(max_workers=min(workers, len(waiting))) as pool:
        jobs = {
            pool.submit(execute, p, book / p.relative_to(root / "book").with_suffix(".ipynb"), profile): p
            for p in waiting
        }
        for number, job in enumerate(as_completed(jobs), 1):
            page = jobs[job]
            outcome = outcomes[page] = job.result()
            word = "FAILED" if outcome.error else "ok"
            print(f"[{number}/{len(waiting)}] {outcome.name:32s} {word:6s} {outcome.seconds:6.1f} s", flush=True)
            if not outcome.error:
                (keys / page.stem).write_text(waiting[page])
    return [outcomes[page] for page in pages]


def build(
    profile: str,
    *,
    only: str | None = None,
    root: Path = ROOT,
    workers: int = 2,
    force: bool = False,
    pages: bool = True,
) -> int:
    """Execute and render the book, or one page of it; returns the exit status.

    At ``smoke`` the empty chapter is made as well, since the tests look at it.
    """
    folder = f"{profile}-{only}" if only else profile
    stage = staging.stage_folder(folder, root=root)
    sources = find_notebooks(root / "book", template=profile == "smoke" or only == TEMPLATE)
    if only is not None:
        sources = [p for p in sources if p.stem == only]
        if not sources:
            print(f"no chapter named {only!r} in book/", file=sys.stderr)
            return 2
    extra = [f"book/{TEMPLATE}"] if any(p.stem == TEMPLATE for p in sources) else []
    staging.lay_out(stage, root=root, extra=extra, only=f"book/{only}" if only else None)
    outcomes = run_chapters(sources, stage, profile, root=root, workers=workers, force=force)
    failed = [outcome for outcome in outcomes if outcome.error]
    if not failed and pages:
        if not staging.render(stage, strict=only is None):
            return 1
        html = stage / "_build" / "html"
        if profile == "demo" and only is None:
            staging.mirror(html, root / "_build" / "html")
            html = root / "_build" / "html"
        print(f"pages: {os.path.relpath(html / 'index.html')}", flush=True)
    for outcome in reversed(failed):  # the first one in the book's order is what is read last
        print(f"\n{'-' * 79}\nFAILED {outcome.error}", file=sys.stderr, flush=True)
    return 1 if failed else 0


def main(arguments: list[str] | None = None) -> int:
    """Command line of the executor."""
    parser = argparse.ArgumentParser(prog="python -m tools.execute", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--profile", default="demo", help="smoke, demo, study or paper (default: demo)")
    parser.add_argument("--only", metavar="NAME", help="one chapter, by the name of its file")
    parser.add_argument("--workers", type=int, default=2, help="notebooks at a time (default: 2)")
    parser.add_argument("--force", action="store_true", help="run every chapter again")
    parser.add_argument("--no-pages", action="store_true", help="execute, but render nothing")
    options = parser.parse_args(arguments)
    ensure_loopback()  # kernels need it, also with the network off
    return build(
        options.profile, only=options.only, workers=options.workers, force=options.force, pages=not options.no_pages
    )


if __name__ == "__main__":
    sys.exit(main())
