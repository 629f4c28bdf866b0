"""Recipes of ten city sounds, in the same form as those of ``esc10``: ``(rng, n, sample_rate, whole) -> (samples,
info)``.

Unlike those of ``esc10`` their ranges come from the physics of the sources and were not fitted to recordings.
"""

import numpy as np

from . import esc10
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
    log_normal,
    log_uniform,
    low_pass,
    pulse_train,
    resonate,
    shape,
    shaped_noise,
    slope_noise,
    voiced,
    wander,
)
from .effects import reverb
from .esc10 import Draft, _place


def _steady(out: np.ndarray, n: int, sample_rate: int, **identity: float) -> Draft:
    return out, {**identity, "events": [(0.0, n / sample_rate)]}


def _bursts(
    rng: np.random.Generator, n: int, sample_rate: int, length_s: float, pause_s: float, whole: bool
) -> np.ndarray:
    """On and off curve (n,) of log-normal bursts; a dry event is one burst that fills n."""
    if not whole:
        return np.ones(n)
    gate, start = np.zeros(n), rng.uniform(-0.5, 0.3)
    while start * sample_rate < n:
        length = log_normal(rng, length_s, 0.5)
        low, high = max(0, int(start * sample_rate)), max(0, min(n, int((start + length) * sample_rate)))
        gate[low:high] = 1.0
        start += length + log_normal(rng, pause_s, 0.5)
    if not gate.any():
        gate[:] = 1.0
    return gate


def air_conditioner(rng: np.random.Generator, n: int, sample_rate: int, whole: bool) -> Draft:
    """Dark noise with a fixed reflection and the harmonics of a motor.

    Steady: one event over all n samples. The motor hums at 20 to 60 Hz (`hum_hz`) with up to ten harmonics.
    """
    out = slope_noise(rng, n, sample_rate, rng.uniform(-7, -3), curve_std_db=2.0)
    out = comb(
        out,
        sample_rate,
        log_uniform(rng, 0.0003, 0.006),
        gain=rng.uniform(0.3, 0.9),
        low_pass_hz=rng.uniform(1500, 9000),
    )
    out, hum = at_level(out), log_uniform(rng, 20, 60)
    angle = 2 * np.pi * hum * np.arange(n) / sample_rate
    level = rng.uniform(-22, -4)
    for h in range(1, int(rng.integers(3, 10)) + 1):
        out += amplitude(level - 2 * h) * np.sqrt(2) * np.sin(h * angle + rng.uniform(0, 6.28))
    if rng.random() < 0.5:
        beat_hz = log_uniform(rng, 0.5, 12)
        out *= 1 + rng.uniform(0.02, 0.2) * np.sin(2 * np.pi * beat_hz / sample_rate * np.arange(n))
    return _steady(out * (1 + 0.03 * wander(rng, n, sample_rate, 1.0)), n, sample_rate, hum_hz=hum)


def car_horn(rng: np.random.Generator, n: int, sample_rate: int, whole: bool) -> Draft:
    """Two saturated tones a third or fourth apart in short blasts.

    The lower tone lies near 400 Hz (`f0_hz`); one to four blasts of 0.1 to 3 s, in a quarter of the draws of one tone.
    """
    f0, interval = log_normal(rng, 400.0, 0.12), rng.uniform(1.18, 1.30) if rng.random() < 0.75 else None
    peaks = [(rng.uniform(500, 1000), 250.0, 0.0), (rng.uniform(1200, 3500), 900.0, rng.uniform(-6, 3))]
    tilt, jitter = rng.uniform(-4, -1), rng.uniform(0.0001, 0.001)

    def blast(length: int) -> np.ndarray:
        settle = 1 - 0.03 * np.exp(-np.arange(length) / (0.03 * sample_rate))
        out = np.zeros(length)
        for tone in [f0] if interval is None else [f0, f0 * interval]:
            out += at_level(
                resonate(pulse_train(rng, tone * settle, sample_rate, jitter=jitter), sample_rate, peaks, tilt_db=tilt)
            )
        return fade(np.tanh(3 * at_level(out) / 2), sample_rate, in_s=0.01, out_s=0.03)

    pieces, start = [], rng.uniform(0, 1.5) if whole else 0.0
    for _ in range(int(rng.integers(1, 5))):
        length = int(sample_rate * np.clip(log_normal(rng, 0.5, 0.7), 0.1, 3.0))
        room = n - int(start * sample_rate)
        if room < 0.1 * sample_rate:
            break
        pieces.append((start, blast(min(length, room))))
        start += min(length, room) / sample_rate + rng.uniform(0.08, 0.4)
    return _place(pieces, n, sample_rate, {"f0_hz": f0}, whole=whole)


