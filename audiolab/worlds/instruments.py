"""Bands of sampled instruments: ten seconds in which two to five classes play, each for a while, and the whole truth.

Every class plays in its own way (bass lines, strummed or broken chords, rolls, tremolo, melodies with vibrato, drum
patterns) over one key, tempo and chord progression, in one room. Stems, activity and labels come from the same notes.
The sounds are samples of a General MIDI font: a score here says nothing about real instruments, see `note_bank`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from scipy import fft
from scipy.signal import oaconvolve

from . import note_bank
from .blocks import amplitude, slope_noise
from .effects import active_rms, add_floor, reverb
from .note_bank import INSTRUMENTS, SAMPLE_RATE, play_note
from .scenes import Event, make_many, occupied_band

CLASSES = tuple(INSTRUMENTS)  # OpenMIC's twenty, in its order of letters
BAND = ("bass", "cymbals", "drums", "flute", "guitar", "organ", "piano", "synthesizer", "trumpet", "violin")
CHORDAL = ("guitar", "organ", "piano", "synthesizer")  # those of which the paper says that attention in time is better
Programs = Literal["training", "held_out", "all"]

_SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
_PROGRESSIONS = ((0, 3, 4, 0), (0, 5, 3, 4), (5, 3, 0, 4), (0, 4, 5, 3), (1, 4, 0, 5))


class Note(NamedTuple):
    """One note: class, seconds from the start of the clip, key (MIDI) and velocity."""

    label: str
    onset_s: float
    offset_s: float
    key: int
    velocity: int


class InstrumentClip(NamedTuple):
    """A mixture and its truth; reads as a scene wherever one is wanted.

    ``samples`` float32 (n,); ``events`` one for each class, from its first note to the end of its last; ``stems`` one
    float32 array for each class that plays, plus ``"background"``, summing to the samples; ``programs`` and ``pans``
    (-1 left to 1 right) of each class; ``notes`` in order of onset.
    """

    samples: np.ndarray
    events: tuple[Event, ...]
    stems: dict[str, np.ndarray]
    sample_rate: int
    classes: tuple[str, ...]
    programs: dict[str, int]
    pans: dict[str, float]
    notes: tuple[Note, ...]

    @property
    def labels(self) -> np.ndarray:
        """What is present, float32 (K,) of 0 and 1."""
        return np.array([label in self.programs for label in self.classes], dtype=np.float32)


class _Song(NamedTuple):
    beat_s: float
    root: int  # 0..11
    scale: tuple[int, ...]
    degrees: tuple[int, ...]  # of the chord of each bar, repeated

    def chord(self, time_s: float) -> list[int]:
        """Pitch classes of the triad that sounds at a time."""
        degree = self.degrees[int(time_s / (4 * self.beat_s)) % len(self.degrees)]
        return [(self.root + self.scale[(degree + step) % 7]) % 12 for step in (0, 2, 4)]


def make_instrument_clip(
    *,
    seed: int,
    classes: Sequence[str] = BAND,
    duration_s: float = 10.0,
    n_playing: tuple[int, int] = (2, 5),
    active_share: tuple[float, float] = (0.3, 0.6),
    gain_db: tuple[float, float] = (-6.0, 6.0),
    programs: Programs = "training",
) -> InstrumentClip:
    """Make one clip at 16 kHz.

    Args:
        seed: decides everything; the same seed gives the same bits.
        classes: names out of `CLASSES`, whose order is that of the labels.
        n_playing: fewest and most classes that play.
        active_share: range of the part of the clip in which a class plays, one interval each.
        gain_db: range of the mixing gain; before it all stems have the same level where they sound.
        programs: which of a class' programs may play, where it has several: those for training, those held out, or all.

    Raises:
        ValueError: an unknown class, or a range that is empty or out of bounds.
        FileNotFoundError: the sound font is not installed (says what to install).
    """
    classes = _check(classes, duration_s, n_playing, active_share, gain_db, programs)
    rng = np.random.default_rng([seed, 20])
    song = _Song(
        60 / rng.uniform(80, 150), int(rng.integers(12)), _SCALES[str(rng.choice(list(_SCALES)))],
        _PROGRESSIONS[rng.integers(len(_PROGRESSIONS))],
    )
    n = int(min(rng.integers(n_playing[0], n_playing[1] + 1), len(classes)))
    playing = [classes[i] for i in sorted(rng.choice(len(classes), size=n, replace=False))]
    impulse = np.r_[1.0, np.zeros(SAMPLE_RATE)]
    room = reverb(impulse, SAMPLE_RATE, rng, rt60_s=rng.uniform(0.3, 1.2), wet_db=rng.uniform(-20, -8))
    n_samples = round(duration_s * SAMPLE_RATE)
    stems, notes, used, pans = {}, [], {}, {}
    for label in playing:
        # One generator for each class: what one player draws never changes another's part.
        draw = np.random.default_rng([seed, 21, CLASSES.index(label)])
        used[label] = _choose_program(draw, label, programs)
        length = draw.uniform(*active_share) * duration_s
        start = draw.uniform(0, duration_s - length)
        part = _part(draw, label, used[label], song, start, start + length)
        part = part or [_one_note(draw, label, used[label], start, start + min(length, 1.0))]
        dry = _play(draw, label, used[label], part, n_samples)
        pans[label] = float(draw.uniform(-0.8, 0.8))
        level = amplitude(draw.uniform(*gain_db)) / max(active_rms(dry, SAMPLE_RATE), 1e-9)
        stems[label] = dry * level * pan_gains(pans[label]).mean()  # the network hears the mean of both channels
        notes += part
    dry_parts = np.stack(list(stems.values())).astype(np.float32)
    wet_parts = oaconvolve(dry_parts, room[None].astype(np.float32), axes=1)[:, :n_samples]
    stems = dict(zip(stems, wet_parts.astype(np.float64), strict=True))
    mix = np.sum(list(stems.values()), axis=0)
    floor = active_rms(mix, SAMPLE_RATE) * amplitude(rng.uniform(-60, -45)) * _noise(rng, n_samples)
    scale = 0.9 / np.abs(mix + floor).max()
    stems = {label: (stem * scale).astype(np.float32) for label, stem in {**stems, "background": floor}.items()}
    return InstrumentClip(
        samples=np.sum(list(stems.values()), axis=0, dtype=np.float64).astype(np.float32),
        events=_events(notes, stems, duration_s),
        stems=stems,
        sample_rate=SAMPLE_RATE,
        classes=classes,
        programs=used,
        pans=pans,
        notes=tuple(sorted(notes, key=lambda note: (note.onset_s, note.label, note.key))),
    )


def make_instrument_clips(n: int, *, seed: int, workers: int = 1, **options: Any) -> list[InstrumentClip]:
    """Make ``n`` clips; clip i equals ``make_instrument_clip(seed=scene_seed(seed, i), **options)``."""
    if n:
        note_bank.note_bank()  # once, before processes ask for it all at the same time
    return make_many(make_instrument_clip, n, seed=seed, workers=workers, **options)


def known_labels(labels: np.ndarray, *, rate: float, seed: int) -> np.ndarray:
    """Hide labels: each of (n, K) is known with probability ``rate``, at least one of each row; unknown ones are nan.

    OpenMIC-2018 knows 10.3 % of its labels. Raises ValueError for a rate outside (0, 1].
    """
    if not 0 < rate <= 1:
        raise ValueError(f"rate: expected above 0 and at most 1, got {rate}")
    rng = np.random.default_rng([seed, 22])
    order = rng.random(np.shape(labels))
    known = (order < rate) | (order == order.min(axis=1, keepdims=True))
    return np.where(known, labels, np.nan).astype(np.float32)


def solo_note(label: str, *, seed: int, programs: Programs = "training") -> np.ndarray:
    """One second of a class alone: a few random notes after one another or together, float32 (16 000,), peak .9.

    What the convolutions are pre-trained on: no song, no room, no other instrument.
    """
    rng = np.random.default_rng([seed, 23, CLASSES.index(label)])
    program = _choose_program(rng, label, programs)
    song = _Song(rng.uniform(0.3, 0.8), int(rng.integers(12)), _SCALES["major"], _PROGRESSIONS[0])
    part = _part(rng, label, program, song, -rng.uniform(0, 1.5), 1.0)
    shifted = [note._replace(onset_s=max(0.0, note.onset_s)) for note in part if note.offset_s > 0.1]
    sound = _play(rng, label, program, shifted, SAMPLE_RATE)
    if np.abs(sound).max() < 1e-4:  # a pause of the pattern
        sound = _play(rng, label, program, [_one_note(rng, label, program, 0.0, 0.8)], SAMPLE_RATE)
    sound = add_floor(sound, SAMPLE_RATE, rng, level_db=rng.uniform(-70, -40), slope_db=rng.uniform(-6, 0))
    return (sound * (amplitude(rng.uniform(-20, 0)) * 0.9 / np.abs(sound).max())).astype(np.float32)


def pan_gains(position: float) -> np.ndarray:
    """Gains of the left and the right channel, (2,), equal power: position -1 is left, 1 is right."""
    if not -1 <= position <= 1:
        raise ValueError(f"position: expected -1 (left) to 1 (right), got {position}")
    angle = (position + 1) * np.pi / 4
    return np.array([np.cos(angle), np.sin(angle)])


def held_out_classes(classes: Sequence[str] = BAND) -> tuple[str, ...]:
    """Classes with a program that training never hears."""
    return tuple(name for name in classes if INSTRUMENTS[name].held_out)


# Parts


def _part(
    rng: np.random.Generator, label: str, program: int, song: _Song, start_s: float, stop_s: float
) -> list[Note]:
    """The notes of one class between two moments."""
    if label in ("drums", "cymbals"):
        return _pattern(rng, label, song, start_s, stop_s)
    low, high = next((low, high) for p, low, high in INSTRUMENTS[label].programs if p == program)
    style = _STYLES.get(label, _melody)
    if label in ("piano", "guitar", "organ", "accordion", "synthesizer"):
        style = (_chords, _broken, _melody)[rng.choice(3, p=(0.5, 0.3, 0.2))]
    centre = rng.uniform(low + 5, max(low + 6, high - 5))  # a register for the whole part
    notes = style(rng, song, start_s, stop_s, max(low, centre - 12), min(high, centre + 12))
    loudness = rng.uniform(60, 115)
    kept = []
    for onset, duration, key in notes:
        velocity = int(np.clip(loudness + rng.normal(0, 8), 20, 127))
        kept.append(Note(label, float(onset), float(min(onset + duration, stop_s)), int(key), velocity))
    return [note for note in kept if note.offset_s - note.onset_s > 0.03]


def _one_note(rng: np.random.Generator, label: str, program: int, onset_s: float, offset_s: float) -> Note:
    instrument = INSTRUMENTS[label]
    low, high = next((low, high) for p, low, high in instrument.programs if p == program)
    keys = instrument.drum_keys or list(range(low, high + 1))
    return Note(label, onset_s, offset_s, int(rng.choice(keys)), 100)


def _nearest(pitch_class: int, target: float, low: float, high: float) -> int:
    keys = [key for key in range(int(np.ceil(low)), int(high) + 1) if key % 12 == pitch_class]
    return min(keys, key=lambda key: abs(key - target)) if keys else round((low + high) / 2)


def _beats(song: _Song, start_s: float, stop_s: float, per_beat: float) -> np.ndarray:
    step = song.beat_s / per_beat
    return np.arange(np.ceil(start_s / step), np.ceil(stop_s / step)) * step


def _melody(rng: np.random.Generator, song: _Song, start: float, stop: float, low: float, high: float) -> list:
    notes, time, target = [], float(_beats(song, start, stop + 9, 1)[0]), rng.uniform(low, high)
    articulation = rng.choice([0.5, 0.9, 1.0])
    while time < stop:
        length = song.beat_s * rng.choice([0.5, 1.0, 2.0], p=[0.45, 0.4, 0.15])
        target = float(np.clip(target + rng.normal(0, 3), low, high))
        pool = song.chord(time) if rng.random() < 0.6 else [(song.root + step) % 12 for step in song.scale]
        key = min((_nearest(one, target, low, high) for one in pool), key=lambda one: abs(one - target))
        if rng.random() < 0.9:
            notes.append((time, min(length * articulation, 1.7), key))
        time += length
    return notes


def _chords(rng: np.random.Generator, song: _Song, start: float, stop: float, low: float, high: float) -> list:
    per_beat = rng.choice([0.5, 1.0, 2.0])
    spread = rng.choice([0.0, 0.015])
    centre, notes = rng.uniform(low + 4, high - 4) if high - low > 9 else (low + high) / 2, []
    for time in _beats(song, start, stop, per_beat):
        keys = sorted({_nearest(one, centre, low, high) for one in song.chord(time)})
        notes += [(time + spread * i, min(0.95 * song.beat_s / per_beat, 1.7), key) for i, key in enumerate(keys)]
    return notes


def _broken(
    rng: np.random.Generator, song: _Song, start: float, stop: float, low: float, high: float, per_beat: float = 2
) -> list:
    notes = []
    for i, time in enumerate(_beats(song, start, stop, per_beat)):
        chord = song.chord(time)
        target = low + (high - low) * (0.2 + 0.6 * ((i % 6) / 5 if i % 12 < 6 else 1 - (i % 6) / 5))
        notes.append((time, min(2 * song.beat_s / per_beat, 1.7), _nearest(chord[i % 3], target, low, high)))
    return notes


def _bass(rng: np.random.Generator, song: _Song, start: float, stop: float, low: float, high: float) -> list:
    per_beat = rng.choice([1.0, 2.0])
    length = min(0.9 * song.beat_s / per_beat, 1.7)
    return [
        (time, length, _nearest(song.chord(time)[rng.choice([0, 0, 0, 2])], 36, low, high))
        for time in _beats(song, start, stop, per_beat)
    ]


def _roll(rng: np.random.Generator, song: _Song, start: float, stop: float, low: float, high: float) -> list:
    return _broken(rng, song, start, stop, low, high, per_beat=rng.uniform(8, 12) * song.beat_s)


def _tremolo(rng: np.random.Generator, song: _Song, start: float, stop: float, low: float, high: float) -> list:
    notes, rate = [], rng.uniform(8, 13)
    for onset, duration, key in _melody(rng, song, start, stop, low, high):
        for i in range(max(1, int(duration * rate))):
            notes.append((onset + (i + 0.03 * rng.standard_normal()) / rate, 1 / rate, key))
    return [(max(start, onset), duration, key) for onset, duration, key in notes]


def _strum(rng: np.random.Generator, song: _Song, start: float, stop: float, low: float, high: float) -> list:
    gap, notes = rng.uniform(0.015, 0.04), []
    for i, time in enumerate(_beats(song, start, stop, 2)):
        keys = [_nearest(song.chord(time)[s % 3], string, 60, 81) for s, string in enumerate((67, 60, 64, 69))]
        notes += [(time + gap * s, 0.4, key) for s, key in enumerate(keys if i % 2 == 0 else keys[::-1])]
    return notes


_STYLES = {"bass": _bass, "banjo": _roll, "mandolin": _tremolo, "ukulele": _strum}


def _pattern(rng: np.random.Generator, label: str, song: _Song, start: float, stop: float) -> list[Note]:
    """Drums: kick on one and three, snare on two and four, fills of toms. Cymbals: a hi-hat or ride, now and then a
    crash."""
    notes = []
    if label == "drums":
        kick, snare = int(rng.choice([35, 36])), int(rng.choice([38, 40]))
        toms = [41, 43, 45, 47, 48, 50]
        for time in _beats(song, start, stop, 2):
            half = round(2 * time / song.beat_s)
            if half % 4 == 0 or rng.random() < 0.12:
                notes.append((time, kick))
            if half % 4 == 2:
                notes.append((time, snare))
            if rng.random() < 0.1:
                notes.append((time + song.beat_s / 4, int(rng.choice(toms))))
    else:
        ride = int(rng.choice([42, 42, 46, 51, 53]))
        for time in _beats(song, start, stop, rng.choice([1, 2, 2])):
            notes.append((time, ride))
            if rng.random() < 0.06:
                notes.append((time, int(rng.choice([49, 52, 55, 57]))))
        if not notes:
            notes.append((start, ride))
    velocity = rng.uniform(75, 115)
    return [
        Note(label, float(time), float(min(time + (1.2 if key in (49, 52, 55, 57) else 0.3), stop)), key,
             int(np.clip(velocity + rng.normal(0, 12), 20, 127)))
        for time, key in notes if stop - time > 0.03
    ]  # fmt: skip


def _play(rng: np.random.Generator, label: str, program: int, part: Sequence[Note], n_samples: int) -> np.ndarray:
    """The notes as sound, float64 (n_samples,)."""
    stem = np.zeros(n_samples)
    sings = label in ("violin", "cello", "flute", "voice", "saxophone", "trumpet", "trombone", "clarinet")
    depth = rng.uniform(0.002, 0.008) if sings and rng.random() < 0.8 else 0.0
    detune = 2 ** (rng.uniform(4, 12) / 1200)
    for note in part:
        first = round(note.onset_s * SAMPLE_RATE)
        if not 0 <= first < n_samples:
            continue
        length = note.offset_s - note.onset_s
        sound = play_note(
            label, program, note.key, velocity=note.velocity, duration_s=length,
            release_s=0.03 if label == "drums" else 0.06, vibrato=depth if length > 0.35 else 0.0,
        )
        if label == "mandolin":  # two strings, a little apart
            sound = sound + np.interp(np.arange(len(sound)) * detune, np.arange(len(sound)), sound)
        stem[first : first + len(sound)] += sound[: n_samples - first]
    return stem


# Truth and checks


def _events(notes: Sequence[Note], stems: dict[str, np.ndarray], duration_s: float) -> tuple[Event, ...]:
    floor = np.sqrt(np.mean(np.square(stems["background"], dtype=np.float64))) + 1e-12
    events = []
    for label in dict.fromkeys(note.label for note in notes):
        own = [note for note in notes if note.label == label]
        onset, offset = min(note.onset_s for note in own), max(note.offset_s for note in own)
        offset = min(offset, duration_s)
        sounding = stems[label][round(onset * SAMPLE_RATE) : round(offset * SAMPLE_RATE)]
        low_hz, high_hz = occupied_band(sounding, sample_rate=SAMPLE_RATE)
        level = 20 * np.log10(np.sqrt(np.mean(np.square(sounding, dtype=np.float64))) / floor)
        events.append(Event(label, onset, offset, float(level), low_hz, high_hz))
    return tuple(sorted(events, key=lambda event: (event.onset_s, event.offset_s)))


def _noise(rng: np.random.Generator, n: int) -> np.ndarray:
    """Noise of a random slope, unit RMS, (n,)."""
    # The filter pads to a multiple of 1024 beyond 20 ms more; a length whose transform is fast takes a tenth.
    padded = 1024 * fft.next_fast_len(-(-(n + SAMPLE_RATE // 50) // 1024), real=True) - SAMPLE_RATE // 50
    return slope_noise(rng, padded, SAMPLE_RATE, rng.uniform(-6, 0))[:n]


def _choose_program(rng: np.random.Generator, label: str, programs: Programs) -> int:
    instrument = INSTRUMENTS[label]
    pool = [program for program, *_ in instrument.programs]
    if programs != "all" and instrument.held_out:
        pool = [p for p in pool if (p in instrument.held_out) == (programs == "held_out")]
    return int(rng.choice(pool))


def _check(
    classes: Sequence[str],
    duration_s: float,
    n_playing: tuple[int, int],
    active_share: tuple[float, float],
    gain_db: tuple[float, float],
    programs: str,
) -> tuple[str, ...]:
    if isinstance(classes, str) or not classes or len(set(classes)) != len(classes) or set(classes) - set(CLASSES):
        raise ValueError(f"classes: expected distinct names out of {CLASSES}, got {classes!r}")
    if not duration_s >= 2:
        raise ValueError(f"duration_s: expected at least 2 s, got {duration_s}")
    if not 1 <= n_playing[0] <= n_playing[1]:
        raise ValueError(f"n_playing: expected (fewest, most) with 1 <= fewest <= most, got {n_playing}")
    # A part shorter than a bar may hold no note.
    if not 0.2 <= active_share[0] <= active_share[1] <= 1:
        raise ValueError(f"active_share: expected (least, most) within 0.2 and 1, got {active_share}")
    if not gain_db[0] <= gain_db[1]:
        raise ValueError(f"gain_db: expected (lowest, highest), got {gain_db}")
    if programs not in ("training", "held_out", "all"):
        raise ValueError(f'programs: expected "training", "held_out" or "all", got {programs!r}')
    return tuple(classes)
