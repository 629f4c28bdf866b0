"""The ten recipes against statistics of recordings: spectra, activity, crest, level, variety, shared identity."""

from functools import cache

import numpy as np
import pytest

from audiolab.worlds import esc10
from audiolab.worlds.events import ESC10_CLASSES, make_clip
from audiolab.worlds.statistics import clip_statistics

RATE = 22050
N_DRAWS = 16

# Medians over 32 recordings of each class (ESC-10, folds 1 to 4): octave levels in dB of the total from 125 Hz to 8 kHz
# and the share of active frames; then the range of levels a made clip may have, in dB RMS.
RECORDINGS = {
    "dog": ([-33, -14, -3, -6, -19, -31], 0.37, (-36, -14)),
    "rooster": ([-40, -34, -8, -2, -11, -22], 0.40, (-34, -8)),
    "rain": ([-13, -12, -10, -9, -8, -9], 1.0, (-36, -11)),
    "sea_waves": ([-10, -7, -6, -7, -10, -14], 1.0, (-30, -6)),
    "crackling_fire": ([-11, -18, -19, -18, -14, -10], 1.0, (-50, -13)),
    "crying_baby": ([-33, -16, -7, -6, -7, -12], 0.77, (-36, -12)),
    "sneezing": ([-15, -9, -7, -9, -8, -11], 0.13, (-45, -15)),
    "clock_tick": ([-20, -17, -13, -8, -8, -13], 0.63, (-48, -16)),
    "helicopter": ([-6, -8, -10, -13, -19, -25], 1.0, (-36, -10)),
    "chainsaw": ([-7, -9, -8, -9, -11, -13], 1.0, (-30, -5)),
}


@cache
def draws(name):
    return [make_clip(name, seed=seed).samples for seed in range(N_DRAWS)]


@cache
def medians(name):
    found = [clip_statistics(samples) for samples in draws(name)]
    octaves = np.median([s.octave_db for s in found], axis=0)
    return octaves[2:8], np.median([s.active for s in found]), np.median([s.crest_db for s in found])


@pytest.mark.parametrize("name", ESC10_CLASSES)
def test_spectra_are_those_of_recordings(name):
    wanted = np.array(RECORDINGS[name][0])
    # Levels over 16 draws scatter by 2 dB more than over 32; what lies under -25 dB hardly sounds.
    difference = (medians(name)[0] - wanted)[wanted > -25]
    assert np.max(np.abs(difference)) < 9, difference


@pytest.mark.parametrize("name", [name for name in ESC10_CLASSES if name != "clock_tick"])
def test_active_shares_are_those_of_recordings(name):
    assert medians(name)[1] == pytest.approx(RECORDINGS[name][1], abs=0.25)


def test_fires_crack_and_chainsaws_do_not():
    assert 22 < medians("crackling_fire")[2] < 36
    assert medians("chainsaw")[2] < 19


@pytest.mark.parametrize("name", ESC10_CLASSES)
def test_levels_stay_in_range(name):
    low, high = RECORDINGS[name][2]
    for samples in draws(name):
        assert low - 4 < 20 * np.log10(np.sqrt(np.mean(np.square(samples, dtype=float)))) < high + 4


@pytest.mark.parametrize("name", ESC10_CLASSES)
def test_draws_of_a_class_differ(name):
    profiles = []
    for samples in draws(name):
        power = np.abs(np.fft.rfft(samples[: 5 * RATE].reshape(50, -1) * np.hanning(RATE // 10), axis=1)) ** 2
        bands = np.add.reduceat(power, np.unique(np.geomspace(5, 1000, 40).astype(int)), axis=1)
        profiles.append(np.mean(np.maximum(10 * np.log10(bands / bands.max() + 1e-12), -80), axis=0))
    profiles = np.array(profiles)
    distances = np.sqrt(np.mean((profiles[:, None] - profiles) ** 2, axis=2))[np.triu_indices(N_DRAWS, 1)]
    assert np.median(distances) > 3.5
    assert distances.min() > 0.3


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("name", ESC10_CLASSES)
def test_recipes_keep_to_their_length_and_report_events_inside(name, whole):
    for seed in range(3):
        samples, info = esc10.RECIPES[name](np.random.default_rng(seed), 3 * RATE, RATE, whole)
        assert len(samples) == 3 * RATE if whole else 0 < len(samples) <= 3 * RATE
        for onset, offset in info["events"]:
            assert onset < offset <= 3.0


def test_barks_of_one_dog_are_one_dog():
    samples, info = esc10.dog(np.random.default_rng(6), 5 * RATE, RATE, True)
    assert len(info["events"]) >= 3
    centres = []
    for onset, offset in info["events"][:6]:
        bark = samples[int(onset * RATE) : int(offset * RATE)]
        power = np.abs(np.fft.rfft(bark, 8192)) ** 2
        frequencies = np.fft.rfftfreq(8192, 1 / RATE)
        centres.append(np.sum(frequencies * power) / power.sum())
    assert np.std(centres) / np.mean(centres) < 0.15


def test_a_clock_ticks_at_the_rate_it_reports():
    for seed in range(3):
        _, info = esc10.clock_tick(np.random.default_rng(seed), 5 * RATE, RATE, True)
        gaps = np.diff([onset for onset, _ in info["events"]])
        assert 1 / gaps.mean() == pytest.approx(info["rate_hz"], rel=0.1)
