"""Recipes of ten everyday sounds: animals, weather, people, things and engines.

Every recipe is a function ``(rng, n, sample_rate, whole) -> (samples, info)``. With ``whole`` it fills n samples as a
recording would, with pauses and repetitions; without, it makes one event or bout of at most n samples. The identity
(this dog, this saw) is drawn once and each repetition varies a little around it: that split is what makes repetitions
plausible. ``info`` holds the identity and the ``events`` as (onset, offset) in seconds.
"""

import numpy as np

from .blocks import (
    add_at,
    amplitude,
    at_level,
    body_response,
    breakpoints,
    comb,
    convolve,
    damped_modes,
    fade,
    grains,
    high_pass,
    log_normal,
    log_uniform,
    low_pass,
    octave_noise,
    pulse_train,
    resonate,
    rms,
    slope_noise,
    voiced,
    wander,
)

Draft = tuple[np.ndarray, dict]


def _place(pieces: list[tuple[float, np.ndarray]], n: int, sample_rate: int, info: dict, *, whole: bool) -> Draft:
    """Put pieces at their start times; a dry event is as long as its last piece, a whole clip n samples."""
    ends = [int(start * sample_rate) + len(piece) for start, piece in pieces]
    length = n if whole else min(n, max(ends))
    out = np.zeros(length)
    for start, piece in pieces:
        add_at(out, piece, int(start * sample_rate))
    limit = length / sample_rate
    info["events"] = [
        (start, min(limit, end / sample_rate)) for (start, _), end in zip(pieces, ends, strict=True) if start < limit
    ]
    return out, info


def dog(rng: np.random.Generator, n: int, sample_rate: int, whole: bool) -> Draft:
    """Barks: a rough voice with a fast rise and a fall of pitch, in bouts with pauses.

    The voice lies near 500 Hz (`f0_hz`, log-normal), a bark lasts about 0.2 s and at most 0.8 s. Without `whole` there
    are one to three barks.
    """
    f0 = log_normal(rng, 500.0, 0.28)
    size = np.sqrt(500.0 / f0)
    peaks = [
        (rng.uniform(550, 950) * size, rng.uniform(120, 350), 0.0),
        (rng.uniform(1300, 2200) * size, rng.uniform(200, 600), rng.uniform(-6, 5)),
        (rng.uniform(2500, 3500) * size, rng.uniform(300, 800), rng.uniform(-20, -5)),
    ]
    voice = {
        "tilt_db": rng.uniform(-9, -3),
        "jitter": rng.uniform(0, 0.06),
        "shimmer": rng.uniform(0, 0.2),
        "breath_db": rng.uniform(-30, -8),
    }
    attack, rise, fall = rng.uniform(0.05, 0.25), rng.uniform(0.05, 0.35), rng.uniform(0.1, 0.6)
    has_break, tail_db = rng.random() < 0.25, rng.uniform(-30, -10) if rng.random() < 0.5 else None
    duration = min(0.7, log_normal(rng, 0.20, 0.35))
    spacing = max(1.3 * duration, log_normal(rng, 0.42, 0.35))

    def bark() -> np.ndarray:
        length = int(sample_rate * np.clip(duration * log_normal(rng, 1.0, 0.12), 0.08, 0.8))
        top = rng.uniform(0.15, 0.4)
        curve = breakpoints(length, [0, top, 1], [1.0, 1 + rise, (1 + rise) * (1 - fall)])
        if has_break:
            curve = np.where(np.linspace(0, 1, length) > rng.uniform(0.4, 0.7), curve / 2, curve)
        curve = curve * f0 * log_normal(rng, 1.0, 0.04)
        sound = voiced(rng, curve, sample_rate, peaks, **voice)
        levels = [0.0, 1.0, rng.uniform(0.5, 0.9), 0.0 if tail_db is None else amplitude(tail_db)]
        sound = sound * breakpoints(length, [0, attack, rng.uniform(0.5, 0.75), 1], levels) * log_normal(rng, 1.0, 0.2)
        if tail_db is not None:
            extra = voiced(rng, np.full(length, curve[-1]), sample_rate, peaks, **{**voice, "breath_db": -3.0})
            sound = np.r_[sound, extra * amplitude(tail_db) * np.linspace(1, 0, length) ** 2]
        return fade(sound, sample_rate)

    total = 1 + int(rng.integers(0, 3)) if rng.random() < 0.35 or not whole else int(rng.integers(4, 14))
    pieces, start = [], rng.uniform(0, 0.3) if whole else 0.0
    while len(pieces) < total and start * sample_rate < n - 0.1 * sample_rate:
        for _ in range(int(rng.integers(1, 5)) if whole else total):
            if len(pieces) < total:
                pieces.append((start, bark()))
                start += spacing * log_normal(rng, 1.0, 0.1)
        start += log_normal(rng, 0.9, 0.5)
    return _place(pieces, n, sample_rate, {"f0_hz": f0}, whole=whole)


