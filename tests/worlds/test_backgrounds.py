"""Backgrounds: level, slope, determinism and errors."""

import numpy as np
import pytest

from audiolab.worlds.backgrounds import BACKGROUNDS, make_background

RATE = 22050


@pytest.mark.parametrize("name", BACKGROUNDS)
def test_backgrounds_are_whole_finite_levelled_and_repeatable(name):
    first = make_background(name, seed=1, duration_s=3.0)
    np.random.seed(5)  # noqa: NPY002  the global state must not matter
    make_background("pink", seed=9, duration_s=1.0)
    second = make_background(name, seed=1, duration_s=3.0)
    assert first.dtype == np.float32
    assert first.shape == (3 * RATE,)
    assert np.isfinite(first).all()
    assert np.array_equal(first, second)
    assert 20 * np.log10(np.sqrt(np.mean(first**2))) == pytest.approx(-26, abs=0.1)
    assert not np.array_equal(first, make_background(name, seed=2, duration_s=3.0))


@pytest.mark.parametrize(("name", "slope_db"), [("brownian", -6.0), ("pink", -3.0)])
def test_the_named_slopes(name, slope_db):
    power = np.abs(np.fft.rfft(make_background(name, seed=0, duration_s=20.0))) ** 2
    frequencies = np.fft.rfftfreq(20 * RATE, 1 / RATE)
    octaves = [power[(frequencies >= f) & (frequencies < 2 * f)].mean() for f in (125, 250, 500, 1000, 2000, 4000)]
    assert np.mean(np.diff(10 * np.log10(octaves))) == pytest.approx(slope_db, abs=0.4)


def test_mistakes_are_named():
    with pytest.raises(ValueError, match="name: expected one of"):
        make_background("ocean", seed=0, duration_s=1.0)
    with pytest.raises(ValueError, match="duration_s"):
        make_background("pink", seed=0, duration_s=0.0)
    with pytest.raises(ValueError, match="seed"):
        make_background("pink", seed=-1, duration_s=1.0)
