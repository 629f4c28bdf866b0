"""Recipes of sounds that effects libraries are full of, in the form of ``esc10``: ``(rng, n, sample_rate, whole) ->
(samples, info)``.

Impacts, bells, friction, air, water and small machines. Ranges come from the physics of the sources; they were not
fitted to recordings.
"""

import numpy as np

from .blocks import (
    add_at,
    amplitude,
    at_level,
    breakpoints,
    damped_modes,
    fade,
    grains,
    high_pass,
    log_normal,
    log_uniform,
    low_pass,
    pulse_train,
    resonate,
    shape,
    slope_noise,
    wander,
)
from .esc10 import Draft, _place


def _repeat(
    rng: np.random.Generator, n: int, sample_rate: int, whole: bool, one, *, gap_s: float, spread: float,
    count: tuple[int, int], pause_s: float, info: dict,
) -> Draft:
    """Bouts of a short sound: ``one()`` makes a repetition; gaps within and pauses between bouts are log-normal."""
    pieces, start = [], rng.uniform(0, min(0.5, pause_s)) if whole else 0.0
    while start * sample_rate < n:
        for _ in range(int(rng.integers(count[0], count[1] + 1))):
            if start * sample_rate >= n:
                break
            pieces.append((start, one() * log_normal(rng, 1.0, 0.15)))
            start += log_normal(rng, gap_s, spread)
        start += log_normal(rng, pause_s, 0.5)
        if not whole:
            break
    return _place(pieces, n, sample_rate, info, whole=whole)


def _burst(rng: np.random.Generator, sample_rate: int, decay_s: float) -> np.ndarray:
    time = np.arange(max(8, int(6 * decay_s * sample_rate))) / sample_rate
    return rng.standard_normal(len(time)) * np.exp(-time / decay_s)


def footsteps(rng: np.random.Generator, n: int, sample_rate: int, whole: bool) -> Draft:
    """A heel's thump and a toe's scrape, left and right a little different; on gravel, many grains instead.

    1.6 to 3 steps a second (`rate_hz`) in bouts of four to nine; `gravel` is 1 for gravel and 0 for a floor.
    """
    gravel, gap = rng.random() < 0.5, 1 / rng.uniform(1.6, 3.0)
    thump_hz, toe_s = log_uniform(rng, 60, 200), rng.uniform(0.04, 0.12)
    bright = rng.uniform(1000, 5000)

    def one() -> np.ndarray:
        length = int(0.25 * sample_rate)
        out = np.zeros(length)
        if gravel:
            at = np.sort(rng.beta(2, 3, int(rng.integers(20, 60))) * length * 0.7).astype(int)
            out += at_level(grains(rng, length, sample_rate, rate_hz=1, decay_s=(0.001, 0.005), positions=at))
        else:
            thump = thump_hz * log_normal(rng, 1, 0.04)
            add_at(out, 2 * damped_modes(sample_rate, np.array([thump, 2.3 * thump]), np.array([0.02, 0.01]),
                                         np.array([1.0, 0.4])), 0)  # fmt: skip
            add_at(out, 0.5 * _burst(rng, sample_rate, 0.004), 0)
            toe = low_pass(high_pass(_burst(rng, sample_rate, 0.025), sample_rate, 600), sample_rate, bright)
            add_at(out, 0.4 * toe, int(toe_s * sample_rate))
        return fade(out, sample_rate)

    return _repeat(rng, n, sample_rate, whole, one, gap_s=gap, spread=0.04, count=(4, 9), pause_s=0.8,
                   info={"gravel": float(gravel), "rate_hz": 1 / gap})  # fmt: skip


def door_knock(rng: np.random.Generator, n: int, sample_rate: int, whole: bool) -> Draft:
    """Two to five knocks on a panel: modes of wood excited by knuckles."""
    modes = np.sort(np.exp(rng.uniform(np.log(120), np.log(1200), 7)))
    decays, heights = rng.uniform(0.015, 0.06, 7), rng.uniform(0.3, 1.0, 7)

    def one() -> np.ndarray:
        out = damped_modes(sample_rate, modes * log_normal(rng, 1, 0.01), decays, heights * rng.uniform(0.6, 1.4, 7))
        add_at(out, _burst(rng, sample_rate, 0.003), 0)
        return out

    return _repeat(rng, n, sample_rate, whole, one, gap_s=1 / rng.uniform(3, 6), spread=0.1, count=(2, 5), pause_s=1.2,
                   info={"lowest_hz": float(modes[0])})  # fmt: skip