def children_playing(rng: np.random.Generator, n: int, sample_rate: int, whole: bool) -> Draft:
    """Several small voices calling in phrases, with an occasional shriek.

    Three to eight voices near 330 Hz in a room (decay by 60 dB in 0.3 to 1.2 s). One event over all n samples.
    """
    out, first = np.zeros(n), True
    for _ in range(int(rng.integers(3, 9))):
        f0 = log_normal(rng, 330.0, 0.18)
        voice = np.zeros(n)
        start = 0.0 if first else rng.uniform(0, min(1.5, n / sample_rate))
        first = False
        while start * sample_rate < n:
            for _ in range(int(rng.integers(1, 7))):
                length = int(sample_rate * np.clip(log_normal(rng, 0.17, 0.4), 0.05, 0.6))
                peaks = [
                    (rng.uniform(400, 1200), 150.0, 0.0),
                    (rng.uniform(1300, 3200), 250.0, rng.uniform(-10, 0)),
                    (rng.uniform(3200, 4500), 400.0, rng.uniform(-16, -4)),
                ]
                base = f0 * log_normal(rng, 1.0, 0.12) * (2.0 if rng.random() < 0.1 else 1.0)
                curve = base * breakpoints(length, [0, 0.4, 1], [1, rng.uniform(1.0, 1.25), rng.uniform(0.8, 1.1)])
                sound = voiced(rng, curve, sample_rate, peaks, tilt_db=-4.0, jitter=0.01, shimmer=0.1, breath_db=-20)
                add_at(voice, sound * breakpoints(length, [0, 0.2, 0.7, 1], [0, 1, 0.7, 0]), int(start * sample_rate))
                start += length / sample_rate * rng.uniform(0.9, 1.4)
            start += min(3.0, log_normal(rng, 0.8, 0.7))
        out += voice * amplitude(rng.uniform(-18, 0))
    out = reverb(out, sample_rate, rng, rt60_s=rng.uniform(0.3, 1.2), wet_db=rng.uniform(-18, -6))
    return _steady(out, n, sample_rate)


def dog_bark(rng: np.random.Generator, n: int, sample_rate: int, whole: bool) -> Draft:
    """The dog of ``esc10``: one to three barks as an event, bouts in a whole clip."""
    return esc10.dog(rng, n, sample_rate, whole)


def drilling(rng: np.random.Generator, n: int, sample_rate: int, whole: bool) -> Draft:
    """A fast motor that spins up, noise of the bit, and in some draws a hammer.

    150 to 600 turns a second (`f0_hz`); a whole clip has bursts of about two seconds. One event over all n samples.
    """
    rate = log_uniform(rng, 150, 600)
    gate = _bursts(rng, n, sample_rate, 2.0, 0.8, whole)
    spin = low_pass(gate, sample_rate, 1 / (2 * np.pi * rng.uniform(0.02, 0.08)))
    if not whole:
        spin = np.maximum(spin, 1 - np.exp(-np.arange(n) / (rng.uniform(0.02, 0.07) * sample_rate)))
    curve = rate * (0.3 + 0.7 * spin) * (1 + 0.02 * wander(rng, n, sample_rate, 3.0))
    pulses = convolve(
        pulse_train(rng, curve, sample_rate, jitter=0.01, shimmer=0.1), body_response(rng, sample_rate, 0.0015)
    )
    hiss = shaped_noise(rng, n, sample_rate, [800, 2000, 5000, 9000], [-18, 0, 0, -15])
    out = at_level(pulses) + at_level(hiss, rng.uniform(-12, 3))
    if rng.random() < 0.3:
        hammer = pulse_train(rng, np.full(n, rng.uniform(40, 60)), sample_rate, jitter=0.01)
        out += at_level(convolve(hammer, body_response(rng, sample_rate, 0.004)), rng.uniform(-6, 6))
    out = shape(out, sample_rate, [100, 300, 2500, 8000], [-12, rng.uniform(-6, 3), 0, rng.uniform(-12, 0)])
    return _steady(out * low_pass(gate, sample_rate, 8.0), n, sample_rate, f0_hz=rate)


