"""Look at rendered pages: what they load, whether anything is missing, how they fit a phone, light and dark.

The checks return what is wrong as lines of text, an empty list when all is well, so that tests can plant a fault and
see it found.
"""

from __future__ import annotations

import functools
import http.server
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag, urlsplit

PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 900}
# Attributes that load something when the page opens; a link that is only followed on a click is not one of them.
_LOADS = {"script": "src", "img": "src", "audio": "src", "source": "src", "video": "src", "iframe": "src"}


class _References(HTMLParser):
    """Collect what a page loads, what it links to, and the names that can be linked to."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.links: list[str] = []
        self.names: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {key: value or "" for key, value in attrs}
        self.names |= {values[key] for key in ("id", "name") if values.get(key)}
        if _LOADS.get(tag) in values:
            self.loads.append(values[_LOADS[tag]])
        if tag == "link" and set(values.get("rel", "").split()) & {"stylesheet", "icon", "preload", "modulepreload"}:
            self.loads.append(values.get("href", ""))
        if tag == "a" and values.get("href"):
            self.links.append(values["href"])


def read_references(page: Path) -> tuple[list[str], list[str], set[str]]:
    """Addresses that a page loads, addresses that it links to, and the anchors it has."""
    parser = _References()
    parser.feed(page.read_text(encoding="utf-8"))
    return parser.loads, parser.links, parser.names


def find_missing(page: Path, site: Path) -> list[str]:
    """Local files and anchors that a page loads or links to and that are not there."""
    loads, links, own = read_references(page)
    missing = []
    for address in dict.fromkeys([*loads, *links]):
        parts = urlsplit(address)
        if parts.scheme or parts.netloc or not (parts.path or parts.fragment):
            continue
        path = unquote(parts.path)
        target = (site / path.lstrip("/") if path.startswith("/") else page.parent / path) if path else page
        target = target / "index.html" if target.is_dir() else target
        if not target.exists():
            missing.append(f"{page.name}: no file for {address}")
        elif parts.fragment and target.suffix == ".html":
            names = own if target == page else read_references(target)[2]
            if unquote(parts.fragment) not in names:
                missing.append(f"{page.name}: no anchor for {address}")
    return missing


def find_outside(page: Path) -> list[str]:
    """What a page would load from another host, read from its tags."""
    loads, _, _ = read_references(page)
    return [f"{page.name}: loads {a}" for a in loads if urlsplit(a).netloc and urlsplit(a).scheme not in {"data"}]


def find_warnings(page: Path) -> list[str]:
    """What belongs to the author, not to the reader: boxes of what a cell wrote to stderr, and objects' addresses."""
    text = page.read_text(encoding="utf-8")
    boxes = re.findall(r'class="output stderr[^>]*>(.{0,200})', text, re.S)
    return boxes + re.findall(r".{0,60} at 0x[0-9a-f]{6,}", text)


def html_weight_mb(page: Path) -> float:
    """Size of a page's html, its embedded sounds and figures included, in megabytes."""
    return page.stat().st_size / 1e6


