"""How often 95 % intervals hold the truth when patients have several ECGs.

Each repeat simulates a test set of the study's size: 580 patients with 1 + negative binomial
(mean 1.23, shape 2) ECGs, about 1,295 in all, 38.8 % with the event, and two models with a true
area under the ROC curve of 0.70 whose scores correlate by 0.5. Scores are normal, and those of a
patient correlate by 0 to 0.8. The label belongs to the patient, as nearly in the study, where 1,758
patients made 1,952 visits and the label is the visit's; or, for contrast, to each ECG alone.

The paired test compares two models that are equally good, so that its intervals cover as often
as it rightly finds nothing.

    OMP_NUM_THREADS=1 python benchmarks/coverage.py --figure docs/images/coverage.png
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import norm

from _ludb import machine
from acsbench.pictures import PRINT_STYLE, figure_bytes
from acsbench.statistics import (
    Estimate,
    auroc,
    calibration_intercept,
    calibration_slope,
    compare_auroc,
    decision_curve,
    positive_predictive_value,
    sensitivity,
)

PATIENTS, ECGS, PREVALENCE, AREA = 580, 1295, 0.3876, 0.70
CORRELATIONS = (0.0, 0.3, 0.6, 0.8)
BETWEEN_MODELS = 0.5
SHAPE = 2.0
SHIFT = np.sqrt(2) * norm.ppf(AREA)  # between the means of events and non-events, in SD
THRESHOLD = 0.5 * SHIFT
RISK = 0.3  # threshold of the decision curve

Coverage = dict[str, float]


class TestSet(NamedTuple):
    """One simulated sample, shape (n,) each."""

    labels: NDArray[np.int64]
    a: NDArray[np.float64]
    b: NDArray[np.float64]
    patients: NDArray[np.int64]


def simulate(rng: np.random.Generator, correlation: float, label_of: str) -> TestSet:
    further = ECGS / PATIENTS - 1
    sizes = 1 + rng.negative_binomial(SHAPE, SHAPE / (SHAPE + further), PATIENTS)
    patients = np.repeat(np.arange(PATIENTS), sizes)
    n = len(patients)
    if label_of == "patient":
        labels = (rng.random(PATIENTS) < PREVALENCE)[patients].astype(int)
    else:
        labels = (rng.random(n) < PREVALENCE).astype(int)
    common, own = np.sqrt(BETWEEN_MODELS), np.sqrt(1 - BETWEEN_MODELS)

    def two_models(count: int) -> NDArray[np.float64]:
        return common * rng.standard_normal(count) + own * rng.standard_normal((2, count))

    noise = np.sqrt(correlation) * two_models(PATIENTS)[:, patients]
    noise += np.sqrt(1 - correlation) * two_models(n)
    a, b = SHIFT * labels + noise
    return TestSet(labels, a, b, patients)


def risk_of(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """The true risk of an ECG with this score."""
    return expit(logit(PREVALENCE) + SHIFT * scores - SHIFT**2 / 2)


def truths() -> dict[str, float]:
    """What the other statistics are in the whole population."""
    called = norm.sf(THRESHOLD - SHIFT), norm.sf(THRESHOLD)
    at_risk = (logit(RISK) - logit(PREVALENCE) + SHIFT**2 / 2) / SHIFT
    found, needless = norm.sf(at_risk - SHIFT), norm.sf(at_risk)
    true_positives = PREVALENCE * called[0]
    return {
        "sensitivity": called[0],
        "PPV": true_positives / (true_positives + (1 - PREVALENCE) * called[1]),
        "calibration slope": 1.0,
        "calibration intercept": 0.0,
        "net benefit": PREVALENCE * found - (1 - PREVALENCE) * needless * RISK / (1 - RISK),
    }


def other_statistics() -> dict[str, Callable[[TestSet, NDArray[np.int64] | None], Estimate]]:
    return {
        "sensitivity": lambda x, groups: sensitivity(x.labels, x.a, THRESHOLD, groups),
        "PPV": lambda x, groups: positive_predictive_value(x.labels, x.a, THRESHOLD, groups),
        "calibration slope": lambda x, groups: calibration_slope(x.labels, risk_of(x.a), groups),
        "calibration intercept": lambda x, groups: calibration_intercept(
            x.labels, risk_of(x.a), groups
        ),
        "net benefit": lambda x, groups: decision_curve(x.labels, risk_of(x.a), [RISK], groups)[0],
    }


def coverage(correlation: float, label_of: str, repeats: int, seed: int) -> Coverage:
    """Share of repeats whose interval holds the truth, per statistic and kind of interval."""
    rng = np.random.default_rng(seed)
    known, others = truths(), other_statistics()
    hits: dict[str, list[bool]] = {}
    for _ in range(repeats):
        sample = simulate(rng, correlation, label_of)
        for kind, groups in (("clustered", sample.patients), ("rows", None)):
            area = auroc(sample.labels, sample.a, groups)
            pair = compare_auroc(sample.labels, sample.a, sample.b, groups).difference
            hits.setdefault(f"AUROC, {kind}", []).append(area.low <= AREA <= area.high)
            hits.setdefault(f"paired test, {kind}", []).append(pair.low <= 0 <= pair.high)
            for name, statistic in others.items():
                estimate = statistic(sample, groups)
                held = estimate.low <= known[name] <= estimate.high
                hits.setdefault(f"{name}, {kind}", []).append(held)
    return {name: float(np.mean(held)) for name, held in hits.items()}


def draw(results: dict[tuple[str, float], Coverage]) -> Figure:
    with mpl.rc_context(PRINT_STYLE):
        figure = Figure(figsize=(6.8, 2.9))
        panels = figure.subplots(1, 2, sharey=True)
        figure.subplots_adjust(left=0.085, right=0.985, top=0.88, bottom=0.16, wspace=0.08)
        titles = ("a  Interval of one AUROC", "b  Paired test of two models")
        for panel, title, name in zip(panels, titles, ("AUROC", "paired test"), strict=True):
            _draw_panel(panel, results, name)
            panel.set_title(title, loc="left", fontsize=8, fontweight="bold")
        panels[0].set_ylabel("95 % intervals that hold the truth (%)")
        panels[0].legend(loc="lower left", frameon=False, fontsize=7, handlelength=2.4)
    return figure


def _draw_panel(panel: Axes, results: dict[tuple[str, float], Coverage], name: str) -> None:
    lines = (
        ("clustered", "#0072B2", "o", "by patient (Obuchowski)"),
        ("rows", "#D55E00", "s", "ECGs as independent (DeLong)"),
    )
    panel.axhspan(93.5, 96.5, color="#000000", alpha=0.06, linewidth=0)
    panel.axhline(95, color="#555555", linewidth=0.6)
    for kind, colour, marker, label in lines:
        for label_of, style in (("patient", "-"), ("ECG", (0, (2, 1.5)))):
            values = [100 * results[label_of, rho][f"{name}, {kind}"] for rho in CORRELATIONS]
            filled = label_of == "patient"
            panel.plot(
                CORRELATIONS,
                values,
                color=colour,
                linestyle=style,
                linewidth=1.2 if filled else 0.9,
                marker=marker,
                markersize=4,
                markerfacecolor=colour if filled else "white",
                markeredgecolor=colour,
                label=label if filled else f"{label}, label of each ECG",
            )
    panel.set_xticks(CORRELATIONS)
    panel.set_xlabel("Correlation of scores within a patient")
    panel.set_ylim(68, 100)
    panel.spines[["top", "right"]].set_visible(False)


def run(correlations: Sequence[float], repeats: int, figure: Path | None) -> None:
    results: dict[tuple[str, float], Coverage] = {}
    for label_of in ("patient", "ECG"):
        for k, correlation in enumerate(correlations):
            results[label_of, correlation] = coverage(correlation, label_of, repeats, seed=k)
            print(f"label of the {label_of}, correlation {correlation}", flush=True)
            held = results[label_of, correlation]
            for name in ("AUROC", "paired test", *truths()):
                each = held[f"{name}, clustered"], held[f"{name}, rows"]
                print(f"  {name:22s} by patient {each[0]:.1%}   as independent {each[1]:.1%}")
    if figure is not None:
        content = figure_bytes(draw(results), "png", "Coverage of 95 % intervals")
        figure.write_bytes(content)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=4000)
    parser.add_argument("--figure", type=Path, help="PNG to write")
    options = parser.parse_args()
    error = 100 * np.sqrt(0.95 * 0.05 / options.repeats)
    print(f"{machine()}\n{options.repeats} repeats: a coverage of 95 % is known to ± {error:.1f}")
    run(CORRELATIONS, options.repeats, options.figure)
