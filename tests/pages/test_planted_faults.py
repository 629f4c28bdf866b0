"""Each check of the pages finds the fault it is for, planted in a page that is otherwise sound."""

import pytest

from tools import check_pages as look

pytestmark = pytest.mark.pages

SOUND = "data:audio/wav;base64,UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA="
DOT = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
GOOD = """<!doctype html><html lang="en" data-theme="light"><head><meta charset="utf-8"><title>t</title>
<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">
<style>body {{ background: {ground}; color: {ink} }}</style>{head}</head>
<body><article><h1 id="top">A page</h1><p>Some words.</p>{body}</article></body></html>"""
PLAYER = f'<figure class="al-player" aria-label="a dog"><audio src="{SOUND}"></audio></figure>'


def write(folder, *, body="", head="", ground="#fff", ink="#222"):
    page = folder / "page.html"
    page.write_text(GOOD.format(body=body, head=head, ground=ground, ink=ink))
    return page


@pytest.fixture
def opened(browser, tmp_path):
    """Open a page with a planted part and give (page, what was said)."""
    stack = []

    def show(*, viewport=look.PHONE, **planted):
        write(tmp_path, **planted)
        server = look.serve(tmp_path)
        address = server.__enter__()
        window = look.open_page(browser, f"{address}/page.html", viewport=viewport, scheme="light")
        stack.extend([server, window])
        return window.__enter__()

    yield show
    for manager in reversed(stack):
        manager.__exit__(None, None, None)


def test_a_sound_page_passes(opened, tmp_path):
    page, said = opened(body=PLAYER + '<a href="#top">up</a>')
    assert said == []
    assert look.sideways_scroll(page) == []
    assert look.unreadable_text(page) == []
    assert look.unnamed_sounds(page) == []
    assert look.count_players(page) == 1
    assert look.find_missing(tmp_path / "page.html", tmp_path) == []
    assert look.find_outside(tmp_path / "page.html") == []


@pytest.mark.parametrize(
    ("planted", "word"),
    [
        ({"body": "<script>console.error('broken')</script>"}, "console: broken"),
        ({"body": "<script>undefinedName.call()</script>"}, "script: "),
        ({"body": '<img src="gone.png" alt="x">'}, "status 404"),
        ({"body": "<script>fetch('https://example.org/a.json').catch(() => 0)</script>"}, "outside: "),
        ({"head": '<script src="https://example.org/a.js"></script>'}, "outside: "),
    ],
    ids=["console", "script", "404", "fetch", "tag"],
)
def test_errors_and_requests_are_heard(opened, planted, word):
    _, said = opened(**planted)
    assert any(line.startswith(word) for line in said), said


def test_sideways_scroll_is_seen(opened):
    page, _ = opened(body='<div class="wide" style="width: 600px">wide</div>')
    assert any("div.wide" in line for line in look.sideways_scroll(page))


def test_a_wide_part_that_scrolls_itself_is_fine(opened):
    page, _ = opened(body='<div style="overflow-x: auto"><div style="width: 600px">wide</div></div>')
    assert look.sideways_scroll(page) == []


def test_illegible_text_is_seen(opened):
    page, _ = opened(ground="#121212", ink="#222")
    assert any("Some words" in line for line in look.unreadable_text(page))


@pytest.mark.parametrize(
    ("label", "legible"),
    [
        ('<span style="color:#fff;left:0">words</span>', True),
        ('<span style="color:#fff;left:60px">words</span>', False),
        ('<span style="color:#222;left:60px">words</span>', True),
        ('<span style="color:#222;left:0">words</span>', False),
        ('<span style="color:#fff;left:0;opacity:.1">words</span>', False),
    ],
    ids=["in its bar", "white beside it", "dark beside it", "dark in its bar", "faint"],
)
def test_a_label_is_judged_against_what_lies_behind_it(opened, label, legible):
    bar = f'<b style="display:block;position:relative;width:50px;height:30px;background:#004">{label}</b>'
    page, _ = opened(body=bar + "<style>b span{position:absolute;top:0}</style>")
    assert (look.unreadable_text(page) == []) == legible


def test_words_scrolled_out_of_a_box_lie_on_it(opened):
    box = '<div style="width:200px;background:#111"><pre style="overflow-x:auto;color:#eee">' + "word " * 100
    page, _ = opened(body=box + "</pre></div>")
    assert look.unreadable_text(page, least=7) == []


def test_a_part_of_the_page_is_held_to_more(opened):
    page, _ = opened(body='<p style="color:#888">soft</p><p class="part" style="color:#888">part</p>')
    assert look.unreadable_text(page) == []
    assert len(look.unreadable_text(page, least=4.5, within=".part")) == 1


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (f'<figure><audio src="{SOUND}"></audio>x</figure>', "controls"),
        ("<figure><audio controls></audio>x</figure>", "no sound"),
        (f'<audio controls src="{SOUND}"></audio>', "caption"),
    ],
    ids=["controls", "source", "caption"],
)
def test_useless_sounds_are_seen(opened, body, word):
    page, _ = opened(body=body)
    assert any(word in line for line in look.unnamed_sounds(page))


@pytest.mark.parametrize(
    ("picture", "word"),
    [(f'<img src="{DOT}">', "no alt"), (f'<img src="{DOT}" alt="../_images/3f2a.png">', "3f2a.png")],
    ids=["none", "a file's name"],
)
def test_a_picture_without_words_is_seen(opened, picture, word):
    page, _ = opened(body=picture + f'<img src="{DOT}" alt="A dot."><img src="{DOT}" alt="">')
    (said,) = look.unnamed_pictures(page)
    assert word in said


def test_a_lost_player_is_seen(opened):
    page, _ = opened(body="<p>no player here</p>")
    assert look.calls_player("x = 1\nplayer(clip, maps)\n")
    assert not look.calls_player("# player(clip)\nlisten(clip)\n")
    assert look.count_players(page) == 0


@pytest.mark.parametrize(
    "part", ['<audio src="audio/gone.mp3"></audio>', '<a href="gone.html">x</a>', '<a href="#gone">x</a>']
)
def test_missing_files_and_anchors_are_seen(tmp_path, part):
    assert len(look.find_missing(write(tmp_path, body=part), tmp_path)) == 1


def test_outside_tags_are_seen(tmp_path):
    page = write(tmp_path, head='<link rel="stylesheet" href="https://example.org/a.css">')
    assert look.find_outside(page) == ["page.html: loads https://example.org/a.css"]


def test_a_warning_on_the_page_is_seen(tmp_path):
    body = '<div class="output stderr highlight-myst-ansi"><pre>FutureWarning: soon</pre></div>'
    assert "FutureWarning" in look.find_warnings(write(tmp_path, body=body))[0]
    assert look.find_warnings(write(tmp_path, body='<div class="output stream">fine</div>')) == []
    body = "<pre>&lt;matplotlib.legend.Legend at 0x7f0034d0e8b0&gt;</pre>"
    assert "Legend" in look.find_warnings(write(tmp_path, body=body))[0]
