"""Sampled instruments for notes that come from elsewhere: a bank to plug into `show.rolls.render`.

The samples are those of the General MIDI sound font inside `pretty_midi`; it is read where it is installed (SoundFont
2.01, RIFF) and never copied. Of a font are read: which sample a program uses for a key, its root key and tuning, its
loop, and the envelope's attack, decay, sustain and release. Filters, modulation and panning are not.
"""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

Bank = Callable[[int, float, float, int], np.ndarray]
_VELOCITY = 100  # of the layer that is played, where a font has several

# Numbers of the generators that are read, and what they are when a font says nothing (the standard's section 8.1).
_GENERATORS = {
    0: "start", 1: "end", 2: "loop_start", 3: "loop_end", 4: "start_coarse", 12: "end_coarse", 34: "attack",
    36: "decay", 37: "sustain", 38: "release", 41: "instrument", 43: "keys", 44: "velocities", 45: "loop_start_coarse",
    48: "attenuation", 50: "loop_end_coarse", 51: "coarse", 52: "fine", 53: "sample", 54: "mode", 56: "scale",
    58: "root",
}  # fmt: skip
_DEFAULTS = {"attack": -12000, "decay": -12000, "release": -12000, "scale": 100}
_ADDED = ("attack", "decay", "sustain", "release", "attenuation", "coarse", "fine")  # a preset's add to an instrument's

_PRESET = np.dtype([("name", "S20"), ("program", "<u2"), ("bank", "<u2"), ("bag", "<u2"), ("rest", "<u4", 3)])
_INSTRUMENT = np.dtype([("name", "S20"), ("bag", "<u2")])
_BAG = np.dtype([("generator", "<u2"), ("modulator", "<u2")])
_GENERATOR = np.dtype([("number", "<u2"), ("amount", "<i2")])
_SAMPLE = np.dtype([
    ("name", "S20"), ("start", "<u4"), ("end", "<u4"), ("loop_start", "<u4"), ("loop_end", "<u4"), ("rate", "<u4"),
    ("key", "u1"), ("cents", "i1"), ("link", "<u2"), ("kind", "<u2"),
])  # fmt: skip


class Voice(NamedTuple):
    """One sample as a key sounds it: samples at `rate`, the key and cents at which they are in tune, and an envelope.

    `loop` is where they may repeat, (0, 0) for never. Times in s; `sustain_db` and `gain_db` in dB.
    """

    samples: np.ndarray
    rate: int
    root: float
    scale: float
    loop: tuple[int, int]
    attack_s: float
    decay_s: float
    sustain_db: float
    release_s: float
    gain_db: float


def find_font() -> Path:
    """The installed sound font. Raises FileNotFoundError when `pretty_midi` or its font is missing (says what to do).
    """
    spec = importlib.util.find_spec("pretty_midi")
    path = Path(spec.origin).parent / "TimGM6mb.sf2" if spec is not None and spec.origin else Path("none")
    if not path.is_file():
        raise FileNotFoundError(
            "sound font: sampled instruments need the one inside pretty_midi; install audiolab-book[music]"
        )
    return path


@functools.lru_cache(maxsize=2)
def _read_font(path: Path) -> dict[str, np.ndarray]:
    """The chunks of a sound font by name, as tables. Raises ValueError when it is none (names the file)."""
    raw = path.read_bytes()
    if raw[:4] != b"RIFF" or raw[8:12] != b"sfbk":
        raise ValueError(f"path: expected a SoundFont 2 file, got {path.name}")
    chunks: dict[str, bytes] = {}

    def walk(start: int, end: int) -> None:
        while start + 8 <= end:
            name, size = raw[start : start + 4].decode("ascii", "replace"), int.from_bytes(raw[start + 4 : start + 8],
                                                                                          "little")  # fmt: skip
            if name == "LIST":
                walk(start + 12, start + 8 + size)
            else:
                chunks[name] = raw[start + 8 : start + 8 + size]
            start += 8 + size + size % 2

    walk(12, len(raw))
    kinds = {
        "phdr": _PRESET, "pbag": _BAG, "pgen": _GENERATOR, "inst": _INSTRUMENT, "ibag": _BAG, "igen": _GENERATOR,
        "shdr": _SAMPLE, "smpl": np.dtype("<i2"),
    }  # fmt: skip
    if missing := sorted(set(kinds) - set(chunks)):
        raise ValueError(f"path: expected the chunks {sorted(kinds)} in {path.name}, got none of {missing}")
    return {name: np.frombuffer(chunks[name], dtype=kind) for name, kind in kinds.items()}


def _zones(font: dict[str, np.ndarray], bags: str, generators: str, first: int, last: int) -> list[dict[str, int]]:
    """The zones of a preset or instrument; a first zone that names nothing to play holds what the others start from."""
    wanted, common, found = "instrument" if bags == "pbag" else "sample", {}, []
    for bag in range(first, last):
        rows = font[generators][font[bags]["generator"][bag] : font[bags]["generator"][bag + 1]]
        zone = common | {_GENERATORS[int(n)]: int(a) for n, a in rows if int(n) in _GENERATORS}
        if wanted in zone:
            found.append(zone)
        elif bag == first:
            common = zone
    return found


