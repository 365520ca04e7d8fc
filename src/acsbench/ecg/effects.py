"""What parts of an ECG did to something: laid out by lead, averaged over beats, summed by wave.

An effect is a number for each sample, such as how much it moved a model's logit.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from acsbench.ecg.delineation import delineate_beats
from acsbench.ecg.leads import LEADS
from acsbench.ecg.printed import COLUMNS, ROWS

PARTS = ("P–Q", "QRS", "ST–T", "between")
"""From the onset of P to the QRS complex, the QRS complex, from J to the end of T, the rest."""
LEAST_INFLUENCE = 0.005
"""Effects that add up to less, without their signs, are no influence: they would print as 0."""
_BEAT_BEGINS = 0.6  # of the RR interval after the beat before: behind most T waves
_QRS_HALF = 0.06  # s, of a beat that could not be delineated
_ST_T = 0.32  # s behind J, of a beat without a T wave
_SMOOTHING = 0.012  # s, standard deviation


def has_influence(effects: NDArray[np.float64]) -> bool:
    """Whether effects are more than nothing: else they must not be drawn as shares of the largest.

    Args:
        effects: of samples, NaN where a lead is not there.
    """
    return bool(np.nansum(np.abs(effects)) >= LEAST_INFLUENCE)


def leads_from_rows(values: NDArray[np.floating], rows: Sequence[str]) -> NDArray[np.float64]:
    """A stored array by leads.

    Args:
        values: shape (rows, samples).
        rows: names of the rows: leads, or leads that follow one another, as in `I+aVR+V1+V4`.

    Returns:
        Shape (12, samples), in the standard order; NaN where a lead is in no row.

    Raises:
        ValueError: a row holds something else than leads.
    """
    leads = np.full((len(LEADS), values.shape[1]), np.nan)
    for name, row in zip(rows, values, strict=True):
        parts = name.split("+")
        if len(parts) not in (1, COLUMNS) or not set(parts) <= set(LEADS):
            raise ValueError(f"{name!r} is neither a lead nor {COLUMNS} leads in a row")
        borders = np.arange(len(parts) + 1) * values.shape[1] // len(parts)
        for number, lead in enumerate(parts):
            part = slice(borders[number], borders[number + 1])
            leads[LEADS.index(lead), part] = row[part]
    return leads


def is_printed(rows: Sequence[str]) -> bool:
    """Whether an array has the three rows of a printed page."""
    return len(rows) == ROWS and all("+" in name for name in rows)


def beats_of(
    signal: NDArray[np.floating], fs: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """R-peaks, and the part of the beat that each sample belongs to.

    Args:
        signal: simultaneous rows, shape (rows, samples), NaN where nothing was recorded.
        fs: sampling rate, Hz.

    Returns:
        R-peaks as sample indices, shape (beats,); indices into `PARTS`, shape (samples,).
    """
    marks = delineate_beats(signal, fs).common
    r_peaks = marks[:, 1, 1]
    part = np.full(signal.shape[1], PARTS.index("between"))
    qrs_on = np.where(np.isnan(marks[:, 1, 0]), r_peaks - _QRS_HALF * fs, marks[:, 1, 0])
    j_point = np.where(np.isnan(marks[:, 1, 2]), r_peaks + _QRS_HALF * fs, marks[:, 1, 2])
    t_end = np.where(np.isnan(marks[:, 2, 2]), j_point + _ST_T * fs, marks[:, 2, 2])
    p_on = np.where(np.isnan(marks[:, 0, 0]), qrs_on, marks[:, 0, 0])
    # In this order: where beats follow fast, a QRS complex outweighs what lies over it.
    for name, begins, ends in (
        ("ST–T", j_point, t_end),
        ("P–Q", p_on, qrs_on),
        ("QRS", qrs_on, j_point),
    ):
        for begin, end in zip(begins, ends, strict=True):
            part[max(round(begin), 0) : max(round(end), 0)] = PARTS.index(name)
    return r_peaks.astype(np.int64), part


def averaged_over_beats(
    effects: NDArray[np.float64], r_peaks: NDArray[np.int64], fs: float
) -> NDArray[np.float64]:
    """Each lead's effects averaged over its beats, and put back at every beat.

    A beat reaches from three fifths of the RR interval before its R-peak to three fifths after.
    The average over beats says what about a wave mattered, where the effect of a single sample
    is mostly noise; for the same reason it is smoothed, by 12 ms (standard deviation).

    Args:
        effects: shape (leads, samples), NaN where a lead is not printed.
        r_peaks: sample indices.
        fs: sampling rate, Hz.

    Returns:
        The same shape; as it was, but smoothed, without an R-peak.
    """
    known = np.isfinite(effects)
    if len(r_peaks):
        borders = r_peaks[:-1] + _BEAT_BEGINS * np.diff(r_peaks)
        time = np.arange(effects.shape[1])
        offset = time - r_peaks[np.searchsorted(borders, time)]
        offset -= offset.min()
        averaged = np.full_like(effects, np.nan)
        for lead, values, there in zip(averaged, effects, known, strict=True):
            total = np.bincount(offset[there], values[there], offset.max() + 1)
            count = np.bincount(offset[there], minlength=offset.max() + 1)
            lead[there] = total[offset[there]] / count[offset[there]]
        effects = averaged
    return _smoothed(effects, known, fs)


def effects_by_part(effects: NDArray[np.float64], part: NDArray[np.int64]) -> pd.DataFrame:
    """Sums over the parts of the beats.

    Args:
        effects: shape (12, samples), NaN where a lead is not printed.
        part: of each sample, as from `beats_of`.

    Returns:
        One row per lead, one column per part of `PARTS`.
    """
    sums = {
        name: np.nansum(effects[:, part == number], axis=1) for number, name in enumerate(PARTS)
    }
    return pd.DataFrame(sums, index=pd.Index(LEADS, name="lead"))


def _smoothed(
    effects: NDArray[np.float64], known: NDArray[np.bool_], fs: float
) -> NDArray[np.float64]:
    """Smoothed within what is known, as if there were nothing beside it."""
    width = _SMOOTHING * fs
    total = gaussian_filter1d(np.where(known, effects, 0.0), width, axis=1, mode="constant")
    weight = gaussian_filter1d(known.astype(float), width, axis=1, mode="constant")
    return np.where(known, total / np.maximum(weight, 1e-9), np.nan)
