"""The rendered book, looked at: nothing missing, nothing from elsewhere, fits a phone, legible light and dark."""

import os
from pathlib import Path

import pytest

from tools import check_pages as look
from tools.chapters import ROOT

SITE = Path(os.environ.get("AUDIOLAB_SITE", ROOT / "_build" / "stage" / "smoke" / "_build" / "html"))
PAGES = sorted((SITE / "book").rglob("*.html"))
pytestmark = [
    pytest.mark.pages,
    pytest.mark.skipif(not PAGES, reason="no rendered pages: python -m tools.execute --profile smoke"),
]
each_page = pytest.mark.parametrize("path", PAGES, ids=lambda p: p.relative_to(SITE / "book").as_posix())


@pytest.fixture(scope="module")
def site():
    with look.serve(SITE) as address:
        yield address


def source_of(path: Path) -> str:
    source = (ROOT / path.relative_to(SITE)).with_suffix(".md")
    return source.read_text(encoding="utf-8") if source.is_file() else ""


@each_page
def test_nothing_local_is_missing(path):
    assert look.find_missing(path, SITE) == []


@each_page
def test_tags_load_nothing_from_elsewhere(path):
    assert look.find_outside(path) == []


@each_page
def test_no_warning_reaches_the_reader(path):
    assert look.find_warnings(path) == []


@each_page
def test_weight(path):
    assert look.html_weight_mb(path) < 3.0


@each_page
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [look.DESK, look.PHONE], ids=["desk", "phone"])
def test_in_a_browser(browser, site, path, viewport, scheme):
    address = f"{site}/{path.relative_to(SITE).as_posix()}"
    with look.open_page(browser, address, viewport=viewport, scheme=scheme) as (page, said):
        assert said == []
        assert page.evaluate("document.documentElement.dataset.theme") == scheme
        assert look.unreadable_text(page) == []
        if look.count_players(page):  # small words: held to level AA
            assert look.unreadable_text(page, least=4.5, within=".al-player") == []
        assert look.unnamed_sounds(page) == []
        assert look.unnamed_pictures(page) == []
        assert page.locator("mjx-merror, [data-mjx-error]").count() == 0, "a formula cannot be read"
        if viewport is look.PHONE:
            assert look.sideways_scroll(page) == []
        if look.calls_player(source_of(path)):
            assert look.count_players(page) > 0, "the chapter shows a player and the page has none"
        assert said == []


def test_the_root_leads_to_the_book(browser, site):
    with look.open_page(browser, f"{site}/index.html", viewport=look.DESK, scheme="light") as (page, said):
        page.wait_for_url("**/book/**")
        assert said == []
