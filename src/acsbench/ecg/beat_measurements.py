"""Measurements of leads that were recorded together, in their representative beat."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from acsbench.ecg.beats import RepresentativeBeat, median_over_beats, smooth
from acsbench.ecg.p_and_t import SMOOTHING, Wave, t_wave
from acsbench.ecg.qrs import QrsBounds
from acsbench.ecg.qrs_waves import QRS_WAVES, qrs_waves

Values = dict[str, NDArray[np.float64]]
"""By name of the column, shape (leads,), NaN where it cannot be measured."""

ST_DELAYS = (20, 40, 60, 80)
"""Milliseconds after the J point at which the ST level is measured."""
_BASELINE = 0.010  # s before QRS onset
FLAT = 0.005
"""From peak to peak of a QRS complex, mV, the step of a digitised print."""


def baseline(beat: RepresentativeBeat, onset: int) -> NDArray[np.float64]:
    """Mean of the 10 ms before QRS onset, shape (leads,), mV."""
    samples = max(1, round(_BASELINE * beat.fs))
    return np.asarray(beat.signal[:, onset - samples : onset].mean(axis=1))


def levels(
    signal: NDArray[np.float64], beat: RepresentativeBeat, qrs: QrsBounds, delays: tuple[int, ...]
) -> Values:
    """Where the complex lies, and how high the signal is after it.

    Args:
        signal: the leads as recorded, shape (leads, samples), mV with NaN.
        beat: their representative beat.
        qrs: its bounds.
        delays: ms after the J point.

    Returns:
        `qrs_onset` and `j_point` (samples) of the beat nearest the middle of what is recorded;
        `j_level` and `st20` and so on (mV), medians over the beats; `noise` (mV), how far a
        single beat's J level typically is from that median; `beats`, how many there are.
        Empty if no beat was recorded whole.
    """
    fs = beat.fs
    onsets = beat.r_peaks + qrs.onset - beat.r_peak
    j_points = beat.r_peaks + qrs.j_point - beat.r_peak
    recorded = np.flatnonzero(np.isfinite(signal).any(axis=0))
    inside = (onsets >= recorded[0]) & (j_points <= recorded[-1])
    if not inside.any():
        return {}
    onsets, j_points = onsets[inside], j_points[inside]
    middle = np.abs(beat.r_peaks[inside] - recorded[[0, -1]].mean()).argmin()
    values = {
        "qrs_onset": np.full(len(signal), float(onsets[middle])),
        "j_point": np.full(len(signal), float(j_points[middle])),
    }
    samples = max(1, round(_BASELINE * fs))
    before = _at(signal, onsets[:, None] + np.arange(-samples, 0)).mean(axis=2)
    for delay in (0, *delays):
        level = _at(signal, j_points + round(delay / 1000 * fs)) - before
        typical = median_over_beats(level[:, :, None])
        values["j_level" if delay == 0 else f"st{delay}"] = typical[:, 0]
        if delay == 0:
            values["noise"] = median_over_beats(np.abs(level - typical)[:, :, None])[:, 0]
            values["beats"] = np.isfinite(level).sum(axis=1).astype(float)
    return values


def _at(signal: NDArray[np.float64], index: NDArray[np.int64]) -> NDArray[np.float64]:
    """The signal at `index`, shape (leads, *index.shape); NaN outside the recording."""
    inside = (index >= 0) & (index < signal.shape[1])
    return np.where(inside, signal[:, np.where(inside, index, 0)], np.nan)


def t_measurements(
    beat: RepresentativeBeat, qrs: QrsBounds, rr: float
) -> tuple[Values, Wave | None]:
    """`t_amplitude` (mV) and `t_duration` (ms), and the wave that they are of."""
    wave = t_wave(beat, qrs.onset, qrs.j_point, rr) if np.isfinite(rr) else None
    if wave is None:
        return {}, None
    return {
        "t_amplitude": _at_marks(beat, wave.leads[:, 1]) - baseline(beat, qrs.onset),
        "t_duration": 1000 * (wave.leads[:, 2] - wave.leads[:, 0]) / beat.fs,
    }, wave


def p_measurements(beat: RepresentativeBeat, wave: Wave) -> Values:
    """`p_amplitude` (mV, above the level at its onset) and `p_duration` (ms)."""
    height = _at_marks(beat, wave.leads[:, 1]) - _at_marks(beat, wave.leads[:, 0])
    return {
        "p_amplitude": height,
        "p_duration": 1000 * (wave.leads[:, 2] - wave.leads[:, 0]) / beat.fs,
    }


def _at_marks(beat: RepresentativeBeat, marks: NDArray[np.float64]) -> NDArray[np.float64]:
    """The smoothed beat of each lead at its own mark, shape (leads,)."""
    smoothed = smooth(beat.signal, beat.fs, SMOOTHING)
    values = smoothed[np.arange(len(marks)), np.nan_to_num(marks).astype(int)]
    return np.where(np.isnan(marks), np.nan, values)


def qrs_measurements(beat: RepresentativeBeat, qrs: QrsBounds) -> Values:
    """Amplitude (mV) and duration (ms) of Q, R, S and R′, and `qrs_area` (mV ms)."""
    cut = beat.signal[:, qrs.onset : qrs.j_point + 1] - baseline(beat, qrs.onset)[:, None]
    waves = np.full((len(cut), len(QRS_WAVES), 2), np.nan)
    for lead in np.flatnonzero(np.isfinite(cut).all(axis=1)):
        waves[lead] = qrs_waves(cut[lead], beat.fs)
    values = {
        f"{wave}_{kind}": waves[:, place, column]
        for place, wave in enumerate(QRS_WAVES)
        for column, kind in enumerate(("amplitude", "duration"))
    }
    return values | {"qrs_area": 1000 * cut.sum(axis=1) / beat.fs}


def st_shape(beat: RepresentativeBeat, values: Values, t: Wave | None, qrs: QrsBounds) -> Values:
    """`st_slope` (mV/s) from J to 80 ms after it, and `st_bulge` (mV).

    The bulge is how far the middle between J point and T peak lies above the straight line
    between the two: positive where the segment is convex upwards, negative where it sags.
    """
    found = {"st_slope": (values["st80"] - values["j_level"]) / 0.080}
    if t is not None:
        ends = np.full(len(beat.signal), float(qrs.j_point))
        middle = np.round((ends + t.leads[:, 1]) / 2)
        chord = (_at_marks(beat, ends) + _at_marks(beat, t.leads[:, 1])) / 2
        found["st_bulge"] = _at_marks(beat, middle) - chord
    return found


def wave_area(beat: RepresentativeBeat, onset: int, end: int, level_at: int) -> NDArray[np.float64]:
    """Net area of a wave of each lead above its level at a sample, shape (leads,), mV ms."""
    cut = beat.signal[:, onset : end + 1] - beat.signal[:, level_at : level_at + 1]
    return np.asarray(1000 * cut.sum(axis=1) / beat.fs)
