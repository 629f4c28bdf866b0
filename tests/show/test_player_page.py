"""The player in a browser: what a reader does with it, done."""

import numpy as np
import pytest

from audiolab import show
from tools import check_pages as look

pytestmark = pytest.mark.pages
RATE = 22050
T = np.arange(10 * RATE) / RATE
# Low tone all the time, high tone in the second half: maps and patches must tell them apart.
SOUND = 0.3 * np.sin(2 * np.pi * 300 * T) + 0.3 * np.sin(2 * np.pi * 4000 * T) * (T > 5)
LATE = np.zeros((50, 32))
LATE[25:, 16:] = 1
EVENTS = [("late", 5.0, 10.0), ("a_long_name_for_a_short_event", 0.5, 0.8), ("late", 1.0, 1.2)]

# Differences between the playhead on the screen and the sound, in s, seen over `n` frames.
FRAMES = """n => new Promise(done => {
  const root = document.querySelector('.al-player'), audio = root.querySelector('audio'), seen = [];
  const stage = root.querySelector('.al-stage').getBoundingClientRect();
  const look = () => {
    const x = root.querySelector('.al-head').getBoundingClientRect().left - stage.left;
    seen.push([x / stage.width * audio.duration, audio.currentTime]);
    if (seen.length < n) requestAnimationFrame(look); else done(seen);
  };
  requestAnimationFrame(look);
})"""
# Keep every buffer that is played, to hear what a reader would hear.
RECORD = """() => {
  window.heard = [];
  const start = AudioBufferSourceNode.prototype.start;
  AudioBufferSourceNode.prototype.start = function (...a) {
    window.heard.push(Array.from(this.buffer.getChannelData(0)));
    return start.apply(this, a);
  };
}"""


@pytest.fixture
def page(open_page):
    maps = {"early": 1 - LATE, "late": LATE}
    return open_page(show.player(SOUND, maps, EVENTS, sample_rate=RATE, regions={"late": LATE > 0}).data)


def shown(page):
    layers = "Array.from(document.querySelectorAll('.al-layer'))"
    return page.evaluate(f"{layers}.map(layer => getComputedStyle(layer).display != 'none')")


def share_above(samples, frequency_hz):
    power = np.abs(np.fft.rfft(samples)) ** 2
    return power[np.fft.rfftfreq(len(samples), 1 / RATE) > frequency_hz].sum() / power.sum()


def test_the_playhead_moves_and_keeps_within_50_ms_of_the_sound(page):
    page.click(".al-play")
    page.wait_for_function("document.querySelector('audio').currentTime > 0.3")
    seen = np.array(page.evaluate(FRAMES, 40))
    assert seen[-1, 0] - seen[0, 0] > 0.2
    assert np.abs(seen[:, 0] - seen[:, 1]).max() < 0.05
    page.click(".al-play")
    assert page.evaluate("document.querySelector('audio').paused")


def test_keys_play_move_and_choose(page):
    page.focus(".al-stage")
    assert shown(page) == [True, False]
    page.keyboard.press("2")
    assert shown(page) == [False, True]
    assert page.get_attribute(".al-maps button[data-k='2']", "aria-pressed") == "true"
    assert page.evaluate("document.querySelectorAll('.al-lane.al-chosen').length") == 1
    page.keyboard.press("0")
    assert shown(page) == [False, False]
    page.keyboard.press("9")
    assert shown(page) == [False, False]
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("ArrowLeft")
    assert page.inner_text(".al-clock").startswith("1.9")
    page.keyboard.press("Space")
    page.wait_for_function("document.querySelector('audio').currentTime > 2.1")
    page.keyboard.press("Space")
    assert page.evaluate("document.querySelector('audio').paused")


