"""A sampled instrument as a bank of notes: pitch, loudness and length, and what is said when there is none."""

import importlib.util

import numpy as np
import pytest

from audiolab.show import rolls
from audiolab.worlds import sampled_notes
from audiolab.worlds.sampled_notes import Voice, play_voice, sampled_bank

needs_font = pytest.mark.skipif(importlib.util.find_spec("pretty_midi") is None, reason="no pretty_midi: no sound font")


def share_at(sound, f0, rate):
    """Of the energy below twelve times f0, how much lies at its multiples."""
    power = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 2**17)) ** 2
    hz = np.fft.rfftfreq(2**17, 1 / rate)
    low = (hz > 0.6 * f0) & (hz < 12 * f0)
    near = np.abs(hz / f0 - np.maximum(1, np.round(hz / f0))) * f0 / np.maximum(hz, 1) < 0.015
    return power[low & near].sum() / power[low].sum()


@needs_font
@pytest.mark.parametrize("program", [0, 19, 40, 73])
@pytest.mark.parametrize("key", [45, 57, 60, 61, 69, 84, 90])
def test_a_note_has_its_pitch(program, key):
    sound = sampled_bank(program)(key, 0.5, 1.0, 22050)
    f0 = 440 * 2 ** ((key - 69) / 12)
    assert share_at(sound, f0, 22050) > 0.8
    assert share_at(sound, f0, 22050) > 2 * share_at(sound, f0 * 2 ** (3.5 / 12), 22050)


@needs_font
def test_the_whole_keyboard_sounds():
    bank = sampled_bank()
    peaks = [np.abs(bank(key, 1.0, 0.5, 22050)).max() for key in range(21, 109)]
    assert min(peaks) > 0.02
    assert max(peaks) < 4


@needs_font
def test_length_loudness_and_decay():
    bank = sampled_bank()
    sound = bank(60, 1.0, 1.0, 22050)
    np.testing.assert_allclose(bank(60, 0.25, 1.0, 22050), sound / 4)
    assert 22050 < len(sound) <= round(1.61 * 22050)
    early, late = (np.sqrt((bank(60, 1.0, 6.0, 22050)[a * 22050 : (a + 1) * 22050] ** 2).mean()) for a in (0, 4))
    assert 0 < late < 0.3 * early
    assert np.abs(sound[-200:]).max() < 0.01 * np.abs(sound).max()


def test_a_loop_goes_on_and_its_end_is_silence():
    wave = np.sin(2 * np.pi * np.arange(101) / 20)
    voice = Voice(wave, 8000, 69.0, 1.0, (40, 80), 0.0, 0.0, 0.0, 0.05, 0.0)
    sound = play_voice(voice._replace(decay_s=1e9), 69, 0.5, 8000)
    np.testing.assert_allclose(sound[8:4000], np.sin(2 * np.pi * np.arange(4000) / 20)[8:], atol=1e-6)
    high = play_voice(voice._replace(decay_s=1e9), 81, 0.1, 8000)
    np.testing.assert_allclose(high[8:800], np.sin(2 * np.pi * np.arange(800) / 10)[8:], atol=1e-6)
    once = play_voice(voice._replace(loop=(0, 0)), 69, 0.5, 8000)
    assert not once[102:].any()


@needs_font
def test_a_roll_is_played_by_it():
    roll = np.zeros((40, 88), np.uint8)
    roll[4:20, 48], roll[20:30, 52] = 80, 100
    sound = rolls.render(roll, bank=sampled_bank(), duration_s=2.0)
    assert sound.shape == (44100,)
    assert not sound[:4000].any()
    assert not np.allclose(sound, rolls.render(roll, duration_s=2.0))


@needs_font
def test_bad_programs_are_named():
    with pytest.raises(ValueError, match="program, key"):
        sampled_bank(500)


def test_what_is_missing_is_named(monkeypatch, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no file .*none\.sf2"):
        sampled_bank(path=tmp_path / "none.sf2")
    for content, words in ((b"RIFF0000WAVE", "SoundFont 2"), (b"RIFF0000sfbk", "got none of")):
        (tmp_path / "bad.sf2").write_bytes(content)
        sampled_notes._read_font.cache_clear()
        with pytest.raises(ValueError, match=words):
            sampled_bank(path=tmp_path / "bad.sf2")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(FileNotFoundError, match="install"):
        sampled_bank()
