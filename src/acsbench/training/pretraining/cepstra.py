"""Descriptors of the first iteration: 39 cepstral coefficients of each frame."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.fft import dct, rfft
from scipy.signal.windows import hann

from acsbench.training.pretraining.encoder import FrameGeometry

COEFFICIENTS = 13
BANDS = 20
FFT = 128
"""Windows are padded to this length, so that each band of the filter bank has bins."""
FLOOR = 1e-3
"""Minimum energy of a band; less is noise. Leads range from -1 to 1."""
COURSE = np.array([[1, 1, 1], [-1, 0, 1], [1, -2, 1]]) / np.sqrt([[3], [2], [6]])
"""Weights of a frame's three windows: level, first difference (Δ), second difference (ΔΔ)."""


def cepstra(crops: NDArray[np.float32], frames: FrameGeometry, fs: float) -> NDArray[np.float32]:
    """Cepstral coefficients of each frame, and their changes within the frame.

    Speech recognition uses windows of 25 ms and the change between them (Δ, ΔΔ). A frame of
    HuBERT-ECG lasts 0.82 s, about one beat, so that its three windows are inside the frame. Frames
    over the border of two leads mix both, as in the encoder: 14 of 93 with the usual front.

    Args:
        crops: leads laid end to end, shape (crops, samples).
        frames: positions of the encoder's frames.
        fs: sampling rate, Hz.

    Returns:
        Shape (crops, frames, 39): 13 coefficients of the log energies of a mel filter bank,
        summed over the three windows; the difference of the outer two; the second difference.
        Both transforms are orthonormal: the distance of two frames is that of their smoothed log
        spectra.

    References:
        Davis & Mermelstein, IEEE Trans ASSP 28:357 (1980).
    """
    width = frames.width // 2 + 1
    hop = (frames.width - width) // 2
    windows = sliding_window_view(crops, frames.width, axis=1)[:, :: frames.stride]
    parts = np.stack([windows[..., hop * n : hop * n + width] for n in range(3)], axis=2)
    centred = parts - parts.mean(axis=-1, keepdims=True)
    power = np.abs(rfft(centred * hann(width, sym=False).astype(np.float32), FFT)) ** 2
    energy = np.log(np.maximum(power @ _filter_bank(fs), FLOOR))
    cepstrum = dct(energy, norm="ortho")[..., :COEFFICIENTS]
    course = np.einsum("wv,...vc->...wc", COURSE, cepstrum)
    return course.reshape(*course.shape[:2], -1).astype(np.float32)


@cache
def _filter_bank(fs: float) -> NDArray[np.float32]:
    """Triangular filters, shape (bins, bands)."""
    # Imported here because it takes seconds.
    from transformers.audio_utils import mel_filter_bank

    bank = mel_filter_bank(FFT // 2 + 1, BANDS, 0.0, fs / 2, int(fs))
    return bank.astype(np.float32)