def glass_break(rng: np.random.Generator, n: int, sample_rate: int, whole: bool) -> Draft:
    """A burst, then a rain of shards that thins out: each a damped sine of its own.

    The shards thin out with a time constant of 0.1 to 0.4 s (`tau_s`); their sines lie between 1.5 kHz and 0.48 of the
    sample rate.
    """
    low, high, tau = log_uniform(rng, 1500, 3000), rng.uniform(6000, 0.48 * sample_rate), rng.uniform(0.1, 0.4)

    def one() -> np.ndarray:
        length = int(min(2.0, 6 * tau) * sample_rate)
        at = (rng.exponential(tau, int(rng.integers(30, 150))) * sample_rate).astype(int)
        out = grains(rng, length, sample_rate, rate_hz=1, decay_s=(0.01, 0.1), share_of_noise=0.0,
                     frequency_hz=(low, high), positions=at[at < length])  # fmt: skip
        add_at(out, 3 * _burst(rng, sample_rate, 0.004), 0)
        return fade(out, sample_rate, out_s=0.05)

    return _repeat(rng, n, sample_rate, whole, one, gap_s=1.5, spread=0.3, count=(1, 2), pause_s=1.5,
                   info={"tau_s": tau})  # fmt: skip


def _struck(rng: np.random.Generator, ratios: np.ndarray, strike: float, longest: float, sample_rate: int):
    frequencies = strike * ratios * np.exp(0.005 * rng.standard_normal(len(ratios)))
    frequencies = frequencies[frequencies < 0.45 * sample_rate]
    decays = longest / np.sqrt(frequencies / frequencies[0])
    heights = rng.uniform(0.2, 1.0, len(frequencies)) * (frequencies / frequencies[0]) ** -0.3

    def one() -> np.ndarray:
        varied = heights * rng.uniform(0.7, 1.3, len(heights))
        out = damped_modes(sample_rate, frequencies, decays, varied)
        add_at(out, 0.5 * _burst(rng, sample_rate, 0.002), 0)
        return fade(out, sample_rate, in_s=0.0005)

    return one


def bell(rng: np.random.Generator, n: int, sample_rate: int, whole: bool) -> Draft:
    """A cast bell: inharmonic partials with doublets that beat, ringing on."""
    ratios = np.array([0.5, 1, 1.2, 1.5, 2, 2.5, 2.67, 3, 4])
    ratios = np.r_[ratios, ratios[:4] * (1 + 0.003 * rng.uniform(0.3, 1, 4))]
    strike, longest = log_uniform(rng, 200, 1500), rng.uniform(0.3, 0.9)
    one = _struck(rng, ratios, strike, longest, sample_rate)
    return _repeat(rng, n, sample_rate, whole, one, gap_s=rng.uniform(0.6, 1.6), spread=0.05, count=(2, 6), pause_s=1.0,
                   info={"strike_hz": strike})  # fmt: skip


def metal_hit(rng: np.random.Generator, n: int, sample_rate: int, whole: bool) -> Draft:
    """A bar or a sheet struck once in a while: dense stretched partials, shorter than a bell."""
    bar = rng.random() < 0.5
    ratios = np.array([1, 2.76, 5.40, 8.93]) if bar else np.sort(np.exp(rng.uniform(0, 2.5, 16)))
    strike, longest = log_uniform(rng, 250, 1800), rng.uniform(0.05, 0.3)
    one = _struck(rng, ratios, strike, longest, sample_rate)
    return _repeat(rng, n, sample_rate, whole, one, gap_s=rng.uniform(0.4, 1.2), spread=0.3, count=(1, 4), pause_s=1.0,
                   info={"strike_hz": strike})  # fmt: skip