def test_a_click_plays_that_patch_and_nothing_else(page):
    page.evaluate(RECORD)
    box = page.locator(".al-stage").bounding_box()
    # 4 kHz lies at 0.675 of the height on the mel axis up to 11 kHz.
    page.mouse.click(box["x"] + 0.75 * box["width"], box["y"] + 0.325 * box["height"])
    page.wait_for_function("window.heard.length == 1")
    begin, end, low, high = map(float, page.get_attribute(".al-player", "data-patch").split())
    assert (begin, end) == pytest.approx((7.2, 7.8), abs=0.05)
    assert 2000 < low < 4000 < high < 8000
    heard = np.array(page.evaluate("window.heard[0]"))
    assert len(heard) / RATE == pytest.approx(0.6, abs=0.05)
    assert np.std(heard) == pytest.approx(0.3 / np.sqrt(2), rel=0.15)
    assert share_above(heard, 2000) > 0.99
    page.mouse.click(box["x"] + 0.75 * box["width"], box["y"] + 0.90 * box["height"])
    page.wait_for_function("window.heard.length == 2")
    assert share_above(np.array(page.evaluate("window.heard[1]")), 2000) < 1e-3
    page.wait_for_function("document.querySelector('.al-play').getAttribute('aria-label') == 'Play'")


def test_enter_hears_the_patch_at_the_dot(page):
    page.evaluate(RECORD)
    page.focus(".al-stage")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    page.wait_for_function("window.heard.length == 1")


def test_hearing_only_what_the_map_marks(page):
    page.evaluate(RECORD)
    page.focus(".al-stage")
    page.keyboard.press("2")
    page.keyboard.press("m")
    page.keyboard.press("Space")
    page.wait_for_function("window.heard.length == 1", timeout=20_000)
    heard = np.array(page.evaluate("window.heard[0]"))
    assert len(heard) / RATE == pytest.approx(10, abs=0.1)
    assert np.std(heard[: 4 * RATE]) < 0.01
    late = heard[6 * RATE : 9 * RATE]
    assert np.std(late) == pytest.approx(0.3 / np.sqrt(2), rel=0.1)
    assert share_above(late, 2000) > 0.99
    page.keyboard.press("Space")


def test_the_browser_hears_an_onset_when_the_picture_shows_it(open_page):
    onset = 0.5 * np.sin(2 * np.pi * 1000 * T[: 4 * RATE]) * (T[: 4 * RATE] >= 2)
    page = open_page(show.player(onset, {"all": np.ones((4, 4))}, sample_rate=RATE).data)
    page.evaluate(RECORD)
    page.click(".al-through")
    page.click(".al-play")
    page.wait_for_function("window.heard.length == 1", timeout=20_000)
    heard = np.abs(np.array(page.evaluate("window.heard[0]")))
    assert np.argmax(heard > 0.25) / RATE == pytest.approx(2.0, abs=0.02)


def test_a_bar_plays_its_event_and_stops(page):
    page.click(".al-lane button[data-on='1.000']")
    page.wait_for_function("document.querySelector('audio').currentTime >= 1.15")
    page.wait_for_function("document.querySelector('audio').paused")
    # At the end of the event, or later by what a busy machine takes to notice; without the stop it would play to 10 s.
    assert 1.15 <= page.evaluate("document.querySelector('audio').currentTime") < 3


def test_the_opacity_of_the_map(page):
    slider = page.locator(".al-tools input")
    slider.focus()
    page.keyboard.press("Home")
    assert page.evaluate("getComputedStyle(document.querySelector('.al-layer image')).opacity") == "0"
    slider.fill("30")
    assert page.evaluate("getComputedStyle(document.querySelector('.al-layer image')).opacity") == "0.3"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_phone_does_not_scroll_sideways(open_page, theme):
    maps = {f"a rather long name {i}": LATE for i in range(10)}
    body = show.player(SOUND, maps, EVENTS, sample_rate=RATE, caption="A caption. " * 20).data
    page = open_page(body, width=390, theme=theme)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate("document.querySelector('.al-player').scrollWidth") <= 390


