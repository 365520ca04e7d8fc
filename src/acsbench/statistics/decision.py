"""Whether acting on a model does more good than acting on everybody or nobody."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from acsbench.statistics.checks import Rows, checked_numbers, checked_probabilities
from acsbench.statistics.compare import Comparison, by_wald, level_of_each, without_variance
from acsbench.statistics.estimate import Estimate
from acsbench.statistics.intervals import ROUNDING, variance_of_mean
from acsbench.statistics.means import mean


def net_benefit(
    labels: ArrayLike, probabilities: ArrayLike, thresholds: ArrayLike
) -> NDArray[np.float64]:
    """Net benefit of acting on predictions at each threshold.

    Args:
        labels: 0/1 outcomes, shape (n,).
        probabilities: predicted risks in [0, 1], shape (n,).
        thresholds: risks at which one would act, shape (k,), each in (0, 1).

    Returns:
        Shape (k,): true positives per person less false positives per person
        weighted by threshold / (1 - threshold).

    Raises:
        ValueError: a label is not 0/1, or a probability lies outside [0, 1].

    References:
        Vickers & Elkin, Med Decis Making 26:565 (2006).

    Examples:
        >>> net_benefit([0, 0, 1, 0, 1, 1], [0.1, 0.2, 0.3, 0.4, 0.6, 0.8], [0.25, 0.5])
        array([0.44444444, 0.33333333])
    """
    rows = checked_probabilities(labels, probabilities)
    risks = _checked_thresholds(thresholds)
    events, others = np.sort(rows.scores[rows.events]), np.sort(rows.scores[~rows.events])
    true_positives = len(events) - np.searchsorted(events, risks)
    false_positives = len(others) - np.searchsorted(others, risks)
    benefit: NDArray[np.float64] = true_positives - false_positives * risks / (1 - risks)
    return benefit / len(rows.scores)


def decision_curve(
    labels: ArrayLike,
    probabilities: ArrayLike,
    thresholds: ArrayLike,
    groups: ArrayLike | None = None,
    level: float = 0.95,
) -> list[Estimate]:
    """Net benefit at each threshold with its interval; see `net_benefit`.

    Acting on everybody is a model that always says 1, acting on nobody has net benefit 0, and a
    sign is a model that says 0 or 1. Limits are Wald's with the variance of a mean, over
    patients where `groups` are given.

    Args:
        labels: 0/1, shape (n,).
        probabilities: in [0, 1], shape (n,).
        thresholds: in (0, 1), shape (k,).
        groups: patient of each row, shape (n,); None takes rows as independent.
        level: confidence level.

    Returns:
        One estimate for each threshold.

    Raises:
        ValueError: a label is not 0/1, a probability lies outside [0, 1], a threshold does not
            lie between 0 and 1, or lengths differ.

    References:
        Vickers et al., BMC Med Inform Decis Mak 8:53 (2008), for intervals.

    Examples:
        >>> labels, probabilities = [0, 0, 1, 0, 1, 1], [0.1, 0.2, 0.3, 0.4, 0.6, 0.8]
        >>> print(decision_curve(labels, probabilities, [0.5])[0])
        0.333 (−0.080 to 0.747)
    """
    rows = checked_probabilities(labels, probabilities, groups)
    return [_mean_benefit(rows, risk, level) for risk in _checked_thresholds(thresholds)]


def compare_net_benefit(
    labels: ArrayLike,
    a: ArrayLike,
    b: ArrayLike,
    thresholds: ArrayLike,
    groups: ArrayLike | None = None,
    level: float = 0.95,
) -> list[Comparison]:
    """Difference in net benefit between two models on the same rows, at each threshold.

    Args:
        labels: 0/1, shape (n,).
        a, b: probabilities of the two models, in [0, 1], shape (n,); all 1 is acting on
            everybody, all 0 on nobody.
        thresholds: in (0, 1), shape (k,).
        groups: patient of each row, shape (n,); None takes rows as independent.
        level: confidence level.

    Returns:
        One comparison for each threshold, first less second. Two models that call the same rows
        have difference 0, `z` 0 and `p` 1; with a single patient `z` and `p` are NaN.

    Raises:
        ValueError: as for `decision_curve`.

    Examples:
        >>> labels, probabilities = [0, 0, 1, 0, 1, 1], [0.1, 0.2, 0.3, 0.4, 0.6, 0.8]
        >>> everybody = compare_net_benefit(labels, probabilities, [1] * 6, thresholds=[0.25])[0]
        >>> print(everybody.difference, f"p = {everybody.p:.3f}")
        0.111 (−0.027 to 0.249) p = 0.114
    """
    first = checked_probabilities(labels, a, groups)
    second = checked_probabilities(labels, b, groups)
    comparisons = []
    for risk in _checked_thresholds(thresholds):
        difference = _benefits(first, risk) - _benefits(second, risk)
        value = float(difference.mean())
        variance = variance_of_mean(difference, first.groups, first.n_groups)
        if not difference.any() or ROUNDING < variance < np.inf:
            method = "paired, Wald" if first.groups is None else "paired, cluster-robust Wald"
            bounds = (-np.inf, np.inf)
            comparisons.append(by_wald(value, variance, first, level, method, bounds))
        else:
            each = level_of_each(level)
            of_a, of_b = (_mean_benefit(rows, risk, each) for rows in (first, second))
            comparisons.append(without_variance(value, of_a, of_b, first, level))
    return comparisons


def _checked_thresholds(thresholds: ArrayLike) -> NDArray[np.float64]:
    risks = checked_numbers(thresholds, "thresholds")
    if ((risks <= 0) | (risks >= 1)).any():
        raise ValueError("thresholds of a decision curve are risks between 0 and 1")
    return risks


def _benefits(rows: Rows, threshold: float) -> NDArray[np.float64]:
    """Benefit from each row, shape (n,); their mean is the net benefit."""
    gain = np.where(rows.events, 1.0, -threshold / (1 - threshold))
    return np.where(rows.scores >= threshold, gain, 0.0)


def _mean_benefit(rows: Rows, threshold: float, level: float) -> Estimate:
    worst = -threshold / (1 - threshold)
    return mean(_benefits(rows, threshold), rows, level, bounds=(worst, 1.0))
