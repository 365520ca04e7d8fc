"""Numbers that a cardiologist reads off an ECG, lead by lead."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.arrays import IntegerArray

from acsbench.ecg.beat_measurements import Values
from acsbench.ecg.measured_values import GLOBAL, LEVELS, PER_LEAD, POSITIONS, measured_values
from acsbench.ecg.noise import noisy_throughout
from acsbench.ecg.recording import Recording

WORDS = ("st_shape", "quality")
"""Columns of `measure` beside `lead` that hold no numbers."""

_NOISY = 0.03  # mV, standard error of a level; a third of what counts as ST elevation
_INVERTED = -0.1  # mV


def measure_levels(recording: Recording) -> pd.DataFrame:
    """The first columns of `measure`, up to `heart_rate`, in a fraction of its time.

    Args:
        recording: any leads; NaN where nothing was recorded.

    Raises:
        ValueError: the sampling rate is below 60 Hz.
    """
    return _table(recording, detailed=False)


def measure(recording: Recording) -> pd.DataFrame:
    """Measure each lead of a recording.

    QRS onset and J point are common to all leads recorded at the same time, as in the usual
    twelve-lead ECG; on a printed page, to the leads of one column. Levels are medians over the
    beats of the most frequent kind, on the signal as given, against the mean of the 10 ms
    before QRS onset. A recording slower than 500 Hz is measured as resampled to 500 Hz.

    Args:
        recording: any leads; NaN where nothing was recorded.

    Returns:
        One row per lead, in the recording's order. Amplitudes are in mV, intervals in ms,
        angles in degrees. By lead:

        - `lead`;
        - `qrs_onset`, `j_point` (samples from the start of the recording, Int64): of the beat
          nearest the middle of what the lead holds;
        - `j_level`, `st60`: the signal at the J point and 60 ms after it; also `st20`, `st40`,
          `st80`;
        - `t_amplitude`: the T wave's peak, positive or negative, in the median beat;
        - `p_amplitude`, `p_duration` and so on of P, Q, R, S and R′ (`r2`): 0 for a wave that
          the QRS complex does not have; a complex without R wave is one Q wave; `t_duration`;
        - `st_slope` (mV/s): from J to J + 80 ms; `st_bulge`: how far the middle between J point
          and T peak lies above the straight line; `st_shape` (category): `convex` or `concave`
          where that is more than 0.05 mV, else `upsloping`, `downsloping` (1 mV/s) or
          `horizontal`;
        - `t_inverted` (boolean): the T wave is at least 0.1 mV deep; `t_to_r`: T over the larger
          of R and R′; `qrs_area` (mV ms): net;
        - `noise`: typical deviation of a single beat's J level from the median; `beats`: how
          many beats the levels are medians of; `seconds`: how long the lead was recorded without
          noise (`acsbench.ecg.noise`), which is all that is measured;
        - `quality` (category): `missing`, `flat`, `no QRS` found, `one beat`, `noisy` (the
          levels' standard error is above 0.03 mV, or the lead has fast noise of more than
          0.1 mV most of the time), `good`.

        The same in each row:

        - `heart_rate` (per minute): from the median RR interval, without intervals over noise or
          gaps in all leads; `rate_seconds`: how long at least one lead was free of these;
          `rr_variation`: the median difference between neighbouring RR intervals, over the
          median interval;
        - `p_share`: of the beats, how many have the P wave that they share; 0 if they share
          none; `paced` (0 or 1): a pacemaker's spike precedes the QRS complex;
        - `pr_interval`, `qrs_duration`, `qt_interval`, `qtc_bazett`, `qtc_fridericia`,
          `qtc_framingham`, `qtc_hodges`: as the typical lead of those recorded together shows
          them; medians over the columns of a page. A global QT from the earliest onset to the
          latest T end in any lead, as some devices print it, is some 20 ms longer;
        - `p_axis`, `qrs_axis`, `t_axis`: in the frontal plane, from net areas in I and II;
          `qrs_t_angle`: between the latter two, 0–180.

        What cannot be measured is missing: NA for positions, NaN for the rest. A flat lead has
        no levels. A lead that is noisy all the time is measured and named; parts that are far
        noisier than the rest of their lead are left out.

    Raises:
        ValueError: the sampling rate is below 60 Hz.

    References:
        Common onset and J point, waves of the QRS complex: CSE Working Party, Eur Heart J 6:815
        (1985).
    """
    return _table(recording, detailed=True)


def _table(recording: Recording, detailed: bool) -> pd.DataFrame:
    values = measured_values(recording, detailed)
    columns: dict[str, object] = {"lead": list(recording.leads)}
    columns |= {name: _positions(values[name]) for name in POSITIONS}
    columns |= {name: values[name] for name in (*LEVELS, "heart_rate")}
    if detailed:
        columns |= {name: values[name] for name in PER_LEAD}
        recorded = np.asarray(np.isfinite(recording.signal).any(axis=1))
        noisy = noisy_throughout(recording.signal, recording.fs)
        columns |= _categories(values, recorded, noisy)
        columns |= {name: values[name] for name in GLOBAL}
    return pd.DataFrame(columns)


def _positions(samples: NDArray[np.float64]) -> IntegerArray:
    unknown = np.isnan(samples)
    return IntegerArray(np.rint(np.where(unknown, 0, samples)).astype(np.int64), unknown)


def _categories(
    values: Values, recorded: NDArray[np.bool_], throughout: NDArray[np.bool_]
) -> dict[str, object]:
    """The columns that are words: ST shape, T inversion, quality.

    Args:
        values: of `measured_values`.
        recorded: which leads have a sample.
        throughout: which leads are noisy all the time.
    """
    slope, bulge = values["st_slope"], values["st_bulge"]
    shape = np.select(
        [np.isnan(slope), bulge > 0.05, bulge < -0.05, slope > 1.0, slope < -1.0],
        ["", "convex", "concave", "upsloping", "downsloping"],
        default="horizontal",
    )
    t_amplitude, beats = values["t_amplitude"], values["beats"]
    # 1.48 medians of absolute deviations are a standard deviation, 1.25 / √n make it the
    # standard error of a median.
    error = 1.48 * 1.25 * values["noise"] / np.sqrt(np.fmax(beats, 1))
    noisy = (error > _NOISY) | throughout
    with_qrs = np.isfinite(values["j_point"])
    quality = np.select(
        [~recorded, ~with_qrs, np.isnan(values["j_level"]), beats == 1, noisy],
        ["missing", "no QRS", "flat", "one beat", "noisy"],
        default="good",
    )
    inverted = pd.array(t_amplitude <= _INVERTED, dtype="boolean")
    inverted[np.isnan(t_amplitude)] = pd.NA
    return {
        "st_shape": pd.Categorical(shape).remove_categories([""] if "" in shape else []),
        "t_inverted": inverted,
        "quality": pd.Categorical(quality),
    }
