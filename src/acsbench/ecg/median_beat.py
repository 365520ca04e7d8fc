"""Twelve leads of the whole time as the study made them: each lead's median beat, repeated."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from acsbench.ecg.leads import LEADS
from acsbench.ecg.printed import STRIPS

_WINDOW = 0.8  # s, centred on the R-peak


def repeat_median_beat(
    page: NDArray[np.float64], r_peaks: ArrayLike, fs: float
) -> NDArray[np.float64]:
    """Put each lead's median beat at every R-peak, and V1, II and V5 as their strips show them.

    The beat is damped by a Hann window, so that off the R-peak it is too small, and what was
    measured is replaced. It is the study's method, kept to reproduce its input.

    Args:
        page: printed page, shape (15, samples), mV with NaN.
        r_peaks: sample indices of the R-peaks over the whole time.
        fs: sampling rate, Hz.

    Returns:
        Shape (12, samples), mV. A lead without a whole beat stays 0.
    """
    r_peaks = np.asarray(r_peaks, dtype=np.int64)
    half = round(_WINDOW * fs / 2)
    leads = np.zeros((len(LEADS), page.shape[1]))
    taper = np.hanning(2 * half)
    for lead, printed in zip(leads, page, strict=False):
        beat = _median_beat(printed, r_peaks, half)
        if beat is not None:
            _add_at(lead, beat * taper, r_peaks - half)
    for strip, name in zip(page[len(LEADS) :], STRIPS, strict=True):
        leads[LEADS.index(name)] = np.nan_to_num(strip, nan=0.0)
    return leads


def _median_beat(
    lead: NDArray[np.float64], r_peaks: NDArray[np.int64], half: int
) -> NDArray[np.float64] | None:
    """Median of the windows of 2 × `half` samples that fit; gaps are closed up, as in the study."""
    valid = np.flatnonzero(np.isfinite(lead))
    if not len(valid):
        return None
    # Peaks are moved by the first valid sample alone, also behind a gap.
    peaks = r_peaks[(r_peaks >= valid[0]) & (r_peaks <= valid[-1])] - valid[0]
    peaks = peaks[(peaks >= half) & (peaks + half <= len(valid))]
    if not len(peaks):
        return None
    index = peaks[:, None] + np.arange(-half, half)
    return np.asarray(np.median(lead[valid][index], axis=0))


def _add_at(
    lead: NDArray[np.float64], beat: NDArray[np.float64], starts: NDArray[np.int64]
) -> None:
    """Add a beat at each start, cut off at the ends of the lead."""
    for start in starts:
        first, last = max(start, 0), min(start + len(beat), len(lead))
        if first < last:
            lead[first:last] += beat[first - start : last - start]
