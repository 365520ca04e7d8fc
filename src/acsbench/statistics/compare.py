"""Two models on the same rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, stdtr

from acsbench.statistics.auroc import area, auroc, placements, variance_of_placements
from acsbench.statistics.checks import Rows, checked_rows
from acsbench.statistics.estimate import Estimate
from acsbench.statistics.intervals import wald


@dataclass(frozen=True)
class Comparison:
    """A paired difference and its test.

    Args:
        difference: first less second, with its interval.
        z: difference over its standard error.
        p: two-sided, for the hypothesis of no difference.
        standard_error: of the difference; NaN where it cannot be estimated.
    """

    difference: Estimate
    z: float
    p: float
    standard_error: float


def compare_auroc(
    labels: ArrayLike,
    a: ArrayLike,
    b: ArrayLike,
    groups: ArrayLike | None = None,
    level: float = 0.95,
) -> Comparison:
    """Difference between two areas under the curve that were measured on the same rows.

    DeLong's test with Wald limits cut at −1 and 1, or with `groups` its extension to patients
    with several rows. Where the variance says nothing, because it cannot be estimated (see
    `auroc`) or because it is 0 although the areas differ, `z`, `p` and the standard error are NaN
    and the limits are the widest that the interval of each area allows (Bonferroni). Scores that
    rank all rows alike have difference 0, `z` 0 and `p` 1.

    Args:
        labels: 0/1, shape (n,).
        a, b: scores of the two models, finite, shape (n,).
        groups: patient of each row, shape (n,); None takes rows as independent.
        level: confidence level.

    Raises:
        ValueError: a label is not 0/1, a score is NaN or infinite, lengths differ, or all labels
            are the same.

    References:
        DeLong et al., Biometrics 44:837 (1988); Obuchowski, Biometrics 53:567 (1997).

    Examples:
        >>> labels = [0, 0, 0, 0, 1, 1, 1, 1]
        >>> a = [0.1, 0.2, 0.3, 0.7, 0.4, 0.6, 0.8, 0.9]
        >>> b = [0.1, 0.5, 0.7, 0.3, 0.2, 0.4, 0.8, 0.6]
        >>> comparison = compare_auroc(labels, a, b)
        >>> print(comparison.difference, f"z = {comparison.z:.2f}, p = {comparison.p:.2f}")
        0.250 (−0.240 to 0.740) z = 1.00, p = 0.32
    """
    first = checked_rows(labels, a, groups, name="scores of the first model")
    second = checked_rows(labels, b, name="scores of the second model")
    parts = placements(first.events, first.scores) - placements(second.events, second.scores)
    difference = area(parts, first)
    variance = variance_of_placements(parts, first)
    method = "DeLong, paired, Wald"
    if first.groups is not None:
        method = "clustered DeLong (Obuchowski), paired, Wald"
    if not parts.any():
        variance = 0.0
    elif variance in (0.0, np.inf):
        each = level_of_each(level)
        of_a, of_b = (auroc(labels, scores, groups, each) for scores in (a, b))
        return without_variance(difference, of_a, of_b, first, level)
    return by_wald(difference, variance, first, level, method)


def by_wald(
    difference: float,
    variance: float,
    rows: Rows,
    level: float,
    method: str,
    bounds: tuple[float, float] = (-1.0, 1.0),
    degrees_of_freedom: float = np.inf,
) -> Comparison:
    """A difference of known, finite variance; a variance of 0 belongs to a difference of 0.

    With finite degrees of freedom, limits and p are those of Student's t.
    """
    low, high = wald(difference, variance, level, bounds, degrees_of_freedom)
    error = float(np.sqrt(variance))
    z = difference / error if error > 0 else 0.0
    estimate = rows.estimate(difference, low, high, level, method)
    tail = ndtr(-abs(z)) if np.isinf(degrees_of_freedom) else stdtr(degrees_of_freedom, -abs(z))
    return Comparison(estimate, z, float(2 * tail), error)


def without_variance(
    difference: float, first: Estimate, second: Estimate, rows: Rows, level: float
) -> Comparison:
    """A difference whose variance says nothing, bounded by the interval of each of its two sides.

    Args:
        difference: first less second.
        first, second: the sides, with intervals of `level_of_each` side.
        rows: all rows.
        level: confidence level of the difference.
    """
    low, high = first.low - second.high, first.high - second.low
    method = "Bonferroni, from the interval of each side"
    estimate = rows.estimate(difference, low, high, level, method)
    return Comparison(estimate, np.nan, np.nan, np.nan)


def level_of_each(level: float) -> float:
    """Confidence level at which two intervals both hold at least with `level` (Bonferroni)."""
    return 1 - (1 - level) / 2