def engine_idling(rng: np.random.Generator, n: int, sample_rate: int, whole: bool) -> Draft:
    """Slow firing pulses of unequal cylinders through a dark body.

    12 to 45 firings a second (`rate_hz`) of two to six cylinders. Steady: one event over all n samples.
    """
    rate, cylinders = log_uniform(rng, 12, 45), int(rng.integers(2, 7))
    curve = rate * (1 + 0.02 * wander(rng, n, sample_rate, 1.5))
    if rng.random() < 0.2 and n > sample_rate:
        curve = curve * (1 + rng.uniform(0.5, 1.5) * np.exp(-((np.linspace(-4, 4, n) - rng.uniform(-2, 2)) ** 2)))
    # Each cylinder fires at its own level: one train a cylinder at the cycle rate, shifted by its share of the cycle.
    phase = np.cumsum(curve) / sample_rate
    heights = np.exp(0.3 * rng.standard_normal(cylinders))
    pulses = pulse_train(rng, curve, sample_rate, jitter=0.01, shimmer=0.1) * heights[phase.astype(int) % cylinders]
    body = body_response(rng, sample_rate, log_uniform(rng, 0.004, 0.02))
    out = at_level(convolve(pulses, body))
    gate = low_pass(np.abs(out), sample_rate, 60.0)
    out += at_level(gate * rng.standard_normal(n), rng.uniform(-18, -4))
    exhaust = log_uniform(rng, 40, 120)
    out = shape(
        out, sample_rate, [20, exhaust / 1.5, exhaust, exhaust * 1.8, 600, 4000, 10000], [-12, -3, 3, -2, -10, -26, -36]
    )
    return _steady(out, n, sample_rate, rate_hz=rate)


