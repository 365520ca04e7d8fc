"""Random changes of training ECGs that keep the diagnosis."""

from __future__ import annotations

import math

import torch
from torch import Tensor

GAIN_SPREAD = 0.15
LARGEST_SHIFT = 0.2  # s
LARGEST_NOISE = 0.08  # times the ECG's standard deviation, about 0.02 mV
LARGEST_WANDER = 0.3  # times the ECG's standard deviation
WANDER_RATES = (0.1, 0.6)  # Hz, from slow drift to breathing
DROPPED = 0.1  # share of ECGs that lose a lead


def augment(waveforms: Tensor, fs: float, leads_per_row: int = 1) -> Tensor:
    """Vary gain, start, baseline and noise of each ECG, and drop a lead in some.

    Args:
        waveforms: shape (batch, rows, samples), in any unit.
        fs: sampling rate, Hz.
        leads_per_row: leads that follow each other in a row, as on a printed page.

    Returns:
        Same shape: each ECG with a log-normal gain (spread 0.15), a circular shift of up to
        0.2 s, a sine wave of 0.1-0.6 Hz on each row, and white noise; one of ten has a lead of 0.
        Random numbers come from PyTorch's global generator.
    """
    shifted = _shift(waveforms, round(LARGEST_SHIFT * fs))
    spread = waveforms.std(dim=(1, 2), keepdim=True)
    disturbed = shifted + spread * (_wander(waveforms, fs) + _noise(waveforms))
    gain = torch.exp(GAIN_SPREAD * torch.randn_like(spread))
    return _without_a_lead(disturbed * gain, leads_per_row)


def _shift(waveforms: Tensor, largest: int) -> Tensor:
    batch, rows, samples = waveforms.shape
    device = waveforms.device
    shift = torch.randint(-largest, largest + 1, (batch, 1), device=device)
    index = (torch.arange(samples, device=device) - shift) % samples
    return torch.gather(waveforms, 2, index[:, None, :].expand(batch, rows, samples))


def _wander(waveforms: Tensor, fs: float) -> Tensor:
    """A sine wave per row, of random rate, phase and size."""
    batch, rows, samples = waveforms.shape
    size, rate, phase = torch.rand(3, batch, rows, 1, device=waveforms.device)
    slowest, fastest = WANDER_RATES
    seconds = torch.arange(samples, device=waveforms.device) / fs
    turns = (slowest + (fastest - slowest) * rate) * seconds + phase
    return LARGEST_WANDER * size * torch.sin(2 * math.pi * turns)


def _noise(waveforms: Tensor) -> Tensor:
    level = LARGEST_NOISE * torch.rand(len(waveforms), 1, 1, device=waveforms.device)
    return level * torch.randn_like(waveforms)


def _without_a_lead(waveforms: Tensor, leads_per_row: int) -> Tensor:
    """Set one lead of some ECGs to 0: a row, or the part of a row with a printed lead."""
    batch, rows, samples = waveforms.shape
    device = waveforms.device
    lost = torch.rand(batch, device=device) < DROPPED
    lead = torch.randint(rows * leads_per_row, (batch,), device=device)
    part = torch.arange(samples, device=device) * leads_per_row // samples
    leads = torch.arange(rows, device=device)[:, None] * leads_per_row + part
    gone = lost[:, None, None] & (leads == lead[:, None, None])
    return waveforms.masked_fill(gone, 0.0)
