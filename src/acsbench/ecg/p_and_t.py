"""Onset, peak and end of P and T waves, in all leads together and in each.

All leads together are seen as one trace: their sum, weighted by how much each shows of the wave
(the first principal component of what deviates from a straight line). It has less noise than
any lead; each lead's own wave is then looked for near it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from acsbench.ecg.beats import RepresentativeBeat, smooth
from acsbench.ecg.gaps import fill_gaps
from acsbench.ecg.qrs import QrsBounds

SMOOTHING = 0.020  # s, which also takes out mains
_SLOPE = 0.010  # s on either side over which a slope is taken

_T_START = 0.08  # s after the J point
_T_RISE = 0.04  # s after the J point, where it may begin
_T_END_BAZETT, _T_END_RR = 0.60, 0.66  # s after QRS onset, times sqrt(RR / s), and of RR
_SHORTEST_T_WINDOW = 0.10  # s
_P_START = 0.30  # s before QRS onset
_BEFORE_SPIKE = 0.012  # s that smoothing spreads a pacemaker's spike over
_SHORTEST_P_WINDOW = 0.06  # s
_P_CORE = 0.05  # s around its peak over which P waves of beats are compared
_COHERENT = 0.75
"""Correlation of P waves with one another, from beat to beat, below which there is none."""
_LEAST_ALIKE = 0.3
"""The same of a single beat, below which this beat has none."""
_SMALLEST = 0.02  # mV, length of the vector of all leads


@dataclass(frozen=True)
class _Rule:
    """Where a wave begins and ends: where its slope has come down to a share of the steepest.

    The shares were chosen on every second recording of LUDB, for least bias and spread against
    the cardiologists' marks.

    Args:
        reach: s on either side of the peak in which the wave rises and falls.
        onset, end: shares of the trace of all leads together.
        lead_onset, lead_end: shares of a single lead.
        spread: s by which a lead's peak typically lies beside the common one.
        beyond: s by which a lead's wave may begin before or end after the common one.
    """

    reach: float
    onset: float
    end: float
    lead_onset: float
    lead_end: float
    spread: float
    beyond: float


_T = _Rule(0.20, onset=0.4, end=0.3, lead_onset=0.2, lead_end=0.3, spread=0.06, beyond=0.015)
_P = _Rule(0.10, onset=0.4, end=0.5, lead_onset=0.3, lead_end=0.5, spread=0.03, beyond=0.010)


@dataclass(frozen=True, eq=False)
class Wave:
    """A wave of a representative beat; indices into its signal.

    Attributes:
        common: onset, peak and end in all leads together, shape (3,).
        leads: those of each lead, shape (leads, 3); NaN for a lead that was not recorded.
        present: in which of the beats the wave is seen, shape (beats,).
    """

    common: NDArray[np.float64]
    leads: NDArray[np.float64]
    present: NDArray[np.bool_]


def t_wave(beat: RepresentativeBeat, onset: int, j_point: int, rr: float) -> Wave | None:
    """The T wave.

    Args:
        beat: the representative beat.
        onset, j_point: from `qrs_bounds`.
        rr: RR interval, s.

    Returns:
        The wave; None if nothing rises above a straight line.
    """
    fs = beat.fs
    first = j_point + round(_T_START * fs)
    last = onset + round(min(_T_END_BAZETT * np.sqrt(rr), _T_END_RR * rr) * fs)
    last = min(max(last, first + round(_SHORTEST_T_WINDOW * fs)), beat.signal.shape[1] - 1)
    if last - first < _SHORTEST_T_WINDOW * fs / 2:
        return None
    found = _wave(
        beat, (first, last), (j_point + round(_T_RISE * fs), beat.signal.shape[1] - 1), _T
    )
    if found is None:
        return None
    return Wave(found.common, found.leads, np.ones(len(beat.r_peaks), dtype=bool))


def p_wave_before(
    beat: RepresentativeBeat, qrs: QrsBounds, t: Wave | None, rr: float
) -> Wave | None:
    """The P wave between the T wave before and the QRS complex, or the pacemaker's spike.

    Args:
        beat: the representative beat.
        qrs: its bounds.
        t: its T wave, if there is one.
        rr: RR interval, s.
    """
    last = qrs.onset if qrs.spike is None else qrs.spike - round(_BEFORE_SPIKE * beat.fs)
    previous_end = 0.0 if t is None or np.isnan(rr) else t.common[2] - rr * beat.fs
    return p_wave(beat, last, max(previous_end, 0.0))


def p_wave(beat: RepresentativeBeat, last: int, previous_end: float) -> Wave | None:
    """The P wave before the QRS complex, if beats show the same one.

    Args:
        beat: the representative beat.
        last: where it ends at the latest, at QRS onset or a pacemaker's spike.
        previous_end: where the T wave of the beat before ended, as an index into this one's
            signal; may be negative.

    Returns:
        The wave; None where beats do not have one in common, as in atrial fibrillation.
    """
    fs = beat.fs
    first = max(last - round(_P_START * fs), round(previous_end), 0)
    if last - first < _SHORTEST_P_WINDOW * fs:
        return None
    found = _wave(beat, (first, last), (first, last), _P)
    if found is None:
        return None
    alike = _alike(beat, found, first, last)
    if np.quantile(alike, 0.25) < _COHERENT:
        return None
    return Wave(found.common, found.leads, alike >= _LEAST_ALIKE)


@dataclass(frozen=True, eq=False)
class _Found:
    common: NDArray[np.float64]
    leads: NDArray[np.float64]
    weights: NDArray[np.float64]


def _wave(
    beat: RepresentativeBeat, window: tuple[int, int], bounds: tuple[int, int], rule: _Rule
) -> _Found | None:
    """The largest wave whose peak lies in a window, and which lies whole within bounds."""
    fs = beat.fs
    first, last = window
    known = np.asarray(np.isfinite(beat.signal[:, first : last + 1]).all(axis=1))
    # What is missing beside the window has no edge that could be taken for a wave's.
    smoothed = np.where(known[:, None], fill_gaps(smooth(beat.signal, fs, SMOOTHING)), 0.0)
    deviation = _above_chord(smoothed[:, first : last + 1])
    weights = np.linalg.svd(deviation, full_matrices=False)[0][:, 0]
    trace = weights @ deviation
    peak = int(np.abs(trace).argmax())
    if not abs(trace[peak]) > _SMALLEST:
        return None
    weights = weights * np.sign(trace[peak])
    slope = _slope(smoothed, fs)
    reach, beyond = round(rule.reach * fs), round(rule.beyond * fs)
    common_slope = weights @ slope
    peak += first
    onset = _rise(common_slope, max(peak - reach, bounds[0]), peak, rule.onset)
    end = _fall(common_slope, peak, min(peak + reach, bounds[1]), rule.end)
    near = np.exp(-0.5 * ((np.arange(first, last + 1) - peak) / (rule.spread * fs)) ** 2)
    places = (np.abs(deviation) * near).argmax(axis=1)
    signs = np.sign(deviation[np.arange(len(places)), places])
    leads = np.full((len(known), 3), np.nan)
    for lead in np.flatnonzero(known):
        own, own_slope = first + int(places[lead]), signs[lead] * slope[lead]
        earliest = min(max(onset - beyond, bounds[0]), own)
        latest = max(min(end + beyond, bounds[1]), own)
        leads[lead] = (
            _rise(own_slope, earliest, own, rule.lead_onset),
            own,
            _fall(own_slope, own, latest, rule.lead_end),
        )
    return _Found(np.array([onset, peak, end], dtype=float), leads, weights)


def _above_chord(cut: NDArray[np.float64]) -> NDArray[np.float64]:
    """What deviates from the straight line between both ends, along the last axis."""
    rising = np.linspace(0.0, 1.0, cut.shape[-1])
    return np.asarray(cut - (cut[..., :1] * (1 - rising) + cut[..., -1:] * rising))


def _slope(smoothed: NDArray[np.float64], fs: float) -> NDArray[np.float64]:
    reach = max(1, round(_SLOPE * fs))
    slope = np.zeros(smoothed.shape)
    slope[:, reach:-reach] = smoothed[:, 2 * reach :] - smoothed[:, : -2 * reach]
    return slope


def _rise(slope: NDArray[np.float64], earliest: int, peak: int, share: float) -> int:
    """Where, going back from the steepest rise before the peak, the slope falls to a share."""
    steepest = earliest + int(slope[earliest : peak + 1].argmax())
    low = slope[earliest : steepest + 1][::-1] < share * slope[steepest]
    return steepest - int(low.argmax()) if low.any() else earliest


def _fall(slope: NDArray[np.float64], peak: int, latest: int, share: float) -> int:
    """Where, after the steepest fall behind the peak, the slope comes back to a share."""
    steepest = peak + int(slope[peak : latest + 1].argmin())
    low = slope[steepest : latest + 1] > share * slope[steepest]
    return steepest + int(low.argmax()) if low.any() else latest


def _alike(beat: RepresentativeBeat, found: _Found, first: int, last: int) -> NDArray[np.float64]:
    """How well each beat's wave correlates with the others', shape (beats,); 1 for a lone beat."""
    fs = beat.fs
    # Each beat is less its own level, so that 0 is its isoelectric line.
    cut = np.nan_to_num(beat.beats[:, :, first : last + 1])
    traces = _above_chord(smooth(np.tensordot(found.weights, cut, axes=1), fs, SMOOTHING))
    peak, core = int(found.common[1]) - first, round(_P_CORE * fs)
    traces = traces[:, max(peak - core, 0) : peak + core + 1]
    traces = traces - traces.mean(axis=1, keepdims=True)
    if len(traces) == 1:
        return np.ones(1)
    others = traces.sum(axis=0) - traces
    size = np.sqrt((traces**2).sum(axis=1) * (others**2).sum(axis=1))
    return np.asarray((traces * others).sum(axis=1) / np.maximum(size, 1e-12))
