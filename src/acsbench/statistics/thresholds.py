"""From scores to decisions: choosing a threshold, and what it does on other rows.

A row is called positive if its score is at least the threshold. Choose the threshold on
validation rows and report what it does on test rows.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from acsbench.statistics.checks import Rows, checked_probability, checked_rows
from acsbench.statistics.estimate import Estimate
from acsbench.statistics.intervals import critical_value, variance_of_mean


def threshold_at_specificity(labels: ArrayLike, scores: ArrayLike, specificity: float) -> float:
    """The smallest threshold that leaves at least this share of the non-events below it.

    The threshold is a score that occurs, or where even the highest score is too low, the next
    number above it.

    Args:
        labels: 0/1, shape (n,).
        scores: any finite numbers, shape (n,).
        specificity: share of non-events that may not be called, in [0, 1].

    Raises:
        ValueError: a label is not 0/1, no label is 0, a score is NaN or infinite, lengths differ
            or the specificity lies outside [0, 1].

    Examples:
        >>> threshold_at_specificity([0, 0, 0, 0, 1, 1], [0.1, 0.2, 0.3, 0.6, 0.5, 0.7], 0.75)
        0.5
    """
    checked_probability(specificity, "specificity")
    rows = checked_rows(labels, scores, events=False)
    nonevents = np.sort(rows.scores[~rows.events])
    # 0.7 × 10 is a little more than 7 in floating point and must not ask for eight.
    below = int(np.ceil(specificity * len(nonevents) - 1e-9))
    if below == 0:
        return float(rows.scores.min())
    highest_below = nonevents[below - 1]
    candidates = rows.scores[rows.scores > highest_below]
    if len(candidates) == 0:
        return float(np.nextafter(highest_below, np.inf))
    return float(candidates.min())


def sensitivity(
    labels: ArrayLike,
    scores: ArrayLike,
    threshold: float,
    groups: ArrayLike | None = None,
    level: float = 0.95,
) -> Estimate:
    """Share of the events that are called.

    Limits by Wilson. With `groups`, the number of rows in Wilson's formula is divided by the
    design effect: the variance of the share over patients, over that of independent rows, and
    never below 1. Where all or none are called the variance over patients says nothing, and
    each patient counts as a single row.

    Args:
        labels: 0/1, shape (n,).
        scores: any finite numbers, shape (n,).
        threshold: rows that score at least this are called; may be infinite.
        groups: patient of each row, shape (n,); None takes rows as independent.
        level: confidence level.

    Raises:
        ValueError: a label is not 0/1, no row counts (here: no label is 1), a score or the
            threshold is NaN, a score is infinite, or lengths differ.

    References:
        Wilson, J Am Stat Assoc 22:209 (1927); Rao & Scott, Biometrics 48:577 (1992) for the
        effective number of rows.

    Examples:
        >>> labels, scores = [0, 0, 1, 1, 1], [0.1, 0.6, 0.3, 0.7, 0.9]
        >>> print(sensitivity(labels, scores, threshold=0.5))
        0.667 (0.208–0.939)
        >>> print(sensitivity(labels, scores, threshold=0.5, groups=[1, 2, 3, 4, 4]))
        0.667 (0.141–0.961)
    """
    rows = checked_rows(labels, scores, groups, nonevents=False)
    called = _called(rows, threshold)
    return _share(called, rows.events, rows, level)


def specificity(
    labels: ArrayLike,
    scores: ArrayLike,
    threshold: float,
    groups: ArrayLike | None = None,
    level: float = 0.95,
) -> Estimate:
    """Share of the non-events that are not called; see `sensitivity`.

    Raises:
        ValueError: as for `sensitivity`; no label is 0.

    Examples:
        >>> print(specificity([0, 0, 1, 1, 1], [0.1, 0.6, 0.3, 0.7, 0.9], threshold=0.5))
        0.500 (0.095–0.905)
    """
    rows = checked_rows(labels, scores, groups, events=False)
    called = _called(rows, threshold)
    return _share(~called, ~rows.events, rows, level)


def positive_predictive_value(
    labels: ArrayLike,
    scores: ArrayLike,
    threshold: float,
    groups: ArrayLike | None = None,
    level: float = 0.95,
) -> Estimate:
    """Share of events among the called; see `sensitivity`.

    Raises:
        ValueError: as for `sensitivity`; nobody is called.

    Examples:
        >>> print(positive_predictive_value([0, 0, 1, 1], [0.1, 0.6, 0.7, 0.9], threshold=0.5))
        0.667 (0.208–0.939)
    """
    rows = checked_rows(labels, scores, groups, events=False, nonevents=False)
    called = _called(rows, threshold)
    if not called.any():
        raise ValueError(f"no score reaches the threshold {threshold}")
    return _share(rows.events, called, rows, level)


def negative_predictive_value(
    labels: ArrayLike,
    scores: ArrayLike,
    threshold: float,
    groups: ArrayLike | None = None,
    level: float = 0.95,
) -> Estimate:
    """Share of non-events among those not called; see `sensitivity`.

    Raises:
        ValueError: as for `sensitivity`; everybody is called.

    Examples:
        >>> print(negative_predictive_value([0, 0, 1, 1], [0.1, 0.3, 0.4, 0.9], threshold=0.5))
        0.667 (0.208–0.939)
    """
    rows = checked_rows(labels, scores, groups, events=False, nonevents=False)
    called = _called(rows, threshold)
    if called.all():
        raise ValueError(f"every score reaches the threshold {threshold}")
    return _share(~rows.events, ~called, rows, level)


def _called(rows: Rows, threshold: float) -> NDArray[np.bool_]:
    if np.isnan(threshold):
        raise ValueError("the threshold is NaN")
    return rows.scores >= threshold


def _share(hits: NDArray[np.bool_], among: NDArray[np.bool_], rows: Rows, level: float) -> Estimate:
    """Share of `hits` among the rows that count, with Wilson limits."""
    values = hits[among].astype(np.float64)
    value = float(values.mean())
    size = float(len(values))
    method = "Wilson"
    if rows.groups is not None:
        patients, groups = np.unique(rows.groups[among], return_inverse=True)
        size = _effective_size(values, groups, len(patients))
        method = "Wilson, effective sample size over patients"
    low, high = _wilson(value, size, level)
    return Estimate(
        value, low, high, level, method, len(hits), int(rows.events.sum()), rows.n_groups
    )


def _effective_size(values: NDArray[np.float64], groups: NDArray[np.intp], n_groups: int) -> float:
    """How many independent rows say as much as these."""
    if n_groups < 2 or np.ptp(values) == 0:
        return float(n_groups)
    over_patients = variance_of_mean(values, groups, n_groups)
    over_rows = variance_of_mean(values, None, None)
    return len(values) / max(over_patients / over_rows, 1.0)


def _wilson(share: float, size: float, level: float) -> tuple[float, float]:
    z2 = critical_value(level) ** 2
    centre = (share + z2 / (2 * size)) / (1 + z2 / size)
    reach = np.sqrt(z2 * (share * (1 - share) / size + z2 / (4 * size**2))) / (1 + z2 / size)
    # At a share of 0 or 1 one limit is that number, which rounding may miss.
    low = 0.0 if share == 0 else max(0.0, float(centre - reach))
    high = 1.0 if share == 1 else min(1.0, float(centre + reach))
    return low, high
