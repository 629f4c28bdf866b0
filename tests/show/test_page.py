import re

import pytest

from audiolab.show.page import package_text


@pytest.mark.parametrize("name", ["player.js", "player.css", "quiz.js", "quiz.css", "slider.js", "slider.css"])
def test_scripts_and_styles_fit_into_a_page(name):
    text = package_text(name)
    assert "</" not in text
    assert not re.search(r"https?://|@import|url\(", text)
    assert len(text) < 20_000


def test_all_parts_change_colours_in_the_dark():
    for name in ("player.css", "quiz.css", "slider.css"):
        text = package_text(name)
        assert 'html[data-theme="dark"]' in text
        assert "prefers-color-scheme:dark" in text
