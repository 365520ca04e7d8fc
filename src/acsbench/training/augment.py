"""Changes to a training ECG that leave it an ECG with the same diagnosis."""

from __future__ import annotations

import torch
from torch import Tensor

GAIN_SPREAD = 0.15
LARGEST_SHIFT = 100
LARGEST_NOISE = 0.02


def augment(waveforms: Tensor) -> Tensor:
    """Vary gain, start and noise of each ECG.

    Args:
        waveforms: shape (batch, rows, samples), mV.

    Returns:
        Same shape: each ECG times a log-normal gain (spread 0.15), turned round by up to
        100 samples, with white noise of up to 0.02 mV.
    """
    batch, rows, samples = waveforms.shape
    device = waveforms.device
    gain = torch.exp(GAIN_SPREAD * torch.randn(batch, 1, 1, device=device))
    shift = torch.randint(-LARGEST_SHIFT, LARGEST_SHIFT + 1, (batch, 1), device=device)
    index = (torch.arange(samples, device=device) - shift) % samples
    turned = torch.gather(waveforms, 2, index[:, None, :].expand(batch, rows, samples))
    level = LARGEST_NOISE * torch.rand(batch, 1, 1, device=device)
    return turned * gain + level * torch.randn_like(waveforms)
