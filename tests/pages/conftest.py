"""A browser for the page checks, where there is one."""

import os
import shutil

import pytest


def find_chromium() -> str | None:
    """Path of a Chromium: named in AUDIOLAB_CHROMIUM, or found on the search path."""
    names = [os.environ.get("AUDIOLAB_CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome"]
    return next((found for name in names if name and (found := shutil.which(name))), None)


@pytest.fixture(scope="session")
def browser():
    """One headless browser for all checks; each check opens its own fresh profile."""
    executable = find_chromium()
    if executable is None:
        pytest.skip("no Chromium on this machine: the pages are not looked at")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=executable, args=["--no-sandbox", "--mute-audio"])
        yield running
        running.close()
