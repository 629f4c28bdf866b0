"""Composers who do not exist, with habits that are known: made scores for testing explanations of classifiers.

Every excerpt is a melody over an accompaniment, or a texture of its own; all of it is drawn from one common law (key,
mode, harmony, tempo, register, loudness, articulation) except the *texture*, which is the planted concept:

* "alberti": broken triads low, high, middle, high under a melody;
* "broken": the same triads low, middle, high, middle: order differs, and which tone comes twice, nothing else;
* "lines": three or four independent voices that enter in turn with one subject;
* "runs": scales in short notes, in half of the pieces doubled in octaves, over a leaping bass;
* "block": whole triads under a melody.

Four composers own one of the first four each and use it in most of their sections; "block" belongs to nobody: all use
it alike, so that it is heard everywhere and means nothing. What each concept should do to each composer's score then
follows from the shares alone (`planted_effects`). All times in s, keys in MIDI numbers.
Axes: T frames, F keys, K composers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from audiolab.features.piano_roll import EXCERPT_FRAMES, Notes, notes_to_roll, window

TEXTURES = ("alberti", "broken", "lines", "runs", "block")
COMPOSERS = ("Alba", "Bruno", "Lena", "Rufus")  # own the first four textures, in this order
OWN_SHARE, COMMON_SHARE = 0.70, 0.15  # of a composer's sections: the own texture, and "block"; the rest in equal parts
SECTION_S = 26.0

_PROGRESSIONS = ((0, 3, 4, 0), (0, 5, 3, 4), (0, 4, 5, 3), (0, 3, 1, 4), (5, 3, 0, 4), (0, 2, 3, 4))
_SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
_VALUES, _VALUE_SHARES = (0.25, 0.5, 1.0, 1.5, 2.0), (0.1, 0.35, 0.35, 0.1, 0.1)  # lengths of melody notes, in quarters


class Manner(NamedTuple):
    """What a whole piece shares: drawn from the common law, whoever composes."""

    tonic: int  # MIDI key of the scale's first degree, in the bass register
    mode: str
    rate: float  # distinct onsets per second
    articulation: float  # sounding share of a note's length
    velocity: float  # mean MIDI velocity
    drone: bool  # a low held note under everything


class Section(NamedTuple):
    """About 26 s of music: its notes and the texture that was planted."""

    notes: Notes
    texture: str

    @property
    def roll(self) -> np.ndarray:
        """The first 25 s, (500, 88), uint8: an excerpt of 400 frames fits in at any offset up to 100."""
        return window(notes_to_roll(self.notes), 0, n_frames=EXCERPT_FRAMES + 100)


class Piece(NamedTuple):
    """Sections of one composer, which share a manner."""

    composer: str
    sections: list[Section]


def shares(
    own: float = OWN_SHARE, common: float = COMMON_SHARE, *, composers: Sequence[str] = COMPOSERS
) -> dict[str, dict[str, float]]:
    """Composer -> texture -> share of the sections. `own` 0.2125 (with `common` 0.15) makes all composers alike.

    Raises ValueError when the shares do not leave 0 to 1 for the other textures.
    """
    rest = (1 - own - common) / (len(composers) - 1)
    if min(own, common, rest) < 0:
        raise ValueError(f"own, common: expected shares of 0 or more that sum to at most 1, got {own}, {common}")
    return {
        composer: {t: common if t == "block" else own if t == TEXTURES[k] else rest for t in TEXTURES}
        for k, composer in enumerate(composers)
    }


def planted_effects(mixture: Mapping[str, Mapping[str, float]] | None = None) -> np.ndarray:
    """What a texture says about a composer, in natural log units, (textures, K).

    log p(t | k) less its mean over composers: the change of the ideal classifier's logit, whose sum over composers a
    softmax cannot see. Positive for the owner, negative for the others, 0 for what all use alike.
    """
    mixture = mixture or shares()
    table = np.log([[row[t] for row in mixture.values()] for t in TEXTURES])
    return table - table.mean(axis=1, keepdims=True)


def make_section(texture: str, *, seed: int, manner: Manner | None = None, duration_s: float = SECTION_S) -> Section:
    """One section with a planted texture and no composer attached; the manner is drawn from the common law if None.

    Raises ValueError for an unknown texture (lists those that are known).
    """
    if texture not in TEXTURES:
        raise ValueError(f"texture: expected one of {TEXTURES}, got {texture!r}")
    rng = np.random.default_rng(np.random.SeedSequence([seed, 1]))
    manner = manner or make_manner(seed=seed)
    bars = 6
    while True:  # the tempo follows from the onsets, so the number of bars is found by trying
        state = np.random.default_rng(np.random.SeedSequence([seed, 2]))
        parts = _compose(texture, manner, bars, state)
        onsets = {round(n[0], 4) for part in parts for n in part}
        quarter_s = len(onsets) / (4.0 * bars) / manner.rate
        if bars * 4 * quarter_s >= duration_s or bars > 200:
            break
        bars = int(np.ceil(bars * 1.05 * duration_s / (bars * 4 * quarter_s))) + 1
    return Section(_perform(parts, manner, quarter_s, rng, duration_s), texture)


def make_manner(*, seed: int, drone: bool = False) -> Manner:
    """Draw key, mode, rate, articulation and loudness from the law that all composers share."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, 0]))
    return Manner(
        tonic=int(rng.integers(40, 52)),
        mode="major" if rng.random() < 0.6 else "minor",
        rate=float(np.exp(rng.uniform(np.log(1.8), np.log(3.0)))),
        articulation=float(rng.uniform(0.85, 1.0)),
        velocity=float(rng.uniform(50, 80)),
        drone=drone,
    )


