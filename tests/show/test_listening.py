import re

import numpy as np
import pytest

from audiolab import show

RATE = 22050
NOISE = np.random.default_rng(0).uniform(-0.5, 0.5, 10 * RATE)


def test_ten_seconds_weigh_less_than_90_kb_and_load_only_when_asked():
    page = show.listen(NOISE, RATE, "Noise").data
    assert len(page) < 90_000
    assert 'preload="none"' in page
    assert 'src="data:audio/mpeg;base64,' in page
    assert not re.search(r"https?://", page)


def test_the_caption_says_what_is_heard_and_how_loud():
    page = show.listen(NOISE[:RATE], RATE, 'A <siren> & "horn"', gain=0.5).data
    assert "A &lt;siren&gt; &amp;" in page
    assert "−6.0 dB" in page
    with pytest.raises(ValueError, match="caption"):
        show.listen(NOISE[:RATE], RATE, " ")


def test_errors_name_the_argument():
    with pytest.raises(ValueError, match=r"samples.*empty"):
        show.listen(np.zeros(0), RATE, "Nothing")
    with pytest.raises(ValueError, match=r"samples.*NaN"):
        show.listen(np.full(9, np.nan), RATE, "Nothing")
