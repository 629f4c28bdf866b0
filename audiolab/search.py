"""Find sounds like this one: an index of a folder of sounds, kept up to date, and exact nearest neighbours in it.

    python -m audiolab index FOLDER
    python -m audiolab query SOUND --in FOLDER

An index holds the embeddings of all windows of all files (aiSFX 2022, section 3.3), nothing of the sounds. It lies in
the user's cache unless told otherwise, so a folder of sounds is never written to. What each mishap does:

- a file that is new, changed (size or time of change) or gone: embedded, embedded anew, forgotten;
- a file that cannot be read, is empty or too short to hold a sample: listed with the reason, tried again once changed;
- a file that changes while it is read: listed, not stored, tried again the next time;
- a run that is killed: what was finished is on disk, and the next run goes on from there;
- links in a circle: every folder is entered once; an empty folder: an empty index, and a query says so;
- another encoder or other settings: the index is made anew.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from audiolab.data.ucs import walk_sounds
from audiolab.features.compressed_mel import CompressedMel, to_windows
from audiolab.models.cnn9 import CNN9

LONGEST_S = 60.0  # what lies beyond is not embedded: a bound on memory and time for each file
_CHUNK = 32  # files whose embeddings are written at once
_POINTS = 65_536  # windows compared at a time


class Encoder(NamedTuple):
    """A frozen encoder with its front end: what turns samples into embeddings."""

    model: CNN9
    front_end: CompressedMel
    n_frames: int = 100
    hop_frames: int = 50

    @property
    def identity(self) -> str:
        """Twelve digits that change with any weight or setting."""
        digest = hashlib.sha256()
        for name, value in sorted(self.model.state_dict().items()):
            digest.update(name.encode() + value.numpy().tobytes())
        front = self.front_end
        settings = [front.sample_rate, front.n_fft, front.hop_length, front.n_mels, front.divisor, front.level]
        digest.update(json.dumps([*settings, self.n_frames, self.hop_frames, LONGEST_S]).encode())
        return digest.hexdigest()[:12]

    def windows(self, samples: np.ndarray) -> torch.Tensor:
        """Samples (n_samples,) at the front end's rate -> windows (N, T, F)."""
        frames = self.front_end(torch.as_tensor(samples, dtype=torch.float32)[None])[0]
        return to_windows(frames, length=self.n_frames, hop=self.hop_frames)

    def embed(self, windows: torch.Tensor) -> np.ndarray:
        """Windows (N, T, F) -> embeddings (N, D) float32."""
        self.model.eval()
        with torch.no_grad():
            parts = [self.model.encode(piece)[0] for piece in windows.split(64)]
        return torch.cat(parts).numpy().astype(np.float32)

    def window_s(self, n: int) -> float:
        """Seconds at which window number n starts."""
        return n * self.hop_frames * self.front_end.hop_length / self.front_end.sample_rate


def study_encoder() -> Encoder:
    """The encoder that the study trained. Raises FileNotFoundError when it was not run (names the command)."""
    from audiolab.studies import sound_effects

    model, recipe, _ = sound_effects.load_study_weights()
    return Encoder(model, sound_effects.front_end(recipe), recipe.n_frames, recipe.hop_frames)


