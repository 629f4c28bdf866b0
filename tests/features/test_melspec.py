"""Log-mel spectrograms against librosa, segments against slow cutting, scalers against their definition."""

import json

import librosa
import numpy as np
import pytest
import torch

from audiolab.features import BandScaler, LogMel, MinMaxScaler, to_segments


def make_clip(seed=0, n_samples=220500):
    """Quiet noise that falls steeply with frequency, a loud tone and a silent end: a wide range of levels."""
    random = np.random.default_rng(seed)
    noise = np.cumsum(random.standard_normal(n_samples))
    time = np.arange(n_samples) / 22050
    samples = 1e-4 * noise + 0.3 * np.sin(2 * np.pi * 3000 * time) * (time < 4)
    samples[-20000:] = 0
    return samples.astype(np.float32)


def librosa_log_mel(samples, *, n_fft, hop_length, win_length=None, n_mels=128, htk=True, center=False, top_db=80.0):
    power = librosa.feature.melspectrogram(
        y=samples.astype(np.float64),
        sr=22050,
        n_fft=n_fft,
        hop_length=hop_length,
        win_length=win_length,
        n_mels=n_mels,
        htk=htk,
        center=center,
    )
    return librosa.power_to_db(power, top_db=top_db).T


@pytest.mark.filterwarnings("ignore:Empty filters")
@pytest.mark.parametrize(
    ("options", "n_frames"),
    [
        ({"n_fft": 4096, "hop_length": 1070}, 203),
        ({"n_fft": 512, "hop_length": 512}, 430),
        ({"n_fft": 4096, "hop_length": 1024, "center": True, "mel_scale": "slaney"}, 216),
        ({"n_fft": 2048, "hop_length": 700, "win_length": 1500, "n_mels": 64, "top_db": None}, 313),
    ],
)
def test_equals_librosa(options, n_frames):
    clip = make_clip()
    log_mel = LogMel(**options)
    ours = log_mel(torch.from_numpy(clip)[None])[0].numpy()
    oracle = dict(options)
    oracle["htk"] = oracle.pop("mel_scale", "htk") == "htk"
    assert ours.shape == (n_frames, options.get("n_mels", 128))
    assert log_mel.n_frames(len(clip)) == n_frames
    np.testing.assert_allclose(ours, librosa_log_mel(clip, **oracle), atol=1e-4, rtol=0)


def test_the_limit_is_each_clips_own():
    loud = torch.from_numpy(make_clip(0, 30000))
    clips = torch.stack([loud, 0.001 * torch.from_numpy(make_clip(1, 30000))])
    log_mel = LogMel()
    torch.testing.assert_close(log_mel(clips)[1:], log_mel(clips[1:]))


def test_axes_point_at_a_tone():
    log_mel = LogMel()
    samples = torch.zeros(1, 220500)
    time = torch.arange(4096) / 22050
    samples[0, 107000:111096] = torch.sin(2 * torch.pi * 2000 * time)
    frame, band = divmod(int(log_mel(samples)[0].argmax()), 128)
    assert log_mel.times_s(203)[frame] == pytest.approx((107000 + 2048) / 22050, abs=1070 / 22050)
    assert log_mel.frequencies_hz()[band] == pytest.approx(2000, rel=0.03)


def test_empty_bands_of_the_short_window_hold_the_floor():
    filters = LogMel(n_fft=512, hop_length=512).mel_filters
    assert torch.nonzero(filters.sum(dim=1) == 0).flatten().tolist() == [0, 3, 8]


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"mel_scale": "bark"}, "mel_scale"),
        ({"hop_length": 0}, "hop_length"),
        ({"win_length": 5000}, "win_length"),
        ({"top_db": -1.0}, "top_db"),
    ],
)
def test_wrong_options_are_named(options, word):
    with pytest.raises(ValueError, match=word):
        LogMel(**options)


@pytest.mark.parametrize("shape", [(220500,), (1, 4095), (1, 1, 5000)])
def test_wrong_samples_are_named(shape):
    with pytest.raises(ValueError, match="samples"):
        LogMel()(torch.zeros(shape))


def test_reference_segments_are_a_cut_spectrogram():
    clips = torch.from_numpy(np.stack([make_clip(0), make_clip(1)]))
    log_mel = LogMel()
    segments = to_segments(clips, log_mel, mode="reference")
    assert segments.shape == (20, 20, 128)
    whole = log_mel(clips)
    for clip in range(2):
        for k in range(10):
            torch.testing.assert_close(segments[10 * clip + k], whole[clip, 20 * k : 20 * k + 20])


