"""A folder named by UCS and public sets become libraries of the study; what is left out is said."""

import numpy as np
import pytest
import soundfile

from audiolab.data import freesound, ucs
from audiolab.recipes import SoundEffects
from audiolab.studies import cache, own_libraries
from audiolab.studies import sound_effects as study

ENTRIES = {name: ucs.Entry(name, "X", name) for name in ("RAIN", "WIND", "BEEP")}


@pytest.fixture
def recipe(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.setattr(study, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.setattr(ucs, "read_list", lambda: ENTRIES)
    (tmp_path / "cache").mkdir()
    return SoundEffects().at("smoke")


def write(path, seed=0, seconds=0.5):
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = 0.1 * np.random.default_rng(seed).standard_normal((round(seconds * 44100), 2))
    soundfile.write(path, noise, 44100)
    return path


def test_a_folder_named_by_ucs(recipe, tmp_path):
    folder = tmp_path / "sounds"
    for i in range(8):
        for take in (1, 2):
            write(folder / f"RAIN_Roof {'abcdefgh'[i]} {take:02d}_ME_LIB.wav", i)
            write(folder / f"WIND_Tree {'abcdefgh'[i]} {take:02d}_ME_LIB.wav", 50 + i)
    write(folder / "BEEP_One 01_ME_LIB.wav")
    write(folder / "Kick.wav")
    (folder / "RAIN_Broken 01_ME_LIB.wav").write_bytes(b"nothing")
    own = own_libraries.ucs_library(recipe, folder, per_class=14, smallest_class=5)
    assert own.data.classes == ("RAIN", "WIND")
    assert len(own.data.frames) == 28
    reasons = own_libraries.count_reasons(own.dropped)
    assert reasons["beyond 14 files of a class"] == 4
    assert reasons["CatID not in the list"] == 1
    assert any("'BEEP' with fewer than 5 files" in reason for reason in reasons)
    assert "RAIN_Broken 01_ME_LIB.wav" in {path.name for path in own.dropped}
    parts = own.data.parts
    assert not set(own.data.groups[parts.train]) & set(own.data.groups[parts.test])
    again = own_libraries.ucs_library(recipe, folder, per_class=14, smallest_class=5)
    assert again.data.checksum == own.data.checksum
    trained = study.train([own.data], recipe, 0, progress=False)
    assert 0 <= study.evaluate(trained.model, own.data, recipe)["f1"] <= 1


def test_public_sets_share_no_recording(recipe, tmp_path, monkeypatch):
    sets = {}
    for name, first in (("esc50", 0), ("fsd50k", 4)):
        sets[name] = [
            freesound.Row(write(tmp_path / name / f"{i}-{label}.wav", i), label, "1", str(i + 100 * (label == "b")))
            for i in range(first, first + 8) for label in "ab"
        ]
    monkeypatch.setattr(freesound, "read_rows", lambda name, root=None: sets[name])
    one, two = own_libraries.public_libraries(recipe, ("esc50", "fsd50k"), smallest_class=3)
    assert (len(one.data.frames), len(two.data.frames)) == (16, 8)
    assert not set(one.data.groups) & set(two.data.groups)


def test_mistakes_are_named(recipe, tmp_path):
    with pytest.raises(ValueError, match="one length"):
        own_libraries.library_of(recipe, "x", [tmp_path], [], [])
    with pytest.raises(ValueError, match="got none of 'x'"):
        own_libraries.library_of(recipe, "x", [write(tmp_path / "a.wav")], ["a"], ["1"])
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(ValueError, match="got none of 'empty'"):
        own_libraries.ucs_library(recipe, empty)
