import matplotlib
import numpy as np
import pytest

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.colors import to_rgba

from audiolab import show

RNG = np.random.default_rng(0)
TIMES_S, HZ = np.arange(40) * 0.05, 700 * (np.exp(np.linspace(0.1, 2.7, 32)) - 1)
CLASSES = ["air_conditioner", "car_horn", "siren"]


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_a_spectrogram_has_units_and_round_frequencies_where_they_belong():
    figure, axes = show.plot_spectrogram(-80 * RNG.random((40, 32)), TIMES_S, HZ)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("time (s)", "frequency (Hz)")
    assert "dB" in figure.axes[1].get_ylabel()
    ticks = dict(zip((t.get_text() for t in axes.get_yticklabels()), axes.get_yticks(), strict=True))
    assert np.interp(ticks["1k"], np.arange(32), HZ) == pytest.approx(1000, rel=1e-6)
    (image,) = axes.images
    assert image.get_array().shape == (32, 40)
    assert image.get_extent()[:2] == pytest.approx([-0.025, 1.975])
    assert image.get_clim()[1] - image.get_clim()[0] == pytest.approx(80)


def test_one_colour_map_per_quantity_and_signed_maps_are_centred():
    positive = show.plot_map(RNG.random((40, 32)), TIMES_S, HZ)[1].images[0]
    signed = show.plot_map(RNG.normal(size=(40, 32)), TIMES_S, HZ, region=np.eye(40, 32) > 0)[1].images[0]
    assert positive.get_cmap().name == "cividis"
    assert positive.get_clim()[0] == 0
    assert signed.get_cmap().name == "RdBu_r"
    assert sum(signed.get_clim()) == 0


def test_it_draws_where_it_is_told_and_takes_tensors():
    torch = pytest.importorskip("torch")
    figure, (left, right) = plt.subplots(1, 2)
    drawn_figure, drawn = show.plot_map(torch.rand(40, 32, requires_grad=True), TIMES_S, HZ, right, colorbar=False)
    assert drawn_figure is figure
    assert drawn is right
    assert not left.images


def test_events_are_bars_at_their_times():
    _, axes = show.plot_events([("siren", 1, 3), ("car_horn", 0.5, 1), ("siren", 4, 5)], duration_s=10)
    spans = sorted((p.get_x(), p.get_x() + p.get_width()) for p in axes.patches)
    assert spans == [(0.5, 1), (1, 3), (4, 5)]
    assert [t.get_text() for t in axes.get_yticklabels()] == ["car horn", "siren"]
    assert axes.get_xlim() == (0, 10)


def test_events_wear_the_colours_of_their_classes():
    _, axes = show.plot_events([("siren", 1, 3), ("dog", 4, 5)], colors={"dog": "#112233"})
    assert [p.get_facecolor() for p in axes.patches] == [to_rgba("#d9d9d9"), to_rgba("#112233")]


def test_a_history_draws_every_term_and_no_clock():
    history = [{"epoch": i, "total": 1 / i, "cross_entropy": 0.5 / i, "seconds": 3.0, "note": "x"} for i in (1, 2, 3)]
    _, axes = show.plot_history(history)
    assert [line.get_label() for line in axes.lines] == ["total", "cross entropy"]
    assert axes.lines[0].get_ydata() == pytest.approx([1, 1 / 2, 1 / 3])
    assert len({line.get_marker() for line in axes.lines}) == 2


def test_readout_and_prototypes_share_one_scale():
    weights = RNG.normal(size=(8, 6, 3))
    _, panels = show.plot_readout(weights, classes=CLASSES)
    assert len(panels) == 6
    assert len({p.images[0].get_clim() for p in panels}) == 1
    assert np.array_equal(panels[4].images[0].get_array(), weights[:, 4])
    figure, panels = show.plot_prototypes(RNG.random((7, 20, 32)), frequencies_hz=HZ, frame_s=0.05)
    assert len(panels) == 7
    assert len({p.images[0].get_clim() for p in panels}) == 1
    assert "s)" in figure.get_supxlabel()


