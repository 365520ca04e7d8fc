"""How long the area under the ROC curve takes, with its interval, against other ways to get it.

Everything takes turns in one process and is timed by the processor's clock, which a busy machine
stretches less than the wall clock; times are medians, with the range of all rounds. Baselines:
scikit-learn's area, which has no interval; the DeLong interval of the package confidenceinterval,
which the study used, if it is installed; and all pairs of an event and a non-event, one by one in
NumPy. All must agree with ours. (Not named after what it times at large, `statistics`: Python
would take it for the module of its standard library.)

    OMP_NUM_THREADS=1 python benchmarks/auroc.py
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from _ludb import machine
from acsbench.statistics import auroc, bootstrap_auroc, compare_auroc

STUDY_ECGS, STUDY_PATIENTS = 1295, 580
RESAMPLES = 2000
STUDY = "confidenceinterval, DeLong"
SINGLE_PRECISION = 1e-5  # it ranks in 32 bits
PAIRS = 20_000  # rows beyond which going through all pairs is left out

Task = Callable[[], float]


def sample(n: int, decimals: int = 8) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """Labels, two scores and patients of n simulated rows, 2.2 rows a patient."""
    rng = np.random.default_rng(n)
    labels = (rng.random(n) < 0.39).astype(int)
    a, b = np.round(0.74 * labels + rng.standard_normal((2, n)), decimals)
    return labels, a, b, rng.integers(0, n * STUDY_PATIENTS // STUDY_ECGS, n)


def all_pairs(labels: NDArray, scores: NDArray) -> float:
    events, others = scores[labels == 1], scores[labels == 0]
    won = sum((event > others).sum() + (event == others).sum() / 2 for event in events)
    return float(won / (len(events) * len(others)))


def single_areas(n: int) -> dict[str, Task]:
    labels, a, b, patients = sample(n)
    tied = np.round(a, 1)
    tasks: dict[str, Task] = {
        "auroc, DeLong": lambda: auroc(labels, a).value,
        "auroc, by patient": lambda: auroc(labels, a, patients).value,
        "auroc, ties": lambda: auroc(labels, tied).value,
        "compare_auroc, by patient": lambda: compare_auroc(labels, a, b, patients).z,
        "scikit-learn, no interval": lambda: float(roc_auc_score(labels, a)),
    }
    try:
        from confidenceinterval.auc import roc_auc_score as delong
    except ImportError:
        print("confidenceinterval is not installed: left out")
    else:
        tasks[STUDY] = lambda: float(delong(labels, a)[0])
    if n <= PAIRS:
        tasks["all pairs, no interval"] = lambda: all_pairs(labels, a)
    expected = auroc(labels, a).value
    for name in tasks.keys() - {"auroc, ties", "compare_auroc, by patient"}:
        off = abs(tasks[name]() - expected)
        assert off < (SINGLE_PRECISION if name == STUDY else 1e-9), f"{name}: off by {off}"
    return tasks


def bootstraps() -> dict[str, Task]:
    """All resamples of ours; a tenth of them by copying rows for scikit-learn."""
    labels, a, _, patients = sample(STUDY_ECGS)
    rows_of = [np.flatnonzero(patients == patient) for patient in np.unique(patients)]
    rng = np.random.default_rng(0)

    def copying() -> float:
        for _ in range(RESAMPLES // 10):
            drawn = rng.integers(len(rows_of), size=len(rows_of))
            rows = np.concatenate([rows_of[k] for k in drawn])
            roc_auc_score(labels[rows], a[rows])
        return 0.0

    return {
        "bootstrap_auroc": lambda: bootstrap_auroc(labels, a, patients, resamples=RESAMPLES).value,
        "copies for scikit-learn": copying,
    }


def timed(tasks: dict[str, Task], rounds: int) -> dict[str, list[float]]:
    seconds: dict[str, list[float]] = {name: [] for name in tasks}
    for _ in range(rounds):
        for name, task in tasks.items():
            start = time.process_time()
            task()
            seconds[name].append(time.process_time() - start)
    return seconds


def show(seconds: dict[str, list[float]], scale: dict[str, int] | None = None) -> None:
    reference = statistics.median(next(iter(seconds.values())))
    for name, values in seconds.items():
        factor = 1000 * (scale or {}).get(name, 1)
        low, middle, high = (factor * f(values) for f in (min, statistics.median, max))
        ratio = middle / 1000 / reference
        print(f"  {name:28s} {middle:9.2f} ms ({low:.2f} to {high:.2f})   ratio {ratio:8.2f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    print(machine())
    for n in (STUDY_ECGS, 100_000, 1_000_000):
        print(f"{n:,} rows")
        show(timed(single_areas(n), options.rounds))
    print(f"{RESAMPLES} resamples of {STUDY_PATIENTS} patients, {STUDY_ECGS} rows")
    show(timed(bootstraps(), options.rounds), {"copies for scikit-learn": 10})