def gun_shot(rng: np.random.Generator, n: int, sample_rate: int, whole: bool) -> Draft:
    """A clipped burst with a thump, a dark tail, echoes and a long reverberation.

    One, two, three or six shots (`n_shots`), 0.08 to 1 s apart; the room decays by 60 dB in 0.5 to 2.5 s.
    """
    burst_s, tail_s = log_uniform(rng, 0.004, 0.03), log_uniform(rng, 0.05, 0.5)
    thump_hz, drive, cut = log_uniform(rng, 20, 400), log_uniform(rng, 1, 8), log_uniform(rng, 1500, 11000)
    tail_db, thump_db = rng.uniform(-20, -6), rng.uniform(-12, 3)

    def shot() -> np.ndarray:
        length = int(sample_rate * min(1.5, 0.3 + 4 * tail_s))
        time = np.arange(length) / sample_rate
        out = rng.standard_normal(length) * np.exp(-time / burst_s)
        out += 2 * amplitude(thump_db) * np.sin(2 * np.pi * thump_hz * time) * np.exp(-time / 0.06)
        out += 3 * amplitude(tail_db) * slope_noise(rng, length, sample_rate, -6.0) * np.exp(-time / tail_s)
        return low_pass(np.clip(drive * out / 3, -1, 1), sample_rate, cut) * log_normal(rng, 1.0, 0.1)

    count, spacing = int(rng.choice([1, 2, 3, 6], p=[0.5, 0.2, 0.15, 0.15])), log_uniform(rng, 0.08, 1.0)
    count = max(1, min(count, int(0.7 * n / sample_rate / spacing)))
    start = rng.uniform(0, 0.5) if whole else 0.0
    pieces = [(start + k * spacing * log_normal(rng, 1.0, 0.03), shot()) for k in range(count)]
    out, info = _place(pieces, n, sample_rate, {"n_shots": count}, whole=whole)
    dry = np.pad(out, (0, max(0, min(n, len(out) + sample_rate // 2) - len(out))))
    out = reverb(dry, sample_rate, rng, rt60_s=log_uniform(rng, 0.5, 2.5), wet_db=rng.uniform(-18, -4))
    for _ in range(int(rng.integers(0, 3))):
        add_at(
            out,
            low_pass(dry, sample_rate, 1500.0) * amplitude(rng.uniform(-26, -10)),
            int(rng.uniform(0.08, 0.4) * sample_rate),
        )
    return out, info


def jackhammer(rng: np.random.Generator, n: int, sample_rate: int, whole: bool) -> Draft:
    """Blows at about 17 a second, each a noisy thud and the ring of the steel.

    `rate_hz` is the number of blows a second. One event over all n samples; a whole clip has bursts of about 1.3 s.
    """
    rate = log_normal(rng, 17.0, 0.25)
    gate = _bursts(rng, n, sample_rate, 1.3, 0.6, whole)
    pulses = pulse_train(rng, np.full(n, rate), sample_rate, jitter=0.01, shimmer=0.1) * gate
    thud = at_level(
        convolve(
            pulses, body_response(rng, sample_rate, log_uniform(rng, 0.003, 0.012), low_pass_hz=rng.uniform(1500, 6000))
        )
    )
    modes = damped_modes(
        sample_rate, np.exp(rng.uniform(np.log(800), np.log(5000), 3)), np.full(3, 0.012), rng.uniform(0.3, 1, 3)
    )
    out = thud + at_level(convolve(pulses, modes), rng.uniform(-16, -4))
    out += at_level(gate * slope_noise(rng, n, sample_rate, -3.0), rng.uniform(-24, -12))
    return _steady(out, n, sample_rate, rate_hz=rate)


def siren(rng: np.random.Generator, n: int, sample_rate: int, whole: bool) -> Draft:
    """A horn swept slowly (wail), quickly (yelp) or between two tones, with a little Doppler shift.

    It moves between `f_low_hz` (396 to 800 Hz) and `f_high_hz` (526 to 1700 Hz). One event over all n samples.
    """
    kind = str(rng.choice(["wail", "yelp", "two_tone"]))
    time = np.arange(n) / sample_rate
    low, high = log_uniform(rng, 500, 800), log_uniform(rng, 1100, 1700)
    if kind == "wail":
        position = 0.5 - 0.5 * np.cos(2 * np.pi * (rng.uniform(0.1, 0.35) * time + rng.uniform()))
    elif kind == "yelp":
        phase, skew = (rng.uniform(2.5, 5) * time + rng.uniform()) % 1.0, rng.uniform(0.5, 0.85)
        position = np.where(phase < skew, phase / skew, (1 - phase) / (1 - skew))
    else:
        low, high = 440 * rng.uniform(0.9, 1.1), 585 * rng.uniform(0.9, 1.1)
        square = np.sign(np.sin(2 * np.pi * (rng.uniform(0.7, 1.2) / 2 * time + rng.uniform())))
        position = low_pass(0.5 + 0.5 * square, sample_rate, 25.0)
    curve = low * (high / low) ** position
    if whole or n > 2 * sample_rate:
        curve = curve * (1 + 0.04 * rng.uniform(-1, 1) * np.tanh(np.linspace(-3, 3, n) - rng.uniform(-2, 2)))
    peaks = [(log_uniform(rng, 900, 2500), rng.uniform(400, 1200), 0.0)]
    pulses = pulse_train(rng, curve, sample_rate, jitter=0.0005)
    out = at_level(resonate(pulses, sample_rate, peaks, tilt_db=rng.uniform(-6, -2), high_pass_hz=0.7 * low))
    out = np.tanh(rng.uniform(0.5, 2.5) * out) * np.exp(0.2 * wander(rng, n, sample_rate, 0.7))
    return _steady(fade(out, sample_rate, in_s=0.02, out_s=0.03), n, sample_rate, f_low_hz=low, f_high_hz=high)


def street_music(rng: np.random.Generator, n: int, sample_rate: int, whole: bool) -> Draft:
    """One to three voices on one scale and tempo, with the click of a beat.

    70 to 140 beats a minute (`beats_per_minute`), major or minor. One event over all n samples.
    """
    beat_s = 60.0 / rng.uniform(70, 140)
    scale = np.array([0, 2, 4, 5, 7, 9, 11] if rng.random() < 0.6 else [0, 2, 3, 5, 7, 8, 10])
    key = 48 + int(rng.integers(0, 12))
    out = np.zeros(n)
    for voice in range(int(rng.integers(1, 4))):
        held, harmonics = rng.random() < 0.5, amplitude(-rng.uniform(2, 8) * np.arange(8)) * rng.uniform(0.3, 1, 8)
        octave, step = 12 * int(rng.integers(0, 2)) + (12 if voice == 0 else 0), float(rng.choice([0.5, 1.0, 2.0]))
        degree, start = int(rng.integers(0, 7)), 0.0
        decay = log_uniform(rng, 0.15, 0.8)
        while start * sample_rate < n:
            degree = int(np.clip(degree + rng.integers(-2, 3), 0, 6))
            f0 = 440.0 * 2 ** ((key + octave + scale[degree] - 69) / 12)
            length = int(sample_rate * step * beat_s * rng.uniform(0.8, 1.0))
            time = np.arange(length) / sample_rate
            angle = 2 * np.pi * f0 * (time + 0.0004 * np.sin(2 * np.pi * 5.5 * time) / 2)
            note = np.sin(angle[:, None] * np.arange(1, 9)) @ harmonics
            envelope = np.minimum(time / 0.02, 1.0) if held else np.minimum(time / 0.003, 1.0) * np.exp(-time / decay)
            add_at(out, fade(note * envelope, sample_rate, out_s=0.04), int(start * sample_rate))
            start += step * beat_s
    if rng.random() < 0.5:
        for k in range(int(n / sample_rate / beat_s) + 1):
            add_at(
                out, rng.uniform(0.5, 1.5) * body_response(rng, sample_rate, 0.01) * 3, int(k * beat_s * sample_rate)
            )
    out = shape(out, sample_rate, [75, 150, 5000, 9000], [-24, 0, 0, -24])
    out = reverb(out, sample_rate, rng, rt60_s=rng.uniform(0.3, 1.0), wet_db=rng.uniform(-18, -8))
    return _steady(out, n, sample_rate, beats_per_minute=60.0 / beat_s)


RECIPES = {
    "air_conditioner": air_conditioner,
    "car_horn": car_horn,
    "children_playing": children_playing,
    "dog_bark": dog_bark,
    "drilling": drilling,
    "engine_idling": engine_idling,
    "gun_shot": gun_shot,
    "jackhammer": jackhammer,
    "siren": siren,
    "street_music": street_music,
}

# As in ``esc10``: the range of the floor in dB, and whether silence may follow the event.
RECORDING = {name: ((-80.0, -35.0), name in ("car_horn", "dog_bark", "gun_shot")) for name in RECIPES}

# Seconds an event lasts where no duration is asked for.
EVENT_SECONDS = {
    **dict.fromkeys(RECIPES, (1.0, 4.0)),
    "car_horn": (3.0, 3.0),
    "dog_bark": (3.0, 3.0),
    "engine_idling": (2.0, 4.0),
    "gun_shot": (2.0, 2.0),
    "siren": (2.0, 4.0),
    "street_music": (3.0, 4.0),
}