def read_sound(path: str | Path, *, sample_rate: int, longest_s: float = LONGEST_S) -> np.ndarray:
    """A sound file as mono float32 at a sample rate, channels averaged, at most `longest_s` seconds from its start.

    Raises FileNotFoundError for no file, and ValueError for one that is not sound, is empty, or holds values that are
    not finite (names it).
    """
    import soundfile
    from scipy.signal import resample_poly

    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"path: no file {path}")
    try:
        with soundfile.SoundFile(path) as file:
            own_rate = file.samplerate
            samples = file.read(int(longest_s * own_rate), dtype="float32", always_2d=True).mean(axis=1)
    except (soundfile.LibsndfileError, RuntimeError, OSError) as error:
        raise ValueError(f"path: expected a sound file, got {path} ({error})") from error
    if not len(samples):
        raise ValueError(f"path: expected at least one sample, got none in {path}")
    if not np.isfinite(samples).all():
        raise ValueError(f"path: expected finite samples, got others in {path}")
    if own_rate != sample_rate:
        shared = math.gcd(own_rate, sample_rate)
        samples = resample_poly(samples, sample_rate // shared, own_rate // shared).astype(np.float32)
    return samples


class Entry(NamedTuple):
    """What is known of one file: its state when it was read, and its embeddings (none where `reason` is not "")."""

    size: int
    mtime_ns: int
    embeddings: np.ndarray
    reason: str


class Index(NamedTuple):
    """Embeddings (N, D) of all windows, the file of each, and the files as paths relative to `folder`."""

    folder: Path
    paths: list[str]
    embeddings: np.ndarray
    file_of: np.ndarray
    window_of: np.ndarray
    unreadable: dict[str, str]
    encoder: str


class Update(NamedTuple):
    """What a call of `build_index` did: the index, and how many files were new, changed, gone and kept."""

    index: Index
    n_new: int
    n_changed: int
    n_gone: int
    n_kept: int


class Hit(NamedTuple):
    """A neighbour: its file, its distance, and where in the file the most similar window starts."""

    path: Path
    distance: float
    start_s: float


def default_cache(folder: str | Path) -> Path:
    """Where the index of a folder lies by default: in the user's cache, under a name made from the folder's."""
    import platformdirs

    name = hashlib.sha256(str(Path(folder).resolve()).encode()).hexdigest()[:16]
    return Path(platformdirs.user_cache_dir("audiolab")) / "index" / name


def build_index(
    folder: str | Path,
    encoder: Encoder | None = None,
    *,
    cache: str | Path | None = None,
    workers: int = 1,
    progress: bool = True,
) -> Update:
    """Bring the index of a folder up to date and return it; only what is new or changed is embedded.

    `encoder` None means the study's; `cache` a folder for the index (default: `default_cache`); `workers` processes of
    one thread each. Two runs on one index wait for each other.

    Raises FileNotFoundError for a folder that does not exist and ValueError for `workers` below 1.
    """
    from filelock import FileLock

    if workers < 1:
        raise ValueError(f"workers: expected at least 1, got {workers}")
    folder = Path(folder)
    paths = walk_sounds(folder)
    encoder = study_encoder() if encoder is None else encoder
    cache = (default_cache(folder) if cache is None else Path(cache)) / encoder.identity
    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(cache / ".lock"):
        known = _read_shards(cache)
        present = {path.relative_to(folder).as_posix(): path for path in paths}
        gone = [name for name in known if name not in present]
        todo = [name for name, path in present.items() if name not in known or _state(path) != known[name][:2]]
        n_new = sum(name not in known for name in todo)
        chunks = [todo[i : i + _CHUNK] for i in range(0, len(todo), _CHUNK)]
        outdated = set(todo)
        entries = {name: known[name] for name in present if name not in outdated}
        n_kept = len(entries)
        for done in _bar(_embed_chunks(folder, chunks, encoder, workers), len(todo), progress):
            _write_shard(cache, done)
            entries |= done
        if todo or gone:
            _compact(cache, entries)
        index = _to_index(folder, {name: entries[name] for name in sorted(entries)}, encoder)
    return Update(index, n_new, len(todo) - n_new, len(gone), n_kept)


def load_index(folder: str | Path, encoder: Encoder | None = None, *, cache: str | Path | None = None) -> Index:
    """The index as it was last built, without looking at the folder.

    Raises FileNotFoundError when there is none for this encoder (names the command).
    """
    encoder = study_encoder() if encoder is None else encoder
    where = (default_cache(folder) if cache is None else Path(cache)) / encoder.identity
    entries = _read_shards(where) if where.is_dir() else {}
    if not where.is_dir():
        raise FileNotFoundError(f"index: none of {folder} for this encoder; make it with: python -m audiolab index")
    return _to_index(Path(folder), entries, encoder)


def query(
    sound: str | Path | np.ndarray, index: Index, encoder: Encoder | None = None, *, k: int = 5,
    include_itself: bool = False,
) -> list[Hit]:
    """The k files most like a sound, nearest first. Exact; memory does not grow with the index.

    Every dimension is scaled by the index' mean and deviation; the distance of a file is the least Euclidean distance
    between one of its windows and one of the sound's. `sound` is a path or samples at the front end's rate. A file of
    the index that is the sound itself is left out unless asked for.

    Raises ValueError for k below 1, an index without sounds, or one made by another encoder; errors of `read_sound`.
    """
    encoder = study_encoder() if encoder is None else encoder
    if k < 1:
        raise ValueError(f"k: expected at least 1, got {k}")
    if index.encoder != encoder.identity:
        raise ValueError(f"index: expected one made by encoder {encoder.identity}, got {index.encoder}")
    if not len(index.embeddings):
        raise ValueError(f"index: expected at least one sound, got none in {index.folder}")
    itself = None
    if not isinstance(sound, np.ndarray):
        itself = Path(sound).resolve()
        sound = read_sound(sound, sample_rate=encoder.front_end.sample_rate)
    distances, windows = _file_distances(encoder.embed(encoder.windows(sound)), index)
    hits: list[Hit] = []
    for file in np.argsort(distances, kind="stable"):
        path = index.folder / index.paths[file]
        if not include_itself and itself is not None and path.resolve() == itself:
            continue
        hits.append(Hit(path, float(distances[file]), encoder.window_s(int(windows[file]))))
        if len(hits) == k:
            break
    return hits


def _file_distances(queries: np.ndarray, index: Index) -> tuple[np.ndarray, np.ndarray]:
    """Least distance of each file to any of the query's windows, and the window that has it."""
    mean, deviation = index.embeddings.mean(axis=0), index.embeddings.std(axis=0)
    deviation = np.where(deviation > 1e-9, deviation, 1.0)
    queries = ((queries - mean) / deviation).astype(np.float64)
    least = np.full(len(index.paths), np.inf)
    window = np.zeros(len(index.paths), dtype=np.int64)
    for start in range(0, len(index.embeddings), _POINTS):
        points = ((index.embeddings[start : start + _POINTS] - mean) / deviation).astype(np.float64)
        square = (points**2).sum(axis=1)
        nearest = np.full(len(points), np.inf)
        for one in queries:
            nearest = np.minimum(nearest, square - 2 * (points @ one) + one @ one)
        files, numbers = index.file_of[start : start + _POINTS], index.window_of[start : start + _POINTS]
        # Files' windows are in one run; the farthest are written first, so that the nearest stands at the end.
        order = np.argsort(-nearest, kind="stable")
        better = order[nearest[order] < least[files[order]]]
        least[files[better]], window[files[better]] = nearest[better], numbers[better]
    return np.sqrt(np.maximum(least, 0.0)), window


# Embedding files, here or in other processes


_worker: Encoder | None = None


def _start_worker(encoder: Encoder) -> None:
    global _worker
    torch.set_num_threads(1)
    _worker = encoder


def _embed_in_worker(folder: Path, names: list[str]) -> dict[str, Entry]:
    return _embed_files(folder, names, _worker)


def _embed_chunks(
    folder: Path, chunks: list[list[str]], encoder: Encoder, workers: int
) -> Iterator[dict[str, Entry]]:
    if workers == 1 or len(chunks) < 2:
        for names in chunks:
            yield _embed_files(folder, names, encoder)
        return
    # Fresh processes: forking one that has run torch threads can hang.
    with ProcessPoolExecutor(
        workers, mp_context=get_context("spawn"), initializer=_start_worker, initargs=(encoder,)
    ) as pool:
        yield from pool.map(_embed_in_worker, [folder] * len(chunks), chunks)


def _embed_files(folder: Path, names: list[str], encoder: Encoder) -> dict[str, Entry]:
    """Entries of some files, their windows embedded together; a file that changed under our hands is left out."""
    nothing = np.zeros((0, encoder.model.n_embedding), dtype=np.float32)
    entries: dict[str, Entry] = {}
    waiting: list[tuple[str, tuple[int, int], torch.Tensor]] = []
    for name in names:
        path = folder / name
        before = _state(path)
        try:
            samples = read_sound(path, sample_rate=encoder.front_end.sample_rate)
            windows = encoder.windows(samples)
        except (ValueError, FileNotFoundError) as error:
            entries[name] = Entry(*before, nothing, str(error))
            continue
        if _state(path) != before:
            entries[name] = Entry(-1, -1, nothing, "changed while it was read")
            continue
        waiting.append((name, before, windows))
    if waiting:
        embeddings = encoder.embed(torch.cat([windows for *_, windows in waiting]))
        cuts = np.cumsum([len(windows) for *_, windows in waiting])[:-1]
        for (name, state, _), part in zip(waiting, np.split(embeddings, cuts), strict=True):
            entries[name] = Entry(*state, part, "")
    return entries


def _state(path: Path) -> tuple[int, int]:
    """Size and time of change; (-1, -1), which no file has, when it is gone."""
    try:
        status = path.stat()
    except OSError:
        return -1, -1
    return status.st_size, status.st_mtime_ns


def _bar(chunks: Iterable[dict[str, Entry]], n: int, wanted: bool) -> Iterator[dict[str, Entry]]:
    from tqdm.auto import tqdm

    interactive = sys.stderr.isatty() or "google.colab" in sys.modules
    with tqdm(total=n, unit="file", disable=not (wanted and interactive)) as bar:
        for chunk in chunks:
            yield chunk
            bar.update(len(chunk))


# On disk: shards of whole chunks, written beside their place and renamed


def _write_shard(cache: Path, entries: dict[str, Entry], *, name: str | None = None) -> Path:
    if name is None:
        digest = hashlib.sha256(json.dumps([(k, e.size, e.mtime_ns) for k, e in entries.items()]).encode()).hexdigest()
        name = f"part-{digest[:16]}.npz"
    width = next((e.embeddings.shape[1] for e in entries.values()), 0)
    about = {k: [e.size, e.mtime_ns, len(e.embeddings), e.reason] for k, e in entries.items()}
    values = [e.embeddings for e in entries.values()] or [np.zeros((0, width), dtype=np.float32)]
    beside = cache / f".{os.getpid()}-{name}"
    np.savez(beside, embeddings=np.concatenate(values), about=np.array(json.dumps(about)))
    os.replace(beside, cache / name)
    return cache / name


def _read_shards(cache: Path) -> dict[str, Entry]:
    """All entries on disk; parts are newer than the compacted whole. A shard that cannot be read is passed over."""
    entries: dict[str, Entry] = {}
    shards = sorted(cache.glob("whole.npz")) + sorted(cache.glob("part-*.npz"), key=lambda p: p.stat().st_mtime_ns)
    for path in shards:
        try:
            with np.load(path, allow_pickle=False) as stored:
                about, embeddings = json.loads(str(stored["about"])), stored["embeddings"]
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            continue
        cuts = np.cumsum([row[2] for row in about.values()])[:-1]
        for (name, row), part in zip(about.items(), np.split(embeddings, cuts) if about else [], strict=True):
            entries[name] = Entry(row[0], row[1], part, row[3])
    return entries


def _compact(cache: Path, entries: dict[str, Entry]) -> None:
    parts = list(cache.glob("part-*.npz"))
    _write_shard(cache, entries, name="whole.npz")
    for part in parts:
        part.unlink()


def _to_index(folder: Path, entries: dict[str, Entry], encoder: Encoder) -> Index:
    good = {name: entry for name, entry in entries.items() if not entry.reason}
    counts = [len(entry.embeddings) for entry in good.values()]
    width = encoder.model.n_embedding
    values = [entry.embeddings for entry in good.values()] or [np.zeros((0, width), dtype=np.float32)]
    windows = [np.arange(n) for n in counts] or [np.zeros(0, dtype=np.int64)]
    bad = {name: entry.reason for name, entry in entries.items() if entry.reason}
    return Index(
        folder, list(good), np.concatenate(values), np.repeat(np.arange(len(good)), counts), np.concatenate(windows),
        bad, encoder.identity,
    )


# For the command line


def run_index(folder: Path, *, cache: Path | None, workers: int, say: Callable[[str], None] = print) -> int:
    """`python -m audiolab index`: update, and say what was done and what could not be read."""
    done = build_index(folder, cache=cache, workers=workers)
    n_windows = len(done.index.embeddings)
    say(f"{folder}: {len(done.index.paths)} sounds, {n_windows} windows; {done.n_new} new, {done.n_changed} changed, "
        f"{done.n_gone} gone, {done.n_kept} as they were")  # fmt: skip
    for name, reason in done.index.unreadable.items():
        say(f"not read: {name}: {reason}")
    return 0


def run_query(
    sound: Path, folder: Path, *, cache: Path | None, k: int, as_json: bool, say: Callable[[str], None] = print
) -> int:
    """`python -m audiolab query`: the `k` nearest files as lines, or as one json object; exit status 0.

    A line has rank, distance (Euclidean, z-scored embeddings), start of the matching window in seconds and path. Raises
    FileNotFoundError without an index of `folder` or without the study's weights (names the command for each).
    """
    encoder = study_encoder()
    hits = query(sound, load_index(folder, encoder, cache=cache), encoder, k=k)
    rows: list[dict[str, Any]] = [
        {"rank": i, "path": str(h.path), "distance": round(h.distance, 6), "start_s": round(h.start_s, 3)}
        for i, h in enumerate(hits, 1)
    ]
    if as_json:
        say(json.dumps({"query": str(sound), "folder": str(folder), "hits": rows}, indent=1))
    else:
        for row in rows:
            say(f"{row['rank']:3}  {row['distance']:8.3f}  {row['start_s']:7.2f} s  {row['path']}")
    return 0