def rooster(rng: np.random.Generator, n: int, sample_rate: int, whole: bool) -> Draft:
    """A crow: three to five syllables, the last half of the length, arched and then falling.

    The pitch lies near 800 Hz (`f0_hz`), a crow lasts about 1.7 s; some whole clips begin with clucks.
    """
    f0 = log_normal(rng, 800.0, 0.22)
    peaks = [
        (rng.uniform(1200, 2000), rng.uniform(250, 700), 0.0),
        (rng.uniform(2200, 3600), rng.uniform(400, 900), rng.uniform(-16, -3)),
        (rng.uniform(600, 1000), rng.uniform(150, 400), rng.uniform(-12, 0)),
    ]
    voice = {
        "tilt_db": rng.uniform(-6, 0),
        "jitter": rng.uniform(0.002, 0.03),
        "shimmer": rng.uniform(0, 0.15),
        "breath_db": rng.uniform(-34, -12),
    }

    def syllable(length_s: float, positions: list[float], ratios: list[float], level: float) -> np.ndarray:
        length = max(64, int(length_s * sample_rate))
        curve = f0 * breakpoints(length, positions, ratios) * (1 + 0.01 * wander(rng, length, sample_rate, 12.0))
        body = breakpoints(
            length, [0, rng.uniform(0.04, 0.2), rng.uniform(0.6, 0.85), 1], [0, 1, rng.uniform(0.5, 1), 0]
        )
        return level * body * voiced(rng, np.maximum(curve, 80.0), sample_rate, peaks, **voice)

    duration, count = log_normal(rng, 1.65, 0.22), int(rng.integers(3, 6))
    last = rng.uniform(0.45, 0.65)
    shares = rng.uniform(0.6, 1.4, count - 1)
    pieces, start = [], 0.0 if not whole else rng.uniform(0, 0.15)
    if whole and rng.random() < 0.3:
        for _ in range(int(rng.integers(1, 5))):
            pieces.append((start, syllable(rng.uniform(0.05, 0.12), [0, 1], [0.6, 0.5], rng.uniform(0.05, 0.25))))
            start += rng.uniform(0.15, 0.35)
    for share in shares / shares.sum() * (1 - last) * duration:
        base = rng.uniform(0.65, 1.05)
        turn = base * rng.uniform(1.0, 1.2)
        pieces.append(
            (start, syllable(share * rng.uniform(0.6, 0.95), [0, 0.5, 1], [base, turn, base], rng.uniform(0.3, 0.9)))
        )
        start += share
    top, end = rng.uniform(1.05, 1.3), rng.uniform(0.5, 0.85)
    ratios = [rng.uniform(0.75, 1.0), top, top * rng.uniform(0.85, 1.0), end]
    pieces.append(
        (start, syllable(last * duration, [0, rng.uniform(0.1, 0.35), rng.uniform(0.5, 0.75), 1], ratios, 1.0))
    )
    return _place(pieces, n, sample_rate, {"f0_hz": f0}, whole=whole)