def make_piece(
    composer: str, *, seed: int, n_sections: int = 5, mixture: Mapping[str, Mapping[str, float]] | None = None,
    drone: float = 0.0,
) -> Piece:
    """One piece: a manner of its own, and for each section a texture drawn from the composer's shares.

    `drone` is the chance that a held bass note runs through the piece, the second thing that can be planted.
    Raises ValueError for a composer who is not in `mixture`.
    """
    mixture = mixture or shares()
    if composer not in mixture:
        raise ValueError(f"composer: expected one of {list(mixture)}, got {composer!r}")
    rng = np.random.default_rng(np.random.SeedSequence([seed, 3]))
    manner = make_manner(seed=seed, drone=bool(rng.random() < drone))
    row = mixture[composer]
    textures = rng.choice(list(row), n_sections, p=list(row.values()))
    return Piece(composer, [
        make_section(str(texture), seed=int(s), manner=manner)
        for texture, s in zip(textures, rng.integers(2**40, size=n_sections), strict=True)
    ])


# Composition, in quarters


def _compose(texture: str, manner: Manner, bars: int, rng: np.random.Generator) -> list[list[tuple]]:
    """Parts of (onset, duration, key), in quarters."""
    scale = _SCALES[manner.mode]

    def key(degree: int) -> int:
        return manner.tonic + 12 * (degree // 7) + scale[degree % 7]

    roots = np.tile(_PROGRESSIONS[rng.integers(len(_PROGRESSIONS))], bars // 4 + 1)[:bars]
    if texture == "lines":
        parts = _lines(key, roots, bars, rng)
    elif texture == "runs":
        parts = _runs(key, roots, rng)
    else:
        parts = [_melody(key, roots, 14, 4.0 * bars, rng), _accompaniment(texture, key, roots, rng)]
    if manner.drone:
        parts.append([(8.0 * i, 8.0, manner.tonic - 12) for i in range((bars + 1) // 2)])
    return parts


def _accompaniment(texture: str, key, roots, rng: np.random.Generator) -> list[tuple]:
    inversion = int(rng.integers(3))
    part = []
    if texture == "block":
        step = float(rng.choice([1.0, 2.0, 4.0]))
        for bar, root in enumerate(roots):
            for beat in np.arange(0, 4, step):
                part += [(4 * bar + beat, step, key(d)) for d in _triad(root, inversion)]
        return part
    figure = (0, 2, 1, 2) if texture == "alberti" else (0, 1, 2, 1)
    step = 0.5 if rng.random() < 2 / 3 else 0.25
    for bar, root in enumerate(roots):
        tones = _triad(root, inversion)
        part += [(4 * bar + i * step, step, key(tones[figure[i % 4]])) for i in range(int(4 / step))]
    return part


def _triad(root: int, inversion: int) -> list[int]:
    """Three degrees, low to high, close together."""
    tones = [int(root) + 2 * i for i in range(3)]
    for _ in range(inversion):
        tones = [*tones[1:], tones[0] + 7]
    return [t if root + 7 * (inversion > 0) < 9 else t - 7 for t in tones]


def _melody(key, roots, centre: int, length: float, rng: np.random.Generator, *, start: float = 0.0) -> list[tuple]:
    """A walk on the scale about a centre degree: mostly steps, chord tones on strong beats."""
    degree, at, part = centre, start, []
    while at < length - 1e-9:
        value = min(float(rng.choice(_VALUES, p=_VALUE_SHARES)), length - at)
        pull = 0.5 - 0.08 * (degree - centre)  # back towards the centre
        size = int(rng.integers(2, 5)) if rng.random() < 0.15 else 1
        degree += size if rng.random() < pull else -size
        root = int(roots[min(int(at // 4), len(roots) - 1)])
        if at % 1 == 0 and rng.random() < 0.7:  # the nearest tone of the triad
            near = [d for d in range(degree - 3, degree + 4) if (d - root) % 7 in (0, 2, 4)]
            degree = min(near, key=lambda d: (abs(d - degree), d))
        part.append((at, value, key(degree)))
        at += value
    return part


def _lines(key, roots, bars: int, rng: np.random.Generator) -> list[list[tuple]]:
    """Voices five degrees apart; each enters with the subject, one after the other, and goes on freely."""
    n_voices = int(rng.integers(3, 5))
    length = float(rng.integers(4, 9))
    subject = _melody(lambda d: d, roots, 0, length, rng)
    parts = []
    for order, voice in enumerate(rng.permutation(n_voices)):
        centre, enters = 2 + 5 * int(voice), order * length
        entry = [(enters + at, value, key(centre + d)) for at, value, d in subject]
        free = _melody(key, roots, centre, 4.0 * bars, rng, start=enters + length)
        parts.append([n for n in entry if n[0] < 4.0 * bars] + free)
    return parts


def _runs(key, roots, rng: np.random.Generator) -> list[list[tuple]]:
    """Scales in sixteenths that turn every two beats, and a bass that leaps between octaves and fifths."""
    octaves, degree, right, bass = rng.random() < 0.5, 14, [], []
    for beat in range(0, 4 * len(roots), 2):
        direction = 1 if degree < 11 else -1 if degree > 17 else int(rng.choice([-1, 1]))
        for i in range(8):
            right.append((beat + i / 4, 0.25, key(degree)))
            if octaves:
                right.append((beat + i / 4, 0.25, key(degree) - 12))
            degree += direction
    for bar, root in enumerate(roots):
        tones = rng.choice([0, 4, 7, 9], 4) + int(root) - 7
        bass += [(4.0 * bar + i, 1.0, key(int(t))) for i, t in enumerate(tones)]
    return [right, bass]


def _perform(
    parts: list[list[tuple]], manner: Manner, quarter_s: float, rng: np.random.Generator, duration_s: float
) -> Notes:
    """Parts in quarters to notes in s: articulation, small errors of timing, a slow wave and noise in loudness."""
    rows = np.array([note for part in parts for note in part], dtype=float)
    shift = round(float(62 + rng.uniform(-5, 5) - rows[:, 2].mean()))  # one register law for all textures
    onset = rows[:, 0] * quarter_s
    kept = onset < duration_s
    rows, onset = rows[kept], onset[kept]
    length = rows[:, 1] * quarter_s * manner.articulation
    onset = np.maximum(0, onset + rng.uniform(-0.012, 0.012, len(rows)))
    wave = 12 * np.sin(2 * np.pi * (onset / rng.uniform(6, 14) + rng.random()))
    velocity = np.clip(np.rint(manner.velocity + wave + rng.normal(0, 6, len(rows))), 1, 127)
    return Notes.of(onset, onset + np.maximum(length, 0.03), np.clip(rows[:, 2] + shift, 0, 127), velocity)
