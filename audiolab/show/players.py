"""The player: a sound, its spectrogram, and what a model looked at, in one piece of a page.

It needs no kernel and no other host: picture, maps, sound and script are inside the output, so that it works in a
notebook and in the rendered book alike. Everything can be done with the mouse, a finger or the keyboard.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

import matplotlib
import numpy as np
import torch
from IPython.display import HTML

from .images import GLOW_ALPHA, VEIL_ALPHA, contour_path, map_png, spectrogram_png
from .page import package_text
from .sound import apply_gain, check_samples, data_uri, encode_mp3

_TICKS_HZ = (31.25, 62.5, 125, 250, 500, 1000, 2000, 4000, 8000, 16000)
_KEYS = (
    "Click the picture to hear that patch alone. Space plays and pauses, ← → move in time (with Shift by 1 s), "
    "↑ ↓ move the dot in pitch, Enter hears the patch at the dot"
)


def player(
    sound: Any,
    maps: Mapping[str, Any] | None = None,
    events: Iterable[Any] = (),
    *,
    sample_rate: int | None = None,
    spectrogram: Any = None,
    frequencies_hz: Any = None,
    duration_s: float | None = None,
    caption: str = "",
    gain: float | None = None,
    regions: Mapping[str, Any] | None = None,
    selected: str | None = None,
    shared_scale: bool = False,
    patch_s: float = 0.6,
    colormap: str = "magma",
) -> HTML:
    """Return a player of one sound with maps over its spectrogram, events below it and a playhead across both.

    Each map is drawn as a dark veil where it is 0 and a pale glow where it is 1, with a line at half of its maximum.

    Args:
        sound: mono waveform (n_samples,), or a sound or scene with ``samples`` (and ``sample_rate``).
        maps: name to map, shown by button or by the keys 1 to 9. A map is (T, F) or (T,), not negative, and covers the
            whole sound and all rows of the spectrogram in equal steps; T and F may be coarser than the spectrogram's.
        events: true events, each starting with (label, onset_s, offset_s); one lane per label below the picture, with
            bars that shine while their events sound.
        sample_rate: in Hz; needed where ``sound`` is a bare waveform.
        spectrogram: (T, F) in dB, low frequencies first. Default: 128 mel bands computed here.
        frequencies_hz: (F,) centre of each row of ``spectrogram`` in Hz, rising. Default: HTK mel up to half the rate.
        duration_s: seconds that the spectrogram and the maps span. Default: the sound's duration.
        caption: what to look and listen for, plain text. The level is added to it.
        gain: factor on the samples, see :func:`comparison_gain`. Default: the sound's own level.
        regions: name to true region, bool (T, F); outlined by a broken orange line when the map of that name is shown.
        selected: the map shown first; "" shows none. Default: the first.
        shared_scale: True divides all maps by their common maximum, False each by its own.
        patch_s: seconds heard around a click, positive.
        colormap: of the spectrogram; one that rises evenly in lightness.

    Raises:
        ValueError: an argument has a wrong shape, is empty or negative, or is not finite; the message names it.

    Example:
        >>> import numpy as np
        >>> tone = 0.1 * np.sin(2 * np.pi * 440 * np.arange(22050) / 22050)
        >>> html = player(tone, {"tone": np.ones((20, 16))}, [("tone", 0.2, 0.8)], sample_rate=22050)
    """
    sample_rate = getattr(sound, "sample_rate", None) if sample_rate is None else sample_rate
    if sample_rate is None or not sample_rate > 0:
        raise ValueError(f"sample_rate: expected a rate in Hz, which a bare waveform does not have, got {sample_rate}")
    waveform = check_samples(sound, name="sound")
    played, level = apply_gain(waveform, gain)
    duration = waveform.size / sample_rate if duration_s is None else float(duration_s)
    if not 0 < duration < np.inf:
        raise ValueError(f"duration_s: expected a positive number of seconds, got {duration_s}")
    if not 0 < patch_s < np.inf:
        raise ValueError(f"patch_s: expected a positive number of seconds, got {patch_s}")
    if colormap not in matplotlib.colormaps:
        raise ValueError(f"colormap: expected the name of one of matplotlib's, got {colormap!r}")
    x_db, rows_hz = _spectrogram(waveform, sample_rate, spectrogram, frequencies_hz)
    units = _unit_maps(maps or {}, shared_scale)
    names = list(units)
    if selected not in (None, "", *names):
        raise ValueError(f"selected: expected one of {names} or '', got {selected!r}")
    lanes = _lanes(events, duration)
    outlines = {name: _grid(name, region, argument="regions").astype(float) for name, region in (regions or {}).items()}
    unknown = sorted(set(outlines) - set(names))
    if unknown:
        raise ValueError(f"regions: expected names of maps {names}, got {unknown}")

    config = {
        "duration": duration, "rate": int(sample_rate), "names": names,
        "hz": np.interp(np.linspace(-0.5, len(rows_hz) - 0.5, 49), np.arange(len(rows_hz)), rows_hz).round(1).tolist(),
        "first": 0 if not names or selected == "" else 1 + names.index(selected or names[0]),
        "veil": VEIL_ALPHA, "glow": GLOW_ALPHA, "patch_s": float(patch_s), "patch_rows": 0.16,
    }
    paths = {name: contour_path(unit) for name, unit in units.items()}
    sound_uri = data_uri(encode_mp3(played, sample_rate), "audio/mpeg")
    sentences = [f'<span class="al-caption">{escape(caption)}</span>'] if caption else []
    sentences.append(f'<span class="al-level">{escape(level)}{_scale_sentence(paths, shared_scale, outlines)}</span>')
    # A "<" in a name must not end the script element.
    config_text = json.dumps(config, ensure_ascii=False).replace("<", "\\u003c")
    body = "".join([
        f'<audio controls preload="metadata" src="{sound_uri}"></audio>',
        _top(duration),
        _chips(names),
        '<div class="al-frame">', _frequency_axis(rows_hz), _stage(x_db, units, paths, outlines, colormap, duration),
        _time_axis(duration), _lane_html(lanes, duration), "</div>",
        _tools(names),
        f'<figcaption>{" ".join(sentences)}</figcaption>',
        f'<script type="application/json">{config_text}</script>',
    ])
    # Named after its content: two runs write the same page.
    identity = hashlib.sha256(body.encode()).hexdigest()[:12]
    title = escape(caption or "Sound with its spectrogram", quote=True)
    return HTML(
        f'<style>{package_text("player.css")}</style>'
        f'<figure class="al-player" data-player="{identity}" data-lm-suppress-shortcuts="true" aria-label="{title}">'
        f"{body}</figure>"
        f'<script>{package_text("player.js")}("{identity}");</script>'
    )


def _grid(name: str, values: Any, *, argument: str) -> np.ndarray:
    """Return a map as (T, F) floats; a map over time alone gets one row."""
    if hasattr(values, "detach"):
        values = values.detach().cpu()
    cells = np.asarray(values, dtype=np.float64)
    if cells.ndim == 1:
        cells = cells[:, None]
    if cells.ndim != 2 or cells.size == 0:
        raise ValueError(f"{argument}[{name!r}]: expected shape (T, F) or (T,), got {np.shape(values)}")
    if not np.isfinite(cells).all():
        raise ValueError(f"{argument}[{name!r}]: expected finite values, got NaN or infinite ones")
    if cells.min() < 0:
        raise ValueError(
            f"{argument}[{name!r}]: expected no negative value, got {cells.min():.3g}; "
            "show the positive and the negative part as two maps"
        )
    return cells


def _unit_maps(maps: Mapping[str, Any], shared_scale: bool) -> dict[str, np.ndarray]:
    if not isinstance(maps, Mapping):
        raise ValueError(f"maps: expected a mapping from names to arrays, got {type(maps).__name__}")
    grids = {str(name): _grid(str(name), values, argument="maps") for name, values in maps.items()}
    common = max((grid.max() for grid in grids.values()), default=0.0)
    return {name: grid / ((common if shared_scale else grid.max()) or 1.0) for name, grid in grids.items()}


def _spectrogram(
    waveform: np.ndarray, sample_rate: int, spectrogram: Any, frequencies_hz: Any
) -> tuple[np.ndarray, np.ndarray]:
    from librosa import mel_frequencies

    if spectrogram is None:
        from audiolab.features import LogMel

        # 640 columns are all that the picture shows; a short sound gets the finest useful step.
        hop_length = max(128, waveform.size // 640)
        log_mel = LogMel(sample_rate=sample_rate, n_fft=2048, hop_length=hop_length, n_mels=128, center=True)
        x_db = log_mel(torch.from_numpy(np.asarray(waveform, dtype=np.float32))[None])[0].numpy()
        x_db = x_db - x_db.max()
    else:
        if hasattr(spectrogram, "detach"):
            spectrogram = spectrogram.detach().cpu()
        x_db = np.asarray(spectrogram, dtype=np.float64)
        if x_db.ndim != 2 or min(x_db.shape) < 2:
            raise ValueError(f"spectrogram: expected shape (T, F) in dB, got {x_db.shape}")
        if not np.isfinite(x_db).all():
            raise ValueError("spectrogram: expected finite decibels, got NaN or infinite values")
    if frequencies_hz is None:
        return x_db, mel_frequencies(n_mels=x_db.shape[1], fmin=0, fmax=sample_rate / 2, htk=True)
    rows_hz = np.asarray(frequencies_hz, dtype=np.float64)
    if rows_hz.shape != (x_db.shape[1],) or not (np.diff(rows_hz) > 0).all() or not 0 <= rows_hz[0] < np.inf:
        raise ValueError(f"frequencies_hz: expected {x_db.shape[1]} rising values in Hz, got shape {rows_hz.shape}")
    return x_db, rows_hz


def _lanes(events: Iterable[Any], duration: float) -> dict[str, list[tuple[float, float]]]:
    lanes: dict[str, list[tuple[float, float]]] = {}
    for event in events:
        try:
            label, onset, offset = str(event[0]), float(event[1]), float(event[2])
        except (TypeError, ValueError, IndexError) as error:
            raise ValueError(f"events: expected (label, onset_s, offset_s) each, got {event!r}") from error
        if not 0 <= onset < offset:
            raise ValueError(f"events: expected 0 <= onset_s < offset_s for {label!r}, got {onset} and {offset}")
        if onset < duration:
            lanes.setdefault(label, []).append((onset, min(offset, duration)))
    return {label: sorted(spans) for label, spans in sorted(lanes.items(), key=lambda item: min(item[1]))}


def _scale_sentence(paths: Mapping[str, str], shared_scale: bool, outlines: Mapping[str, Any]) -> str:
    if not paths:
        return ""
    scale = "All maps share one scale" if shared_scale else "Each map is scaled to its own maximum"
    missing = "" if all(paths.values()) else " (none where that is too ragged or never reached)"
    truth = "; the broken orange line is the true region" if outlines else ""
    return f" {scale}; the line is half of it{missing}{truth}."


def _top(duration: float) -> str:
    return (
        '<div class="al-top"><button type="button" class="al-play" aria-label="Play">'
        '<svg viewBox="0 0 16 16" aria-hidden="true"><path d="M4 2l10 6-10 6z" style="fill:currentColor"/></svg>'
        "</button>"
        f'<span class="al-clock">0.0 / {duration:.1f} s</span><span class="al-where"></span></div>'
    )


def _chips(names: list[str]) -> str:
    if not names:
        return ""
    chips = []
    for index, name in enumerate(["none", *names]):
        key = f"<kbd>{index}</kbd>" if index < 10 else ""
        text = escape(name.replace("_", " "))
        chips.append(f'<button type="button" data-k="{index}" aria-pressed="false">{key}{text}</button>')
    return f'<div class="al-maps" role="group" aria-label="Map over the spectrogram">{"".join(chips)}</div>'


def _frequency_axis(rows_hz: np.ndarray) -> str:
    n_rows, ticks, last = len(rows_hz), [], -1.0
    for hz in _TICKS_HZ:
        if rows_hz[0] <= hz <= rows_hz[-1]:
            height = 100 * (float(np.interp(hz, rows_hz, np.arange(n_rows))) + 0.5) / n_rows
            # Labels closer than 7 % of the height would touch on a phone.
            if height - last >= 7 and 3 <= height <= 97:
                text = f"{hz / 1000:g}k" if hz >= 1000 else f"{hz:g}"
                ticks.append(f'<span style="bottom:{height:.1f}%">{text}</span>')
                last = height
    return f'<div class="al-hz" aria-hidden="true">{"".join(ticks)}</div>'


def _time_axis(duration: float) -> str:
    step = next(step for step in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 1e9) if duration / step <= 6)
    ticks = [t for t in np.arange(0, duration, step) if t <= duration - 0.5 * step]
    marks = [f'<span style="left:{100 * t / duration:.2f}%">{t:g}</span>' for t in [*np.round(ticks, 3)]]
    end = f'<span style="left:100%">{duration:.3g} s</span>'
    unit = '<div class="al-unit" aria-hidden="true">Hz</div>'
    return f'{unit}<div class="al-s" aria-hidden="true">{"".join(marks)}{end}</div>'


def _stage(
    x_db: np.ndarray,
    units: Mapping[str, np.ndarray],
    paths: Mapping[str, str],
    outlines: Mapping[str, np.ndarray],
    colormap: str,
    duration: float,
) -> str:
    picture = data_uri(spectrogram_png(x_db, colormap=colormap), "image/png")
    box = 'width="1000" height="1000" preserveAspectRatio="none"'
    layers = []
    for name, unit in units.items():
        truth = ""
        if name in outlines:
            truth = f'<path class="al-outline al-truth" d="{contour_path(outlines[name])}"/>'
        layers.append(
            f'<g class="al-layer"><image {box} href="{data_uri(map_png(unit), "image/png")}"/>'
            f'<path class="al-outline" d="{paths[name]}"/>{truth}</g>'
        )
    return (
        '<div class="al-stage" tabindex="0" role="slider" '
        'aria-label="Playhead over the spectrogram; Enter hears the patch" '
        f'aria-valuemin="0" aria-valuemax="{duration:.2f}" aria-valuenow="0">'
        '<svg viewBox="0 0 1000 1000" preserveAspectRatio="none" aria-hidden="true">'
        f'<image {box} href="{picture}"/>{"".join(layers)}</svg>'
        '<div class="al-now"></div><div class="al-patch"></div>'
        '<div class="al-head"><div class="al-cursor"></div></div></div>'
    )


def _lane_html(lanes: Mapping[str, list[tuple[float, float]]], duration: float) -> str:
    rows = []
    for label, spans in lanes.items():
        text = escape(label.replace("_", " "), quote=True)
        # Share of the width that the label takes on a phone, where the picture is about 300 px wide; some to spare.
        needed = (6.3 * len(text) + 12) / 240
        bars = []
        for index, (onset, offset) in enumerate(spans):
            left, right = onset / duration, offset / duration
            following = spans[index + 1][0] / duration if index + 1 < len(spans) else 1.0
            earlier = spans[index - 1][1] / duration if index else 0.0
            # The script moves a label into its bar where the page is wide enough.
            if following - right >= needed:
                side = "al-right"
            else:
                side = "al-left" if left - earlier >= needed else "al-clip"
            bars.append(
                f'<button type="button" class="{side}" data-on="{onset:.3f}" data-off="{offset:.3f}" '
                f'style="left:{100 * left:.2f}%;width:{100 * (right - left):.2f}%" '
                f'aria-label="Hear {text}, {onset:.1f} to {offset:.1f} s" title="{text} {onset:.1f}–{offset:.1f} s">'
                f"<span>{text}</span></button>"
            )
        rows.append(f'<div class="al-lane" data-label="{escape(label, quote=True)}">{"".join(bars)}</div>')
    return f'<div class="al-lanes" role="group" aria-label="True events">{"".join(rows)}</div>' if rows else ""


def _tools(names: list[str]) -> str:
    keys = _KEYS + (", 1–9 choose a map, 0 none, m hears only what the map marks." if names else ".")
    tools = ""
    if names:
        tools = (
            '<button type="button" class="al-through" aria-pressed="false">'
            "<kbd>m</kbd>hear only what the map marks</button>"
            '<label>map <input type="range" min="0" max="100" value="100" aria-label="Opacity of the map"></label>'
        )
    hint = '<span class="al-hint"><span class="al-away">keys: first click the picture or Tab to it</span>'
    hint += '<span class="al-here">keys work here now</span></span>'
    return f'<div class="al-tools">{tools}{hint}<details><summary>Keys</summary>{escape(keys)}</details></div>'