def test_confusion_shades_the_share_and_writes_the_count():
    _, axes = show.plot_confusion([[8, 2, 0], [0, 5, 0], [1, 1, 2]], CLASSES)
    assert axes.images[0].get_array()[0, 0] == pytest.approx(0.8)
    assert sorted(t.get_text() for t in axes.texts) == sorted("825112")
    assert axes.get_ylabel() == "true class"


def test_intervals_are_those_of_the_t_distribution():
    stats = pytest.importorskip("scipy.stats")
    runs = [0.61, 0.58, 0.64, 0.60]
    _, axes = show.plot_interval({"ours": runs, "single": [0.5]}, paper={"ours": 0.62}, xlabel="segment F1")
    low, high = stats.t.interval(0.95, 3, loc=np.mean(runs), scale=stats.sem(runs))
    ((begin, end),) = axes.containers[0].lines[2][0].get_segments()
    assert (begin[0], end[0]) == pytest.approx((low, high))
    assert [t.get_text() for t in axes.get_yticklabels()] == ["ours (n = 4)", "single (n = 1)"]
    assert axes.get_xlabel() == "segment F1"


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: show.plot_spectrogram(np.zeros(5), TIMES_S, HZ), "x_db"),
        (lambda: show.plot_spectrogram(np.zeros((40, 31)), TIMES_S, HZ), "frequencies_hz.*31"),
        (lambda: show.plot_map(np.zeros((40, 32)), TIMES_S, HZ, region=np.zeros((4, 4))), "region"),
        (lambda: show.plot_events([("a", 2, 1)]), "onset_s < offset_s"),
        (lambda: show.plot_events([("a", 1, 2)], classes=["b"]), "events.*'a'"),
        (lambda: show.plot_history([]), "history"),
        (lambda: show.plot_history([{"total": 1.0}], keys=["loss"]), "keys.*total.*loss"),
        (lambda: show.plot_readout(np.zeros((4, 3, 2)), classes=CLASSES), "classes.*2.*3"),
        (lambda: show.plot_prototypes(np.zeros((2, 3, 4)), titles=["a"]), "titles.*2.*1"),
        (lambda: show.plot_confusion(np.zeros((2, 2)), CLASSES), "counts"),
        (lambda: show.plot_interval({"a": []}), "values"),
    ],
)
def test_errors_name_the_argument(call, said):
    with pytest.raises(ValueError, match=said):
        call()


def test_the_style_is_opaque_and_sized_for_the_column():
    with matplotlib.rc_context():
        show.use_style()
        assert plt.rcParams["figure.figsize"] == [7.2, 3.4]
        assert plt.rcParams["figure.constrained_layout.use"]
        assert plt.rcParams["figure.facecolor"] == "white"


@pytest.mark.parametrize(("sharp", "kind", "options"), [(True, "retina", {}), (False, "png", {"bbox_inches": None})])
def test_only_a_page_that_is_read_is_drawn_at_twice_the_pixels(monkeypatch, sharp, kind, options):
    said = []
    monkeypatch.setattr(
        "matplotlib_inline.backend_inline.set_matplotlib_formats", lambda name, **kw: said.append((name, kw))
    )
    with matplotlib.rc_context():
        show.use_style(sharp=sharp)
    assert said == [(kind, options)]


def test_a_notebook_draws_each_figure_when_it_shows_it_and_not_before():
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    try:
        plt.install_repl_displayhook()
        hooks = shell.events.callbacks["post_execute"]
        drawn = [hook for hook in hooks if "draw_all" in hook.__qualname__]
        assert drawn
        with matplotlib.rc_context():
            show.use_style()
        assert drawn[0] not in shell.events.callbacks["post_execute"]
    finally:
        InteractiveShell.clear_instance()
