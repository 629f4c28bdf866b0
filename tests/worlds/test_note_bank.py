"""The bank: every note sounds, and the player has what the renderer lacks: velocity, decay, release, pitch."""

import importlib.util

import numpy as np
import pytest

from audiolab.worlds import note_bank
from audiolab.worlds.note_bank import INSTRUMENTS, SAMPLE_RATE, play_note

needs_font = pytest.mark.skipif(
    importlib.util.find_spec("pretty_midi") is None, reason="pretty_midi is not installed: no sound font"
)


def rms(samples):
    return np.sqrt(np.mean(np.square(samples)))


def level_db(samples, at_s):
    first = round(at_s * SAMPLE_RATE)
    return 20 * np.log10(rms(samples[first : first + 1600]))


def test_the_plan_has_every_program_once():
    plan = note_bank._plan()
    assert len(plan) == len(set(plan))
    assert len(INSTRUMENTS) == 20
    assert {program for program, drum, _ in plan if drum} == set(note_bank.KITS)
    assert all(set(one.held_out) < {program for program, *_ in one.programs} for one in INSTRUMENTS.values())


@needs_font
def test_every_note_sounds():
    bank = note_bank.note_bank()
    assert set(bank) == set(note_bank._plan())
    for note, samples in bank.items():
        assert samples.dtype == np.float32
        assert len(samples) == note_bank.NOTE_S * SAMPLE_RATE
        assert np.isfinite(samples).all()
        assert np.abs(samples).max() == pytest.approx(1, abs=1e-3), note


@needs_font
def test_louder_velocity_is_louder_and_brighter():
    soft, loud = (play_note("piano", 0, 60, velocity=v) for v in (40, 110))
    assert rms(loud) / rms(soft) == pytest.approx((110 / 40) ** 2, rel=0.25)
    spectra = [np.abs(np.fft.rfft(sound)) for sound in (soft, loud)]
    bright = [(s[len(s) // 3 :] ** 2).sum() / (s**2).sum() for s in spectra]
    assert bright[1] > 1.2 * bright[0]


@needs_font
def test_guitar_decays_and_flute_does_not():
    guitar, flute = (play_note(name, p, 64, duration_s=1.6) for name, p in (("guitar", 25), ("flute", 73)))
    assert level_db(guitar, 0.2) - level_db(guitar, 1.2) >= 5
    assert abs(level_db(flute, 0.4) - level_db(flute, 1.2)) < 4


@needs_font
def test_release_and_length():
    note = play_note("organ", 19, 60, duration_s=0.5, release_s=0.05)
    assert len(note) == round(0.7 * SAMPLE_RATE)
    before, after = rms(note[7000:8000]), rms(note[9600:10_400])
    assert after < 0.2 * before
    assert abs(note[-1]) < 1e-3


@needs_font
@pytest.mark.parametrize("key", [60, 61, 62, 63])
def test_pitch_of_shifted_notes(key):
    note = play_note("flute", 73, key, duration_s=1.5)
    spectrum = np.abs(np.fft.rfft(note * np.hanning(len(note)), 8 * len(note)))
    peak_hz = spectrum.argmax() * SAMPLE_RATE / (8 * len(note))
    expected = 440 * 2 ** ((key - 69) / 12)
    assert min(abs(peak_hz / (m * expected) - 1) for m in (1, 2, 3)) < 0.02


@needs_font
def test_vibrato_moves_the_pitch():
    plain, moved = (play_note("violin", 40, 69, duration_s=1.5, vibrato=v) for v in (0.0, 0.02))
    assert not np.allclose(plain, moved)
    assert rms(moved) == pytest.approx(rms(plain), rel=0.1)


def strength(samples, key):
    """Mean magnitude at the harmonics of a key below 7.5 kHz, within 15 cents."""
    spectrum = np.abs(np.fft.rfft(samples[1600:18_000] * np.hanning(16_400), 2**17))
    harmonics = 440 * 2 ** ((key - 69) / 12) * np.arange(1, 9)
    width = 2 ** (15 / 1200)
    bands = [np.array([h / width, h * width]) / SAMPLE_RATE * 2**17 for h in harmonics if h < 7500]
    return np.mean([spectrum[int(low) : int(high) + 2].max() for low, high in bands])


@needs_font
@pytest.mark.parametrize(("name", "program"), [
    ("piano", 0), ("piano", 2), ("organ", 16), ("guitar", 25), ("bass", 33), ("violin", 40), ("cello", 42),
    ("voice", 53), ("trumpet", 56), ("saxophone", 65), ("clarinet", 71), ("flute", 73), ("synthesizer", 80),
])  # fmt: skip
def test_stored_notes_sound_at_their_keys(name, program):
    """Of all keys within an octave and a bit, the harmonics of the right one (or of its octaves) are the strongest."""
    bank = note_bank.note_bank()
    keys = [key for p, drum, key in bank if p == program and not drum and 40 <= key <= 76]
    right = 0
    for key in keys:
        others = [key + step for step in range(-6, 7)]
        right += max(others, key=lambda other: strength(bank[program, False, key], other)) == key
    assert right >= 0.8 * len(keys)


@needs_font
def test_a_silent_note_is_named(monkeypatch):
    monkeypatch.setattr(note_bank.sampled_notes, "play_voice", lambda *_: np.zeros(88_200))
    with pytest.raises(RuntimeError, match="silence from program 0, key 60"):
        note_bank._render(note_bank.sampled_notes.find_font(), 0, False, 60)


def test_without_the_font_the_message_helps(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    note_bank.note_bank.cache_clear()
    with pytest.raises(FileNotFoundError, match="audiolab-book"):
        note_bank.note_bank()


def test_mistakes_are_named():
    with pytest.raises(ValueError, match="name: expected"):
        play_note("kazoo", 0, 60)
    with pytest.raises(ValueError, match="velocity"):
        play_note("piano", 0, 60, velocity=0)
