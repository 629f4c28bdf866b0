"""A browser for the tests that look at pages."""

import shutil

import pytest

ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--no-first-run",
    "--autoplay-policy=no-user-gesture-required",
]


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    executable = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if executable is None:
        pytest.skip("no Chromium on this machine")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=executable, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser, tmp_path):
    """Open html in a fresh page; at the end there must be no error and no request to a host."""
    opened, trouble = [], []

    def open_html(body, *, width=1280, theme="light"):
        path = tmp_path / f"page{len(opened)}.html"
        path.write_text(
            f'<!doctype html><html lang="en" data-theme="{theme}"><head><meta charset="utf-8"><title>Test</title>'
            '<meta name="viewport" content="width=device-width,initial-scale=1"></head>'
            f'<body style="max-width:43rem;margin:0 auto;padding:12px">{body}</body></html>',
            encoding="utf-8",
        )
        page = browser.new_page(viewport={"width": width, "height": 844})
        page.on("console", lambda message: trouble.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.on("request", lambda request: trouble.append(request.url) if request.url.startswith("http") else None)
        page.goto(path.as_uri())
        opened.append(page)
        return page

    yield open_html
    for page in opened:
        page.close()
    assert trouble == []
