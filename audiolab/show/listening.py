"""A sound to listen to, with a caption that says what it is and how loud it is played."""

from __future__ import annotations

from html import escape
from typing import Any

from IPython.display import HTML

from .sound import apply_gain, check_samples, data_uri, encode_mp3

_STYLE = (
    ".al-listen{margin:.6rem 0;max-width:32rem}.al-listen audio{width:100%;display:block}"
    "html[data-theme=dark] .al-listen{color-scheme:dark}"
    ".al-listen figcaption{font-size:.88em;font-weight:400;line-height:1.4;margin-top:.25rem}"
    ".al-listen .al-level{opacity:.75}"
)


def listen(samples: Any, sample_rate: int, caption: str, *, gain: float | None = None) -> HTML:
    """Return a labelled audio player with the sound inside it as MP3 (about 7 kB of page per second).

    The level is never changed silently: without ``gain`` the sound keeps its own level, and the caption always says
    how it is played. For a comparison give every player the same :func:`comparison_gain`.

    Args:
        samples: mono waveform (n_samples,), full scale 1.
        sample_rate: in Hz, one of the rates of MP3.
        caption: what is heard, plain text.
        gain: factor on the samples.

    Raises:
        ValueError: the waveform is empty, not mono or not finite; the caption is empty; the gain makes it clip; MP3 has
            no such rate.

    Example:
        >>> import numpy as np
        >>> tone = 0.1 * np.sin(2 * np.pi * 440 * np.arange(22050) / 22050)
        >>> html = listen(tone, 22050, "A tone of 440 Hz", gain=2.0)
    """
    if not caption.strip():
        raise ValueError("caption: expected a few words that say what is heard, got an empty text")
    waveform, level = apply_gain(check_samples(samples), gain)
    source = data_uri(encode_mp3(waveform, sample_rate), "audio/mpeg")
    return HTML(
        f'<figure class="al-listen"><style>{_STYLE}</style>'
        f'<audio controls preload="none" src="{source}" aria-label="{escape(caption, quote=True)}"></audio>'
        f'<figcaption>{escape(caption)} <span class="al-level">{escape(level)}</span></figcaption></figure>'
    )
