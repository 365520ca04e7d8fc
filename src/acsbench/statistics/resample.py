"""Bootstrap over patients, for statistics whose variance has no formula."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from acsbench.statistics.checks import (
    Rows,
    checked_groups,
    checked_labels,
    checked_probability,
    checked_rows,
)
from acsbench.statistics.estimate import Estimate
from acsbench.statistics.intervals import wald

RESAMPLES = 2000

Statistic = Callable[[NDArray[np.float64]], float]
"""A statistic of the rows as a function of their weights, shape (n,)."""


def bootstrap(
    statistic: Statistic,
    labels: ArrayLike,
    groups: ArrayLike | None = None,
    level: float = 0.95,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Estimate:
    """Percentile interval from drawing patients with all their rows, with replacement.

    No row is copied: a patient that was drawn twice gives weight 2 to each of its rows. Any
    statistic that takes weights can be used, such as those of scikit-learn. A draw that lacks
    one of the classes is drawn again.

    Args:
        statistic: a function of the rows' weights, shape (n,); its value at weights of 1 is the
            estimate.
        labels: 0/1, shape (n,).
        groups: patient of each row, shape (n,); None draws rows.
        level: confidence level.
        resamples: number of draws.
        seed: of the random numbers.

    Raises:
        ValueError: a label is not 0/1, all labels are the same, lengths differ, or there is a
            single patient.

    References:
        Efron & Tibshirani, An Introduction to the Bootstrap (1993), chapter 13; Field & Welsh,
        J R Stat Soc B 69:369 (2007) on drawing whole clusters.

    Examples:
        >>> labels = np.array([0, 1, 1, 0, 1, 0])
        >>> called = np.array([0, 1, 1, 0, 0, 1])
        >>> def accuracy(weights):
        ...     return np.average(labels == called, weights=weights)
        >>> print(bootstrap(accuracy, labels, groups=[1, 1, 2, 2, 3, 4]))
        0.667 (0.000–1.000)
    """
    checked_probability(level, "level", open_interval=True)
    events = checked_labels(labels)
    patients = checked_groups(groups, len(events))
    draws = replicates(statistic, events, patients, resamples, seed)
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(
        value=float(statistic(np.ones(len(events)))),
        low=float(low),
        high=float(high),
        level=level,
        method=f"percentile bootstrap of {'rows' if patients is None else 'patients'}, "
        f"{resamples} resamples, seed {seed}",
        n=len(events),
        events=int(events.sum()),
        groups=None if patients is None else int(patients.max()) + 1,
    )


def bootstrap_auroc(
    labels: ArrayLike,
    scores: ArrayLike,
    groups: ArrayLike | None = None,
    level: float = 0.95,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Estimate:
    """Area under the ROC curve with a percentile interval from resampling patients.

    A check on the formula behind `auroc`, which needs no random numbers. It is `bootstrap` of
    the area, draw for draw, but sorts the scores once for all resamples.

    Args:
        labels: 0/1, shape (n,).
        scores: any finite numbers, larger where the label is more likely 1, shape (n,).
        groups: patient of each row, shape (n,); None draws rows.
        level: confidence level.
        resamples: number of draws.
        seed: of the random numbers.

    Raises:
        ValueError: as for `auroc`, or there is a single patient.

    References:
        Rutter, Acad Radiol 7:413 (2000) on drawing patients for the area of clustered readings.

    Examples:
        >>> labels, scores = [0, 0, 1, 0, 1, 1], [0.1, 0.2, 0.3, 0.4, 0.6, 0.8]
        >>> print(bootstrap_auroc(labels, scores, groups=[1, 1, 2, 2, 3, 4]))
        0.889 (0.250–1.000)
    """
    rows = checked_rows(labels, scores, groups)
    order = np.argsort(rows.scores)
    ordered, events = rows.scores[order], rows.events[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])

    def area(weights: NDArray[np.float64]) -> float:
        weight = weights[order]
        of_events = np.where(events, weight, 0.0)
        others = np.where(events, 0.0, weight)
        if len(starts) < len(order):
            of_events = np.add.reduceat(of_events, starts)
            others = np.add.reduceat(others, starts)
        others_up_to = np.cumsum(others)
        pairs = of_events.sum() * others_up_to[-1]
        return float(of_events @ (others_up_to - others / 2) / pairs)

    return bootstrap(area, rows.events, rows.groups, level, resamples=resamples, seed=seed)


def bootstrap_wald(
    statistics: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    rows: Rows,
    level: float,
    bounds: tuple[float, float],
    *,
    resamples: int,
    seed: int,
) -> list[Estimate]:
    """Value ± critical value × bootstrap standard error, for several statistics at once.

    For statistics that are fitted to the rows they judge, such as a calibration error: every
    resample fits once more and lies above the value, so that percentiles may not even hold it.

    Args:
        statistics: k statistics as a function of the rows' weights, shape (n,) -> (k,).
        rows: the rows, both classes among them.
        level: confidence level.
        bounds: at which the limits are cut.
        resamples: number of draws.
        seed: of the random numbers.

    Raises:
        ValueError: there is a single patient, or fewer than two resamples are asked for.
    """
    values = statistics(np.ones(len(rows.events)))
    draws = resampled_weights(rows.events, rows.groups, resamples, seed)
    errors = np.std([statistics(weights) for weights in draws], axis=0, ddof=1)
    unit = "rows" if rows.groups is None else "patients"
    method = f"Wald, bootstrap of {unit} ({resamples} resamples, seed {seed})"
    return [
        rows.estimate(float(value), *wald(value, error**2, level, bounds), level, method)
        for value, error in zip(values, errors, strict=True)
    ]


def replicates(
    statistic: Statistic,
    events: NDArray[np.bool_],
    groups: NDArray[np.intp] | None,
    resamples: int,
    seed: int,
) -> NDArray[np.float64]:
    """The statistic on each resample, shape (resamples,); see `resampled_weights`."""
    draws = resampled_weights(events, groups, resamples, seed)
    return np.array([statistic(weights) for weights in draws])


def resampled_weights(
    events: NDArray[np.bool_],
    groups: NDArray[np.intp] | None,
    resamples: int,
    seed: int,
) -> Iterator[NDArray[np.float64]]:
    """How often each row is drawn, one resample of patients after the other, shape (n,) each.

    Args:
        events: True where the label is 1, shape (n,); both classes occur, in each resample too.
        groups: patients numbered from 0 without gaps, shape (n,), or None.
        resamples: number of draws.
        seed: of the random numbers.

    Raises:
        ValueError: there is a single patient, or fewer than two resamples are asked for.
    """
    units = len(events) if groups is None else int(groups.max()) + 1
    if units < 2:
        raise ValueError("all rows belong to one patient; resampling needs several")
    if resamples < 2:
        raise ValueError(f"{resamples} resamples make no interval; ask for 1000 or more")
    rng = np.random.default_rng(seed)
    done = 0
    while done < resamples:
        counts = np.bincount(rng.integers(units, size=units), minlength=units).astype(np.float64)
        weights = counts if groups is None else counts[groups]
        if 0 < weights @ events < weights.sum():
            yield weights
            done += 1
