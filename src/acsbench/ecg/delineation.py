"""Onset, peak and end of P wave, QRS complex and T wave, in each lead and in all together.

They are found in the representative beat, at the rate at which `measure` works, and carried from
there to every beat of the recording.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from acsbench.ecg.beats import RepresentativeBeat, beat_kinds, smooth
from acsbench.ecg.p_and_t import p_wave_before, t_wave
from acsbench.ecg.qrs import qrs_bounds
from acsbench.ecg.working_rate import at_working_rate

WAVES = ("P", "QRS", "T")
POINTS = ("onset", "peak", "end")
_R_SMOOTHING = 0.006  # s
_TYPICAL_RR = 0.8  # s, where a single beat was recorded


@dataclass(frozen=True, eq=False)
class Fiducials:
    """The nine fiducials of beats, in samples.

    Attributes:
        common: in all leads together, shape (beats, 3 waves, 3 points), in the order of `WAVES`
            and `POINTS`; NaN where a beat has no such wave.
        leads: in each lead, shape (beats, leads, 3 waves, 3 points). A QRS complex begins and
            ends in all leads at once: a lead's own bounds are no nearer to those that
            cardiologists mark in it.
    """

    common: NDArray[np.float64]
    leads: NDArray[np.float64]


def delineate(beat: RepresentativeBeat, rr: float) -> Fiducials | None:
    """Fiducials of each beat that a representative beat stands for.

    Args:
        beat: the representative beat.
        rr: RR interval, s; NaN where it is unknown.

    Returns:
        Fiducials as indices into the recording, one beat each, in the order of
        `beat.r_peaks`; None if no QRS complex stands out.
    """
    bounds = qrs_bounds(beat)
    if bounds is None:
        return None
    onset, j_point, _ = bounds
    rr = rr if np.isfinite(rr) else _TYPICAL_RR
    n_leads, n_beats = len(beat.signal), len(beat.r_peaks)
    common = np.full((n_beats, 3, 3), np.nan)
    leads = np.full((n_beats, n_leads, 3, 3), np.nan)
    common[:, 1] = onset, beat.r_peak, j_point
    leads[:, :, 1, 0], leads[:, :, 1, 2] = onset, j_point
    leads[:, :, 1, 1] = _qrs_peaks(beat, onset, j_point)
    t = t_wave(beat, onset, j_point, rr)
    p = p_wave_before(beat, bounds, t, rr)
    for place, wave in ((0, p), (2, t)):
        if wave is not None:
            common[wave.present, place] = wave.common
            leads[wave.present, :, place] = wave.leads
    shift = (beat.r_peaks - beat.r_peak)[:, None, None]
    return Fiducials(common + shift, leads + shift[:, None])


def _qrs_peaks(beat: RepresentativeBeat, onset: int, j_point: int) -> NDArray[np.float64]:
    """The largest deflection of each lead, shape (leads,); NaN where nothing was recorded."""
    smoothed = smooth(beat.signal, beat.fs, _R_SMOOTHING)
    level = smoothed[:, max(onset - round(0.010 * beat.fs), 0) : onset + 1].mean(axis=1)
    deflection = np.abs(smoothed[:, onset : j_point + 1] - level[:, None])
    known = np.isfinite(deflection).all(axis=1)
    return np.where(known, onset + np.nan_to_num(deflection).argmax(axis=1), np.nan)


def delineate_beats(signal: ArrayLike, fs: float) -> Fiducials:
    """Fiducials of every beat of simultaneous leads.

    They are found where `measure` finds them: in the recording at 500 Hz, if it is slower.

    Args:
        signal: shape (leads, samples), mV, NaN where nothing was recorded.
        fs: sampling rate, Hz.

    Returns:
        Fiducials as sample indices, not rounded; beats in order of time. A beat that is too
        unlike a QRS complex to be delineated has its R-peak alone; what would lie outside the
        recording is NaN.

    Raises:
        ValueError: the sampling rate is below 60 Hz.
    """
    values = np.atleast_2d(np.asarray(signal, dtype=np.float64))
    working = at_working_rate(values, fs)
    parts = []
    for kind in beat_kinds(working.signal, working.r_peaks, working.fs):
        found = delineate(kind, working.rr)
        parts.append(found if found is not None else _peaks_alone(kind.r_peaks, len(values)))
    if not parts:
        parts = [_peaks_alone(working.r_peaks, len(values))]
    common = np.concatenate([part.common for part in parts])
    leads = np.concatenate([part.leads for part in parts])
    order = common[:, 1, 1].argsort()
    return Fiducials(
        *(_inside(marks[order] * working.scale, values.shape[1]) for marks in (common, leads))
    )


def _peaks_alone(r_peaks: NDArray[np.int64], n_leads: int) -> Fiducials:
    common = np.full((len(r_peaks), 3, 3), np.nan)
    common[:, 1, 1] = r_peaks
    return Fiducials(common, np.repeat(common[:, None], n_leads, axis=1))


def _inside(marks: NDArray[np.float64], samples: int) -> NDArray[np.float64]:
    return np.where((marks >= 0) & (marks <= samples - 1), marks, np.nan)