def rain(rng: np.random.Generator, n: int, sample_rate: int, whole: bool) -> Draft:
    """Hiss of many drops, single near drops on a surface, and the rumble of a roof.

    Steady: one event over all n samples. Near drops fall 100 to 400 times a second, drips 3 to 60 times.
    """
    out = slope_noise(rng, n, sample_rate, rng.uniform(-5, 2), curve_std_db=4.0)
    near = grains(rng, n, sample_rate, rate_hz=rng.uniform(100, 400), decay_s=(0.0005, 0.004), log_std=0.7)
    out = out + at_level(near, rng.uniform(-25, -4))
    if rng.random() < 0.6:
        drips = grains(
            rng, n, sample_rate, rate_hz=log_uniform(rng, 3, 60), decay_s=(0.002, 0.02), log_std=0.8,
            share_of_noise=rng.uniform(0, 1), frequency_hz=(400, 4000),
        )  # fmt: skip
        out += at_level(drips, rng.uniform(-28, -8))
    if rng.random() < 0.6:
        out += at_level(slope_noise(rng, n, sample_rate, -9.0), rng.uniform(-15, 6))
    out *= 1 + 0.06 * wander(rng, n, sample_rate, 3.0)
    return out, {"events": [(0.0, n / sample_rate)]}


def sea_waves(rng: np.random.Generator, n: int, sample_rate: int, whole: bool) -> Draft:
    """Swells of noise whose brightness follows their level, small breakers and a low rumble.

    Steady: one event over all n samples. Crests come about every four seconds; the low rumble is 6 to 25 dB below.
    """
    bands = np.array([-22, -17, -10, -7, -6, -7, -10, -14, -22]) + np.array(
        [6, 5, 4, 2, 1, 2, 3, 3, 7]
    ) * rng.standard_normal(9)
    dark = octave_noise(rng, n, sample_rate, bands)
    bright = octave_noise(rng, n, sample_rate, bands + 2.0 * (np.arange(9) - 4))
    time = np.arange(n) / sample_rate
    level = np.zeros(n)
    start = rng.uniform(-1.5, 1.5)
    while start < n / sample_rate + 1:
        rise, fall = rng.uniform(0.4, 1.6), rng.uniform(0.6, 2.5)
        gap = time - start
        # A smooth rise to the crest and an exponential run-out, as water drains off the beach.
        level += log_normal(rng, 1.0, 0.3) * np.where(
            gap < 0, np.exp(-((gap / (0.6 * rise)) ** 2)), np.exp(-np.maximum(gap, 0) / fall)
        )
        start += log_normal(rng, 4.0, 0.45)
    for _ in range(rng.poisson(2)):
        width = rng.uniform(0.05, 0.3)
        level += rng.uniform(0.1, 0.5) * np.exp(-(((time - rng.uniform(0, n / sample_rate)) / width) ** 2))
    level = level / level.max() + amplitude(rng.uniform(-30, -8))
    level *= np.exp(0.1 * wander(rng, n, sample_rate, 5.0))
    out = dark * level ** rng.uniform(0.7, 1.1) + bright * level ** rng.uniform(1.0, 1.6)
    out = at_level(out) + at_level(slope_noise(rng, n, sample_rate, -8.0), rng.uniform(-25, -6))
    return out, {"events": [(0.0, n / sample_rate)]}


