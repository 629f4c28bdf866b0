"""How fast a folder is indexed and searched, and in how much memory; and what ten times as many files would take.

    python -m benchmarks.search                  # 10 000 short files made here, removed at the end
    python -m benchmarks.search --files 1000     # a look

The folder grows in four steps, and each step is a process of its own that brings the index up to date and asks it: so
a process's peak is that of its size, and a run that is killed goes on where it was when it is called again. The files,
the index and the steps that are done lie in a room below the system's temporary folder until the run is through.

A straight line through the steps gives time and memory of ten times as many files. Searching is also measured on made
up embeddings, up to those ten times, beside the obvious way: one table of all distances.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch

from audiolab import results, search
from audiolab.features.compressed_mel import CompressedMel
from audiolab.models.cnn9 import CNN9
from benchmarks.common import ROOT, machine, measure, write

SECONDS, SAMPLE_RATE = 1.0, 22050
SHARES = (0.125, 0.25, 0.5, 1.0)  # of the files, step by step
N_FOLDERS = 20


def make_file(folder: Path, number: int) -> None:
    """A second of noise, filtered in its own way; what it sounds like does not matter here."""
    path = folder / f"{number % N_FOLDERS:02d}" / f"noise {number:06d}.wav"
    if not path.exists():
        path.parent.mkdir(exist_ok=True, parents=True)
        noise = np.random.default_rng(number).standard_normal(round(SECONDS * SAMPLE_RATE))
        smooth = np.convolve(noise, np.ones(1 + number % 50) / (1 + number % 50), mode="same")
        beside = path.with_name(f".{path.name}")
        soundfile.write(beside, 0.2 * smooth, SAMPLE_RATE, format="WAV")
        beside.replace(path)


def encoder() -> search.Encoder:
    """The study's encoder, or one of its size that was not trained: as fast."""
    try:
        return search.study_encoder()
    except FileNotFoundError:
        front_end = CompressedMel(sample_rate=SAMPLE_RATE, n_fft=1024, hop_length=512, n_mels=48)
        return search.Encoder(CNN9([2], base=8, generator=torch.Generator().manual_seed(0)).eval(), front_end)


def memory_mb(name: str) -> float:
    """This process's resident memory from the kernel: "VmRSS" now, "VmHWM" at its peak so far. NaN but on Linux."""
    status = Path("/proc/self/status")
    lines = [line for line in status.read_text().splitlines() if line.startswith(name)] if status.exists() else []
    return int(lines[0].split()[1]) / 1024 if lines else float("nan")


def step(folder: Path, cache: Path, workers: int) -> dict[str, Any]:
    """Bring the index up to date, look again, and ask; what it took. Meant for a process of its own."""
    torch.set_num_threads(1)
    one = encoder()
    before = memory_mb("VmRSS")
    started, worked = time.perf_counter(), time.process_time()
    update = search.build_index(folder, one, cache=cache, workers=workers, progress=False)
    row = {"seconds": time.perf_counter() - started, "cpu_s": time.process_time() - worked}
    row |= {"files": len(update.index.paths), "files_embedded": update.n_new, "windows": len(update.index.embeddings)}
    started = time.perf_counter()
    again = search.build_index(folder, one, cache=cache, progress=False)
    assert again.n_kept == row["files"]
    assert not again.index.unreadable
    sound = folder / again.index.paths[0]
    row |= {"again_s": time.perf_counter() - started}
    started = time.perf_counter()
    hits = search.query(sound, again.index, one, k=5, include_itself=True)
    assert hits[0].path == sound
    row |= {"query_s": time.perf_counter() - started}
    row |= {"index_mb": sum(p.stat().st_size for p in cache.rglob("*.npz")) / 2**20, "start_mb": before}
    worker = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024 if workers > 1 else 0.0
    return row | {"peak_mb": memory_mb("VmHWM"), "largest_worker_mb": worker}


def in_a_process(folder: Path, cache: Path, *, workers: int = 1) -> dict[str, Any]:
    """`step` in a fresh process: a process's peak never falls, and starts at that of the one it was forked from."""
    code = (
        "import json, sys\nfrom pathlib import Path\nfrom benchmarks.search import step\n"
        "open('/proc/self/clear_refs', 'w').write('5') if Path('/proc/self/clear_refs').exists() else None\n"
        "if __name__ == '__main__':\n"
        "    print(json.dumps(step(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))))\n"
    )
    program = cache.parent / "step.py"
    program.write_text(code)
    call = [sys.executable, str(program), str(folder), str(cache), str(workers)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, check=True, env=environment)
    return json.loads(done.stdout.splitlines()[-1])


