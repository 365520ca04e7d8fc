"""All that is measured of an ECG, as arrays over its leads."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from acsbench.ecg.beat_measurements import (
    FLAT,
    ST_DELAYS,
    Values,
    levels,
    p_measurements,
    qrs_measurements,
    st_shape,
    t_measurements,
    wave_area,
)
from acsbench.ecg.beats import RepresentativeBeat, representative_beat
from acsbench.ecg.intervals import CORRECTIONS, angle_between, corrected_qt, frontal_axis
from acsbench.ecg.p_and_t import Wave, p_wave_before
from acsbench.ecg.qrs import QrsBounds, qrs_bounds
from acsbench.ecg.qrs_waves import QRS_WAVES
from acsbench.ecg.recording import Recording
from acsbench.ecg.working_rate import at_working_rate

POSITIONS = ("qrs_onset", "j_point")
LEVELS = ("j_level", "st60", "t_amplitude")
PER_LEAD = (
    *(f"{wave}_{kind}" for wave in ("p", *QRS_WAVES) for kind in ("amplitude", "duration")),
    "t_duration",
    *(f"st{delay}" for delay in ST_DELAYS if delay != 60),
    "st_slope",
    "st_bulge",
    "t_to_r",
    "qrs_area",
    "noise",
    "beats",
    "seconds",
)
GLOBAL = (
    "rate_seconds",
    "rr_variation",
    "p_share",
    "paced",
    "pr_interval",
    "qrs_duration",
    "qt_interval",
    *(f"qtc_{name}" for name in CORRECTIONS),
    "p_axis",
    "qrs_axis",
    "t_axis",
    "qrs_t_angle",
)
_SIMULTANEOUS = 0.5  # of the shorter lead's time that two leads must share to be timed together


def measured_values(recording: Recording, detailed: bool = True) -> Values:
    """What `measure` tells in numbers, without the time that making a table takes.

    Args:
        recording: any leads; NaN where nothing was recorded.
        detailed: whether more than positions, levels and heart rate is wanted.

    Returns:
        By column of `measure`, the value of each lead, shape (leads,), NaN where it cannot be
        measured; positions are not rounded.

    Raises:
        ValueError: the sampling rate is below 60 Hz.
    """
    working = at_working_rate(recording.signal, recording.fs)
    signal, r_peaks, rr = working.signal, working.r_peaks, working.rr
    count = len(recording.leads)
    values: Values = {}
    for leads in simultaneous(np.isfinite(signal)):
        for name, found in _measure_together(
            signal[leads], r_peaks, working.fs, rr, detailed
        ).items():
            values.setdefault(name, np.full(count, np.nan))[leads] = found
    unknown = np.full(count, np.nan)
    columns = {name: values.get(name, unknown) * working.scale for name in POSITIONS}
    columns |= {name: values.get(name, unknown) for name in LEVELS}
    columns["heart_rate"] = np.full(count, 60 / rr)
    if detailed:
        columns |= {name: values.get(name, unknown) for name in PER_LEAD}
        seconds = np.isfinite(signal).sum(axis=1) / working.fs
        columns["seconds"] = np.where(np.isfinite(columns["j_point"]), seconds, np.nan)
        whole = _global(values, recording.leads, 60 / rr)
        whole["rr_variation"] = _rr_variation(working.intervals)
        whole["rate_seconds"] = working.searched if np.isfinite(rr) else np.nan
        columns |= {name: np.full(count, whole.get(name, np.nan)) for name in GLOBAL}
    return columns


def simultaneous(known: NDArray[np.bool_]) -> list[NDArray[np.int64]]:
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
    signal: NDArray[np.float64], r_peaks: NDArray[np.int64], fs: float, rr: float, detailed: bool
) -> Values:
    """All that can be measured of simultaneous leads, by name."""
    beat = representative_beat(signal, r_peaks, fs)
    qrs = qrs_bounds(beat) if beat is not None else None
    if beat is None or qrs is None:
        return {}
    values = levels(signal, beat, qrs, ST_DELAYS if detailed else (60,))
    if not values:
        return {}
    of_t, t = t_measurements(beat, qrs, rr)
    values |= of_t
    if detailed:
        p = p_wave_before(beat, qrs, t, rr)
        values |= qrs_measurements(beat, qrs) | st_shape(beat, values, t, qrs)
        if p is not None:
            values |= p_measurements(beat, p)
        values |= _intervals(beat, qrs, p, t) | _areas(beat, qrs, p, t)
        r = np.fmax(values["r_amplitude"], values["r2_amplitude"])
        if t is not None:
            values["t_to_r"] = values["t_amplitude"] / np.where(r > 0, r, np.nan)
    flat = np.nan_to_num(np.ptp(beat.signal[:, qrs.onset : qrs.j_point + 1], axis=1)) < FLAT
    for name in values.keys() - {*POSITIONS, *_OF_ALL_LEADS}:
        values[name] = np.where(flat, np.nan, values[name])
    return values


_OF_ALL_LEADS = ("pr_interval", "qrs_duration", "qt_interval", "p_share", "paced")


def _intervals(beat: RepresentativeBeat, qrs: QrsBounds, p: Wave | None, t: Wave | None) -> Values:
    """PR, QRS and QT, ms; share of beats with P wave; paced or not."""
    found = {
        "qrs_duration": float(qrs.j_point - qrs.onset),
        "pr_interval": np.nan if p is None else qrs.onset - p.common[0],
        "qt_interval": np.nan if t is None else t.common[2] - qrs.onset,
    }
    intervals = {name: 1000 * samples / beat.fs for name, samples in found.items()}
    intervals["p_share"] = 0.0 if p is None else float(p.present.mean())
    intervals["paced"] = float(qrs.spike is not None)
    return {name: np.full(len(beat.signal), value) for name, value in intervals.items()}


def _areas(beat: RepresentativeBeat, qrs: QrsBounds, p: Wave | None, t: Wave | None) -> Values:
    """Net areas of P and T, mV ms, for their axes."""
    areas = {}
    if p is not None:
        onset, _, end = p.common.astype(int)
        areas["p_area"] = wave_area(beat, onset, end, level_at=onset)
    if t is not None:
        onset, _, end = t.common.astype(int)
        areas["t_area"] = wave_area(beat, onset, end, level_at=qrs.onset)
    return areas


def _global(values: Values, leads: tuple[str, ...], heart_rate: float) -> dict[str, float]:
    """What is said of the whole ECG: medians over the groups' leads, QTc, axes."""
    whole = {name: _median(values[name]) for name in _OF_ALL_LEADS if name in values}
    corrected = corrected_qt(whole.get("qt_interval", np.nan), heart_rate)
    whole |= {f"qtc_{name}": ms for name, ms in corrected.items()}
    if "I" in leads and "II" in leads:
        frontal = [leads.index("I"), leads.index("II")]
        for wave in ("p", "qrs", "t"):
            if f"{wave}_area" in values:
                whole[f"{wave}_axis"] = float(frontal_axis(*values[f"{wave}_area"][frontal]))
    whole["qrs_t_angle"] = angle_between(whole.get("qrs_axis", np.nan), whole.get("t_axis", np.nan))
    return whole


def _median(values: NDArray[np.float64]) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else np.nan


def _rr_variation(intervals: NDArray[np.float64]) -> float:
    """Median difference between neighbouring RR intervals, over the median interval."""
    differences = np.diff(intervals)
    differences = differences[np.isfinite(differences)]
    if not len(differences):
        return np.nan
    return float(np.median(np.abs(differences)) / np.nanmedian(intervals))
