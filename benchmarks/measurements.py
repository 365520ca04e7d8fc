"""Measurements against the marks of cardiologists in LUDB, and how many ECGs per second.

LUDB's marks differ from lead to lead; ours are common to the leads. A position is compared with
the nearest mark of its own lead. ST60 and T amplitude are compared with the same definitions at
the marked onset, end and T peak: the median over all marked beats of a lead.
Thresholds were chosen on every second record ("chosen on"); the others are the test.

    OMP_NUM_THREADS=1 python benchmarks/measurements.py --ludb .cache/ludb --figure st60.svg
"""

from __future__ import annotations

import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from _ludb import MarkedEcg, arguments, machine, read
from acsbench.ecg import Recording, measure, print_page
from acsbench.ecg.measurements import measure_levels


def marked_levels(ecg: MarkedEcg) -> NDArray[np.float64]:
    """ST60 and T amplitude at the marks, mV, shape (leads, 2)."""
    ten, sixty = round(0.010 * ecg.fs), round(0.060 * ecg.fs)
    levels = np.full((len(ecg.leads), 2), np.nan)
    for lead, (signal, qrs, t) in enumerate(zip(ecg.signal, ecg.qrs, ecg.t, strict=True)):
        st, amplitude = [], []
        for onset, _, end in qrs[(qrs[:, 0] >= ten) & (qrs[:, 2] >= 0)]:
            baseline = signal[onset - ten : onset].mean()
            if end + sixty < len(signal):
                st.append(signal[end + sixty] - baseline)
            peaks = t[(t[:, 1] > end) & (t[:, 1] < end + 0.5 * ecg.fs), 1]
            if len(peaks):
                amplitude.append(signal[peaks[0] - 2 : peaks[0] + 3].mean() - baseline)
        levels[lead] = (
            np.median(st) if st else np.nan,
            np.median(amplitude) if amplitude else np.nan,
        )
    return levels


def errors(ecg: MarkedEcg, table: pd.DataFrame) -> NDArray[np.float64]:
    """Ours less marked: onset and J point (ms), ST60 and T amplitude (mV); 1 where we have no ST60.

    The shape is (leads, 5).
    """
    result = np.full((len(ecg.leads), 5), np.nan)
    for column, name in ((0, "qrs_onset"), (1, "j_point")):
        for lead, found in enumerate(table[name].to_numpy(float, na_value=np.nan)):
            marks = ecg.qrs[lead][:, 2 * column]
            difference = found - marks[marks >= 0]
            if len(difference) and np.isfinite(found):
                result[lead, column] = difference[np.abs(difference).argmin()] / ecg.fs * 1000
    # A lead may lack marks around the beat that we report; that says nothing about the measure.
    result[:, :2][np.abs(result[:, :2]) > 300] = np.nan
    result[:, 4] = table["st60"].isna()
    result[:, 2:4] = table[["st60", "t_amplitude"]].to_numpy(float) - marked_levels(ecg)
    return result


def report(name: str, error: NDArray[np.float64]) -> None:
    absolute = np.abs(error)
    print(
        f"{name:30s}"
        + "".join(
            f"  {np.nanmedian(error[:, k]):5.1f} {np.nanmedian(absolute[:, k]):5.1f}"
            f" {np.nanmean(absolute[:, k]):5.1f}"
            for k in (0, 1)
        )
        + "".join(
            f"  {np.nanmedian(absolute[:, k]):.4f} {np.nanmean(absolute[:, k]):.4f}" for k in (2, 3)
        )
        + f"  {error[:, 4].mean():.4f}"
    )


def run(records: list[MarkedEcg]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Print the figures.

    Returns:
        ST60 measured less marked, and marked, mV, shape (recordings x leads,).
    """
    recordings = [Recording(ecg.name, ecg.signal, ecg.fs, ecg.leads) for ecg in records]
    measure(recordings[0])
    seconds = {}
    tables: list[pd.DataFrame] = []
    for name, function in (("levels alone", measure_levels), ("everything", measure)):
        start = time.process_time()
        tables = [function(recording) for recording in recordings]
        seconds[name] = time.process_time() - start
    full = np.array([errors(*pair) for pair in zip(records, tables, strict=True)])
    pages = np.array(
        [
            errors(ecg, measure(Recording(ecg.name, print_page(recording)[:12], ecg.fs)))
            for ecg, recording in zip(records, recordings, strict=True)
        ]
    )
    print(f"{'':30s}  QRS onset, ms      J point, ms        ST60, mV       T peak, mV     missing")
    print(f"{'':30s}   bias MedAE  MAE    bias MedAE  MAE   MedAE  MAE     MedAE  MAE     ST60")
    report("every second record: chosen on", np.concatenate(full[::2]))
    report("the others: test", np.concatenate(full[1::2]))
    report("all", np.concatenate(full))
    report("all, as printed pages", np.concatenate(pages))
    for name, spent in seconds.items():
        print(f"{name}: {len(records) / spent:.0f} twelve-lead ECGs per second of a core's time")
    return np.concatenate(full)[:, 2], np.concatenate([marked_levels(ecg)[:, 0] for ecg in records])


def bland_altman(difference: NDArray[np.float64], marked: NDArray[np.float64], path: Path) -> None:
    """ST60 at our fiducials less ST60 at the marks, over the mean of the two."""
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot(marked + difference / 2, difference, ".", markersize=2.5, color="#1b6ca8")
    mean, spread = np.nanmean(difference), np.nanstd(difference)
    for level, text in (
        (mean, f"mean {mean:+.3f}"),
        (mean - 1.96 * spread, f"{mean - 1.96 * spread:+.3f}"),
        (mean + 1.96 * spread, f"{mean + 1.96 * spread:+.3f}"),
    ):
        axes.axhline(
            level, color="#75797e", linewidth=0.8, linestyle="-" if level == mean else "--"
        )
        axes.annotate(text, (1, level), xycoords=("axes fraction", "data"), fontsize=8)
    axes.set_xlabel("ST60, mean of both (mV)")
    axes.set_ylabel("measured less marked (mV)")
    axes.set_title(f"ST60 in {np.isfinite(difference).sum()} leads of LUDB, limits of agreement")
    figure.savefig(path)


if __name__ == "__main__":
    warnings.simplefilter("error", RuntimeWarning)
    options = arguments(__doc__.splitlines()[0], figure="Bland–Altman of ST60")
    ecgs = read(options.ludb)
    print(f"{machine()}\n{len(ecgs)} records of LUDB")
    difference, marked = run(ecgs)
    if options.figure:
        bland_altman(difference, marked, options.figure)
