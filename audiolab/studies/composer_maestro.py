"""MAESTRO's thirteen composers, the published experiment's own data, where it is given, as rolls split by title."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from audiolab.data import maestro, scores
from audiolab.features.piano_roll import centre_crop, notes_to_roll, spread_windows, window
from audiolab.recipes.musical_concepts import MusicalConcepts

from .cache import cached_arrays
from .composer_scores import Split
from .composer_worlds import Rolls

SPLIT_SEED = 333  # the published code's; every run has the same pieces on either side


def maestro_split(recipe: MusicalConcepts, *, folder: str | Path | None = None) -> Split:
    """Pieces split as published: whole rolls to train on, `n_windows` crops spread over each validation piece to test.

    The first performance of each title is read, in the table's order; the rolls stay in the cache. The crops of all
    published pieces are 0.65 GB.

    Raises FileNotFoundError when MAESTRO is not in `AUDIOLAB_DATA` or lacks a file.
    """
    pieces = maestro.list_maestro(folder)
    classes = tuple(sorted({piece.composer for piece in pieces}))
    sides = []
    for side in maestro.split_pieces(pieces, seed=SPLIT_SEED):
        labels = np.array([classes.index(piece.composer) for piece in side])
        sides.append(Rolls(_rolls(side), labels, np.arange(len(side))))
    train, tested = sides
    note = f"{len(pieces)} titles, {len(tested.y)} tested"
    return Split(tuple(train), tuple(all_crops(tested, recipe)), classes, note)


def _rolls(side: list[maestro.Piece]) -> list[np.ndarray]:
    paths = [piece.paths[0] for piece in side]

    def make() -> dict[str, np.ndarray]:
        rolls = [notes_to_roll(scores.read_midi(path)) for path in paths]
        return {"roll": np.concatenate(rolls), "size": np.array([len(roll) for roll in rolls])}

    key = [[path.name, path.stat().st_size] for path in paths]
    arrays = cached_arrays("maestro", key, ("audiolab.data.scores", "audiolab.features.piano_roll"), make)
    return np.split(arrays["roll"], np.cumsum(arrays["size"])[:-1])


def all_crops(pieces: Rolls, recipe: MusicalConcepts) -> Rolls:
    """`n_windows` excerpts of every piece: the middles of windows placed evenly over it."""
    crops = []
    for roll in pieces.rolls:
        starts = spread_windows(len(roll), n_windows=recipe.n_windows, n_frames=recipe.window_frames)
        windows = (window(roll, int(start), n_frames=recipe.window_frames) for start in starts)
        crops += [centre_crop(one, n_frames=recipe.excerpt_frames) for one in windows]
    return Rolls(crops, pieces.y.repeat(recipe.n_windows), pieces.piece.repeat(recipe.n_windows))