def crackling_fire(rng: np.random.Generator, n: int, sample_rate: int, whole: bool) -> Draft:
    """A dark roar and a hiss under crackles of very uneven height, clusters and pops: the crest is what marks it.

    Steady: one event over all n samples. The largest crackle stands 18 to 44 dB above the level of the bed.
    """
    roar = octave_noise(
        rng, n, sample_rate, np.array([-8, -6, -7, -14, -20, -27, -35, -45, -55]) + 3 * rng.standard_normal(9)
    )
    roar *= np.exp(0.25 * wander(rng, n, sample_rate, 4.0))
    hiss = high_pass(slope_noise(rng, n, sample_rate, rng.uniform(-2, 2)), sample_rate, 1500.0)
    bed = amplitude(rng.uniform(-14, 6)) * at_level(roar) + amplitude(rng.uniform(-34, -12)) * at_level(hiss)
    log_std, small_rate, large_rate = rng.uniform(0.8, 1.5), log_uniform(rng, 2, 80), log_uniform(rng, 0.5, 12)
    small = grains(
        rng, n, sample_rate, rate_hz=small_rate, decay_s=(0.0003, 0.004), log_std=log_std, share_of_noise=0.85,
        frequency_hz=(1000, 7000),
    )  # fmt: skip
    large = grains(
        rng, n, sample_rate, rate_hz=large_rate, decay_s=(0.002, 0.02), log_std=log_std, share_of_noise=0.85,
        frequency_hz=(500, 4000),
    )  # fmt: skip
    crackle = small + large * rng.uniform(0.3, 1.0)
    for _ in range(int(rng.integers(0, 6))):
        places = rng.integers(0, max(1, n - sample_rate // 10)) + rng.integers(
            0, sample_rate // 10, int(rng.integers(4, 20))
        )
        crackle += grains(rng, n, sample_rate, rate_hz=0, decay_s=(0.0003, 0.004), log_std=log_std, positions=places)
    for place in rng.integers(0, n, rng.poisson(0.6)):
        tail = body_response(rng, sample_rate, log_uniform(rng, 0.008, 0.12) / 3, low_pass_hz=rng.uniform(800, 4000))
        add_at(
            crackle,
            tail / np.max(np.abs(tail)) * np.max(np.abs(crackle), initial=1.0) * rng.uniform(0.4, 1.0),
            int(place),
        )
    crackle = high_pass(crackle, sample_rate, log_uniform(rng, 300, 1800))
    crackle = low_pass(crackle, sample_rate, log_uniform(rng, 1500, 9000))
    peak = np.max(np.abs(crackle), initial=0.0)
    if peak > 0:
        crackle *= rms(bed) * amplitude(rng.uniform(18, 44)) / peak
    return bed + crackle, {"events": [(0.0, n / sample_rate)]}


def crying_baby(rng: np.random.Generator, n: int, sample_rate: int, whole: bool) -> Draft:
    """Cries of an arched pitch and strong upper resonances, between noisy inhalations.

    The pitch lies near 470 Hz (`f0_hz`) and rises by 5 to 30 %; a cry lasts about 0.75 s, at most 2.5 s. Without
    `whole` there is one cry and no breath.
    """
    f0 = log_normal(rng, 470.0, 0.18)
    peaks = [
        (rng.uniform(900, 1500), rng.uniform(200, 500), 0.0),
        (rng.uniform(2600, 3800), rng.uniform(300, 800), rng.uniform(-6, 3)),
        (rng.uniform(5000, 6500), rng.uniform(500, 1200), rng.uniform(-14, 0)),
    ]
    rough = rng.random() < 1 / 3
    voice = {
        "tilt_db": rng.uniform(-4, 1),
        "jitter": 0.05 * rng.uniform(0.6, 1.2) if rough else rng.uniform(0.002, 0.01),
        "shimmer": 0.25 if rough else rng.uniform(0.02, 0.1),
        "breath_db": rng.uniform(-34, -14),
    }
    arch, vibrato, speed = rng.uniform(0.05, 0.30), rng.uniform(0, 0.02), rng.uniform(5, 9)
    duration, gap = log_normal(rng, 0.75, 0.45), log_uniform(rng, 0.12, 0.6)
    inhale_db = rng.uniform(-30, -14) if rng.random() < 0.6 else None

    def cry(seconds: float) -> np.ndarray:
        length = int(sample_rate * seconds)
        time = np.arange(length) / sample_rate
        curve = breakpoints(length, [0, rng.uniform(0.15, 0.5), 1], [1, 1 + arch, rng.uniform(0.8, 1.0)])
        curve = (
            curve
            * (1 + vibrato * np.sin(2 * np.pi * speed * time))
            * (1 + 0.012 * wander(rng, length, sample_rate, 6.0))
        )
        if rng.random() < 0.15:
            curve = np.where(
                np.abs(np.linspace(0, 1, length) - rng.uniform(0.3, 0.7)) < rng.uniform(0.05, 0.2), 2 * curve, curve
            )
        sound = voiced(rng, f0 * log_normal(rng, 1.0, 0.05) * curve, sample_rate, peaks, **voice)
        body = breakpoints(
            length, [0, rng.uniform(0.05, 0.25), rng.uniform(0.6, 0.9), 1], [0, 1, rng.uniform(0.5, 1), 0]
        )
        return sound * body * np.exp(0.2 * wander(rng, length, sample_rate, 5.0)) * log_normal(rng, 1.0, 0.2)

    pieces, start = [], -rng.uniform(0, 0.4) * duration if whole else 0.0
    while start * sample_rate < n and (whole or not pieces):
        seconds = float(np.clip(duration * log_normal(rng, 1.0, 0.25), 0.2, 2.5))
        pieces.append((start, cry(seconds)))
        start += seconds
        pause = gap * log_normal(rng, 1.0, 0.4)
        if inhale_db is not None and whole:
            breath = resonate(
                rng.standard_normal(int(pause * sample_rate)),
                sample_rate,
                [(1800.0, 900.0, 0.0), (3600.0, 1500.0, -2.0)],
            )
            pieces.append((start, at_level(breath, inhale_db) * breakpoints(len(breath), [0, 0.7, 1], [0, 1, 0])))
        start += pause
    return _place(pieces, n, sample_rate, {"f0_hz": f0}, whole=whole)


def sneezing(rng: np.random.Generator, n: int, sample_rate: int, whole: bool) -> Draft:
    """Inhale, voiced onset, a noise burst through gliding resonances and a voiced tail that sweeps down.

    The voice lies near 320 Hz and above (`f0_hz`), the burst lasts about 0.36 s. Two in five draws have an inhalation;
    a whole clip holds one sneeze, in one draw of five two.
    """
    f0 = log_normal(rng, 320.0, 0.4) * log_uniform(rng, 0.9, 3.0)

    def throat() -> list[tuple[float, float, float]]:
        bands = [(250, 1000), (1000, 2400), (2400, 4500), (4500, 8000)]
        return [(rng.uniform(*b), rng.uniform(0.15, 0.45) * b[0] + 80, rng.uniform(-10, 2)) for b in bands]

    def through(source: np.ndarray, first: list, last: list, tilt: float) -> np.ndarray:
        # Two fixed filters and a cross-fade stand for resonances that glide.
        mix = np.linspace(0, 1, len(source))
        a, b = (at_level(resonate(source, sample_rate, p, tilt_db=tilt, high_pass_hz=120.0)) for p in (first, last))
        return a * (1 - mix) + b * mix

    first, last, tilt = throat(), throat(), rng.uniform(-5, 0)
    inhale = rng.random() < 0.4
    onset_s, burst_s, attack_s = rng.uniform(0.02, 0.15), log_normal(rng, 0.36, 0.35), log_uniform(rng, 0.003, 0.05)
    has_tail, tail_db, sweep = rng.random() < 0.75, rng.uniform(-14, 6), rng.uniform(0, 0.6)

    def sneeze() -> np.ndarray:
        parts = []
        if inhale:
            length = int(sample_rate * rng.uniform(0.15, 0.5))
            air = through(rng.standard_normal(length), throat(), throat(), 0.0) * amplitude(rng.uniform(-30, -14))
            parts.append(air * breakpoints(length, [0, 0.8, 1], [0, 1, 0]))
            parts.append(np.zeros(int(sample_rate * rng.uniform(0.02, 0.2))))
        length = int(sample_rate * onset_s)
        voice = voiced(
            rng, f0 * np.linspace(0.9, 1.1, length), sample_rate, first[:3], tilt_db=-6.0, jitter=0.02, breath_db=-12
        )
        parts.append(voice * np.linspace(0, 1, length) * amplitude(rng.uniform(-12, 0)))
        length = int(sample_rate * np.clip(burst_s * log_normal(rng, 1.0, 0.1), 0.15, 0.9))
        attack = min(0.4, attack_s * sample_rate / length)
        noise = through(rng.standard_normal(length), first, last, tilt)
        noise *= breakpoints(length, [0, attack, rng.uniform(0.3, 0.6), 1], [0, 1, rng.uniform(0.15, 0.6), 0])
        if has_tail:
            curve = f0 * np.linspace(1.1, 1.1 * (1 - sweep), length)
            pulses = pulse_train(rng, curve, sample_rate, jitter=rng.uniform(0.005, 0.05), shimmer=0.1)
            tail = through(at_level(pulses) + 0.1 * rng.standard_normal(length), first[:3], last[:3], -4.0)
            noise = noise + amplitude(tail_db) * tail * breakpoints(
                length, [0, 0.08, rng.uniform(0.3, 0.7), 1], [0, 1, 0.6, 0]
            )
        parts.append(noise)
        return fade(np.concatenate(parts), sample_rate)

    pieces = [(rng.uniform(0, 0.4) if whole else 0.0, sneeze())]
    if whole and rng.random() < 0.2:
        pieces.append((pieces[0][0] + len(pieces[0][1]) / sample_rate + rng.uniform(0.2, 1.2), sneeze()))
    return _place(pieces, n, sample_rate, {"f0_hz": f0}, whole=whole)


def clock_tick(rng: np.random.Generator, n: int, sample_rate: int, whole: bool) -> Draft:
    """Struck modes and clicks at a steady rate; the tock differs from the tick in timbre, level and timing.

    One strike a second in three draws of five, otherwise 1.2 to 5.5 (`rate_hz`); modes lie around 2.4 kHz. Without
    `whole` there are at most six strikes.
    """
    centre = log_normal(rng, 2400.0, 0.5)
    rate = 1.0 if rng.random() < 0.6 else log_uniform(rng, 1.2, 5.5)
    strikes = int(rng.integers(1, 4))
    delays = np.r_[0.0, np.cumsum(rng.uniform(0.005, 0.12, 2))]
    levels = np.r_[1.0, amplitude(rng.uniform(-20, 2, 2))]
    thump = rng.random() < 0.4
    thump_hz, thump_db = log_uniform(rng, 60, 300), rng.uniform(-12, 6)
    decay_top = log_uniform(rng, 0.005, 0.04)
    click_db, click_s = rng.uniform(-12, 14), log_uniform(rng, 0.0005, 0.004)

    def timbre() -> tuple[np.ndarray, ...]:
        count = int(rng.integers(3, 10))
        frequencies = np.clip(centre * np.exp(0.5 * rng.standard_normal(count)), 200, 0.45 * sample_rate)
        return (
            frequencies,
            np.exp(rng.uniform(np.log(0.001), np.log(decay_top), count)),
            amplitude(rng.uniform(-18, 0, count)),
        )

    tick, tock = timbre(), timbre() if rng.random() < 0.6 else None
    tock_level, tock_shift = rng.uniform(0.3, 1.0), rng.uniform(-0.04, 0.04)

    def strike(kind: tuple[np.ndarray, ...]) -> np.ndarray:
        out = np.zeros(int(sample_rate * (delays[strikes - 1] + 0.2)))
        frequencies, decays, heights = kind
        for k in range(strikes):
            body = damped_modes(
                sample_rate, frequencies, decays, heights * np.exp(0.1 * rng.standard_normal(len(heights)))
            )
            start = int(delays[k] * sample_rate)
            add_at(out, levels[k] * body / np.max(np.abs(body)), start)
            click = body_response(rng, sample_rate, click_s)
            add_at(out, levels[k] * amplitude(click_db) * 0.5 * click / np.max(np.abs(click)), start)
            if thump:
                low = damped_modes(sample_rate, np.array([thump_hz]), np.array([0.02]), np.ones(1))
                add_at(out, levels[k] * amplitude(thump_db) * low / np.max(np.abs(low)), start)
        return out

    pieces, start, k = [], rng.uniform(0, 1 / rate) if whole else 0.0, 0
    while start * sample_rate < n and (whole or len(pieces) < 6):
        second = k % 2 == 1
        sound = strike(tock if second and tock is not None else tick) * (tock_level if second else 1.0)
        pieces.append((start + (tock_shift / rate if second else 0.0), sound * log_normal(rng, 1.0, 0.06)))
        start, k = start + (1 + 0.004 * rng.standard_normal()) / rate, k + 1
    return _place(pieces, n, sample_rate, {"rate_hz": rate}, whole=whole)


def helicopter(rng: np.random.Generator, n: int, sample_rate: int, whole: bool) -> Draft:
    """Low and middle noise beaten by blades, pulses through a dark body, turbine lines, a moving ground reflection.

    Steady: one event over all n samples. Blades pass 9 to 34 times a second (`rate_hz`; 4 to 60 in rare draws).
    """
    rate = log_uniform(rng, 4, 60) if rng.random() < 0.15 else log_uniform(rng, 9, 34)
    curve = rate * (1 + 0.01 * wander(rng, n, sample_rate, 0.5))
    phase = np.cumsum(curve) / sample_rate + rng.uniform()
    blades = int(rng.integers(2, 6))
    heights = np.exp(0.25 * rng.standard_normal(blades))
    width, depth = rng.uniform(0.06, 0.22), rng.uniform(0.6, 1.0)
    beat = np.exp(-0.5 * (((phase % 1.0) - 0.5) / width) ** 2) * heights[phase.astype(int) % blades]
    beat = 1 - depth + depth * beat / beat.max()
    tilt = rng.uniform(-4, 2)
    bands = (
        np.array([-15, -10, -6, -8, -10, -13, -19, -25, -40]) + 3 * rng.standard_normal(9) + tilt * (np.arange(9) - 2.5)
    )
    noise = octave_noise(rng, n, sample_rate, bands) * beat
    steady = octave_noise(rng, n, sample_rate, bands + 1.0 * (np.arange(9) - 3)) * amplitude(rng.uniform(-28, -8))
    pulses = pulse_train(rng, curve, sample_rate, jitter=0.005, shimmer=0.15)
    body = body_response(rng, sample_rate, log_uniform(rng, 0.003, 0.025), low_pass_hz=log_uniform(rng, 80, 500))
    out = at_level(noise) + steady + at_level(convolve(pulses, body), rng.uniform(-14, 3))
    if rng.random() < 0.5:
        tail = pulse_train(rng, curve * rng.uniform(4, 7), sample_rate, jitter=0.003)
        response = body_response(
            rng, sample_rate, log_uniform(rng, 0.002, 0.008), low_pass_hz=log_uniform(rng, 200, 1500)
        )
        out += at_level(convolve(tail, response), rng.uniform(-20, -5))
    if rng.random() < 0.65:
        drift = 1 + 0.004 * wander(rng, n, sample_rate, 0.7)
        angle = 2 * np.pi * np.cumsum(drift) / sample_rate
        for _ in range(int(rng.integers(1, 9))):
            line = log_uniform(rng, 200, 7000)
            level = rng.uniform(-36, -16) - 3 * np.log2(line / 200)
            out += (
                amplitude(level)
                * np.sin(line * angle + rng.uniform(0, 6.28))
                * (1 + 0.3 * wander(rng, n, sample_rate, 2.0))
            )
    out *= np.exp(rng.uniform(0.1, 0.6) * np.clip(wander(rng, n, sample_rate, 0.4), -1.5, 1.5))
    if rng.random() < 0.6:
        delay = log_uniform(rng, 0.0003, 0.006) * np.exp(0.4 * wander(rng, n, sample_rate, 0.3))
        out = comb(out, sample_rate, delay, gain=rng.uniform(0.3, 0.95), low_pass_hz=rng.uniform(1500, 9000))
    return out, {"rate_hz": rate, "events": [(0.0, n / sample_rate)]}


def chainsaw(rng: np.random.Generator, n: int, sample_rate: int, whole: bool) -> Draft:
    """A two-stroke engine swept between idle and full load: clear harmonic arcs, saturated, with noise on every
    pulse."""
    idle, full = log_uniform(rng, 35, 75), log_uniform(rng, 100, 250)
    idle_db = rng.uniform(-28, -10)
    load = np.zeros(n)
    rise, fall = rng.uniform(0.06, 0.6), rng.uniform(0.15, 1.2)
    if rng.random() < 0.3 or (not whole and rng.random() < 0.5):
        load += 1.0
    else:
        times, values, time = [0.0], [float(rng.random() < 0.5)], rng.uniform(0, 0.5)
        while time < n / sample_rate:
            up, hold = rise * log_normal(rng, 1, 0.2), log_normal(rng, 0.8, 0.7)
            times += [time, time + up, time + up + hold, time + up + hold + fall]
            top = rng.uniform(0.7, 1.0)
            values += [values[-1], top, top * rng.uniform(0.85, 1.0), rng.uniform(0, 0.35)]
            time += up + hold + fall + log_normal(rng, 0.4, 0.7)
        load = np.interp(np.arange(n) / sample_rate, times, values)
    load = load + 0.02 * wander(rng, n, sample_rate, 4.0)
    curve = np.maximum(idle * (full / idle) ** load * (1 + 0.008 * wander(rng, n, sample_rate, 7.0)), 20.0)
    jitter = log_uniform(rng, 0.001, 0.012)
    pulses = pulse_train(rng, curve, sample_rate, jitter=jitter, shimmer=0.08)
    if rng.random() < 0.4:
        pulses = pulses + rng.uniform(0.2, 0.8) * pulse_train(rng, curve / 2, sample_rate, jitter=jitter)
    pulses = convolve(pulses, body_response(rng, sample_rate, log_uniform(rng, 0.0004, 0.003)))
    ranges = [(120, 350), (400, 1000), (1200, 2500), (3000, 5500)]
    peaks = [
        (rng.uniform(*r), rng.uniform(0.25, 0.6) * r[0], gain + rng.uniform(-5, 4))
        for r, gain in zip(ranges, (0, -4, -6, -11), strict=True)
    ]
    source = at_level(pulses)
    gate = low_pass(np.abs(source), sample_rate, 300.0)
    source = source + amplitude(rng.uniform(-18, -1)) * at_level(gate * rng.standard_normal(n))
    out = at_level(
        resonate(
            source, sample_rate, peaks, tilt_db=rng.uniform(-3, 0.5), high_pass_hz=rng.uniform(40, 110), floor_db=-22.0
        )
    )
    out = np.tanh(rng.uniform(0.2, 1.0) * out)
    out = at_level(out) + at_level(slope_noise(rng, n, sample_rate, rng.uniform(-6, -1)), rng.uniform(-30, -12))
    out *= amplitude(idle_db * (1 - np.clip(load, 0, 1))) * np.exp(0.15 * wander(rng, n, sample_rate, 10.0))
    if rng.random() < 0.3:
        delay = log_uniform(rng, 0.0003, 0.006) * np.exp(0.3 * wander(rng, n, sample_rate, 0.4))
        out = comb(out, sample_rate, delay, gain=rng.uniform(0.3, 0.8), low_pass_hz=rng.uniform(1500, 9000))
    return out, {"idle_hz": idle, "full_hz": full, "events": [(0.0, n / sample_rate)]}


RECIPES = {
    "dog": dog,
    "rooster": rooster,
    "rain": rain,
    "sea_waves": sea_waves,
    "crackling_fire": crackling_fire,
    "crying_baby": crying_baby,
    "sneezing": sneezing,
    "clock_tick": clock_tick,
    "helicopter": helicopter,
    "chainsaw": chainsaw,
}

# Range of the floor in dB relative to the active part, and whether an editor may have put silence after the event.
RECORDING = {
    "dog": ((-70.0, -24.0), True),
    "rooster": ((-75.0, -30.0), True),
    "rain": ((-95.0, -45.0), False),
    "sea_waves": ((-95.0, -45.0), False),
    "crackling_fire": ((-95.0, -45.0), False),
    "crying_baby": ((-75.0, -25.0), False),
    "sneezing": ((-75.0, -25.0), True),
    "clock_tick": ((-55.0, -10.0), False),
    "helicopter": ((-95.0, -45.0), False),
    "chainsaw": ((-95.0, -45.0), False),
}
