"""One note of every instrument, read once from a sound font, and a player that shapes it.

The font is the General MIDI one inside `pretty_midi`; it is read where it is installed and never copied
(`sampled_notes`). Each note is held, without the font's decay, averaged to mono, and kept at 16 kHz. Decay, release,
velocity and vibrato are the player's own.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

from . import sampled_notes
from .blocks import low_pass

SAMPLE_RATE = 16000  # Hz, of the bank and of everything played from it
NOTE_S = 2.0  # seconds of each stored note, held all the time
KEY_STEP = 4  # semitones between stored keys; the player shifts by at most half of it, rounded up
_RENDER_RATE = 44100  # Hz; the samples of the font keep their highs until they are resampled
_VERSION = 3


class Instrument(NamedTuple):
    """A class of instruments: programs (0-based General MIDI) with their keys, and how a note fades.

    `programs` (program, lowest key, highest key); for drums the program is the kit. `decay_db` in dB per second at key
    60 and how much is added per 20 semitones above it; 0 for sounds that are held. `held_out` are the programs left out
    of training. `derived_from`: the class has no program of its own in the font, which it is imitated with.
    """

    programs: tuple[tuple[int, int, int], ...]
    decay_db: float = 0.0
    decay_slope_db: float = 0.0
    held_out: tuple[int, ...] = ()
    drum_keys: tuple[int, ...] = ()
    derived_from: str = ""


KITS = (0, 8, 16, 25, 40)
# OpenMIC's twenty classes. Voice sings vowels only; mandolin and ukulele have no program here and are imitated.
INSTRUMENTS: dict[str, Instrument] = {
    "accordion": Instrument(((21, 53, 88), (23, 53, 88)), held_out=(23,)),
    "banjo": Instrument(((105, 48, 84),), 13, 8),
    "bass": Instrument(((32, 28, 55), (33, 28, 55), (34, 28, 55), (35, 28, 55), (36, 28, 55)), 7, 2, (35,)),
    "cello": Instrument(((42, 36, 76),)),
    "clarinet": Instrument(((71, 50, 91),)),
    "cymbals": Instrument(
        tuple((kit, 0, 0) for kit in KITS), held_out=(40,), drum_keys=(42, 44, 46, 49, 51, 52, 53, 55, 57, 59)
    ),
    "drums": Instrument(
        tuple((kit, 0, 0) for kit in KITS), held_out=(40,), drum_keys=(35, 36, 37, 38, 40, 41, 43, 45, 47, 48, 50)
    ),
    "flute": Instrument(((73, 60, 91),)),
    "guitar": Instrument(((24, 40, 79), (25, 40, 79), (26, 40, 79), (27, 40, 79), (28, 40, 79)), 8, 4, (26,)),
    "mallet_percussion": Instrument(((9, 60, 88), (11, 53, 88), (12, 53, 88), (13, 60, 88)), 22, 6, (13,)),
    "mandolin": Instrument(((25, 55, 84),), 40, 5, derived_from="steel guitar, doubled and struck again and again"),
    "organ": Instrument(((16, 36, 84), (17, 36, 84), (18, 36, 84), (19, 36, 84)), held_out=(18,)),
    "piano": Instrument(((0, 28, 91), (2, 28, 91), (3, 28, 91)), 13, 4, (3,)),
    "saxophone": Instrument(((64, 52, 80), (65, 49, 78), (66, 44, 75), (67, 36, 69)), held_out=(66,)),
    "synthesizer": Instrument(((80, 36, 84), (81, 36, 84), (84, 36, 84), (86, 36, 84), (90, 36, 84)), held_out=(84,)),
    "trombone": Instrument(((57, 40, 72),)),
    "trumpet": Instrument(((56, 54, 84), (59, 54, 84)), held_out=(59,)),
    "ukulele": Instrument(((24, 60, 81),), 22, 8, derived_from="nylon guitar, damped and strummed"),
    "violin": Instrument(((40, 55, 91), (110, 55, 91)), held_out=(110,)),
    "voice": Instrument(((52, 45, 81), (53, 45, 81), (54, 45, 81)), held_out=(54,), derived_from="sung vowels only"),
}

def stored_keys(instrument: Instrument, low: int, high: int) -> list[int]:
    """Keys of which a note is stored; every other one is shifted from the nearest."""
    if instrument.drum_keys:
        return list(instrument.drum_keys)
    return sorted({*range(low, high + 1, KEY_STEP), high})


def _plan() -> list[tuple[int, bool, int]]:
    """(program, drum, key) of all notes of the bank, without repetition."""
    notes = {
        (program, bool(one.drum_keys), key)
        for one in INSTRUMENTS.values()
        for program, low, high in one.programs
        for key in stored_keys(one, low, high)
    }
    return sorted(notes)


def _render(font: Path, program: int, drum: bool, key: int) -> np.ndarray:
    """One held note (n,) float32 at 16 kHz with peak 1. Raises RuntimeError when it is silent."""
    import soxr

    n = round(NOTE_S * _RENDER_RATE)
    mono = np.zeros(n)
    for voice in sampled_notes.voices(font, program, key, bank=128 if drum else 0):
        held = voice._replace(sustain_db=0.0)  # the decay is the player's
        mono += sampled_notes.play_voice(held, key, NOTE_S, _RENDER_RATE)[:n]
    samples = soxr.resample(mono, _RENDER_RATE, SAMPLE_RATE)[: round(NOTE_S * SAMPLE_RATE)]
    peak = np.abs(samples).max()
    if peak < 1e-3:
        raise RuntimeError(f"note bank: expected a sound, got silence from program {program}, key {key} (drum {drum})")
    return (samples / peak).astype(np.float32)


def _cache_folder() -> Path:
    beside = Path(__file__).resolve().parents[2]
    if (beside / "pyproject.toml").exists() and os.access(beside, os.W_OK):
        return beside / "_build" / "cache"
    import platformdirs

    return Path(platformdirs.user_cache_dir("audiolab")) / "features"


@functools.cache
def note_bank() -> dict[tuple[int, bool, int], np.ndarray]:
    """All notes by (program, drum, key), float32 (n,) with peak 1, at 16 kHz; made once and kept in the cache.

    Notes are stored with 16 bits. Raises FileNotFoundError without the font, and RuntimeError when a note is silent.
    """
    font = sampled_notes.find_font()
    plan = _plan()
    digest = hashlib.sha256(font.read_bytes())
    digest.update(json.dumps([plan, NOTE_S, SAMPLE_RATE, _VERSION]).encode())
    path = _cache_folder() / f"notes-{digest.hexdigest()[:16]}.npz"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{os.getpid()}-{path.name}")
        np.savez(beside, samples=np.stack([np.round(_render(font, *note) * 32767).astype(np.int16) for note in plan]))
        os.replace(beside, path)
    with np.load(path, allow_pickle=False) as stored:
        samples = stored["samples"]
    return {note: one.astype(np.float32) / 32767 for note, one in zip(plan, samples, strict=True)}


# The player


@functools.lru_cache(maxsize=400)
def _pitched(program: int, drum: bool, key: int) -> np.ndarray:
    """The note at exactly this key, shifted from the nearest stored one by resampling."""
    import soxr

    bank = note_bank()
    if (program, drum, key) in bank:
        return bank[program, drum, key]
    keys = [stored for p, d, stored in bank if p == program and d == drum]
    if not keys:
        raise ValueError(f"program: expected one of the bank's, got {program} (drum {drum})")
    nearest = min(keys, key=lambda stored: (abs(stored - key), stored))
    source = bank[program, drum, nearest]
    return soxr.resample(source, 1.0, 2 ** ((nearest - key) / 12), quality="MQ").astype(np.float32)


def play_note(
    name: str,
    program: int,
    key: int,
    *,
    velocity: int = 100,
    duration_s: float = 0.5,
    release_s: float = 0.06,
    vibrato: float = 0.0,
    vibrato_hz: float = 5.5,
) -> np.ndarray:
    """One note of a class with the player's own envelope: float64 (n,) at 16 kHz, release included.

    Args:
        name: a class of `INSTRUMENTS`, whose decay is imposed.
        program, key: what to play; for drums the kit and the drum's key.
        velocity: 1 to 127. The gain is (velocity / 127)^2, and softer notes are duller: low-pass at 2 kHz + 70 Hz
            times the velocity.
        duration_s: until the release starts; at most what is stored.
        release_s: time constant of the fade after it.
        vibrato: depth as a fraction of the frequency.

    Raises ValueError for a class, velocity or duration out of range.
    """
    if name not in INSTRUMENTS:
        raise ValueError(f"name: expected one of {sorted(INSTRUMENTS)}, got {name!r}")
    if not 1 <= velocity <= 127 or not duration_s > 0:
        raise ValueError(f"velocity, duration_s: expected 1 to 127 and above 0, got {velocity} and {duration_s}")
    instrument = INSTRUMENTS[name]
    source = _pitched(program, bool(instrument.drum_keys), key)
    n = min(len(source), round((duration_s + 4 * release_s) * SAMPLE_RATE))
    time = np.arange(n) / SAMPLE_RATE
    if vibrato:
        # The phase of a sine of the wanted depth in frequency, read at shifted places.
        shift = vibrato / (2 * np.pi * vibrato_hz) * (1 - np.cos(2 * np.pi * vibrato_hz * time)) * SAMPLE_RATE
        samples = np.interp(np.arange(n) - shift, np.arange(len(source)), source)
    else:
        samples = source[:n].astype(np.float64)
    decay_db = 0.0 if instrument.decay_db == 0 else max(
        1.0, instrument.decay_db + instrument.decay_slope_db * (key - 60) / 20)
    level_db = -decay_db * time
    level_db -= 8.686 * np.maximum(0.0, time - duration_s) / release_s
    samples = samples * 10 ** (level_db / 20) * (velocity / 127) ** 2
    n_fade = min(n, 64)
    samples[-n_fade:] *= np.linspace(1, 0, n_fade)
    return low_pass(samples, SAMPLE_RATE, 2000.0 + 70.0 * velocity)
