"""OpenL3's levels against librosa, and which seconds its windows are centred on."""

import librosa
import numpy as np
import pytest
import torch

from audiolab.features.openl3_mel import cut_seconds, mel256


def test_levels_equal_librosas():
    rng = np.random.default_rng(0)
    sound = (0.1 * rng.standard_normal(48000) + np.sin(2 * np.pi * 1000 * np.arange(48000) / 48000)).astype(np.float32)
    found = mel256(torch.from_numpy(sound)[None])[0].numpy()
    padded = np.pad(sound, (0, 198 * 242 + 2048 - 48000))
    magnitude = np.abs(librosa.stft(padded, n_fft=2048, hop_length=242, center=False))
    mel = librosa.feature.melspectrogram(S=magnitude, sr=48000, n_fft=2048, n_mels=256)
    expected = np.maximum(10 * np.log10(np.maximum(mel, 1e-10) / mel.max()), -80).T
    assert found.shape == (199, 256)
    np.testing.assert_allclose(found, expected, atol=2e-3)


def test_loudness_falls_out_and_silence_is_flat():
    sound = torch.randn(1, 48000, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(mel256(sound), mel256(0.01 * sound), atol=1e-3, rtol=0)
    assert not mel256(torch.zeros(1, 48000)).any()
    with pytest.raises(ValueError, match="windows"):
        mel256(torch.zeros(1, 100))


def test_windows_are_centred():
    sound = np.arange(1, 96001, dtype=np.float32)
    windows, centres = cut_seconds(sound, hop_s=0.5)
    np.testing.assert_allclose(centres, [0, 0.5, 1.0, 1.5])
    for window, centre in zip(windows, centres, strict=True):
        assert float(window[24000]) == sound[round(centre * 48000)]
    assert float(windows[-1, -1]) == 96000
    assert len(cut_seconds(np.ones(10))[0]) == 1
    with pytest.raises(ValueError, match="samples"):
        cut_seconds(np.zeros(0))
