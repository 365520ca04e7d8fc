"""Shares of rows, with Wilson's limits for as many rows as the patients are worth."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from acsbench.statistics.checks import Rows, checked_groups, checked_labels, checked_weights
from acsbench.statistics.estimate import Estimate
from acsbench.statistics.intervals import (
    critical_value,
    influence_on_mean,
    variance_of_mean,
    weighted_mean,
)


def event_rate(
    labels: ArrayLike,
    groups: ArrayLike | None = None,
    level: float = 0.95,
    *,
    weights: ArrayLike | None = None,
) -> Estimate:
    """Share of rows with label 1, with limits as in `sensitivity`.

    Args:
        labels: 0/1, shape (n,); one class alone is allowed.
        groups: patient of each row, shape (n,); None takes rows as independent.
        level: confidence level.
        weights: positive weight of each row, shape (n,); taken as known.

    Raises:
        ValueError: a label is not 0/1, a weight is not positive, or lengths differ.

    Examples:
        >>> print(event_rate([0, 1, 1, 0, 0]))
        0.400 (0.118–0.769)
    """
    events = checked_labels(labels, events=False, nonevents=False)
    n = len(events)
    rows = Rows(events, np.zeros(n), checked_groups(groups, n), checked_weights(weights, n))
    return share(events, np.ones(n, dtype=bool), rows, level)


def share(hits: NDArray[np.bool_], among: NDArray[np.bool_], rows: Rows, level: float) -> Estimate:
    """Share of `hits` among the rows that count, with Wilson limits; see `sensitivity`.

    Args:
        hits: rows to be counted, shape (n,).
        among: rows out of which they are, at least one, shape (n,).
        rows: the rows.
        level: confidence level.
    """
    values = hits[among].astype(np.float64)
    weights = None if rows.weights is None else rows.weights[among]
    value = weighted_mean(values, weights)
    method, groups, n_groups = "Wilson", None, len(values)
    if rows.groups is not None:
        patients, groups = np.unique(rows.groups[among], return_inverse=True)
        method, n_groups = "Wilson, effective sample size over patients", len(patients)
    if weights is not None:
        method = "Wilson, effective sample size, weighted"
    size = _effective_size(values, groups, n_groups, weights)
    low, high = _wilson(value, size, level)
    return rows.estimate(value, low, high, level, method)


def influence_on_share(
    hits: NDArray[np.bool_], among: NDArray[np.bool_], rows: Rows
) -> NDArray[np.float64]:
    """How much each row moves a share, 0 for rows that do not count, shape (n,)."""
    influence = np.zeros(len(hits))
    weights = None if rows.weights is None else rows.weights[among]
    influence[among] = influence_on_mean(hits[among].astype(np.float64), weights)
    return influence


def _effective_size(
    values: NDArray[np.float64],
    groups: NDArray[np.intp] | None,
    n_groups: int,
    weights: NDArray[np.float64] | None,
) -> float:
    """How many independent rows of equal weight say as much as these."""
    if groups is None and weights is None:
        return float(len(values))
    if n_groups < 2 or np.ptp(values) == 0:
        return _effective_patients(groups, weights) if weights is not None else float(n_groups)
    value = weighted_mean(values, weights)
    over_rows = value * (1 - value) / (len(values) - 1)
    return len(values) / max(variance_of_mean(values, groups, n_groups, weights) / over_rows, 1.0)


def _effective_patients(groups: NDArray[np.intp] | None, weights: NDArray[np.float64]) -> float:
    """Kish's number of patients, each with the mean weight of its rows."""
    each = weights if groups is None else np.bincount(groups, weights) / np.bincount(groups)
    return float(each.sum() ** 2 / (each @ each))


def _wilson(share: float, size: float, level: float) -> tuple[float, float]:
    z2 = critical_value(level) ** 2
    centre = (share + z2 / (2 * size)) / (1 + z2 / size)
    reach = np.sqrt(z2 * (share * (1 - share) / size + z2 / (4 * size**2))) / (1 + z2 / size)
    # At a share of 0 or 1 one limit is that number, which rounding may miss.
    low = 0.0 if share == 0 else max(0.0, float(centre - reach))
    high = 1.0 if share == 1 else min(1.0, float(centre + reach))
    return low, high
