import re
from html.parser import HTMLParser
from typing import NamedTuple

import numpy as np
import pytest

from audiolab import show

RATE = 22050
RNG = np.random.default_rng(0)
NOISE = RNG.uniform(-0.5, 0.5, 10 * RATE)
EVENTS = [("car_horn", 1.0, 2.0), ("siren", 4.0, 4.2), ("car_horn", 2.2, 2.3)]


class Scene(NamedTuple):
    samples: np.ndarray
    sample_rate: int


class Tags(HTMLParser):
    """Collect (tag, attributes) and check that every element is closed."""

    VOID = frozenset({"input", "image", "path", "img", "br"})

    def __init__(self, page):
        super().__init__()
        self.tags, self.open = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_ten_seconds_with_ten_maps_of_noise_weigh_less_than_300_kb():
    maps = {f"prototype {i}": RNG.random((206, 128)) for i in range(10)}
    assert len(show.player(NOISE, maps, EVENTS, sample_rate=RATE).data.encode()) < 300_000


def test_the_page_is_whole_and_asks_no_other_host():
    page = show.player(NOISE, {"car_horn": np.ones((20, 16))}, EVENTS, sample_rate=RATE, caption="A <b> street").data
    tags = Tags(page)
    assert tags.open == []
    assert not re.search(r"(https?:)?//[a-z]+\.", page.replace("http://www.w3.org", ""))
    assert "A &lt;b&gt; street" in page
    assert page == show.player(
        NOISE, {"car_horn": np.ones((20, 16))}, EVENTS, sample_rate=RATE, caption="A <b> street"
    ).data


def test_everything_that_can_be_used_has_a_name():
    page = show.player(NOISE, {"car_horn": np.ones((20, 16))}, EVENTS, sample_rate=RATE).data
    tags = Tags(page).tags
    (stage,) = [a for _, a in tags if a.get("role") == "slider"]
    assert stage["tabindex"] == "0"
    assert stage["aria-label"]
    assert float(stage["aria-valuemax"]) == 10
    assert all(a["aria-label"] for tag, a in tags if tag == "input")
    bars = [a["aria-label"] for tag, a in tags if tag == "button" and "data-on" in a]
    assert bars == ["Hear car horn, 1.0 to 2.0 s", "Hear car horn, 2.2 to 2.3 s", "Hear siren, 4.0 to 4.2 s"]


def test_it_takes_scenes_tensors_maps_over_time_and_its_own_spectrogram():
    torch = pytest.importorskip("torch")
    page = show.player(
        Scene(NOISE, RATE),
        {"time": torch.rand(25), "both": torch.rand(25, 8)},
        spectrogram=torch.rand(100, 64) * -60,
        frequencies_hz=np.linspace(50, 9000, 64),
        regions={"both": np.eye(25, 8, dtype=bool)},
        selected="both",
        shared_scale=True,
        gain=1.5,
    ).data
    assert '"first": 2' in page
    assert "share one scale" in page
    assert "+3.5 dB" in page
    assert "broken orange line is the true region" in page


def test_markers_of_scripts_in_names_stay_text():
    page = show.player(NOISE[:RATE], {"</script><script>alert(1)": np.ones(5)}, sample_rate=RATE).data
    assert "<script>alert" not in page
    assert Tags(page).open == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sound": np.zeros(0)}, "sound.*empty"),
        ({"sound": np.full(99, np.nan)}, "sound.*NaN"),
        ({"sample_rate": None}, "sample_rate"),
        ({"sample_rate": 12345}, "sample_rate"),
        ({"maps": {"a": -np.ones((3, 3))}}, r"maps\['a'\].*negative"),
        ({"maps": {"a": np.full((3, 3), np.nan)}}, r"maps\['a'\].*finite"),
        ({"maps": {"a": np.ones((3, 3, 3))}}, r"maps\['a'\].*shape"),
        ({"maps": [np.ones((3, 3))]}, "maps.*mapping"),
        ({"events": [("a", 3.0, 2.0)]}, "events.*onset_s < offset_s"),
        ({"regions": {"b": np.ones((3, 3))}}, r"regions.*\['b'\]"),
        ({"selected": "b"}, "selected"),
        ({"duration_s": 0.0}, "duration_s"),
        ({"spectrogram": np.zeros(5)}, "spectrogram.*shape"),
        ({"spectrogram": np.zeros((5, 4)), "frequencies_hz": [1, 2, 3]}, "frequencies_hz.*4"),
        ({"gain": 9.0}, "gain"),
    ],
)
def test_errors_name_the_argument(changes, said):
    arguments = {"sound": NOISE[:RATE], "maps": {"a": np.ones((3, 3))}, "sample_rate": RATE, **changes}
    with pytest.raises(ValueError, match=said):
        show.player(arguments.pop("sound"), arguments.pop("maps"), arguments.pop("events", ()), **arguments)


@pytest.mark.filterwarnings("ignore:n_fft=2048 is too large")
@pytest.mark.parametrize("n_samples", [700, 2048, 50_000])
def test_its_own_spectrogram_is_librosas(n_samples):
    import librosa

    from audiolab.show.players import _spectrogram

    sound = NOISE[:n_samples].astype(np.float32) * np.linspace(1, 0, n_samples, dtype=np.float32) ** 4
    picture, rows_hz = _spectrogram(sound, RATE, None, None)
    hop_length = max(128, n_samples // 640)
    power = librosa.feature.melspectrogram(
        y=sound, sr=RATE, n_fft=2048, hop_length=hop_length, n_mels=128, htk=True, pad_mode="constant"
    )
    np.testing.assert_allclose(picture, librosa.power_to_db(power, ref=np.max, top_db=80).T, atol=2e-3)
    assert picture.shape == (1 + n_samples // hop_length, 128)
    assert rows_hz[0] >= 0