def whoosh(rng: np.random.Generator, n: int, sample_rate: int, whole: bool) -> Draft:
    """Air cut by something fast: band noise that rises and falls in level and centre.

    About 0.5 s long, at most 1.5 s; the centre (`centre_hz`) is 400 to 2500 Hz and moves by 0.6 to 1.8 octaves.
    """
    centre, octaves, length_s = log_uniform(rng, 400, 2500), rng.uniform(0.6, 1.8), log_normal(rng, 0.5, 0.4)

    def one() -> np.ndarray:
        length = max(64, int(sample_rate * min(1.5, length_s * log_normal(rng, 1, 0.15))))
        peak = rng.uniform(0.4, 0.7)
        level = np.interp(np.linspace(0, 1, length), [0, peak, 1], [0, 1, 0]) ** 2
        low, high = (
            resonate(rng.standard_normal(length), sample_rate, [(f, f / 2.5, 0.0)], floor_db=-60)
            for f in (centre / 2 ** (octaves / 2), centre * 2 ** (octaves / 2))
        )
        return (at_level(low) * (1 - level) + at_level(high) * level) * level

    return _repeat(rng, n, sample_rate, whole, one, gap_s=1.3 * length_s, spread=0.25, count=(1, 4), pause_s=0.7,
                   info={"centre_hz": centre})  # fmt: skip


def ui_beep(rng: np.random.Generator, n: int, sample_rate: int, whole: bool) -> Draft:
    """One to three short tones, some frequency-modulated, the same every time.

    The first tone (`first_hz`) is 400 to 3000 Hz; a tone lasts 30 to 200 ms, the others are up to seven semitones away.
    """
    first, index = log_uniform(rng, 400, 3000), rng.uniform(0, 3) * (rng.random() < 0.5)
    steps = np.cumsum(np.r_[0, rng.integers(-7, 8, int(rng.integers(0, 3)))])
    tone_s, ratio = log_uniform(rng, 0.03, 0.2), float(rng.choice([1.0, 1.5, 2.0, 3.5]))

    def one() -> np.ndarray:
        out = []
        for step in steps:
            time = np.arange(int(tone_s * sample_rate)) / sample_rate
            angle = 2 * np.pi * first * 2 ** (step / 12) * time
            out.append(fade(np.sin(angle + index * np.sin(ratio * angle)), sample_rate, out_s=0.004))
        return np.concatenate(out)

    return _repeat(rng, n, sample_rate, whole, one, gap_s=1.4 * tone_s * len(steps) + 0.1, spread=0.02, count=(1, 4),
                   pause_s=0.9, info={"first_hz": first})  # fmt: skip


def bird_chirp(rng: np.random.Generator, n: int, sample_rate: int, whole: bool) -> Draft:
    """A songbird's fixed phrase of swept syllables, trilled or plain.

    Two to nine syllables of 30 to 150 ms around 1.8 to 6 kHz (`base_hz`), below 0.45 of the sample rate.
    """
    base, n_syllables = log_uniform(rng, 1800, 6000), int(rng.integers(2, 9))
    shapes = [(log_uniform(rng, 0.03, 0.15), *np.exp(rng.uniform(-0.35, 0.35, 3)), rng.random() < 0.3)
              for _ in range(n_syllables)]  # fmt: skip
    gap, trill = rng.uniform(0.02, 0.12), rng.uniform(20, 120)

    def one() -> np.ndarray:
        out = np.zeros(int(sample_rate * sum(s[0] + gap for s in shapes)) + 1)
        start = 0.0
        for length_s, a, b, c, trilled in shapes:
            length = int(length_s * sample_rate)
            curve = np.minimum(base * log_normal(rng, 1, 0.01) * breakpoints(length, [0, 0.5, 1], [a, b, c]),
                               0.45 * sample_rate)  # fmt: skip
            angle = 2 * np.pi * np.cumsum(curve) / sample_rate
            syllable = (np.sin(angle) + 0.1 * np.sin(2 * angle)) * np.hanning(length)
            if trilled:
                syllable *= 0.6 + 0.4 * np.sin(2 * np.pi * trill * np.arange(length) / sample_rate)
            add_at(out, syllable, int(start * sample_rate))
            start += length_s + gap
        return out

    phrase_s = sum(s[0] + gap for s in shapes)
    return _repeat(rng, n, sample_rate, whole, one, gap_s=phrase_s + 0.4, spread=0.3, count=(1, 4), pause_s=0.8,
                   info={"base_hz": base})  # fmt: skip


def cricket(rng: np.random.Generator, n: int, sample_rate: int, whole: bool) -> Draft:
    """One to four crickets: pulses of a high tone in regular chirps."""
    out = np.zeros(n)
    time = np.arange(n) / sample_rate
    for _ in range(int(rng.integers(1, 5))):
        tone, pulse_hz, chirp_hz = rng.uniform(3000, 5000), rng.uniform(30, 60), rng.uniform(1.5, 4)
        chirps = ((time * chirp_hz + rng.random()) % 1) < rng.uniform(0.3, 0.6)
        pulses = np.maximum(0, np.sin(2 * np.pi * pulse_hz * time + rng.uniform(0, 6.28)))
        out += amplitude(rng.uniform(-12, 0)) * np.sin(2 * np.pi * tone * time) * pulses * low_pass(
            chirps.astype(float), sample_rate, 60.0)  # fmt: skip
    return out, {"events": [(0.0, n / sample_rate)]}


