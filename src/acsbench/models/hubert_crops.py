"""The input of HuBERT-ECG: five seconds of twelve leads, laid end to end."""

from __future__ import annotations

import numpy as np
import torch
from scipy.signal import cheby1, sosfilt
from torch import Tensor
from torch.nn.functional import conv1d, pad

LEADS = 12
RATE = 100
"""Sampling rate of the published models, Hz."""
SECONDS = 5
STUDY_DECIMATION = 5
"""The study decimated from 500 Hz."""
_REFLECTED = 27  # samples by which SciPy's filtfilt extends a signal
_TAPS = 600  # the filter's response has decayed to 1e-9


def crops_at(leads: Tensor, starts: Tensor, samples: int) -> Tensor:
    """One crop of each ECG.

    Args:
        leads: shape (batch, leads, n).
        starts: first sample of each crop, shape (batch,).
        samples: length of a crop.

    Returns:
        Shape (batch, leads, samples).
    """
    places = starts[:, None] + torch.arange(samples, device=leads.device)
    return leads.gather(2, places[:, None, :].expand(-1, leads.shape[1], -1))


def even_starts(room: int, crops: int) -> list[int]:
    """First samples of evenly spread crops.

    >>> even_starts(500, 3)
    [0, 250, 500]
    """
    if crops == 1:
        return [room // 2]
    return [round(number * room / (crops - 1)) for number in range(crops)]


def random_starts(room: int, crops: int, seed: int) -> list[int]:
    """First samples of random crops."""
    starts: list[int] = np.random.default_rng(seed).integers(room + 1, size=crops).tolist()
    return starts


def flattened_decimation(leads: Tensor) -> Tensor:
    """Decimate leads laid end to end by 5, as the study did.

    The filter mixes neighbouring leads at their borders. Prepared waveforms are decimated lead
    by lead instead.

    Args:
        leads: shape (batch, leads, n) at 500 Hz.

    Returns:
        Shape (batch, leads, n / 5) at 100 Hz. Equals `scipy.signal.decimate` to 1e-9, but runs on
        a GPU and can be exported.
    """
    batch, rows, samples = leads.shape
    response = torch.from_numpy(_response()).to(leads)[None, None]
    flat = leads.reshape(batch, 1, -1)
    before = 2 * flat[..., :1] - flat[..., 1 : _REFLECTED + 1].flip(-1)
    after = 2 * flat[..., -1:] - flat[..., -_REFLECTED - 1 : -1].flip(-1)
    # The filter starts in its steady state, as if the first value had lasted forever.
    continued = pad(torch.cat([before, flat, after], dim=-1), (_TAPS - 1, 0), mode="replicate")
    forward = conv1d(continued, response.flip(-1))
    continued = pad(forward, (0, _TAPS - 1), mode="replicate")[..., _REFLECTED:]
    backward = conv1d(continued, response, stride=STUDY_DECIMATION)
    decimated = backward[..., : rows * samples // STUDY_DECIMATION]
    return decimated.reshape(batch, rows, -1)


def _response() -> np.ndarray:
    """Impulse response of the filter that `scipy.signal.decimate` applies in both directions."""
    sections = cheby1(8, 0.05, 0.8 / STUDY_DECIMATION, output="sos")
    response: np.ndarray = sosfilt(sections, np.eye(1, _TAPS)[0])
    return response
