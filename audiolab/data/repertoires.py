"""Four repertoires of real scores without a download: what the installed package music21 carries.

Bach's chorales, Monteverdi's madrigals, the Trecento, and quartets by Haydn, Mozart and Beethoven together. Composer
and genre are one variable here, so they are called repertoires. The scores are read from the reader's own
installation; no file, roll or table of theirs is kept with the book, because their licences differ.

A note table is (N, 4): onset and length in quarter notes, MIDI key, number of the part.
"""

from __future__ import annotations

import re
import warnings
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from audiolab.features.piano_roll import Notes

REPERTOIRES = ("Bach, chorales", "Monteverdi, madrigals", "Trecento", "Viennese quartets")
_FOLDERS = {
    "Bach, chorales": ("bach",), "Monteverdi, madrigals": ("monteverdi",), "Trecento": ("trecento",),
    "Viennese quartets": ("haydn", "mozart", "beethoven"),
}
_DRAWN = {"Bach, chorales": 150, "Trecento": 60}  # the others are taken whole
_CLAIM = re.compile(r"©|\(c\)|copyright|rights reserved|licen[sc]e", re.I)
_MAX_KEYS = 16  # octave folding to the mean +- 16 keys


class Piece(NamedTuple):
    """One score: repertoire, the unit that a split must not part (work, opening or piece), its name and its notes."""

    repertoire: str
    unit: str
    name: str
    table: np.ndarray


class Listing(NamedTuple):
    """Files to read, and how many were met and refused for a claim to rights."""

    files: list[tuple[str, Path]]  # repertoire, path
    refused: int


def list_repertoires(*, seed: int = 0, max_bytes: int = 100_000, limit: int | None = None) -> Listing:
    """Score files by rule: MusicXML, no claim to rights (Bach's credit line apart), no old version, no huge quartet.

    150 of Bach's chorales and 60 Trecento pieces are drawn by `seed`; `limit` takes only as many of each repertoire.
    `refused` counts the files that the draw met and left out.
    Raises ImportError when music21 is missing (names the extra).
    """
    files, refused = [], 0
    for repertoire in _FOLDERS:
        found = _score_files(repertoire, max_bytes)
        wanted, kept = min(_DRAWN.get(repertoire, len(found)), limit or len(found)), []
        for i in np.random.default_rng(seed).permutation(len(found)):
            if len(kept) == wanted:
                break
            if has_claim(found[i]):
                refused += 1
            else:
                kept.append((repertoire, found[i]))
        files += sorted(kept)
    return Listing(files, refused)


def list_named(names: Iterable[str], *, max_bytes: int = 100_000) -> Listing:
    """The files of pieces that are known by name (`Piece.name`), by the rule of `list_repertoires`; nothing is drawn.

    Raises ImportError when music21 is missing, and ValueError when a name is not there or its file claims rights now:
    another version of music21 carries other scores.
    """
    names = set(names)
    files = [
        (repertoire, path) for repertoire in _FOLDERS for path in sorted(_score_files(repertoire, max_bytes))
        if _name(path) in names
    ]
    files = [(repertoire, path) for repertoire, path in files if not has_claim(path)]
    missing = sorted(names - {_name(path) for _, path in files})
    if missing:
        raise ValueError(f"names: expected pieces of music21's corpus, got {missing[:3]} ({len(missing)} not there)")
    return Listing(files, 0)


def _score_files(repertoire: str, max_bytes: int) -> list[Path]:
    root = _corpus_folder()
    return [
        path for folder in _FOLDERS[repertoire] for path in sorted((root / folder).rglob("*"))
        if path.suffix in (".xml", ".mxl") and not path.stem.endswith("_old")
        and not (repertoire == "Viennese quartets" and path.stat().st_size > max_bytes)
    ]