def wind(rng: np.random.Generator, n: int, sample_rate: int, whole: bool) -> Draft:
    """Low noise in gusts and a whistle that follows the level."""
    gust = np.exp(rng.uniform(0.4, 0.9) * wander(rng, n, sample_rate, rng.uniform(0.2, 0.6)))
    body = at_level(slope_noise(rng, n, sample_rate, rng.uniform(-9, -6), curve_std_db=2.0))
    centre = log_uniform(rng, 200, 900)
    whistle = at_level(resonate(rng.standard_normal(n), sample_rate, [(centre, centre / rng.uniform(3, 10), 0.0)],
                                floor_db=-70))  # fmt: skip
    out = body * gust + amplitude(rng.uniform(-24, -6)) * whistle * gust**1.8
    return out, {"centre_hz": centre, "events": [(0.0, n / sample_rate)]}


def typing(rng: np.random.Generator, n: int, sample_rate: int, whole: bool) -> Draft:
    """Keys pressed and released, each of thirty with its own timbre, in words with pauses.

    A key is struck about every 0.14 s, in words of three to nine keys.
    """
    modes = np.exp(rng.uniform(np.log(400), np.log(5000), (30, 4)))
    decays = rng.uniform(0.003, 0.015, (30, 4))

    def one() -> np.ndarray:
        key = int(rng.integers(30))
        press = damped_modes(sample_rate, modes[key], decays[key], rng.uniform(0.2, 1.0, 4))
        add_at(press, _burst(rng, sample_rate, 0.002), 0)
        out = np.zeros(int(0.2 * sample_rate))
        add_at(out, press, 0)
        add_at(out, 0.4 * press, int(rng.uniform(0.06, 0.12) * sample_rate))
        return out

    return _repeat(rng, n, sample_rate, whole, one, gap_s=0.14, spread=0.5, count=(3, 9), pause_s=0.35, info={})


def water_drops(rng: np.random.Generator, n: int, sample_rate: int, whole: bool) -> Draft:
    """Bubbles: sines that rise as they decay, each after a tick of the surface.

    One to six drops a second; a bubble rings for 5 to 40 ms and begins between `low_hz` (400 to 900 Hz) and 3.5 kHz.
    """
    low, high = log_uniform(rng, 400, 900), log_uniform(rng, 1200, 3500)

    def one() -> np.ndarray:
        tau = log_uniform(rng, 0.005, 0.04)
        time = np.arange(int(6 * tau * sample_rate)) / sample_rate
        rise = 1 + rng.uniform(0.05, 0.3) * time / time[-1]
        out = np.sin(2 * np.pi * np.cumsum(log_uniform(rng, low, high) * rise) / sample_rate) * np.exp(-time / tau)
        add_at(out, 0.3 * _burst(rng, sample_rate, 0.001), 0)
        return out

    return _repeat(rng, n, sample_rate, whole, one, gap_s=1 / log_uniform(rng, 1, 6), spread=0.4, count=(2, 8),
                   pause_s=0.5, info={"low_hz": low})  # fmt: skip


def thunder(rng: np.random.Generator, n: int, sample_rate: int, whole: bool) -> Draft:
    """Cracks, then a rumble that rolls; the farther, the duller.

    A clap lasts 1.5 to 4 s; above `dull_hz` (200 to 4000 Hz) there is little.
    """
    dull_hz = log_uniform(rng, 200, 4000)

    def one() -> np.ndarray:
        length = int(min(n, rng.uniform(1.5, 4.0) * sample_rate))
        time = np.arange(length) / sample_rate
        out = at_level(slope_noise(rng, length, sample_rate, -6.0)) * np.exp(-time / rng.uniform(0.5, 1.5))
        out *= np.exp(0.6 * wander(rng, length, sample_rate, 2.0))
        for _ in range(int(rng.integers(2, 6))):
            add_at(out, 2 * _burst(rng, sample_rate, log_uniform(rng, 0.01, 0.06)), int(rng.uniform(0, 0.4 * length)))
        return fade(low_pass(out, sample_rate, dull_hz), sample_rate, out_s=0.1)

    return _repeat(rng, n, sample_rate, whole, one, gap_s=3.0, spread=0.3, count=(1, 1), pause_s=1.0,
                   info={"dull_hz": dull_hz})  # fmt: skip


