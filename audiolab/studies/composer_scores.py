"""Real scores for the composer classifier: repertoires of the music21 corpus, and five composers of ASAP.

Both become rolls split by work, as `musical_concepts.Rolls`; the note tables and rolls stay in the cache on this
machine. Axes: N excerpts, T frames, F keys.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from audiolab.data import repertoires, scores
from audiolab.features.piano_roll import cut_excerpts, notes_to_roll, window

from .cache import cached_arrays

ASAP_COMPOSERS = ("Bach", "Haydn", "Beethoven", "Chopin", "Liszt")
# The authors' table of signs at the last layer, for these five composers; 0 where the published cell is empty.
PUBLISHED_SIGNS = {
    "Alberti bass": (1, 1, 1, -1, -1), "difficult to play": (-1, -1, 0, 0, 1), "contrapuntal": (1, 0, 0, -1, -1)
}


class Split(NamedTuple):
    """Rolls (lists of (T, 88) arrays), classes and pieces of the training and the test side."""

    train: tuple[list[np.ndarray], np.ndarray, np.ndarray]
    test: tuple[list[np.ndarray], np.ndarray, np.ndarray]
    classes: tuple[str, ...]
    note: str  # what was read and what was refused
    tested: tuple[str, ...] = ()  # names of the tested pieces


def split_by_unit(labels: np.ndarray, units: np.ndarray, *, share: float = 0.3, seed: int = 0) -> np.ndarray:
    """Which pieces are tested, (N,) bool: 30 % of the units of each class, at least one, never all.

    Raises ValueError for a class with fewer than two units.
    """
    rng = np.random.default_rng([seed, 50])
    tested = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        names = np.unique(units[labels == label])
        if len(names) < 2:
            raise ValueError(f"units: expected at least two for class {label}, got {len(names)}")
        n = min(len(names) - 1, max(1, round(share * len(names))))
        tested |= (labels == label) & np.isin(units, rng.permutation(names)[:n])
    return tested


def corpus_pieces(*, seed: int = 0, limit: int | None = None) -> tuple[list[repertoires.Piece], int]:
    """Pieces of the four repertoires, from the cache after the first reading (a minute), and the count of refused."""
    return _cached_pieces([seed, limit], lambda: repertoires.list_repertoires(seed=seed, limit=limit))


def _cached_pieces(
    what: list[Any], list_files: Callable[[], repertoires.Listing]
) -> tuple[list[repertoires.Piece], int]:
    import music21

    def make() -> dict[str, np.ndarray]:
        listing = list_files()
        found = list(repertoires.read_pieces(listing))
        return {
            "repertoire": np.array([p.repertoire for p in found]), "unit": np.array([p.unit for p in found]),
            "name": np.array([p.name for p in found]), "size": np.array([len(p.table) for p in found]),
            "table": np.concatenate([p.table for p in found]).astype(np.float32), "refused": np.array(listing.refused),
        }

    a = cached_arrays("repertoires", [*what, music21.__version__], ("audiolab.data.repertoires",), make)
    tables = np.split(a["table"].astype(float), np.cumsum(a["size"])[:-1])
    rows = zip(a["repertoire"], a["unit"], a["name"], tables, strict=True)
    return [repertoires.Piece(str(r), str(u), str(n), t) for r, u, n, t in rows], int(a["refused"])


def corpus_split(
    *, seed: int = 0, raw: bool = False, n_train: int = 2400, n_per_piece: int = 8, limit: int | None = None
) -> Split:
    """Normalised excerpts of the four repertoires, split by work: as many training excerpts of each, drawn by length.

    A piece counts by its length up to 600 quarters. Test excerpts are fixed by the piece's name, at most
    `n_per_piece`, fewer for short pieces. `raw` leaves tempo, range, parts and velocity as they are.
    """
    pieces, refused = corpus_pieces(seed=0, limit=limit)
    labels = np.array([repertoires.REPERTOIRES.index(p.repertoire) for p in pieces])
    tested = split_by_unit(labels, np.array([p.unit for p in pieces]), seed=seed)

    rng = np.random.default_rng([seed, 51])
    quarters = np.array([min(600.0, float(np.ptp(p.table[:, 0]))) for p in pieces])
    train: list[list] = [[], [], []]
    for k in range(len(repertoires.REPERTOIRES)):
        rows = np.flatnonzero((labels == k) & ~tested)
        chosen = rng.choice(rows, n_train // len(repertoires.REPERTOIRES), p=quarters[rows] / quarters[rows].sum())
        for row in chosen:
            train[0].append(_excerpt(pieces[row], int(rng.integers(2**40)), raw))
            train[1].append(k)
            train[2].append(int(row))
    test = _test_side(pieces, np.flatnonzero(tested), n_per_piece, raw)
    note = f"{len(pieces)} pieces read, {refused} files refused for a claim to rights, {tested.sum()} pieces tested"
    names = tuple(pieces[row].name for row in np.flatnonzero(tested))
    return Split(_side(train), test, repertoires.REPERTOIRES, note, names)


def corpus_test(names: Sequence[str], *, n_per_piece: int = 8) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """The test side of `corpus_split` alone, of the pieces that are named: as few scores are read as can be.

    Rolls, classes and pieces (numbered from 0). Raises ValueError for a name that music21's corpus does not carry.
    """
    pieces, _ = _cached_pieces(["named", *sorted(names)], lambda: repertoires.list_named(names))
    return _test_side(pieces, range(len(pieces)), n_per_piece)


def _test_side(
    pieces: Sequence[repertoires.Piece], rows: Iterable[int], n_per_piece: int, raw: bool = False
) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    side: list[list] = [[], [], []]
    for row in rows:
        piece = pieces[row]
        n = int(np.clip(len(np.unique(piece.table[:, 0])) // 50, 1, n_per_piece))
        for i in range(n):
            side[0].append(_excerpt(piece, zlib.crc32(f"{piece.name} {i}".encode()), raw))
            side[1].append(repertoires.REPERTOIRES.index(piece.repertoire))
            side[2].append(int(row))
    return _side(side)


def _excerpt(piece: repertoires.Piece, number: int, raw: bool) -> np.ndarray:
    return window(notes_to_roll(repertoires.normalised_excerpt(piece.table, seed=number, raw=raw)), 0)


def asap_split(*, seed: int = 0, without: tuple[str, ...] = (), per_piece: int = 12) -> Split:
    """Five composers of ASAP, one performance of each title, split by title; whole rolls to train on, excerpts to test.

    Raises FileNotFoundError when `AUDIOLAB_DATA` has no `asap`.
    """
    listed = [p for p in scores.list_asap(ASAP_COMPOSERS) if p.composer not in without]

    def make() -> dict[str, np.ndarray]:
        rolls = [notes_to_roll(scores.read_midi(p.path)) for p in listed]
        return {"roll": np.concatenate(rolls), "size": np.array([len(r) for r in rolls])}

    names = [f"{p.composer}/{p.title}" for p in listed]
    a = cached_arrays("asap", names, ("audiolab.data.scores", "audiolab.features.piano_roll"), make)
    rolls = np.split(a["roll"], np.cumsum(a["size"])[:-1])
    classes = tuple(c for c in ASAP_COMPOSERS if c not in without)
    labels = np.array([classes.index(p.composer) for p in listed])
    # With and without repeats, some titles are two entries of one work.
    units = np.array([name.replace("_no_repeat", "") for name in names])
    tested = split_by_unit(labels, units, seed=seed)
    train = [[rolls[i] for i in np.flatnonzero(~tested)], labels[~tested].tolist(), np.flatnonzero(~tested).tolist()]
    test: list[list] = [[], [], []]
    for row in np.flatnonzero(tested):
        for excerpt in cut_excerpts(rolls[row])[:per_piece]:
            test[0].append(excerpt)
            test[1].append(int(labels[row]))
            test[2].append(int(row))
    note = f"{len(listed)} titles, {int(tested.sum())} tested"
    return Split(_side(train), _side(test), classes, note)


def _side(side: list[list]) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    return side[0], np.array(side[1]), np.array(side[2])


def published_examples() -> dict[str, np.ndarray]:
    """The published concept sets and ten random sets, (P, 400, 88) each, from the cache after the first reading.

    Raises FileNotFoundError when `AUDIOLAB_DATA` has no `composer_concepts`.
    """
    scores.find_data("composer_concepts")

    def make() -> dict[str, np.ndarray]:
        concepts, random_sets = scores.read_published_concepts()
        return concepts | {f"random {i}": one for i, one in enumerate(random_sets)}

    return cached_arrays("published_concepts", [10], ("audiolab.data.scores", "audiolab.features.piano_roll"), make)
