"""Numbers that a cardiologist reads off an ECG, lead by lead."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.arrays import IntegerArray

from acsbench.ecg.delineation import (
    T_SMOOTHING,
    RepresentativeBeat,
    median_over_beats,
    qrs_bounds,
    representative_beat,
    smooth,
    t_peaks,
)
from acsbench.ecg.recording import Recording
from acsbench.ecg.rpeaks import detect_r_peaks

_BASELINE = 0.010  # s before QRS onset
_ST = 0.060  # s after the J point
_SIMULTANEOUS = 0.5  # of the shorter lead's time that two leads must share to be timed together
_FLAT = 0.005  # mV from peak to peak, the step of a digitised print


def measure(recording: Recording) -> pd.DataFrame:
    """Measure each lead of a recording.

    QRS onset and J point are common to all leads recorded at the same time, as in the usual
    twelve-lead ECG; on a printed page, to the leads of one column. Levels are medians over the
    beats of the most frequent kind, on the signal as given, against the mean of the 10 ms
    before QRS onset.

    Args:
        recording: any leads; NaN where nothing was recorded.

    Returns:
        One row per lead, in the recording's order, with columns

        - `lead`;
        - `qrs_onset`, `j_point` (samples from the start of the recording, Int64): of the beat
          nearest the middle of what the lead holds;
        - `j_level`, `st60` (mV): the signal at the J point and 60 ms after it;
        - `t_amplitude` (mV): the T wave's peak, positive or negative, in the median beat;
        - `heart_rate` (per minute): from the median RR interval.

        What cannot be measured is missing: NA for positions, NaN for the rest. A flat lead has
        no levels. Noise is not refused.

    Raises:
        ValueError: the sampling rate is below 60 Hz.

    References:
        Common onset and J point: CSE Working Party, Eur Heart J 6:815 (1985).
    """
    signal = recording.signal.astype(np.float64)
    signal[~np.isfinite(signal)] = np.nan
    fs = recording.fs
    r_peaks = detect_r_peaks(signal, fs)
    rr = float(np.median(np.diff(r_peaks))) / fs if len(r_peaks) > 1 else np.nan
    values = np.full((len(recording.leads), 5), np.nan)
    for leads in _simultaneous(np.isfinite(signal)):
        values[leads] = _measure_together(signal[leads], r_peaks, fs, rr)
    onset, j_point, j_level, st60, t_amplitude = values.T
    return pd.DataFrame(
        {
            "lead": list(recording.leads),
            "qrs_onset": _positions(onset),
            "j_point": _positions(j_point),
            "j_level": j_level,
            "st60": st60,
            "t_amplitude": t_amplitude,
            "heart_rate": np.full(len(values), 60 / rr),
        }
    )


def _positions(samples: NDArray[np.float64]) -> IntegerArray:
    unknown = np.isnan(samples)
    return IntegerArray(np.where(unknown, 0, samples).astype(np.int64), unknown)


def _simultaneous(known: NDArray[np.bool_]) -> list[NDArray[np.int64]]:
    """Groups of leads recorded at the same time, as row numbers; empty leads in none.

    Each group gathers around the lead with most samples that is not in a group yet.
    """
    samples = known.sum(axis=1)
    shared = known.astype(float) @ known.T
    left = samples > 0
    groups = []
    while left.any():
        first = np.where(left, samples, 0).argmax()
        together = left & (shared[first] >= _SIMULTANEOUS * samples)
        groups.append(np.flatnonzero(together))
        left &= ~together
    return groups


def _measure_together(
    signal: NDArray[np.float64], r_peaks: NDArray[np.int64], fs: float, rr: float
) -> NDArray[np.float64]:
    """Onset, J point, J level, ST60 and T amplitude, shape (leads, 5); NaN where unknown."""
    values = np.full((len(signal), 5), np.nan)
    beat = representative_beat(signal, r_peaks, fs)
    bounds = qrs_bounds(beat) if beat is not None else None
    if beat is None or bounds is None:
        return values
    onset, j_point = bounds
    onsets = beat.r_peaks + onset - beat.r_peak
    j_points = beat.r_peaks + j_point - beat.r_peak
    recorded = np.flatnonzero(np.isfinite(signal).any(axis=0))
    inside = (onsets >= recorded[0]) & (j_points <= recorded[-1])
    if not inside.any():
        return values
    onsets, j_points = onsets[inside], j_points[inside]
    middle = np.abs(beat.r_peaks[inside] - recorded[[0, -1]].mean()).argmin()
    values[:, 0], values[:, 1] = onsets[middle], j_points[middle]

    samples = max(1, round(_BASELINE * fs))
    baseline = _at(signal, onsets[:, None] + np.arange(-samples, 0)).mean(axis=2)
    for column, delay in ((2, 0.0), (3, _ST)):
        level = _at(signal, j_points + round(delay * fs)) - baseline
        values[:, column] = median_over_beats(level[:, :, None])[:, 0]
    if np.isfinite(rr):
        values[:, 4] = _t_amplitude(beat, onset, j_point, rr, samples)
    flat = np.nan_to_num(np.ptp(beat.signal[:, onset : j_point + 1], axis=1)) < _FLAT
    values[flat, 2:] = np.nan
    return values


def _t_amplitude(
    beat: RepresentativeBeat, onset: int, j_point: int, rr: float, samples: int
) -> NDArray[np.float64]:
    peaks = t_peaks(beat, onset, j_point, rr)
    smoothed = smooth(beat.signal, beat.fs, T_SMOOTHING)
    height = np.where(peaks < 0, np.nan, smoothed[np.arange(len(peaks)), peaks])
    return np.asarray(height - beat.signal[:, onset - samples : onset].mean(axis=1))


def _at(signal: NDArray[np.float64], index: NDArray[np.int64]) -> NDArray[np.float64]:
    """The signal at `index`, shape (leads, *index.shape); NaN outside the recording."""
    inside = (index >= 0) & (index < signal.shape[1])
    return np.where(inside, signal[:, np.where(inside, index, 0)], np.nan)
