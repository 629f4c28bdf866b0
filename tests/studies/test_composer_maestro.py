"""The published data in miniature: two composers whose pieces are split, cropped, and told apart by a network."""

import csv

import numpy as np
import pytest

from audiolab.features.piano_roll import centre_crop
from audiolab.recipes.musical_concepts import MusicalConcepts
from audiolab.studies import base, cache, composer_maestro
from audiolab.studies import musical_concepts as study

pretty_midi = pytest.importorskip("pretty_midi", reason="the extra `music` is not installed")


@pytest.fixture
def recipe():
    return MusicalConcepts().at("smoke").but(profile="paper", n_windows=3)


@pytest.fixture
def miniature(tmp_path, monkeypatch):
    """Sixteen titles of two composers in MAESTRO's layout: Bach plays low keys, Chopin high ones."""
    monkeypatch.setattr(cache, "cache_folder", lambda: tmp_path / "cache")
    root = tmp_path / "maestro" / "maestro-v2.0.0"
    (root / "2004").mkdir(parents=True)
    rows = []
    for composer, key in (("Bach", 40), ("Chopin", 80)):
        for number in range(16):
            midi, name = pretty_midi.PrettyMIDI(), f"2004/{composer}-{number}.midi"
            piano = pretty_midi.Instrument(0)
            for second in range(20 + number):
                piano.notes.append(pretty_midi.Note(60 + number, key + second % 5, second, second + 0.9))
            midi.instruments.append(piano)
            midi.write(str(root / name))
            rows.append((composer, f"Piece No. {number}", name))
    with open(root / "maestro-v2.0.0.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("canonical_composer", "canonical_title", "midi_filename"))
        writer.writerows(rows)
    return tmp_path


def test_pieces_are_split_by_title_and_cropped(recipe, miniature):
    split = composer_maestro.maestro_split(recipe, folder=miniature)
    assert split.classes == ("Bach", "Chopin")
    assert split.note == "32 titles, 10 tested"
    rolls, y, _ = split.train
    assert np.bincount(y).tolist() == [11, 11]
    assert {len(roll) // 20 for roll in rolls} <= set(range(19, 36))
    crops, labels, piece = split.test
    assert len(crops) == len(labels) == len(piece) == 10 * 3
    assert {crop.shape for crop in crops} == {(400, 88)}
    low = [crop[:, : 60 - 21].any() and not crop[:, 60 - 21 :].any() for crop in crops]
    assert low == (labels == 0).tolist()
    short = rolls[0][:300]  # less than a window
    crops = composer_maestro.all_crops(study.Rolls([short], y[:1], np.array([0])), recipe).rolls
    padded = np.vstack([short, np.zeros((200, 88), np.uint8)])
    assert all(np.array_equal(crop, centre_crop(padded)) for crop in crops)


def test_the_papers_profile_runs_on_its_own_data(recipe, miniature, monkeypatch):
    paper = MusicalConcepts()
    runs = study.grid(paper)
    assert {run.experiment for run in runs} == {"maestro"}
    monkeypatch.delenv("AUDIOLAB_DATA", raising=False)
    with pytest.raises(FileNotFoundError, match="AUDIOLAB_DATA"):
        study.run(runs[0])
    monkeypatch.setenv("AUDIOLAB_DATA", str(miniature))
    for model in ("network", "forest"):
        found = study.run(base.Run("musical_concepts", "maestro", {"model": model}, 0, recipe))
        assert 0 <= found.values["f1_weighted"] <= 1
        assert found.values["n_test"] == 30
        assert found.data["name"] == "MAESTRO v2.0.0, 2 composers"
    assert found.values["piece_accuracy"] == 1  # the forest sees how high the keys lie
    (miniature / "maestro" / "maestro-v2.0.0" / "2004" / "Bach-3.midi").unlink()
    with pytest.raises(FileNotFoundError, match=r"Bach-3\.midi"):
        composer_maestro.maestro_split(recipe)
