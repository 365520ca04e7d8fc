"""Variances over patients, and limits where a variance says nothing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from acsbench.statistics.checks import checked_probability


def critical_value(level: float) -> float:
    """Two-sided quantile of the standard normal distribution.

    Raises:
        ValueError: `level` does not lie between 0 and 1.

    Examples:
        >>> round(critical_value(0.95), 3)
        1.96
    """
    checked_probability(level, "level", open_interval=True)
    return float(ndtri(0.5 + level / 2))


def wald(
    value: float, variance: float, level: float, bounds: tuple[float, float] = (0.0, 1.0)
) -> tuple[float, float]:
    """Limits of value ± critical value × standard error, cut at the bounds.

    An infinite variance (nothing is known) gives the bounds.
    """
    reach = critical_value(level) * np.sqrt(variance)
    return max(bounds[0], float(value - reach)), min(bounds[1], float(value + reach))


def lower_bound_if_all(successes: int, level: float) -> float:
    """Lower limit of a share of which `successes` independent trials were all a success.

    Exact for trials with one probability p: all succeed with probability p to the power of
    `successes`, and the limit is the p that makes it (1 − level) / 2.

    References:
        Clopper & Pearson, Biometrika 26:404 (1934).

    Examples:
        >>> round(lower_bound_if_all(20, 0.95), 3)
        0.832
    """
    return float(((1 - level) / 2) ** (1 / successes))


def sum_by_group(
    values: NDArray[np.float64], groups: NDArray[np.intp], n_groups: int
) -> NDArray[np.float64]:
    """Sum of the values of each patient, shape (n_groups,)."""
    sums: NDArray[np.float64] = np.bincount(groups, values, n_groups).astype(np.float64)
    return sums


def variance_of_mean(
    values: NDArray[np.float64], groups: NDArray[np.intp] | None, n_groups: int | None
) -> float:
    """Variance of a mean over rows whose number per patient is itself random.

    Args:
        values: shape (n,).
        groups: patient of each row, numbered from 0, shape (n,); None if rows are independent.
        n_groups: how many patients there are.

    Returns:
        The variance of the ratio (sum of values) / (number of rows) over patients; with one row
        per patient, the sample variance over n. Infinite if there is a single patient.

    References:
        Cochran, Sampling Techniques, 3rd ed. (1977), section 6.3.
    """
    residuals = values - values.mean()
    if groups is not None and n_groups is not None:
        residuals = sum_by_group(residuals, groups, n_groups)
    clusters = len(residuals)
    if clusters < 2:
        return float("inf")
    return float(clusters / (clusters - 1) * (residuals @ residuals) / len(values) ** 2)
