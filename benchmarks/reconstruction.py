"""Twelve leads from a printed page, against the ten seconds that the page was cut from.

PTB-XL's records are cut to a 3 × 4 page with strips of V1, II and V5 on the grid of 0.005 mV, once
without wander and noise (0.5–50 Hz) and once as recorded, and reconstructed. Compared are, over
the samples that were not printed, the nine leads without strips: correlation, root mean square
error, and the error of the T wave's height and of ST60, both against the mean of the 10 ms before
QRS onset, medians over beats. QRS onset and J point are those that `measure` finds in the truth,
the T peak is the largest deflection of the truth's median beat from 80 ms after the J point on.
The mean over leads is a record's figure, the median over records is printed, with the interval of
2,000 resamples of patients, and so is the median of the paired differences.

The priors were made from folds 1–4 (`lead_priors.py`), so that folds 5–8 are the test; PTB-XL's
folds share no patient. `sketch` is a ridge regression of each lead on the strips at nine delays.

    OMP_NUM_THREADS=1 python benchmarks/reconstruction.py --ptb-xl .cache/ptb-xl
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from _ludb import machine
from _ptbxl import FS, Ecg, add_folder, read
from acsbench.ecg import Recording, measure, print_page, twelve_leads_from_print
from acsbench.ecg.filters import bandpass
from acsbench.ecg.leads import LEADS
from acsbench.ecg.printed import DIGITISATION_STEP, STRIPS
from acsbench.ecg.rpeaks import detect_r_peaks
from acsbench.ecg.twelve_leads import reconstruct_twelve_leads

Page = NDArray[np.float64]
PREDICTED = [number for number, lead in enumerate(LEADS) if lead not in STRIPS]
METRICS = ("correlation", "RMSE, mV", "T peak, mV", "ST60, mV")
KINDS = ("0.5–50 Hz", "as recorded")
SHOWN = ("III", "V2", "V4")


def sketch(page: Page, penalty: float = 1e-3) -> Page:
    """Ridge regression per lead on the strips at delays of −16 to 16 ms, on its own quarter."""
    strips = np.pad(page[len(LEADS) :], ((0, 0), (8, 8)), mode="edge")
    samples = page.shape[1]
    design = np.vstack([strips[:, 8 + lag : 8 + lag + samples] for lag in range(-8, 9, 2)])
    leads = np.empty((len(LEADS), samples))
    for lead, printed in zip(leads, page, strict=False):
        known = np.isfinite(printed)
        columns, level = design[:, known], printed[known].mean()
        middle = columns.mean(axis=1, keepdims=True)
        gram = (columns - middle) @ (columns - middle).T
        gram += penalty * np.trace(gram) / len(gram) * np.eye(len(gram))
        weights = np.linalg.solve(gram, (columns - middle) @ (printed[known] - level))
        lead[:] = np.where(known, printed, weights @ (design - middle) + level)
    leads[[LEADS.index(name) for name in STRIPS]] = page[len(LEADS) :]
    return leads


METHODS: dict[str, Callable[[Page], Page]] = {
    "regression": twelve_leads_from_print,
    "sketch": sketch,
    "median-beat": lambda page: twelve_leads_from_print(page, "median-beat"),
}


@dataclass(frozen=True, eq=False)
class Beats:
    """Where the truth's beats are measured: QRS onsets, J points, T peaks (leads, beats)."""

    onset: NDArray[np.int64]
    j_point: NDArray[np.int64]
    t_peak: NDArray[np.int64]


def beats_of(truth: Page) -> Beats | None:
    r_peaks = detect_r_peaks(truth, FS)
    measured = measure(Recording("truth", truth, FS)).iloc[0]
    if len(r_peaks) < 2 or measured.isna()[["qrs_onset", "j_point"]].any():
        return None
    nearest = r_peaks[np.abs(r_peaks - measured["qrs_onset"]).argmin()]
    onset, j_point = measured["qrs_onset"] - nearest, measured["j_point"] - nearest
    last = onset + round(min(0.6 * float(np.median(np.diff(r_peaks))), 0.5 * FS))
    window = np.arange(j_point + 40, max(last, j_point + 60))
    inside = r_peaks[(r_peaks + onset >= 5) & (r_peaks + window[-1] < truth.shape[1])]
    if not len(inside):
        return None
    before = truth[:, inside[:, None] + onset + np.arange(-5, 0)].mean(axis=2, keepdims=True)
    beat = np.median(truth[:, inside[:, None] + window] - before, axis=1)
    peak = window[np.abs(beat).argmax(axis=1)]
    return Beats(r_peaks + onset, r_peaks + j_point, r_peaks + peak[:, None])


