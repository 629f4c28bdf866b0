"""Clip statistics on sounds whose statistics are known."""

import numpy as np
import pytest

from audiolab.worlds.statistics import clip_statistics

RATE = 22050
TIME = np.arange(5 * RATE) / RATE


def test_a_sine_lies_in_its_octave_with_its_crest():
    found = clip_statistics(np.sin(2 * np.pi * 700 * TIME), RATE)
    assert np.argmax(found.octave_db) == 4
    assert found.octave_db[4] == pytest.approx(0.0, abs=0.01)
    assert found.crest_db == pytest.approx(3.01, abs=0.02)
    assert found.active == 1.0


def test_half_a_clip_of_silence_is_half_active():
    found = clip_statistics(np.sin(2 * np.pi * 700 * TIME) * (TIME < 2.5), RATE)
    assert found.active == pytest.approx(0.5, abs=0.01)
    assert found.floor_db < -100


def test_a_floor_is_found_at_its_level():
    level = np.where(TIME < 2.5, 1.0, 0.01)
    assert clip_statistics(level * np.sin(2 * np.pi * 700 * TIME), RATE).floor_db == pytest.approx(-40, abs=1)


def test_silence_is_refused():
    with pytest.raises(ValueError, match="silence"):
        clip_statistics(np.zeros(100))
