"""Votes, scores and the ten trivial numbers, by hand."""

import numpy as np
import pytest

from audiolab.studies import composer_scoring


def test_votes_and_scores_by_hand():
    p = np.array([
        [0.6, 0.3, 0.1], [0.1, 0.8, 0.1],  # one vote each: the second has the larger mean
        [0.5, 0.2, 0.3], [0.5, 0.2, 0.3], [0.0, 0.0, 1.0],  # two votes beat a larger mean
        [0.1, 0.2, 0.7],
    ])  # fmt: skip
    piece, y = np.array([5, 5, 6, 6, 6, 7]), np.array([1, 1, 0, 0, 0, 1])
    names, decided = composer_scoring.piece_votes(p, piece)
    assert names.tolist() == [5, 6, 7]
    assert decided.tolist() == [1, 0, 2]
    found = composer_scoring.scores(p, y, piece)
    assert found["excerpt_accuracy"] == pytest.approx(3 / 6)
    assert found["piece_accuracy"] == pytest.approx(2 / 3)
    assert found["f1_weighted"] == pytest.approx((1 * 1.0 + 2 * (2 / 3)) / 3)
    assert found["f1_macro"] == pytest.approx((1.0 + 2 / 3 + 0.0) / 3)


def test_trivial_features_by_hand():
    roll = np.zeros((1, 10, 88), np.uint8)
    roll[0, 0:4, 40] = 50
    roll[0, 2:4, 44] = 90
    found = composer_scoring.trivial_features(roll)[0]
    expected = [(4 * 40 + 2 * 44) / 6, np.std([40] * 4 + [44] * 2), 4, 0.2, 0.2, 0.6, 2, 0.6, 3, 90]
    np.testing.assert_allclose(found, expected)
    assert np.isfinite(composer_scoring.trivial_features(np.zeros((1, 5, 88)))).all()
