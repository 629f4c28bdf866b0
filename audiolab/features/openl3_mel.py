"""The front end of OpenL3's mel256 networks: one second of sound as 256 mel levels at 198 frames a second.

Cramer et al. 2019 and the published code from version 0.4 on. Axes: N windows, T frames (199), F bands (256).
"""

from __future__ import annotations

import functools

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

SAMPLE_RATE = 48000  # Hz
N_FFT, HOP, N_MELS = 2048, 242, 256  # samples, samples, bands
N_FRAMES = 199  # of one second, the last ones padded with zeros at the end
DYNAMIC_RANGE_DB = 80.0


@functools.cache
def _mel_matrix() -> Tensor:
    from librosa import filters

    return torch.from_numpy(filters.mel(sr=SAMPLE_RATE, n_fft=N_FFT, n_mels=N_MELS))  # Slaney's scale and area


def mel256(windows: Tensor) -> Tensor:
    """Level of one-second windows (N, 48000) in dB below each window's loudest cell, (N, 199, 256), -80 to 0.

    Ten times the logarithm of a mel spectrum of *magnitudes*, as published: the numbers are half the usual decibels.

    Raises ValueError for windows of another length.
    """
    if windows.ndim != 2 or windows.shape[1] != SAMPLE_RATE:
        raise ValueError(f"windows: expected shape (N, {SAMPLE_RATE}), got {tuple(windows.shape)}")
    padded = functional.pad(windows.float(), (0, (N_FRAMES - 1) * HOP + N_FFT - SAMPLE_RATE))
    hann = torch.hann_window(N_FFT)
    spectrum = torch.stft(padded, N_FFT, HOP, window=hann, center=False, return_complex=True).abs()  # (N, bins, T)
    level = 10 * torch.log10((_mel_matrix() @ spectrum).clamp_min(1e-10))
    level = level - level.amax(dim=(1, 2), keepdim=True)
    return level.clamp_min(-DYNAMIC_RANGE_DB).transpose(1, 2)


def cut_seconds(samples: np.ndarray, *, hop_s: float = 0.1) -> tuple[Tensor, np.ndarray]:
    """Windows of one second every `hop_s` (N, 48000), and the second of the sound that each is centred on (N,).

    Half a second of zeros comes first, so that the first window is centred on the start; zeros at the end let every
    sample be in a window. Raises ValueError for no samples or a hop that is not positive.
    """
    if not len(samples) or not hop_s > 0:
        raise ValueError(f"samples, hop_s: expected samples and a positive hop, got {len(samples)} and {hop_s}")
    hop = int(hop_s * SAMPLE_RATE)
    sound = np.concatenate([np.zeros(SAMPLE_RATE // 2, np.float32), np.asarray(samples, dtype=np.float32)])
    n = 1 + max(0, -(-(len(sound) - SAMPLE_RATE) // hop))
    sound = np.pad(sound, (0, max(0, (n - 1) * hop + SAMPLE_RATE - len(sound))))
    windows = torch.from_numpy(sound).unfold(0, SAMPLE_RATE, hop)[:n]
    return windows, np.arange(n) * hop / SAMPLE_RATE
