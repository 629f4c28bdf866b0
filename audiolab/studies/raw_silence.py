"""Where the raw network looks in recordings that end in digital silence: a truth that comes with ESC-10's clips.

Short sounds were filled up with zeros to five seconds. A chunk without any sound cannot tell a class, so attention on
it is attention misplaced. Axes: N clips, T samples; chunks as the network cuts them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from audiolab.recipes.raw_waveform import RawWaveform

from . import raw_systems, raw_waveform


class SilentClips(NamedTuple):
    """Test clips with at least one silent and one sounding chunk, and what the network made of them."""

    samples: np.ndarray  # (N, T)
    names: tuple[str, ...]  # true class of each
    said: tuple[str, ...]  # the class that the network names
    attention: np.ndarray  # (N, chunks), sums to 1
    silent: np.ndarray  # (N, chunks), bool

    @property
    def weight(self) -> float:
        """Mean weight of a silent chunk; equal weights would give one over the number of chunks."""
        return float(self.attention[self.silent].mean())

    @property
    def mistaken(self) -> float:
        """Share of clips whose heaviest chunk is silent, 0..1."""
        heaviest = self.attention.argmax(axis=1)
        return float(self.silent[np.arange(len(self.silent)), heaviest].mean())

    @property
    def chance(self) -> float:
        """What `mistaken` is for a chunk drawn at random, 0..1."""
        return float(self.silent.mean())

    def spans(self, clip: int, recipe: RawWaveform) -> list[tuple[str, float, float]]:
        """Silent chunks of a clip as ("silence", start, end) in seconds, for a player's lanes; overlaps are joined."""
        spans: list[tuple[str, float, float]] = []
        for chunk in np.flatnonzero(self.silent[clip]):
            start = chunk * recipe.hop_length / recipe.sample_rate
            end = start + recipe.chunk_length / recipe.sample_rate
            if spans and start <= spans[-1][2]:
                start = spans.pop()[1]
            spans.append(("silence", float(start), float(end)))
        return spans


def silent_clips(recipe: RawWaveform, fold: int = 0) -> SilentClips:
    """Clips of one test fold that have silent chunks, with the attention of the network trained on the other folds.

    The network is the study's "joint" of that fold, from the cache or trained now. `recipe` is one of
    `for_recordings`, `fold` counts its folds.

    Raises:
        FileNotFoundError: ESC-10 is not there.
        ValueError: a fold that the recipe does not have, or one without such a clip.
    """
    if not 0 <= fold < len(recipe.folds):
        raise ValueError(f"fold: expected 0 to {len(recipe.folds) - 1}, got {fold}")
    world = raw_systems.recordings_world(recipe, recipe.folds[fold])
    silent = raw_systems.silent_chunks(world.test, recipe)
    chosen = np.flatnonzero(silent.any(axis=1) & ~silent.all(axis=1))
    if not len(chosen):
        raise ValueError(f"fold: expected clips with a silent chunk, got none in fold {recipe.folds[fold]}")
    model = raw_waveform.kept_system("joint", world, recipe, fold).model
    split = world.test.pick(chosen)
    answers = raw_systems.answers(model, raw_systems.raw_chunks(split.samples, recipe))
    names, said = (tuple(world.fine[k] for k in rows) for rows in (split.y[:, 1], answers.fine.argmax(axis=1)))
    return SilentClips(split.samples, names, said, answers.attention, silent[chosen])