def heights(signal: NDArray[np.float64], onset: NDArray, at: NDArray, half: int) -> NDArray:
    """Mean of the samples around `at` less that of the 10 ms before QRS onset."""
    before = signal[onset[:, None] + np.arange(-5, 0)].mean(axis=1)
    return signal[at[:, None] + np.arange(-half, half + 1)].mean(axis=1) - before


def score(truth: Page, found: Page, page: Page, beats: Beats | None) -> NDArray[np.float64]:
    """The metrics of each lead without strip, shape (leads, metrics)."""
    scores = np.full((len(PREDICTED), len(METRICS)), np.nan)
    for row, lead in zip(scores, PREDICTED, strict=True):
        hidden = np.isnan(page[lead])
        a, b = truth[lead], found[lead]
        row[1] = np.sqrt(np.square(a[hidden] - b[hidden]).mean())
        if a[hidden].std() > 0.001:
            row[0] = np.corrcoef(a[hidden], b[hidden])[0, 1] if b[hidden].std() > 0 else 0.0
        if beats is None:
            continue
        places = ((2, beats.t_peak[lead], 2), (3, beats.j_point + 30, 0))
        for column, at, half in places:
            whole = (beats.onset >= 5) & (at > beats.onset) & (at + half < len(hidden))
            whole[whole] &= hidden[beats.onset[whole] - 5] & hidden[at[whole] + half]
            if whole.any():
                onset, at = beats.onset[whole], at[whole]
                height = [np.median(heights(signal, onset, at, half)) for signal in (a, b)]
                row[column] = abs(height[0] - height[1])
    return scores


