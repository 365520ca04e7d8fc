"""Where the QRS complex begins and ends, in all leads together."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.ndimage import median_filter, uniform_filter1d

from acsbench.ecg.beats import RepresentativeBeat, smooth
from acsbench.ecg.gaps import fill_gaps, with_gaps

_NEAR = 0.10  # s around the R-peak within which the complex is steepest
_SPIKE = 0.012  # s, longer than twice a pacing spike
_SPIKE_RISE = 0.002  # s
_SPIKE_BEND = 0.15  # mV
_SPIKE_OVER_NOISE = 30.0
_SPIKE_NEAR = 0.025  # s around the onset
_SPIKE_ENDS = 0.020  # s
_SMOOTHING = 0.020  # s, which also takes out mains
_SLOPE = 0.006  # s on either side over which a slope is taken
_ONSET_SLOPE = 0.055  # of the steepest slope of the QRS complex
_J_SLOPE = 0.085
_ONSET_QUIET, _J_QUIET = 0.012, 0.014  # s for which the slope stays small
_QRS_BEFORE, _QRS_AFTER = 0.18, 0.22  # s around the steepest slope
_SHORTEST_QRS = 0.03  # s
_ST_AND_T = (0.08, 0.26)  # s after the steepest slope
_LEAST_CONTRAST = 3.0  # steepest slope over the slope of the quiet parts


class QrsBounds(NamedTuple):
    """Where a QRS complex lies, as indices into its representative beat.

    Attributes:
        onset, j_point: where it begins and ends.
        spike: where a pacemaker's spike precedes it; None if there is none.
    """

    onset: int
    j_point: int
    spike: int | None = None


def qrs_bounds(beat: RepresentativeBeat) -> QrsBounds | None:
    """QRS onset and J point of all leads together.

    Both are where the mean absolute slope of the leads, seen from the steepest part of the
    complex, has come down to the slope of the quiet part before or after plus 5.5 % (onset) or
    8.5 % (J point) of what the complex rises above it, and stays there. The percentages put
    them amid the leads' own onsets and ends as cardiologists marked them in every second
    recording of LUDB (Kalyakulina et al., IEEE Access 8:186181, 2020).

    Args:
        beat: the representative beat.

    Returns:
        The bounds, of a paced complex without the spike; None if no complex stands out.
    """
    fs = beat.fs
    usable = beat.signal[np.isfinite(beat.signal).any(axis=1)]
    if not len(usable):
        return None
    slope = _mean_slope(usable, fs)
    near = slice(beat.r_peak - round(_NEAR * fs), beat.r_peak + round(_NEAR * fs) + 1)
    steepest = near.start + int(slope[near].argmax())
    first = max(steepest - round(_QRS_BEFORE * fs), 0)
    last = min(steepest + round(_QRS_AFTER * fs), len(slope) - 1)
    before = uniform_filter1d(slope, max(1, round(0.02 * fs)))[first:steepest].min()
    # The ST segment and the flat top of the T wave; a minimum would be lower than both.
    st_and_t = slice(steepest + round(_ST_AND_T[0] * fs), steepest + round(_ST_AND_T[1] * fs))
    after = np.quantile(slope[st_and_t], 0.2)
    top = slope[steepest]
    if not top > _LEAST_CONTRAST * max(before, after):
        return None
    onset = _quiet_from(
        slope[first : steepest + 1][::-1] < before + _ONSET_SLOPE * (top - before),
        max(1, round(_ONSET_QUIET * fs)),
    )
    j_point = _quiet_from(
        slope[steepest : last + 1] < after + _J_SLOPE * (top - after), max(1, round(_J_QUIET * fs))
    )
    if onset is None or j_point is None:
        return None
    begin, end = steepest - onset, steepest + j_point
    spike = _pacing_spike(beat, begin)
    if spike is not None:
        begin = max(begin, spike + round(_SPIKE_ENDS * fs))
    return QrsBounds(begin, end, spike) if (end - begin) / fs >= _SHORTEST_QRS else None


def _pacing_spike(beat: RepresentativeBeat, onset: int) -> int | None:
    """Where a pacemaker's spike begins the QRS complex.

    A spike bends the signal within two milliseconds as no heart does so early in a complex: of
    LUDB's recordings, only those with a pacemaker have one.

    Args:
        beat: the representative beat.
        onset: where the complex seems to begin, the spike included.

    Returns:
        Index into `beat.signal`; None if there is no spike.
    """
    step = max(1, round(_SPIKE_RISE * beat.fs))
    signal = beat.signal
    bend = np.zeros(signal.shape)
    bend[:, step:-step] = np.abs(
        signal[:, 2 * step :] - 2 * signal[:, step:-step] + signal[:, : -2 * step]
    )
    # A sample that is missing bends nothing.
    bend = np.nan_to_num(bend)
    # One lead may have an artefact; a spike is in most.
    typical = np.sort(bend, axis=0)[-min(3, len(bend))]
    first = max(onset - round(_SPIKE_NEAR * beat.fs), 0)
    near = typical[first : onset + round(_SPIKE_NEAR * beat.fs) + 1]
    if near.max() < max(_SPIKE_BEND, _SPIKE_OVER_NOISE * np.median(typical)):
        return None
    return first + int(near.argmax())


def _mean_slope(signal: NDArray[np.float64], fs: float) -> NDArray[np.float64]:
    """Mean over the leads of the absolute slope, mV per 12 ms; shape (samples,)."""
    reach = max(1, round(_SLOPE * fs))
    known = np.isfinite(signal)
    spikeless = median_filter(fill_gaps(signal, known), size=(1, 2 * round(_SPIKE / 2 * fs) + 1))
    smoothed = smooth(with_gaps(spikeless, known), fs, _SMOOTHING)
    slope = np.zeros(signal.shape)
    slope[:, reach:-reach] = np.abs(smoothed[:, 2 * reach :] - smoothed[:, : -2 * reach])
    slope = np.nan_to_num(slope)
    # Leads noisier than most count less, by what they show outside waves.
    noise = np.quantile(slope, 0.25, axis=1)
    typical = np.median(noise[noise > 0]) if noise.any() else 1.0
    weights = typical / np.maximum(noise, typical)
    return np.asarray(weights @ slope / weights.sum())


def _quiet_from(quiet: NDArray[np.bool_], length: int) -> int | None:
    """The first index from which `length` entries in a row are true."""
    if len(quiet) < length:
        return None
    runs = sliding_window_view(quiet, length).all(axis=1)
    return int(runs.argmax()) if runs.any() else None