def creak(rng: np.random.Generator, n: int, sample_rate: int, whole: bool) -> Draft:
    """Stick and slip of wood: slow pulses whose rate wanders, through the modes of a door.

    20 to 400 pulses a second; one creak lasts about 0.6 s, at most 1.6 s.
    """
    low, high = log_uniform(rng, 20, 60), log_uniform(rng, 80, 400)
    peaks = [(log_uniform(rng, 300, 4000), rng.uniform(60, 300), rng.uniform(-10, 0)) for _ in range(6)]

    def one() -> np.ndarray:
        length = int(sample_rate * min(1.6, log_normal(rng, 0.6, 0.4)))
        bend = breakpoints(length, [0, rng.uniform(0.3, 0.7), 1], rng.uniform(0, 1, 3))
        curve = low * (high / low) ** bend * (1 + 0.05 * wander(rng, length, sample_rate, 12.0))
        pulses = pulse_train(rng, np.maximum(curve, 10.0), sample_rate, jitter=0.08, shimmer=0.3)
        out = at_level(resonate(pulses, sample_rate, peaks, floor_db=-30))
        return out * breakpoints(length, [0, 0.15, 0.8, 1], [0, 1, 0.7, 0])

    return _repeat(rng, n, sample_rate, whole, one, gap_s=0.8, spread=0.4, count=(1, 3), pause_s=0.6,
                   info={"low_hz": low})  # fmt: skip


def hiss(rng: np.random.Generator, n: int, sample_rate: int, whole: bool) -> Draft:
    """Air let out of a valve: bright noise that opens at once and dies away."""
    low, tau = log_uniform(rng, 1500, 5000), log_uniform(rng, 0.1, 0.8)

    def one() -> np.ndarray:
        length = int(min(2.0, 4 * tau) * sample_rate)
        time = np.arange(length) / sample_rate
        noise = shape(rng.standard_normal(length), sample_rate, [low / 4, low, 0.45 * sample_rate], [-40, 0, -3])
        return fade(noise * np.exp(-time / tau), sample_rate, in_s=0.004, out_s=0.03)

    return _repeat(rng, n, sample_rate, whole, one, gap_s=2.5 * tau + 0.1, spread=0.3, count=(1, 3), pause_s=0.6,
                   info={"low_hz": low})  # fmt: skip


def servo(rng: np.random.Generator, n: int, sample_rate: int, whole: bool) -> Draft:
    """A small electric motor: a whine that runs up, holds and stops.

    The whine reaches `top_hz` (250 to 1400 Hz) with two to six harmonics; a run lasts about 0.6 s, at most 1.8 s.
    """
    top, n_harmonics = log_uniform(rng, 250, 1400), int(rng.integers(2, 7))
    heights = amplitude(-rng.uniform(3, 9) * np.arange(n_harmonics))

    def one() -> np.ndarray:
        length = int(sample_rate * min(1.8, log_normal(rng, 0.6, 0.4)))
        curve = top * breakpoints(length, [0, 0.15, 0.8, 1], [0.3, 1, rng.uniform(0.8, 1.1), 0.4])
        angle = 2 * np.pi * np.cumsum(curve * (1 + 0.01 * wander(rng, length, sample_rate, 20.0))) / sample_rate
        out = np.sin(angle[:, None] * np.arange(1, n_harmonics + 1)) @ heights
        return fade(out + 0.1 * rng.standard_normal(length), sample_rate, in_s=0.01, out_s=0.03)

    return _repeat(rng, n, sample_rate, whole, one, gap_s=0.8, spread=0.4, count=(1, 3), pause_s=0.6,
                   info={"top_hz": top})  # fmt: skip


RECIPES = {
    "footsteps": footsteps,
    "door_knock": door_knock,
    "glass_break": glass_break,
    "bell": bell,
    "metal_hit": metal_hit,
    "whoosh": whoosh,
    "ui_beep": ui_beep,
    "bird_chirp": bird_chirp,
    "cricket": cricket,
    "wind": wind,
    "typing": typing,
    "water_drops": water_drops,
    "thunder": thunder,
    "creak": creak,
    "hiss": hiss,
    "servo": servo,
}