def _covers(zone: dict[str, int], name: str, value: int) -> bool:
    span = zone.get(name, 0x7F00) & 0xFFFF
    return (span & 0xFF) <= value <= (span >> 8)


def _seconds(timecents: int) -> float:
    return 0.0 if timecents <= -12000 else float(2 ** (timecents / 1200))


@functools.lru_cache(maxsize=256)
def voices(path: Path, program: int, key: int, *, bank: int = 0) -> tuple[Voice, ...]:
    """What sounds when a program of a bank plays a key (a stereo sample counts as two); bank 128 has the drum kits.

    Raises ValueError for a program or key that has none.
    """
    font = _read_font(path)
    rows = np.flatnonzero((font["phdr"]["program"][:-1] == program) & (font["phdr"]["bank"][:-1] == bank))
    found = []
    for row in rows[:1]:
        for outer in _zones(font, "pbag", "pgen", font["phdr"]["bag"][row], font["phdr"]["bag"][row + 1]):
            if not (_covers(outer, "keys", key) and _covers(outer, "velocities", _VELOCITY)):
                continue
            number = outer["instrument"]
            for inner in _zones(font, "ibag", "igen", font["inst"]["bag"][number], font["inst"]["bag"][number + 1]):
                if _covers(inner, "keys", key) and _covers(inner, "velocities", _VELOCITY):
                    found.append(_voice(font, _DEFAULTS | inner, outer))
    if not found:
        raise ValueError(f"program, key: expected some that the font plays, got {program} and {key}")
    return tuple(found)


def _voice(font: dict[str, np.ndarray], zone: dict[str, int], outer: dict[str, int]) -> Voice:
    zone = zone | {name: zone.get(name, 0) + outer.get(name, 0) for name in _ADDED}
    sample = font["shdr"][zone["sample"]]

    def place(name: str) -> int:
        return int(sample[name]) + zone.get(name, 0) + 32768 * zone.get(f"{name}_coarse", 0)

    start, end = place("start"), place("end")
    loop = (place("loop_start") - start, place("loop_end") - start) if zone.get("mode", 0) in (1, 3) else (0, 0)
    root = zone.get("root", -1)
    root = float(root if root >= 0 else min(int(sample["key"]), 127))
    cents = int(sample["cents"]) + 100 * zone["coarse"] + zone["fine"]
    return Voice(
        font["smpl"][start:end].astype(np.float64) / 32768, int(sample["rate"]), root - cents / 100,
        zone["scale"] / 100, loop, _seconds(zone["attack"]), _seconds(zone["decay"]), -zone["sustain"] / 10,
        _seconds(zone["release"]), -zone["attenuation"] / 10,
    )


def play_voice(voice: Voice, key: int, duration_s: float, sample_rate: int) -> np.ndarray:
    """A voice at a MIDI key for `duration_s` and its release, float64 (n,); read between its samples in straight lines.

    Levels are those of the sample times the voice's gain; the release adds 0.05 to 0.6 s.
    """
    release_s = float(np.clip(voice.release_s, 0.05, 0.6))
    n = round((duration_s + release_s) * sample_rate)
    time = np.arange(n) / sample_rate
    at = time * voice.rate * 2 ** ((key - voice.root) * voice.scale / 12)
    first, last = voice.loop
    if last > first + 1:
        at = np.where(at >= last, first + (at - first) % (last - first), at)
    samples = np.interp(at, np.arange(len(voice.samples)), voice.samples, right=0.0)
    # In the standard the decay's time is that of a fall by 100 dB, of which only what leads to the sustain is taken.
    level_db = np.maximum(-100 * np.maximum(0, time - voice.attack_s) / max(voice.decay_s, 1e-3), voice.sustain_db)
    level_db -= 60 * np.maximum(0, time - duration_s) / release_s
    rise = np.minimum(1, (time + 1 / sample_rate) / max(voice.attack_s, 1e-3))
    return samples * rise * 10 ** ((level_db + voice.gain_db) / 20)


def sampled_bank(program: int = 0, *, path: str | Path | None = None) -> Bank:
    """A bank of one instrument: (key, amplitude 0..1, duration in s, sample rate in Hz) -> samples (n,).

    `program` is a General MIDI number from 0 (the grand piano); `path` a SoundFont 2 file, else the installed one.

    Raises FileNotFoundError when there is no font (says what to install), and ValueError for a program it has not or a
    file that is no sound font.
    """
    font = find_font() if path is None else Path(path)
    if not font.is_file():
        raise FileNotFoundError(f"path: no file {font}")
    voices(font, program, 60)

    def bank(key: int, amplitude: float, duration_s: float, sample_rate: int) -> np.ndarray:
        parts = [play_voice(voice, key, duration_s, sample_rate) for voice in voices(font, program, key)]
        mixed = np.zeros(max(map(len, parts)))
        for part in parts:
            mixed[: len(part)] += part
        return amplitude * mixed

    return bank
