"""What HuBERT-ECG sees: five seconds of twelve leads, laid end to end."""

from __future__ import annotations

import numpy as np
import torch
from scipy.signal import cheby1, sosfilt
from torch import Tensor
from torch.nn.functional import conv1d, pad

LEADS = 12
RATE = 100
"""Sampling rate of what the published models take, Hz."""
SECONDS = 5
STUDY_DECIMATION = 5
"""The study came from 500 Hz."""
_REFLECTED = 27  # samples by which SciPy's filtfilt continues a signal
_TAPS = 600  # where the filter's response has faded to 1e-9


def crops_at(leads: Tensor, starts: Tensor, samples: int) -> Tensor:
    """One crop of each ECG.

    Args:
        leads: shape (batch, leads, n).
        starts: first sample of each ECG's crop, shape (batch,).
        samples: of a crop.

    Returns:
        Shape (batch, leads, samples).
    """
    places = starts[:, None] + torch.arange(samples, device=leads.device)
    return leads.gather(2, places[:, None, :].expand(-1, leads.shape[1], -1))


def even_starts(room: int, crops: int) -> list[int]:
    """First samples of crops spread evenly from the first possible to the last.

    >>> even_starts(500, 3)
    [0, 250, 500]
    """
    if crops == 1:
        return [room // 2]
    return [round(number * room / (crops - 1)) for number in range(crops)]


def random_starts(room: int, crops: int, seed: int) -> list[int]:
    """First samples of crops anywhere, the same ones for the same seed."""
    starts: list[int] = np.random.default_rng(seed).integers(room + 1, size=crops).tolist()
    return starts


def flattened_decimation(leads: Tensor) -> Tensor:
    """Decimation to a fifth as the study did it: leads laid end to end first.

    The filter runs across the borders of the leads, where each leaks into its neighbour. It is
    kept to repeat the study; prepared waveforms are decimated lead by lead.

    Args:
        leads: shape (batch, leads, n) at 500 Hz.

    Returns:
        Shape (batch, leads, n / 5) at 100 Hz: to 1e-9 what `scipy.signal.decimate` gives, in
        operations that run on a GPU and can be exported.
    """
    batch, rows, samples = leads.shape
    response = torch.from_numpy(_response()).to(leads)[None, None]
    flat = leads.reshape(batch, 1, -1)
    before = 2 * flat[..., :1] - flat[..., 1 : _REFLECTED + 1].flip(-1)
    after = 2 * flat[..., -1:] - flat[..., -_REFLECTED - 1 : -1].flip(-1)
    # A filter that starts in its steady state has seen the first value for ever.
    continued = pad(torch.cat([before, flat, after], dim=-1), (_TAPS - 1, 0), mode="replicate")
    forward = conv1d(continued, response.flip(-1))
    continued = pad(forward, (0, _TAPS - 1), mode="replicate")[..., _REFLECTED:]
    backward = conv1d(continued, response, stride=STUDY_DECIMATION)
    decimated = backward[..., : rows * samples // STUDY_DECIMATION]
    return decimated.reshape(batch, rows, -1)


def _response() -> np.ndarray:
    """Impulse response of the filter that `scipy.signal.decimate` runs both ways."""
    sections = cheby1(8, 0.05, 0.8 / STUDY_DECIMATION, output="sos")
    response: np.ndarray = sosfilt(sections, np.eye(1, _TAPS)[0])
    return response
