"""Bootstrap over patients, for statistics whose variance has no formula."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from acsbench.statistics.checks import checked_groups, checked_labels, checked_probability
from acsbench.statistics.estimate import Estimate

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


def replicates(
    statistic: Statistic,
    events: NDArray[np.bool_],
    groups: NDArray[np.intp] | None,
    resamples: int,
    seed: int,
) -> NDArray[np.float64]:
    """The statistic on each resample, shape (resamples,).

    Args:
        statistic: a function of the rows' weights.
        events: True where the label is 1, shape (n,); both classes occur.
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
    draws = np.empty(resamples)
    done = 0
    while done < resamples:
        counts = np.bincount(rng.integers(units, size=units), minlength=units).astype(np.float64)
        weights = counts if groups is None else counts[groups]
        drawn_events = weights @ events
        if 0 < drawn_events < weights.sum():
            draws[done] = statistic(weights)
            done += 1
    return draws