def index_in_steps(room: Path, n_files: int) -> list[dict[str, Any]]:
    """Rows of the four steps and of two processes on the first of them; those done before are read, not repeated."""
    done_path = room / "done.json"
    rows = json.loads(done_path.read_text()) if done_path.exists() else []

    def keep(row: dict[str, Any]) -> None:
        rows.append(row)
        results.replace_text(done_path, json.dumps(rows))
        print({key: round(value, 3) if isinstance(value, float) else value for key, value in row.items()}, flush=True)

    for number, share in enumerate(SHARES):
        if any(row["what"] == f"step {number}" for row in rows):
            continue
        for i in range(round(share * n_files)):
            make_file(room / "sounds", i)
        if number == 0 and not any(row["what"] == "two processes" for row in rows):
            row = in_a_process(room / "sounds", room / "index of two", workers=2)
            keep({"part": "two processes", "what": "two processes", **row})
        keep({"part": "indexing", "what": f"step {number}", **in_a_process(room / "sounds", room / "index")})
    return rows


def lines(rows: list[dict[str, Any]], n_files: int) -> dict[str, Any]:
    """What straight lines through the steps say of `n_files` files: seconds to embed, memory, looking again."""
    steps = [row for row in rows if row["part"] == "indexing"]
    files = np.array([row["files"] for row in steps])
    found = {"part": "extrapolated", "what": "straight lines through the four steps", "files": n_files}
    for name, values in (
        ("peak_mb", [row["peak_mb"] for row in steps]), ("index_mb", [row["index_mb"] for row in steps]),
        ("again_s", [row["again_s"] for row in steps]), ("query_s", [row["query_s"] for row in steps]),
        ("cpu_s", np.cumsum([row["cpu_s"] for row in steps])),
        ("seconds", np.cumsum([row["seconds"] for row in steps])),
    ):
        slope, offset = np.polyfit(files, values, 1)
        found[name] = float(offset + slope * n_files)
    return found


def obvious(queries: np.ndarray, index: search.Index) -> np.ndarray:
    """Distances of all files the obvious way: scale everything, one table, a minimum for each file."""
    mean, deviation = index.embeddings.mean(axis=0), index.embeddings.std(axis=0)
    points, queries = (index.embeddings - mean) / deviation, (queries - mean) / deviation
    table = np.linalg.norm(points[:, None] - queries[None], axis=2).min(axis=1)
    least = np.full(len(index.paths), np.inf)
    np.minimum.at(least, index.file_of, table)
    return least


def made_up(n_files: int, width: int) -> search.Index:
    """An index of files of two windows each, made of noise."""
    rng = np.random.default_rng(1)
    embeddings = np.abs(rng.standard_normal((2 * n_files, width), dtype=np.float32))
    return search.Index(
        Path(), [f"{i}.wav" for i in range(n_files)], embeddings, np.repeat(np.arange(n_files), 2),
        np.tile([0, 1], n_files), {}, "",
    )


def searching(width: int, sizes: tuple[int, ...]) -> list[dict[str, Any]]:
    """Exact search in pieces and as one table, for a query of two windows; both give the same distances."""
    rows = []
    queries = np.abs(np.random.default_rng(2).standard_normal((2, width), dtype=np.float32))
    for n in sizes:
        index = made_up(n, width)
        np.testing.assert_allclose(search._file_distances(queries, index)[0], obvious(queries, index), atol=1e-3)
        cases = {
            "in pieces": lambda index=index: search._file_distances(queries, index),
            "one table": lambda index=index: obvious(queries, index),
        }
        rows += [{"part": "searching", "what": what, "files": n, **row} for what, row in measure(cases).items()]
    return rows


def main() -> None:
    """Measure and write results/benchmarks/search.json (only at the full size)."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=10_000, help="files to index (default 10 000)")
    options = parser.parse_args()
    torch.set_num_threads(1)
    room = Path(tempfile.gettempdir()) / f"audiolab-search-{options.files}"
    (room / "sounds").mkdir(parents=True, exist_ok=True)
    about_path = room / "machine.json"
    if not about_path.exists():
        about_path.write_text(json.dumps(machine()))
    about = json.loads(about_path.read_text())
    rows = index_in_steps(room, options.files)
    rows.append(lines(rows, 10 * options.files))
    rows += searching(encoder().model.n_embedding, (1_000, 10_000, 100_000))
    if options.files == 10_000:
        write("search", rows, about)
    else:
        print(json.dumps(rows, indent=1))
    shutil.rmtree(room)


if __name__ == "__main__":
    main()
