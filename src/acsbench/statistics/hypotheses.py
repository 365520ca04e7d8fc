"""From p values and differences to verdicts that survive many comparisons or a margin."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

from acsbench.statistics.checks import checked_probability
from acsbench.statistics.compare import Comparison
from acsbench.statistics.estimate import Estimate
from acsbench.statistics.intervals import wald


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """P values adjusted for being several (Holm), in the order given.

    Rejecting those at most α keeps the chance of any false rejection at α, however the tests
    depend on each other.

    Args:
        p_values: in [0, 1], shape (k,). NaN, a test without a result, counts as one of the k
            tests and stays NaN.

    Raises:
        ValueError: a p value lies outside [0, 1].

    References:
        Holm, Scand J Stat 6:65 (1979).

    Examples:
        >>> holm([0.01, 0.04, 0.03])
        array([0.03, 0.06, 0.06])
    """
    p = np.asarray(p_values, dtype=np.float64)
    if p.ndim != 1 or ((p < 0) | (p > 1)).any():
        raise ValueError("p values must be a single row of numbers between 0 and 1")
    order = np.argsort(p)  # NaN last
    steps = p[order] * np.arange(len(p), 0, -1)
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted


@dataclass(frozen=True)
class MarginTest:
    """A test whether a difference stays within a margin.

    Args:
        margin: the largest difference that does not matter, chosen before looking.
        alpha: chance of a false claim, one-sided.
        difference: first less second, with its interval of level 1 − 2 alpha, which lies within
            the margin exactly where the test is met.
        p: of the test; NaN where the difference has no standard error.
    """

    margin: float
    alpha: float
    difference: Estimate
    p: float

    @property
    def met(self) -> bool:
        """Whether non-inferiority, or equivalence, is shown."""
        return self.p < self.alpha


def non_inferiority(comparison: Comparison, margin: float, alpha: float = 0.025) -> MarginTest:
    """Whether the first model is worse than the second by less than a margin.

    Args:
        comparison: first less second, larger being better, as from `compare_auroc`.
        margin: positive, in units of the difference.
        alpha: one-sided.

    Raises:
        ValueError: the margin is not positive, or alpha does not lie between 0 and 0.5.

    References:
        Liu et al., Stat Med 25:1219 (2006), for areas under the ROC curve.

    Examples:
        >>> from acsbench.statistics import compare_auroc
        >>> labels = [0, 0, 0, 0, 1, 1, 1, 1]
        >>> a = [0.1, 0.2, 0.3, 0.7, 0.4, 0.6, 0.8, 0.9]
        >>> b = [0.1, 0.5, 0.7, 0.3, 0.2, 0.4, 0.8, 0.6]
        >>> test = non_inferiority(compare_auroc(labels, a, b), margin=0.3)
        >>> print(test.difference, f"p = {test.p:.3f}", test.met)
        0.250 (−0.240 to 0.740) p = 0.014 True
    """
    return _within(comparison, margin, alpha, sides=1)


def equivalence(comparison: Comparison, margin: float, alpha: float = 0.05) -> MarginTest:
    """Whether two models differ by less than a margin in either direction (two one-sided tests).

    Args:
        comparison: first less second, as from `compare_auroc`.
        margin: positive, in units of the difference.
        alpha: of each one-sided test; as both must be met, it is that of the whole.

    Raises:
        ValueError: the margin is not positive, or alpha does not lie between 0 and 0.5.

    References:
        Schuirmann, J Pharmacokinet Biopharm 15:657 (1987).
    """
    return _within(comparison, margin, alpha, sides=2)


def _within(comparison: Comparison, margin: float, alpha: float, sides: int) -> MarginTest:
    if not 0 < margin < np.inf:
        raise ValueError(f"margin is {margin}; it must be a positive number")
    checked_probability(2 * alpha, "twice alpha", open_interval=True)
    error, difference = comparison.standard_error, comparison.difference
    if np.isnan(error):
        return MarginTest(margin, alpha, difference, float("nan"))
    level = 1 - 2 * alpha
    low, high = wald(difference.value, error**2, level, bounds=(-1.0, 1.0))
    room = margin + difference.value
    if sides == 2:
        room = min(room, margin - difference.value)
    # Models that rank all rows alike differ by 0 without error, and 0 lies within any margin.
    p = float(ndtr(-room / error)) if error > 0 else 0.0
    return MarginTest(margin, alpha, replace(difference, low=low, high=high, level=level), p)
