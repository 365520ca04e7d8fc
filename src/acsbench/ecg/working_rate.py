"""The rate at which beats are delineated and measured, whatever the recording's own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from acsbench.ecg.filters import resample
from acsbench.ecg.noise import noisy_samples
from acsbench.ecg.rpeaks import beats_of_each

LEAST_RATE = 500.0
"""Hz: slower recordings are delineated at this one."""
_FEWEST_SAMPLES = 60  # that resampling is worth
_LONGEST_GAP = 0.1  # s, in which no beat can hide


@dataclass(frozen=True, eq=False)
class WorkingSignal:
    """A recording at the rate at which it is delineated and measured, with its R-peaks.

    Attributes:
        signal: shape (leads, samples), mV, NaN where a sample is missing or lies in a part of
            its lead that is noise.
        fs: its rate, Hz: 500, or the recording's own if that is higher.
        r_peaks: sample indices into `signal`, in ascending order.
        intervals: from each R-peak to the next, samples of `signal`, shape (R-peaks - 1,); NaN
            where noise or a gap in all leads lies between them, which may hide a beat.
        rr: their median, s; NaN with fewer than two beats.
        searched: how long beats were looked for in one lead at least, s.
        scale: samples of the recording per sample of `signal`.
    """

    signal: NDArray[np.float64]
    fs: float
    r_peaks: NDArray[np.int64]
    intervals: NDArray[np.float64]
    rr: float
    searched: float
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
    known = np.isfinite(signal)
    values = np.where(known, signal, np.nan).astype(np.float64)
    (r_peaks,), heard = beats_of_each(values[None], known[None], fs)
    anywhere = heard[0].any(axis=0)
    lost = np.concatenate([[0], np.cumsum(~anywhere)])
    hidden = np.diff(lost[r_peaks]) > _LONGEST_GAP * fs
    seen = np.diff(r_peaks)[~hidden]
    rr = float(np.median(seen)) / fs if len(seen) else np.nan
    noisy = noisy_samples(values[None], known[None], fs)[0]
    if noisy.any():
        values[noisy] = np.nan
    rate = fs
    if fs < LEAST_RATE and values.shape[1] > _FEWEST_SAMPLES:
        rate = LEAST_RATE
        values = resample(values, fs, rate)
        r_peaks = np.rint(r_peaks * (rate / fs)).astype(np.int64)
        r_peaks = r_peaks[r_peaks < values.shape[1]]
    intervals = np.diff(r_peaks).astype(np.float64)
    intervals[hidden[: len(intervals)]] = np.nan
    searched = float(np.count_nonzero(anywhere)) / fs
    return WorkingSignal(values, rate, r_peaks, intervals, rr, searched, fs / rate)
