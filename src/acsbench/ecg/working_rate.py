"""The rate at which beats are delineated and measured, whatever the recording's own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from acsbench.ecg.filters import resample
from acsbench.ecg.rpeaks import detect_r_peaks

LEAST_RATE = 500.0
"""Hz: slower recordings are delineated at this one."""
_FEWEST_SAMPLES = 60  # that resampling is worth


@dataclass(frozen=True, eq=False)
class WorkingSignal:
    """A recording at the rate at which it is delineated and measured, with its R-peaks.

    Attributes:
        signal: shape (leads, samples), mV, NaN where a sample is missing.
        fs: its rate, Hz: 500, or the recording's own if that is higher.
        r_peaks: sample indices into `signal`, in ascending order.
        rr: median RR interval, s; NaN with fewer than two beats.
        scale: samples of the recording per sample of `signal`.
    """

    signal: NDArray[np.float64]
    fs: float
    r_peaks: NDArray[np.int64]
    rr: float
    scale: float


def at_working_rate(signal: NDArray[np.floating], fs: float) -> WorkingSignal:
    """Find the R-peaks of a recording, and resample it to 500 Hz if it is slower.

    Edges of waves and pacing spikes last some milliseconds, less than a sample of a slow
    recording.

    Args:
        signal: shape (leads, samples), mV; what is not finite is missing.
        fs: its sampling rate, Hz.

    Raises:
        ValueError: the sampling rate is below 60 Hz.
    """
    values = np.where(np.isfinite(signal), signal, np.nan).astype(np.float64)
    r_peaks = detect_r_peaks(values, fs)
    rr = float(np.median(np.diff(r_peaks))) / fs if len(r_peaks) > 1 else np.nan
    if fs >= LEAST_RATE or values.shape[1] <= _FEWEST_SAMPLES:
        return WorkingSignal(values, fs, r_peaks, rr, 1.0)
    resampled = resample(values, fs, LEAST_RATE)
    r_peaks = np.rint(r_peaks * (LEAST_RATE / fs)).astype(np.int64)
    r_peaks = r_peaks[r_peaks < resampled.shape[1]]
    return WorkingSignal(resampled, LEAST_RATE, r_peaks, rr, fs / LEAST_RATE)