def test_per_second_segments_start_on_the_second():
    clip = make_clip()
    segments = to_segments(torch.from_numpy(clip)[None], LogMel())
    assert segments.shape == (10, 20, 128)
    padded = np.pad(clip, (0, 22050))
    slow = []
    for k in range(10):
        start = 22050 * k
        piece = padded[start : start + 4096 + 19 * 1070]
        slow.append(librosa_log_mel(piece, n_fft=4096, hop_length=1070, top_db=None))
    slow = np.maximum(np.stack(slow), np.max(slow) - 80)
    np.testing.assert_allclose(segments.numpy(), slow, atol=1e-4, rtol=0)


def test_both_modes_agree_on_the_first_segment():
    clip = torch.from_numpy(make_clip())[None]
    log_mel = LogMel(top_db=None)
    ours, reference = (to_segments(clip, log_mel, mode=mode)[0] for mode in ("per_second", "reference"))
    torch.testing.assert_close(ours, reference)


def test_short_window_gives_43_frames_a_second():
    log_mel = LogMel(n_fft=512, hop_length=512)
    assert to_segments(torch.zeros(1, 220500), log_mel).shape == (10, 43, 128)
    assert to_segments(torch.zeros(1, 220500), log_mel, mode="reference").shape == (10, 43, 128)


@pytest.mark.parametrize(
    ("options", "word"),
    [({"mode": "random"}, "mode"), ({"segment_s": 0.01}, "segment_s"), ({"n_segments": 11}, "samples")],
)
def test_wrong_cutting_is_named(options, word):
    with pytest.raises(ValueError, match=word):
        to_segments(torch.zeros(1, 220500), LogMel(), **options)


def test_centred_windows_cannot_be_cut():
    with pytest.raises(ValueError, match="center"):
        to_segments(torch.zeros(1, 220500), LogMel(center=True))


@pytest.mark.parametrize("kind", [np.asarray, torch.from_numpy])
def test_min_max_ends_and_round_trip(kind):
    x = kind(np.random.default_rng(0).uniform(-66.98705, 49.35352, (4, 20, 128)))
    scaler = MinMaxScaler().fit(x)
    scaled = scaler.transform(x)
    assert type(scaled) is type(x)
    assert float(scaled.min()) == pytest.approx(-1, abs=1e-12)
    assert float(scaled.max()) == pytest.approx(1, abs=1e-12)
    np.testing.assert_allclose(np.asarray(scaler.inverse(scaled)), np.asarray(x), atol=1e-6)
    again = MinMaxScaler.from_dict(json.loads(json.dumps(scaler.to_dict())))
    np.testing.assert_array_equal(np.asarray(again.transform(x)), np.asarray(scaled))


def test_min_max_needs_data():
    with pytest.raises(ValueError, match="fit"):
        MinMaxScaler().transform(torch.zeros(2))
    with pytest.raises(ValueError, match="low < high"):
        MinMaxScaler().fit(torch.zeros(2))
    with pytest.raises(ValueError, match="shape"):
        MinMaxScaler().fit(torch.zeros(0, 4))
    with pytest.raises(ValueError, match="both or neither"):
        MinMaxScaler(1.0)


@pytest.mark.parametrize("kind", [np.asarray, torch.from_numpy])
def test_band_scaler(kind):
    data = np.random.default_rng(0).normal(3, 5, (6, 43, 8)).astype(np.float32)
    data[..., 2] = 7.0  # a band without any filter never moves
    x = kind(data)
    scaler = BandScaler().fit(x)
    scaled = scaler.transform(x)
    assert type(scaled) is type(x)
    flat = np.asarray(scaled).reshape(-1, 8)
    np.testing.assert_allclose(flat.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(np.delete(flat.std(axis=0), 2), 1, atol=1e-5)
    assert np.all(flat[:, 2] == 0)
    again = BandScaler.from_dict(json.loads(json.dumps(scaler.to_dict())))
    np.testing.assert_allclose(np.asarray(again.inverse(scaled)), data, atol=1e-5)
    with pytest.raises(ValueError, match="bands"):
        scaler.transform(x[..., :4])
    with pytest.raises(ValueError, match="fit"):
        BandScaler().transform(x)