def mean_over_leads(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shape (records, leads, metrics) -> (records, metrics); NaN where no lead has a score."""
    count = np.isfinite(scores).sum(axis=1)
    return np.where(count > 0, np.nansum(scores, axis=1) / np.maximum(count, 1), np.nan)


def signal_of(ecg: Ecg, kind: str) -> Page:
    return bandpass(ecg.signal, FS) if kind == KINDS[0] else ecg.signal


def cut(ecg: Ecg, signal: Page) -> Page:
    return print_page(Recording(str(ecg.ecg_id), signal, FS), step=DIGITISATION_STEP)


def median_interval(
    values: NDArray[np.float64], patients: NDArray[np.int64], resamples: int = 2000
) -> NDArray[np.float64]:
    """Median over records, and its 95 % percentile interval from drawing patients."""
    rng = np.random.default_rng(0)
    _, patient = np.unique(patients, return_inverse=True)
    rows = [np.flatnonzero(patient == number) for number in range(patient.max() + 1)]
    medians = []
    for _ in range(resamples):
        drawn = rng.integers(0, len(rows), len(rows))
        medians.append(np.nanmedian(values[np.concatenate([rows[number] for number in drawn])]))
    return np.array([np.nanmedian(values), *np.quantile(medians, [0.025, 0.975])])


def figure(folder: Path, records: dict[str, tuple[int, int, float]], path: Path) -> None:
    """Truth and reconstruction of three leads of the best, the median and the worst record."""
    figure, axes = plt.subplots(
        len(SHOWN), len(records), figsize=(15, 6.5), sharex=True, layout="constrained"
    )
    for column, (name, (ecg_id, fold, rmse)) in enumerate(records.items()):
        ecg = next(ecg for ecg in read(folder, [fold]) if ecg.ecg_id == ecg_id)
        truth = signal_of(ecg, KINDS[0])
        page = cut(ecg, truth)
        found = twelve_leads_from_print(page)
        seconds = np.arange(truth.shape[1]) / FS
        for axis, lead in zip(axes[:, column], SHOWN, strict=True):
            number = LEADS.index(lead)
            printed = np.flatnonzero(np.isfinite(page[number])) / FS
            axis.axvspan(printed[0], printed[-1], color="0.9")
            axis.plot(seconds, truth[number], color="black", linewidth=0.8, label="recorded")
            axis.plot(seconds, found[number], color="tab:red", linewidth=0.8, label="regression")
            axis.set_ylabel(f"{lead}, mV")
            axis.spines[["top", "right"]].set_visible(False)
        axes[0, column].set_title(f"{name}: {rmse:.3f} mV")
        axes[-1, column].set_xlabel("s (grey: printed)")
    axes[0, 0].legend(loc="upper right", fontsize=8, ncols=2)
    figure.savefig(path, dpi=90)


def run(options: argparse.Namespace) -> None:
    scores: dict[tuple[str, str], list[NDArray[np.float64]]] = {}
    seconds = dict.fromkeys(METHODS, 0.0)
    expected, actual, patients, ids, folds = [], [], [], [], []
    for ecg in read(options.ptb_xl, options.folds, options.every):
        patients.append(ecg.patient_id)
        ids.append(ecg.ecg_id)
        folds.append(ecg.fold)
        for kind in KINDS:
            truth = signal_of(ecg, kind)
            page, beats = cut(ecg, truth), beats_of(truth)
            for name, method in METHODS.items():
                start = time.process_time()
                found = method(page)
                seconds[name] += time.process_time() - start
                lead_scores = score(truth, found, page, beats)
                scores.setdefault((kind, name), []).append(lead_scores)
                if (kind, name) == (KINDS[0], "regression"):
                    actual.append(lead_scores[:, 1])
                    expected.append(reconstruct_twelve_leads(page).error[PREDICTED])
    n, patients = len(ids), np.array(patients)
    print(f"{machine()}\n{n} records of {len(set(patients))} patients, folds {options.folds}")
    means = {key: mean_over_leads(np.array(value)) for key, value in scores.items()}
    for kind in KINDS:
        print(f"\n{kind}; median over records of the mean over nine leads (95 % interval)")
        for number, metric in enumerate(METRICS):
            ours = means[kind, "regression"][:, number]
            for name in METHODS:
                other = means[kind, name][:, number]
                value, low, high = median_interval(other, patients)
                line = f"  {metric:12s} {name:12s} {value:.4f} ({low:.4f} to {high:.4f})"
                if name != "regression":
                    paired = median_interval(ours - other, patients)
                    line += "   regression less this: {:+.4f} ({:+.4f} to {:+.4f})".format(*paired)
                print(line)
    rank = spearmanr(np.ravel(expected), np.ravel(actual), nan_policy="omit").statistic
    ratio = np.median(np.array(actual) / np.array(expected))
    print(f"\nexpected error against RMSE, all leads: rank correlation {rank:.2f};", end=" ")
    print(f"median RMSE / expected {ratio:.2f}")
    for name, spent in seconds.items():
        print(
            f"{name:12s} {1000 * spent / (len(KINDS) * n):6.2f} ms CPU per ECG,"
            f" {spent / seconds['regression']:5.2f} × regression"
        )
    order = np.argsort(means[KINDS[0], "regression"][:, 1])
    places = {"best": order[0], "median": order[len(order) // 2], "worst": order[-1]}
    rmse = means[KINDS[0], "regression"][:, 1]
    chosen = {name: (ids[k], folds[k], float(rmse[k])) for name, k in places.items()}
    print("records by RMSE:", ", ".join(f"{name} {value[0]}" for name, value in chosen.items()))
    if options.figure is not None:
        figure(options.ptb_xl, chosen, options.figure)


if __name__ == "__main__":
    warnings.simplefilter("error", RuntimeWarning)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_folder(parser)
    parser.add_argument("--folds", type=int, nargs="+", default=[5, 6, 7, 8])
    parser.add_argument("--every", type=int, default=1, help="take every n-th record")
    parser.add_argument("--figure", type=Path, help="where to draw best, median and worst record")
    run(parser.parse_args())