@contextmanager
def serve(site: Path) -> Iterator[str]:
    """Serve a folder on a free local port and give its address."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    handler = functools.partial(Quiet, directory=str(site))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def open_page(browser: Any, address: str, *, viewport: dict[str, int], scheme: str) -> Iterator[tuple[Any, list[str]]]:
    """Open one page afresh; gives it with the list of its errors, failed loads and requests to other hosts.

    Requests to other hosts are noted and refused, so that the outcome is the same with and without a network.
    """
    home = urldefrag(address)[0].split("/", 3)[2]
    said: list[str] = []
    context = browser.new_context(viewport=viewport, color_scheme=scheme)
    page = context.new_page()

    def guard(route: Any) -> None:
        parts = urlsplit(route.request.url)
        if parts.scheme in {"http", "https", "ws", "wss"} and parts.netloc != home:
            said.append(f"outside: {route.request.url}")
            route.abort()
        else:
            route.continue_()

    page.route("**/*", guard)
    page.on("console", lambda m: said.append(f"console: {m.text}") if m.type == "error" else None)
    page.on("pageerror", lambda error: said.append(f"script: {error}"))
    page.on("response", lambda r: said.append(f"status {r.status}: {r.url}") if r.status >= 400 else None)
    try:
        page.goto(address, wait_until="load")
        page.wait_for_timeout(300)
        yield page, said
    finally:
        context.close()


def sideways_scroll(page: Any) -> list[str]:
    """Elements that make the whole page wider than its window, widest first; empty when nothing does."""
    return page.evaluate(
        """() => {
            const width = document.documentElement.clientWidth;
            window.scrollTo(1000, 0);
            const moved = window.scrollX;
            window.scrollTo(0, 0);
            if (moved < 2 && document.documentElement.scrollWidth <= width + 1) return [];
            const clipped = e => {
                for (let p = e.parentElement; p && p !== document.body; p = p.parentElement)
                    if (['auto', 'scroll', 'hidden', 'clip'].includes(getComputedStyle(p).overflowX)) return true;
                return false;
            };
            const wide = [...(document.querySelector('article') || document.body).querySelectorAll('*')]
                .filter(e => e.getBoundingClientRect().right > width + 1 && !clipped(e))
                .sort((a, b) => b.getBoundingClientRect().right - a.getBoundingClientRect().right)
                .slice(0, 3)
                .map(e => [e, e.getBoundingClientRect().right | 0])
                .map(([e, right]) => `${e.tagName.toLowerCase()}.${e.className} reaches ${right} px`);
            return wide.length ? wide : [`page is ${document.documentElement.scrollWidth} px wide`];
        }"""
    )


def unreadable_text(page: Any, *, least: float = 3.0, within: str = "article") -> list[str]:
    """Text whose contrast with what lies behind it is below ``least`` (ratio as in WCAG 2).

    Looks at all elements that the selector ``within`` finds, at the whole page when there is none. Only plain
    backgrounds are judged: text above an image or a gradient is passed over. A label that hangs out of its box is
    judged against what it hangs over.
    """
    return page.evaluate(
        """([least, within]) => {
            const parse = c => (c.match(/[\\d.]+/g) || []).map(Number);
            const light = c => {
                const [r, g, b] = c.slice(0, 3).map(v => {
                    v /= 255;
                    return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
                });
                return 0.2126 * r + 0.7152 * g + 0.0722 * b;
            };
            const over = (top, under) => {
                const a = top.length > 3 ? top[3] : 1;
                return [0, 1, 2].map(i => a * top[i] + (1 - a) * under[i]);
            };
            const behind = (e, box) => {
                const stack = [];
                let x = box.left + box.width / 2, y = box.top + box.height / 2;
                for (; e; e = e.parentElement) {
                    const style = getComputedStyle(e), own = e.getBoundingClientRect();
                    if (style.overflowX !== 'visible') {  // what is scrolled out of a box still lies on it
                        x = Math.min(Math.max(x, own.left), own.right);
                        y = Math.min(Math.max(y, own.top), own.bottom);
                    }
                    const under = own.left <= x && x <= own.right && own.top <= y && y <= own.bottom;
                    if (!under && e !== document.body && e !== document.documentElement) continue;
                    if (style.backgroundImage !== 'none') return null;
                    const c = parse(style.backgroundColor);
                    if (c.length > 2) stack.push(c);
                    if (c.length === 3 || c[3] === 1) break;
                }
                return stack.reverse().reduce((under, top) => over(top, under), [255, 255, 255]);
            };
            const bad = new Set();
            const found = [...document.querySelectorAll(within)];
            for (const root of found.length ? found : [document.body]) {
              const walk = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
              while (walk.nextNode()) {
                const e = walk.currentNode.parentElement, words = walk.currentNode.textContent.trim();
                if (!words || !e || ['SCRIPT', 'STYLE', 'NOSCRIPT'].includes(e.tagName)) continue;
                const style = getComputedStyle(e), box = e.getBoundingClientRect();
                if (style.visibility === 'hidden' || +style.opacity === 0 || !box.width || e.closest('svg')) continue;
                const range = document.createRange();
                range.selectNodeContents(walk.currentNode);
                const ground = behind(e, range.getBoundingClientRect());
                if (!ground) continue;
                const ink = parse(style.color);
                let seen = ink.length > 3 ? ink[3] : 1;
                for (let p = e; p; p = p.parentElement) seen *= +getComputedStyle(p).opacity;
                if (seen < 0.05) continue;
                const a = light(over([...ink.slice(0, 3), seen], ground)), b = light(ground);
                const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
                if (ratio < least) bad.add(`${e.tagName.toLowerCase()} "${words.slice(0, 30)}" ${ratio.toFixed(1)}`);
              }
            }
            return [...bad].slice(0, 10);
        }""",
        [least, within],
    )


def unnamed_sounds(page: Any) -> list[str]:
    """Players that cannot be used: no controls, no source, or no words that say what is heard."""
    return page.evaluate(
        """() => [...document.querySelectorAll('audio')].flatMap((a, i) => {
            const said = [];
            const own = a.closest('.al-player');
            if (!a.controls && !own) said.push(`audio ${i} has no controls`);
            if (!a.currentSrc && !a.getAttribute('src') && !a.querySelector('source[src]'))
                said.push(`audio ${i} has no sound`);
            const figure = a.closest('figure, [aria-label]');
            if (!a.getAttribute('aria-label') && !(figure && (figure.getAttribute('aria-label')
                || figure.textContent.trim())) && !own) said.push(`audio ${i} has no caption`);
            return said;
        })"""
    )


def unnamed_pictures(page: Any) -> list[str]:
    """Pictures of a page's text without words for who does not see them: no alt text, or a file's name in its place."""
    return page.evaluate(
        """() => [...document.querySelectorAll('article img')].flatMap((image, i) => {
            const words = image.getAttribute('alt');
            if (words === null) return [`picture ${i} has no alt text`];
            return /\\.(png|svg|jpe?g|gif)$/.test(words) ? [`picture ${i} is called ${words}`] : [];
        })"""
    )


def count_players(page: Any) -> int:
    """Number of sound-and-map players on a page."""
    return page.evaluate("() => document.querySelectorAll('.al-player').length")


def calls_player(source: str) -> bool:
    """Whether the source of a chapter shows a sound-and-map player in some cell."""
    return bool(re.search(r"^(?!\s*(?:#|def )).*\bplayer\(", source, re.M))
