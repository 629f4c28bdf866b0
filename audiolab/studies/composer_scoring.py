"""Scores of a composer classifier: the vote of a piece's excerpts, and a forest that knows ten trivial numbers of each.

Axes: N excerpts, K composers, T frames, F keys.
"""

from __future__ import annotations

import numpy as np

from .composer_worlds import Rolls


def piece_votes(probability: np.ndarray, piece: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Majority vote of the excerpts' decisions, piece by piece: names and decisions, (n_pieces,) each.

    On a tie the tied class with the largest mean probability wins, which the published code intends and does not do.
    """
    names = np.unique(piece)
    decisions = []
    for name in names:
        rows = probability[piece == name]
        votes = np.bincount(rows.argmax(1), minlength=rows.shape[1])
        tied = votes == votes.max()
        decisions.append(int(np.where(tied, rows.mean(0), -1.0).argmax()))
    return names, np.array(decisions)


def scores(probability: np.ndarray, y: np.ndarray, piece: np.ndarray) -> dict[str, float]:
    """Excerpt and piece accuracy, and the pieces' F1, weighted by class support (as published) and macro."""
    from sklearn.metrics import f1_score

    names, decided = piece_votes(probability, piece)
    truth = np.array([y[piece == name][0] for name in names])
    return {
        "excerpt_accuracy": float((probability.argmax(1) == y).mean()),
        "piece_accuracy": float((decided == truth).mean()),
        "f1_weighted": float(f1_score(truth, decided, average="weighted", zero_division=0)),
        "f1_macro": float(f1_score(truth, decided, average="macro", zero_division=0)),
    }


# A rule without a network


def trivial_features(rolls: np.ndarray) -> np.ndarray:
    """Ten numbers that know no figure and no order: (N, 10) from rolls (N, T, F).

    Mean, deviation and range of the keys, notes and distinct onsets per frame, mean and largest number of sounding
    notes, share of silence, mean length of a note in frames, largest velocity.
    """
    rows = []
    for roll in np.asarray(rolls):
        on = roll > 0
        keys = np.nonzero(on)[1] if on.any() else np.zeros(1)
        starts = np.vstack([on[:1], on[1:] & ~on[:-1]])
        sounding = on.sum(1)
        rows.append([
            keys.mean(), keys.std(), np.ptp(keys), starts.sum() / len(roll), starts.any(1).mean(), sounding.mean(),
            sounding.max(), (sounding == 0).mean(), on.sum() / max(1, starts.sum()), roll.max(),
        ])
    return np.array(rows, dtype=float)


def trivial_forest(train: Rolls, test: Rolls, *, seed: int = 0) -> dict[str, float]:
    """`scores` of a random forest on `trivial_features`: how far texture statistics go without a network."""
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(200, min_samples_leaf=3, class_weight="balanced", random_state=seed)
    forest.fit(trivial_features(train.excerpts()), train.y)
    return scores(forest.predict_proba(trivial_features(test.excerpts())), test.y, test.piece)
