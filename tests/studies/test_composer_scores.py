"""Real scores become splits by work; what is not at hand is named."""

import numpy as np
import pytest

from audiolab.studies import cache, composer_scores


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "cache_folder", lambda: tmp_path)


@pytest.mark.slow
def test_corpus_of_a_few_pieces():
    pytest.importorskip("music21", reason="the extra `music` is not installed")
    split = composer_scores.corpus_split(limit=4, n_train=40, n_per_piece=2)
    rolls, y, piece = split.train
    assert np.bincount(y).tolist() == [10, 10, 10, 10]
    assert all(roll.shape == (400, 88) for roll in (*rolls, *split.test[0]))
    assert not set(piece) & set(split.test[2])
    assert set(split.test[1]) == {0, 1, 2, 3}
    again = composer_scores.corpus_split(limit=4, n_train=40, n_per_piece=2)
    assert all(np.array_equal(a, b) for a, b in zip(split.test[0], again.test[0], strict=True))
    rolls, y, piece = composer_scores.corpus_test(split.tested, n_per_piece=2)
    assert all(np.array_equal(a, b) for a, b in zip(split.test[0], rolls, strict=True))
    assert y.tolist() == split.test[1].tolist()
    assert piece.max() + 1 == len(split.tested)
    with pytest.raises(ValueError, match="bwv0/none"):
        composer_scores.corpus_test([*split.tested, "bwv0/none"])


def test_published_signs_are_the_table():
    signs = np.array(list(composer_scores.PUBLISHED_SIGNS.values()))
    assert signs.shape == (3, len(composer_scores.ASAP_COMPOSERS))
    assert (signs != 0).sum() == 11
    assert composer_scores.PUBLISHED_SIGNS["contrapuntal"][composer_scores.ASAP_COMPOSERS.index("Bach")] == 1


def test_missing_recordings_are_named(monkeypatch):
    monkeypatch.delenv("AUDIOLAB_DATA", raising=False)
    for read in (composer_scores.asap_split, composer_scores.published_examples):
        with pytest.raises(FileNotFoundError, match="AUDIOLAB_DATA"):
            read()