def test_the_same_player_twice_on_a_page_stays_two(open_page):
    body = show.player(SOUND, {"late": LATE}, sample_rate=RATE).data
    page = open_page(body + body)
    assert page.evaluate("document.querySelectorAll('.al-player[data-ready]').length") == 2
    page.locator(".al-stage").nth(1).press("0")
    assert shown(page) == [True, False]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_all_words_have_contrast_at_level_aa(open_page, theme, width):
    maps = {"late": LATE, "a_long_name_for_a_short_event": 1 - LATE}
    events = [*EVENTS, ("cut", 9.0, 9.9), ("cut", 8.0, 8.9), ("a_long_name_that_hangs_left", 9.7, 10.0)]
    body = show.player(SOUND, maps, events, sample_rate=RATE, caption="Caption.").data
    page = open_page(body, width=width, theme=theme)
    classes = "Array.from(document.querySelectorAll('.al-lane button')).map(bar => bar.className.split(' ')[0])"
    assert set(page.evaluate(classes)) == {"al-right", "al-left", "al-clip"}
    page.evaluate("document.querySelector('.al-player details').open = true")
    for key in "012":  # no lane chosen, one, the other
        page.locator(".al-stage").press(key)
        assert look.unreadable_text(page, least=4.5, within=".al-player") == []
    page.evaluate("document.querySelectorAll('.al-lane button').forEach(bar => bar.classList.add('al-playing'))")
    assert look.unreadable_text(page, least=4.5, within=".al-lane") == []


def test_the_event_that_sounds_shines_in_its_lane_and_in_the_picture(page):
    bars = "Array.from(document.querySelectorAll('.al-lane .al-playing')).map(bar => bar.dataset.on).join()"
    strip = "(s => s.offsetWidth ? s.style.left + s.style.width : '')(document.querySelector('.al-now'))"

    def wait_for(shining, lit):
        page.wait_for_function(f"{bars} == '{shining}' && {strip} == '{lit}'")

    wait_for("", "")
    page.click(".al-lane button[data-on='5.000']")
    wait_for("5.000", "50%50%")
    page.click(".al-play")
    wait_for("", "")
    page.locator(".al-stage").press("1")  # another map: the event still sounds, the picture is not asked about it
    page.click(".al-play")
    wait_for("5.000", "")
    page.locator(".al-stage").press("2")
    wait_for("5.000", "50%50%")


def test_a_hint_says_whether_keys_work(page):
    away, here = page.locator(".al-away"), page.locator(".al-here")
    assert away.is_visible()
    assert not here.is_visible()
    page.focus(".al-stage")
    assert here.is_visible()
    assert not away.is_visible()


def linear(rgb):
    rgb = np.asarray(rgb) / 255
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def lab(rgb_linear):
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    xyz = np.clip(to_xyz @ rgb_linear, 0, None) / [0.9505, 1, 1.089]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


# Complete loss of one kind of cone, on linear RGB: Machado, Oliveira and Fernandes 2009, table 1, severity 1.
EYES = {
    "all cones": np.eye(3),
    "no long": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "no middle": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "no short": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("eye", EYES)
def test_the_truth_has_a_colour_of_its_own_for_every_eye(open_page, theme, eye):
    body = show.player(SOUND, {"late": LATE}, EVENTS, sample_rate=RATE, regions={"late": LATE > 0}).data
    page = open_page(body, theme=theme)

    def colour(selector, what):
        text = page.evaluate(f"getComputedStyle(document.querySelector('{selector}')).{what}")
        return linear([float(v) for v in text[4:-1].split(",")])

    truth = colour(".al-outline.al-truth", "stroke")
    np.testing.assert_array_equal(truth, colour(".al-lane.al-chosen button", "backgroundColor"))  # line and lane alike
    others = {
        "line of the map": colour(".al-outline:not(.al-truth)", "stroke"),
        "chosen button": colour(".al-maps button[aria-pressed=true]", "backgroundColor"),
        "glow": linear([96, 232, 255]),
        "veil": linear([4, 8, 26]),
    }
    for name, other in others.items():
        difference = np.linalg.norm(lab(EYES[eye] @ truth) - lab(EYES[eye] @ other))
        assert difference > 30, f"{name}: {difference:.0f}"