def _name(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def has_claim(path: Path) -> bool:
    """Whether the text before a score's first bar claims rights beyond the credit line of Bach's encoder."""
    head = _xml_text(path).partition("<measure")[0]
    claims = [line for line in re.findall(r"[^<>\n]+", head) if _CLAIM.search(line)]
    return any("Greentree" not in line for line in claims)


def _xml_text(path: Path) -> str:
    if path.suffix != ".mxl":
        return path.read_text(encoding="utf-8", errors="replace")
    with zipfile.ZipFile(path) as packed:
        inner = max((i for i in packed.infolist() if "META-INF" not in i.filename), key=lambda i: i.file_size)
        raw = packed.read(inner)
    return raw.decode("utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8", errors="replace")


def read_pieces(listing: Listing) -> Iterator[Piece]:
    """Read the listed scores; those below 62 distinct onsets or 40 notes, and chorales not in four parts, are left out.

    About 0.1 to 2 s each, so keep what comes out.
    """
    for repertoire, path in listing.files:
        table = read_note_table(path)
        if len(np.unique(table[:, 0])) < 62 or len(table) < 40:
            continue
        if repertoire.startswith("Bach") and len(np.unique(table[:, 3])) != 4:
            continue
        yield Piece(repertoire, _unit(repertoire, path, table), _name(path), table)


def _unit(repertoire: str, path: Path, table: np.ndarray) -> str:
    """Quartets by work; chorales by the intervals of their first 15 soprano notes, which several may share."""
    if repertoire.startswith("Bach"):
        soprano = table[table[:, 3] == table[:, 3].min()]
        keys = soprano[np.argsort(soprano[:, 0], kind="stable"), 2][:15]
        return "opening " + " ".join(f"{int(step):+d}" for step in np.diff(keys))
    if repertoire.startswith("Viennese"):
        movement = path.stem.startswith("movement")
        return f"{path.parents[1].name}/{path.parent.name}" if movement else f"{path.parent.name}/{path.stem}"
    return path.stem


def read_note_table(path: str | Path) -> np.ndarray:
    """Notes of a MusicXML score on a common bar grid, (N, 4), sorted by onset, then key.

    Bars that are short in one part and padded in another put parts out of step; here bar number i has the most frequent
    length over the parts, and onsets are bar starts plus the offset inside. Tied notes are joined; grace notes and
    chord symbols are left out; repeats are not played.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no score, or has no note (names the file).
        ImportError: music21 is missing (names the extra).
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"path: no file {path}")
    converter = _music21().converter
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # over-full bars are common and repaired below
            # Without pickles nothing is written to, or loaded from, a folder that others can write to.
            score = converter.parse(str(path), forceSource=True, storePickle=False)
    except Exception as error:  # the reader raises whatever the broken text leads to
        raise ValueError(f"path: expected a score, got {path.name} ({type(error).__name__}: {error})") from error
    parts = [list(part.getElementsByClass("Measure")) for part in score.parts]
    starts = _bar_starts(parts)
    rows: list[list[float]] = []
    for number, bars in enumerate(parts):
        open_notes: dict[int, int] = {}
        for bar, start in zip(bars, starts, strict=False):
            for element in bar.flatten().notes:
                if element.duration.isGrace or "Harmony" in element.classes:
                    continue
                for note in getattr(element, "notes", [element]):
                    if not hasattr(note, "pitch"):
                        continue
                    _add(rows, open_notes, note, start + float(element.offset), float(element.quarterLength), number)
    if not rows:
        raise ValueError(f"path: expected at least one note, got none in {path.name}")
    table = np.array(rows)
    return table[np.lexsort((table[:, 2], table[:, 0]))]


def _bar_starts(parts: list[list[Any]]) -> list[float]:
    starts, at = [], 0.0
    for i in range(max(map(len, parts), default=0)):
        starts.append(at)
        lengths = Counter()
        for bars in parts:
            if i + 1 < len(bars):
                lengths[round(float(bars[i + 1].offset - bars[i].offset), 6)] += 1
            elif i < len(bars):
                lengths[round(float(bars[i].highestTime), 6)] += 1
        at += max(lengths, key=lambda length: (lengths[length], length))
    return starts


def _add(
    rows: list[list[float]], open_notes: dict[int, int], note: Any, onset: float, length: float, part: int
) -> None:
    key, tie = int(note.pitch.midi), note.tie.type if note.tie is not None else None
    if tie in ("continue", "stop") and key in open_notes:
        row = rows[open_notes[key]]
        row[1] = onset + length - row[0]
        if tie == "stop":
            del open_notes[key]
        return
    rows.append([onset, length, key, part])
    if tie in ("start", "continue"):
        open_notes[key] = len(rows) - 1


def normalised_excerpt(table: np.ndarray, *, seed: int, duration_s: float = 20.0, raw: bool = False) -> Notes:
    """A random excerpt of a note table with what would give the repertoire away drawn from one law.

    Tempo: 1.8 to 3.0 distinct onsets per second of the piece. Three parts drawn at random. Mean key 62 +- 5, and keys
    folded by octaves to within 16 of the mean. Lengths times 0.85 to 1, velocity 50 to 80 with a slow wave of 12 and
    noise of 6, onsets moved by up to 12 ms. The same seed gives the same excerpt, also when the piece is transposed or
    written in doubled values. With `raw` all parts, keys and lengths stay, at 120 quarters a minute and velocity 64.
    """
    rng = np.random.default_rng(np.random.SeedSequence([seed, 40]))
    rate = float(np.exp(rng.uniform(np.log(1.8), np.log(3.0))))
    where, centre, shorter = rng.random(), rng.uniform(-5, 5), rng.uniform(0.85, 1.0)
    loud, period, phase = rng.uniform(50, 80), rng.uniform(6, 14), rng.random()
    onsets = np.unique(table[:, 0])
    length_q = float((table[:, 0] + table[:, 1]).max() - onsets[0])
    quarter_s = 0.5 if raw else len(onsets) / length_q / rate
    if not raw:
        parts = np.unique(table[:, 3])
        table = table[np.isin(table[:, 3], rng.permutation(parts)[:3])]
        onsets = np.unique(table[:, 0])
    last = np.searchsorted(onsets, onsets[-1] - duration_s / quarter_s, side="right")
    start = onsets[int(where * max(1, last))]
    onset = (table[:, 0] - start) * quarter_s
    inside = (onset > -1e-9) & (onset < duration_s - 1e-9)
    table, onset = table[inside], np.maximum(onset[inside], 0)
    keys, lengths = table[:, 2].astype(int), table[:, 1] * quarter_s
    if raw:
        return Notes.of(onset, onset + np.maximum(lengths, 0.03), keys, np.full(len(keys), 64))
    keys = keys + int(np.floor(62 + centre - keys.mean() + 0.5))
    middle = keys.mean()
    keys = np.where(keys > middle + _MAX_KEYS, keys - 12 * np.ceil((keys - middle - _MAX_KEYS) / 12), keys)
    keys = np.where(keys < middle - _MAX_KEYS, keys + 12 * np.ceil((middle - _MAX_KEYS - keys) / 12), keys)
    onset = np.maximum(0, onset + rng.uniform(-0.012, 0.012, len(onset)))
    wave = 12 * np.sin(2 * np.pi * (onset / period + phase))
    velocity = np.clip(np.rint(loud + wave + rng.normal(0, 6, len(onset))), 1, 127)
    return Notes.of(onset, onset + np.maximum(lengths * shorter, 0.03), keys, velocity)


def _music21() -> Any:
    try:
        from music21 import converter, environment
    except ImportError as error:
        raise ImportError("reading scores needs music21: install audiolab-book[music]") from error
    settings = environment.Environment()
    settings["warnings"], settings["autoDownload"] = 0, "deny"

    class Modules(NamedTuple):
        converter: Any

    return Modules(converter)


def _corpus_folder() -> Path:
    _music21()
    import music21

    return Path(music21.__file__).parent / "corpus"
