"""Variances over patients, and limits where a variance says nothing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit

from acsbench.statistics.checks import checked_probability

# A variance below this is what rounding leaves of 0.
ROUNDING = 1e-14


def critical_value(level: float, degrees_of_freedom: float = np.inf) -> float:
    """Two-sided quantile of the standard normal distribution, or of Student's t.

    Raises:
        ValueError: `level` does not lie between 0 and 1.

    Examples:
        >>> round(critical_value(0.95), 3), round(critical_value(0.95, 10), 3)
        (1.96, 2.228)
    """
    checked_probability(level, "level", open_interval=True)
    upper = 0.5 + level / 2
    return float(
        ndtri(upper) if np.isinf(degrees_of_freedom) else stdtrit(degrees_of_freedom, upper)
    )


def wald(
    value: float,
    variance: float,
    level: float,
    bounds: tuple[float, float] = (0.0, 1.0),
    degrees_of_freedom: float = np.inf,
) -> tuple[float, float]:
    """Limits of value ± critical value × standard error, cut at the bounds.

    An infinite variance (nothing is known) gives the bounds.
    """
    reach = critical_value(level, degrees_of_freedom) * np.sqrt(variance)
    return float(max(bounds[0], value - reach)), float(min(bounds[1], value + reach))


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
    values: NDArray[np.float64],
    groups: NDArray[np.intp] | None,
    n_groups: int | None,
    weights: NDArray[np.float64] | None = None,
) -> float:
    """Variance of a mean over rows whose number per patient is itself random.

    Args:
        values: shape (n,).
        groups: patient of each row, numbered from 0, shape (n,); None if rows are independent.
        n_groups: how many patients there are.
        weights: positive, shape (n,); None weighs all rows alike.

    Returns:
        The variance of the ratio (sum of values) / (number of rows) over patients, or of their
        weighted sums; with one row per patient, the sample variance over n. Infinite if there is
        a single patient.

    References:
        Cochran, Sampling Techniques, 3rd ed. (1977), section 6.3.
    """
    return covariance_of_sums(influence_on_mean(values, weights), None, groups, n_groups)


def weighted_mean(values: NDArray[np.float64], weights: NDArray[np.float64] | None) -> float:
    """Mean of the values, which rounding of the weights cannot lift out of their range."""
    if weights is None:
        return float(values.mean())
    mean = weights @ values / weights.sum()
    return float(min(max(mean, values.min()), values.max()))


def influence_on_mean(
    values: NDArray[np.float64], weights: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """How much each row moves the (weighted) mean away from where it is, shape (n,).

    They add up to 0, and the variance of the mean is that of their sum over patients.
    """
    if weights is None:
        return (values - values.mean()) / len(values)
    return weights * (values - weighted_mean(values, weights)) / weights.sum()


def covariance_of_sums(
    first: NDArray[np.float64],
    second: NDArray[np.float64] | None,
    groups: NDArray[np.intp] | None,
    n_groups: int | None,
) -> float:
    """Covariance of two statistics from the rows' influence on each (linearisation).

    Args:
        first: influence of each row on the first statistic, adding up to 0, shape (n,).
        second: on the second; None for the variance of the first.
        groups: patient of each row, numbered from 0, shape (n,); None if rows are independent.
        n_groups: how many patients there are.

    Returns:
        Sum over patients of the products of their rows' sums, times patients / (patients − 1);
        infinite if there is a single patient.
    """
    if groups is not None and n_groups is not None:
        first = sum_by_group(first, groups, n_groups)
        second = None if second is None else sum_by_group(second, groups, n_groups)
    clusters = len(first)
    if clusters < 2:
        return float("inf")
    return float(clusters / (clusters - 1) * (first @ (first if second is None else second)))


def effective_degrees_of_freedom(
    influence: NDArray[np.float64], groups: NDArray[np.intp] | None, n_groups: int | None
) -> float:
    """How many patients the variance of a statistic rests on.

    Satterthwaite's degrees of freedom of a sum of squares, with the square of each patient's
    summed influence in place of its unknown variance: (sum of squares)² / sum of fourth powers.
    That is 1 if one patient makes all of the variance, the number of patients if all make the
    same, and about a third of it if their sums are normal: cautious, as the tails of a statistic
    of few patients ask for. Infinite if no patient moves the statistic.

    Args:
        influence: of each row, shape (n,).
        groups: patient of each row, numbered from 0, shape (n,); None if rows are independent.
        n_groups: how many patients there are.

    References:
        Satterthwaite, Biometrics Bulletin 2:110 (1946).

    Examples:
        >>> effective_degrees_of_freedom(np.array([1.0, -1.0, 1.0, -1.0]), None, None)
        4.0
    """
    if groups is not None and n_groups is not None:
        influence = sum_by_group(influence, groups, n_groups)
    largest = np.abs(influence).max()
    if largest == 0:
        return np.inf
    squares = np.square(influence / largest)
    return float(squares.sum() ** 2 / np.square(squares).sum())
