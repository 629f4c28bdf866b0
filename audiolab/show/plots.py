"""Pictures of spectrograms, maps, training and comparisons. Every function draws into an axes and returns it.

One quantity keeps one colour map through the book: levels in dB are magma, weights and attention are cividis, signed
values are a blue to red that is white at zero. All change evenly in lightness, so that they survive printing in grey.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

LEVEL_COLORMAP, MAP_COLORMAP, SIGNED_COLORMAP = "magma", "cividis", "RdBu_r"
# Told apart by colour-blind readers, and in this order from dark to light in grey.
COLORS = ("#1b3b6f", "#b5442e", "#3d8b7d", "#e0a028", "#7f7f7f", "#9b6fb0")
MARKERS = ("o", "s", "^", "D", "v", "P")
_TICKS_HZ = (62.5, 125, 250, 500, 1000, 2000, 4000, 8000, 16000)


def use_style(*, sharp: bool = True) -> None:
    """Set the book's figure style: 7.2 x 3.4 inches, opaque white, constrained layout.

    In a notebook `sharp` draws at twice the pixels, for dense screens, and cuts the margins to what is drawn; a page
    that is only tested does without, and is done sooner. The figure takes the same room on the page either way.
    """
    import seaborn

    seaborn.set_theme(
        context="notebook",
        style="ticks",
        palette=list(COLORS),
        rc={
            "figure.figsize": (7.2, 3.4), "figure.constrained_layout.use": True, "figure.dpi": 100,
            "figure.facecolor": "white", "axes.facecolor": "white", "savefig.facecolor": "white",
            "font.size": 11, "axes.titlesize": 12, "axes.labelsize": 11, "xtick.labelsize": 10, "ytick.labelsize": 10,
            "legend.fontsize": 10, "legend.frameon": False, "axes.spines.top": False, "axes.spines.right": False,
            "image.cmap": MAP_COLORMAP, "image.interpolation": "nearest",
        },
    )
    try:
        from matplotlib_inline.backend_inline import set_matplotlib_formats

        # The inline backend draws each figure when it shows it; matplotlib's own hook would draw each once more before.
        plt.get_backend()
        plt.uninstall_repl_displayhook()
        if sharp:
            set_matplotlib_formats("retina")
        else:
            set_matplotlib_formats("png", bbox_inches=None)
    except (ImportError, AttributeError):
        # Outside a notebook there is no inline backend to sharpen.
        pass


def _axes(axes: Axes | None) -> tuple[Figure, Axes]:
    if axes is None:
        return plt.subplots(figsize=(7.2, 3.4), layout="constrained")
    return axes.figure, axes


def _array(name: str, values: Any, *, ndim: int) -> np.ndarray:
    if hasattr(values, "detach"):
        values = values.detach().cpu()
    array = np.asarray(values, dtype=float)
    if array.ndim != ndim or array.size == 0:
        raise ValueError(f"{name}: expected a non-empty array of {ndim} dimensions, got shape {array.shape}")
    return array


def _draw_cells(
    cells: np.ndarray, times_s: Any, frequencies_hz: Any, axes: Axes, **options: Any
) -> Any:
    """Draw (T, F) cells with rows equally spaced, as a mel spectrogram is, and ticks at round frequencies."""
    times = _array("times_s", times_s, ndim=1)
    rows_hz = _array("frequencies_hz", frequencies_hz, ndim=1)
    if cells.shape != (len(times), len(rows_hz)):
        raise ValueError(
            f"times_s, frequencies_hz: expected {cells.shape[0]} times and {cells.shape[1]} frequencies, "
            f"got {len(times)} and {len(rows_hz)}"
        )
    step = (times[-1] - times[0]) / max(len(times) - 1, 1) or 1.0
    extent = (times[0] - step / 2, times[-1] + step / 2, -0.5, len(rows_hz) - 0.5)
    image = axes.imshow(cells.T, origin="lower", aspect="auto", extent=extent, **options)
    ticks, last = [], -np.inf
    for hz in _TICKS_HZ:
        row = np.interp(hz, rows_hz, np.arange(len(rows_hz)))
        if rows_hz[0] <= hz <= rows_hz[-1] and row - last >= 0.06 * len(rows_hz):
            ticks.append((row, f"{hz / 1000:g}k" if hz >= 1000 else f"{hz:g}"))
            last = row
    axes.set_yticks([row for row, _ in ticks], [text for _, text in ticks])
    axes.set(xlabel="time (s)", ylabel="frequency (Hz)")
    return image


def plot_spectrogram(
    x_db: Any, times_s: Any, frequencies_hz: Any, axes: Axes | None = None, *, range_db: float = 80.0,
    colorbar: bool = True,
) -> tuple[Figure, Axes]:
    """Draw a spectrogram.

    Args:
        x_db: (T, F) in dB.
        times_s: (T,) centre of each frame in s.
        frequencies_hz: (F,) centre of each row in Hz; the rows are drawn equally spaced.
        axes: where to draw; a new figure by default.
        range_db: from the loudest cell down to black.
        colorbar: whether to draw the scale.

    Raises:
        ValueError: the shapes do not fit each other.
    """
    cells = _array("x_db", x_db, ndim=2)
    figure, axes = _axes(axes)
    image = _draw_cells(
        cells, times_s, frequencies_hz, axes, cmap=LEVEL_COLORMAP, vmax=cells.max(), vmin=cells.max() - range_db
    )
    if colorbar:
        figure.colorbar(image, ax=axes, label="level (dB)", pad=0.01)
    return figure, axes


def plot_map(
    cells: Any, times_s: Any, frequencies_hz: Any, axes: Axes | None = None, *, label: str = "weight",
    region: Any = None, vmax: float | None = None, colorbar: bool = True,
) -> tuple[Figure, Axes]:
    """Draw an explanation (T, F), with the true region (T, F) outlined where it is given.

    Values that are nowhere negative are drawn from zero up, signed ones symmetric about zero.

    Args:
        cells: (T, F), any unit; ``label`` names it on the scale.
        times_s: (T,) in s.
        frequencies_hz: (F,) in Hz.
        axes: where to draw; a new figure by default.
        label: what the values are.
        region: bool (T, F), outlined in white on black.
        vmax: top of the scale, to be given where several maps are compared. Default: this map's largest magnitude.
        colorbar: whether to draw the scale.

    Raises:
        ValueError: the shapes do not fit each other.
    """
    cells = _array("cells", cells, ndim=2)
    figure, axes = _axes(axes)
    signed = cells.min() < 0
    top = vmax if vmax is not None else float(np.abs(cells).max()) or 1.0
    image = _draw_cells(
        cells, times_s, frequencies_hz, axes, vmin=-top if signed else 0, vmax=top,
        cmap=SIGNED_COLORMAP if signed else MAP_COLORMAP,
    )
    if region is not None:
        inside = _array("region", region, ndim=2)
        if inside.shape != cells.shape:
            raise ValueError(f"region: expected shape {cells.shape} as the map has, got {inside.shape}")
        if 0 < inside.mean() < 1:
            left, right, low, high = image.get_extent()
            x = left + (np.arange(inside.shape[0]) + 0.5) * (right - left) / inside.shape[0]
            y = low + (np.arange(inside.shape[1]) + 0.5) * (high - low) / inside.shape[1]
            axes.contour(x, y, inside.T, levels=[0.5], colors="black", linewidths=3)
            axes.contour(x, y, inside.T, levels=[0.5], colors="white", linewidths=1.3, linestyles="--")
    if colorbar:
        figure.colorbar(image, ax=axes, label=label, pad=0.01)
    return figure, axes


def plot_events(
    events: Iterable[Any], axes: Axes | None = None, *, duration_s: float | None = None,
    classes: Sequence[str] | None = None, colors: Mapping[str, str] | None = None,
) -> tuple[Figure, Axes]:
    """Draw events, each starting with (label, onset_s, offset_s), as one bar per event and one row per class.

    Args:
        events: the events.
        axes: where to draw; a new figure by default.
        duration_s: right end of the time axis. Default: the last offset.
        classes: rows from top to bottom. Default: the labels in order of their first onset.
        colors: colour of each class by name; classes that it does not name are grey. Default: by row.

    Raises:
        ValueError: a label is not among ``classes``, or an event ends before it starts.
    """
    spans = [(str(event[0]), float(event[1]), float(event[2])) for event in events]
    by_onset = dict.fromkeys(span[0] for span in sorted(spans, key=lambda span: span[1]))
    rows = list(classes if classes is not None else by_onset)
    for label, onset, offset in spans:
        if label not in rows:
            raise ValueError(f"events: expected labels among {rows}, got {label!r}")
        if offset <= onset:
            raise ValueError(f"events: expected onset_s < offset_s for {label!r}, got {onset} and {offset}")
    if axes is None:
        figure, axes = plt.subplots(figsize=(7.2, 0.8 + 0.28 * max(len(rows), 1)), layout="constrained")
    else:
        figure = axes.figure
    for label, onset, offset in spans:
        row = rows.index(label)
        color = COLORS[row % len(COLORS)] if colors is None else colors.get(label, "#d9d9d9")
        axes.barh(row, offset - onset, left=onset, height=0.7, color=color, edgecolor="black", linewidth=0.6)
    axes.set_yticks(range(len(rows)), [label.replace("_", " ") for label in rows])
    axes.set_ylim(max(len(rows), 1) - 0.4, -0.6)
    axes.set_xlim(0, duration_s if duration_s is not None else max((s[2] for s in spans), default=1.0))
    axes.set_xlabel("time (s)")
    return figure, axes


def plot_history(
    history: Sequence[Mapping[str, Any]], axes: Axes | None = None, *, keys: Sequence[str] | None = None,
    log: bool = False, ylabel: str = "loss term (weighted)",
) -> tuple[Figure, Axes]:
    """Draw numbers of a training history over epochs, one line with its own marker per key.

    Args:
        history: one mapping per epoch; ``epoch`` is used where present.
        axes: where to draw; a new figure by default.
        keys: what to draw. Default: every number that is not the epoch, the learning rate or a time.
        log: whether the vertical axis is logarithmic.
        ylabel: what the numbers are, with their unit.

    Raises:
        ValueError: the history is empty or has none of the keys.
    """
    if not history:
        raise ValueError("history: expected at least one epoch, got none")
    skipped = {"epoch", "seconds", "learning_rate", "lr"}
    numbers = [k for k, v in history[-1].items() if isinstance(v, (int, float, np.number)) and k not in skipped]
    wanted = numbers if keys is None else list(keys)
    missing = [key for key in wanted if not any(key in epoch for epoch in history)]
    if missing or not wanted:
        raise ValueError(f"keys: expected some of {numbers}, got {missing or wanted}")
    figure, axes = _axes(axes)
    for index, key in enumerate(wanted):
        points = [(epoch.get("epoch", i + 1), epoch[key]) for i, epoch in enumerate(history) if key in epoch]
        axes.plot(
            *zip(*points, strict=True), label=key.replace("_", " "), color=COLORS[index % len(COLORS)],
            marker=MARKERS[index % len(MARKERS)], markersize=4, markevery=max(len(points) // 12, 1),
        )
    if log:
        axes.set_yscale("log")
    axes.set(xlabel="epoch", ylabel=ylabel)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if len(wanted) > 4:  # many lines fill the axes: their names go above
        axes.legend(ncols=3, loc="lower left", bbox_to_anchor=(0, 1))
    else:
        axes.legend()
    return figure, axes


def _grid_of_axes(n: int, columns: int, *, height: float, width: float = 7.2) -> tuple[Figure, np.ndarray]:
    rows = -(-n // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(width, height * rows + 0.5), sharex=True, sharey=True, squeeze=False,
        layout="constrained",
    )
    for unused in axes.flat[n:]:
        unused.set_visible(False)
    return figure, axes.ravel()[:n]


def plot_readout(
    weights: Any, *, classes: Sequence[str], rows: str = "frequency row of the embedding", columns: int = 5
) -> tuple[Figure, np.ndarray]:
    """Draw read-out weights (F', M, K) as one heat map per prototype: frequency row against class, one scale for all.

    Args:
        weights: (F', M, K), signed or not.
        classes: K names.
        rows: what the first axis is.
        columns: panels side by side.

    Returns:
        The figure and the M axes.

    Raises:
        ValueError: the number of classes is not K.
    """
    values = _array("weights", weights, ndim=3)
    if len(classes) != values.shape[2]:
        raise ValueError(f"classes: expected {values.shape[2]} names, got {len(classes)}")
    top = float(np.abs(values).max()) or 1.0
    figure, axes = _grid_of_axes(values.shape[1], min(columns, values.shape[1]), height=1.5)
    for index, panel in enumerate(axes):
        image = panel.imshow(values[:, index], origin="lower", aspect="auto", cmap=SIGNED_COLORMAP, vmin=-top, vmax=top)
        panel.set_title(f"prototype {index}", fontsize=9)
        panel.set_xticks(range(len(classes)), [c.replace("_", " ") for c in classes], rotation=90, fontsize=7)
    figure.supylabel(rows, fontsize=9)
    figure.colorbar(image, ax=list(axes), label="weight", shrink=0.8)
    return figure, axes


def plot_prototypes(
    patches: Any, *, frequencies_hz: Any = None, frame_s: float | None = None, titles: Sequence[str] | None = None,
    label: str = "level (dB)", columns: int = 5,
) -> tuple[Figure, np.ndarray]:
    """Draw M patches (M, T, F), decoded prototypes or the nearest patches of data, on one scale.

    Args:
        patches: (M, T, F).
        frequencies_hz: (F,) in Hz for the vertical axis; rows are numbered without it.
        frame_s: seconds per frame; frames are numbered without it.
        titles: M texts. Default: "prototype 0" and so on, as arrays are indexed.
        label: what the values are, with the unit.
        columns: panels side by side.

    Returns:
        The figure and the M axes.

    Raises:
        ValueError: the shapes do not fit each other.
    """
    values = _array("patches", patches, ndim=3)
    n, n_frames, n_rows = values.shape
    titles = [f"prototype {i}" for i in range(n)] if titles is None else list(titles)
    if len(titles) != n:
        raise ValueError(f"titles: expected {n} texts, got {len(titles)}")
    figure, axes = _grid_of_axes(n, min(columns, n), height=1.6)
    times = (np.arange(n_frames) + 0.5) * (frame_s or 1.0)
    for panel, patch, title in zip(axes, values, titles, strict=True):
        options = {"cmap": LEVEL_COLORMAP, "vmin": values.min(), "vmax": values.max()}
        if frequencies_hz is not None:
            image = _draw_cells(patch, times, frequencies_hz, panel, **options)
        else:
            extent = (0, n_frames * (frame_s or 1.0), 0, n_rows)
            image = panel.imshow(patch.T, origin="lower", aspect="auto", extent=extent, **options)
        panel.set(xlabel="", ylabel="")
        panel.set_title(title, fontsize=9)
        panel.tick_params(labelsize=7)
    figure.supxlabel("time (s)" if frame_s else "frame", fontsize=9)
    figure.supylabel("frequency (Hz)" if frequencies_hz is not None else "row", fontsize=9)
    figure.colorbar(image, ax=list(axes), label=label, shrink=0.8)
    return figure, axes


def plot_confusion(counts: Any, classes: Sequence[str], axes: Axes | None = None) -> tuple[Figure, Axes]:
    """Draw a confusion matrix (K, K) of counts, true class by row, shaded by the share of the row.

    Raises:
        ValueError: the matrix is not square or the number of classes is not K.
    """
    values = _array("counts", counts, ndim=2)
    if values.shape != (len(classes), len(classes)):
        raise ValueError(f"counts: expected shape {(len(classes),) * 2} for these classes, got {values.shape}")
    if axes is None:
        side = 1.8 + 0.42 * len(classes)
        figure, axes = plt.subplots(figsize=(min(side + 0.8, 7.2), min(side, 6.4)), layout="constrained")
    else:
        figure = axes.figure
    share = values / np.maximum(values.sum(axis=1, keepdims=True), 1)
    image = axes.imshow(share, cmap=MAP_COLORMAP, vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(values):
        if count:
            color = "black" if share[row, column] > 0.5 else "white"
            axes.text(column, row, f"{count:g}", ha="center", va="center", fontsize=8, color=color)
    names = [name.replace("_", " ") for name in classes]
    axes.set_xticks(range(len(names)), names, rotation=45, ha="right")
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel="predicted class", ylabel="true class")
    figure.colorbar(image, ax=axes, label="share of the true class")
    return figure, axes


def plot_interval(
    values: Mapping[str, Any], axes: Axes | None = None, *, paper: Mapping[str, float] | None = None,
    xlabel: str = "score", reference: float | None = None,
) -> tuple[Figure, Axes]:
    """Draw every run of each system, their mean with a 95 % interval, and the number of the paper beside it.

    The interval is the t interval over runs; a system with one run has a point and no interval.

    Args:
        values: name to the values of its runs, in one unit.
        axes: where to draw; a new figure by default.
        paper: name to the published value, drawn as a diamond.
        xlabel: the quantity with its unit.
        reference: a value to compare with, such as chance, drawn as a line.

    Raises:
        ValueError: a system has no run, or a value is not finite.
    """
    from scipy.stats import t as student

    runs = {name: np.atleast_1d(np.asarray(value, dtype=float)) for name, value in values.items()}
    for name, value in runs.items():
        if value.size == 0 or not np.isfinite(value).all():
            raise ValueError(f"values[{name!r}]: expected at least one finite value, got {value}")
    if axes is None:
        figure, axes = plt.subplots(figsize=(7.2, 1.0 + 0.42 * max(len(runs), 1)), layout="constrained")
    else:
        figure = axes.figure
    diamond = {"markersize": 7, "markerfacecolor": "white", "markeredgecolor": COLORS[1], "markeredgewidth": 1.6}
    for row, (name, value) in enumerate(runs.items()):
        heights = np.full(value.size, row + 0.18)
        axes.plot(value, heights, "|", color="#7f7f7f", markersize=7, label="one run" if row == 0 else None)
        half = student.ppf(0.975, value.size - 1) * value.std(ddof=1) / np.sqrt(value.size) if value.size > 1 else 0.0
        axes.errorbar(
            value.mean(), row, xerr=half or None, fmt="o", color=COLORS[0], capsize=3,
            label="ours: mean, 95 % interval" if row == 0 else None,
        )
        if paper and name in paper:
            axes.plot(paper[name], row, "D", **diamond)
    if paper:
        axes.plot([], [], "D", label="paper", **diamond)
    if reference is not None:
        axes.axvline(reference, color="black", linewidth=1, linestyle=":", label="reference")
    axes.set_yticks(range(len(runs)), [f"{name} (n = {value.size})" for name, value in runs.items()])
    axes.set_ylim(len(runs) - 0.5, -0.5)
    axes.set_xlabel(xlabel)
    figure.legend(loc="outside upper left", ncols=4, handletextpad=0.4, columnspacing=1.2)
    return figure, axes
