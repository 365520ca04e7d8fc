"""What a threshold does: a row is called positive if its score is at least the threshold.

Choose the threshold on validation rows (`thresholds`) and report what it does on test rows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from acsbench.statistics.checks import Rows, checked_rows
from acsbench.statistics.estimate import Estimate
from acsbench.statistics.shares import share


def sensitivity(
    labels: ArrayLike,
    scores: ArrayLike,
    threshold: float,
    groups: ArrayLike | None = None,
    level: float = 0.95,
    *,
    weights: ArrayLike | None = None,
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
        weights: positive weight of each row, such as the inverse of its probability of being
            observed, shape (n,); taken as known.

    Raises:
        ValueError: a label is not 0/1, no row counts (here: no label is 1), a score or the
            threshold is NaN, a score is infinite, a weight is not positive, or lengths differ.

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
    rows, called = called_rows(labels, scores, threshold, groups, weights, events=True)
    return share(called, rows.events, rows, level)


def specificity(
    labels: ArrayLike,
    scores: ArrayLike,
    threshold: float,
    groups: ArrayLike | None = None,
    level: float = 0.95,
    *,
    weights: ArrayLike | None = None,
) -> Estimate:
    """Share of the non-events that are not called; see `sensitivity`.

    Raises:
        ValueError: as for `sensitivity`; no label is 0.

    Examples:
        >>> print(specificity([0, 0, 1, 1, 1], [0.1, 0.6, 0.3, 0.7, 0.9], threshold=0.5))
        0.500 (0.095–0.905)
    """
    rows, called = called_rows(labels, scores, threshold, groups, weights, nonevents=True)
    return share(~called, ~rows.events, rows, level)


def positive_predictive_value(
    labels: ArrayLike,
    scores: ArrayLike,
    threshold: float,
    groups: ArrayLike | None = None,
    level: float = 0.95,
    *,
    weights: ArrayLike | None = None,
) -> Estimate:
    """Share of events among the called; see `sensitivity`.

    Raises:
        ValueError: as for `sensitivity`; nobody is called.

    Examples:
        >>> print(positive_predictive_value([0, 0, 1, 1], [0.1, 0.6, 0.7, 0.9], threshold=0.5))
        0.667 (0.208–0.939)
    """
    rows, called = called_rows(labels, scores, threshold, groups, weights)
    if not called.any():
        raise ValueError(f"no score reaches the threshold {threshold}")
    return share(rows.events, called, rows, level)


def negative_predictive_value(
    labels: ArrayLike,
    scores: ArrayLike,
    threshold: float,
    groups: ArrayLike | None = None,
    level: float = 0.95,
    *,
    weights: ArrayLike | None = None,
) -> Estimate:
    """Share of non-events among those not called; see `sensitivity`.

    Raises:
        ValueError: as for `sensitivity`; everybody is called.

    Examples:
        >>> print(negative_predictive_value([0, 0, 1, 1], [0.1, 0.3, 0.4, 0.9], threshold=0.5))
        0.667 (0.208–0.939)
    """
    rows, called = called_rows(labels, scores, threshold, groups, weights)
    if called.all():
        raise ValueError(f"every score reaches the threshold {threshold}")
    return share(~rows.events, ~called, rows, level)


def accuracy(
    labels: ArrayLike,
    scores: ArrayLike,
    threshold: float,
    groups: ArrayLike | None = None,
    level: float = 0.95,
    *,
    weights: ArrayLike | None = None,
) -> Estimate:
    """Share of rows that are called rightly; see `sensitivity`.

    With prevalence p, calling nobody reaches 1 − p.

    Raises:
        ValueError: as for `sensitivity`; one class alone is allowed.

    Examples:
        >>> print(accuracy([0, 0, 1, 1, 1], [0.1, 0.6, 0.3, 0.7, 0.9], threshold=0.5))
        0.600 (0.231–0.882)
    """
    rows, called = called_rows(labels, scores, threshold, groups, weights)
    return share(called == rows.events, np.ones(len(called), dtype=bool), rows, level)


def share_called(
    labels: ArrayLike,
    scores: ArrayLike,
    threshold: float,
    groups: ArrayLike | None = None,
    level: float = 0.95,
    *,
    weights: ArrayLike | None = None,
) -> Estimate:
    """Share of rows that are called, with limits as in `sensitivity`.

    Raises:
        ValueError: as for `sensitivity`; one class alone is allowed.

    Examples:
        >>> print(share_called([0, 0, 1, 1, 1], [0.1, 0.6, 0.3, 0.7, 0.9], threshold=0.5))
        0.600 (0.231–0.882)
    """
    rows, called = called_rows(labels, scores, threshold, groups, weights)
    return share(called, np.ones(len(called), dtype=bool), rows, level)


def share_ruled_out(
    labels: ArrayLike,
    scores: ArrayLike,
    threshold: float,
    groups: ArrayLike | None = None,
    level: float = 0.95,
    *,
    weights: ArrayLike | None = None,
) -> Estimate:
    """Share of rows that are not called, with limits as in `sensitivity`.

    Raises:
        ValueError: as for `sensitivity`; one class alone is allowed.

    Examples:
        >>> print(share_ruled_out([0, 0, 1, 1, 1], [0.1, 0.6, 0.3, 0.7, 0.9], threshold=0.5))
        0.400 (0.118–0.769)
    """
    rows, called = called_rows(labels, scores, threshold, groups, weights)
    return share(~called, np.ones(len(called), dtype=bool), rows, level)


def f1(
    labels: ArrayLike,
    scores: ArrayLike,
    threshold: float,
    groups: ArrayLike | None = None,
    level: float = 0.95,
    *,
    weights: ArrayLike | None = None,
) -> Estimate:
    """Harmonic mean of sensitivity and positive predictive value (F1).

    With J the share of the called events among the rows that are called or events, F1 is
    2 J / (1 + J); the limits are those of J (see `sensitivity`), carried over. Calling everybody
    reaches 2 p / (1 + p) for a prevalence p.

    Raises:
        ValueError: as for `sensitivity`; there is neither an event nor a call.

    References:
        Van Rijsbergen, Information Retrieval, 2nd ed. (1979).

    Examples:
        >>> print(f1([0, 0, 1, 1, 1], [0.1, 0.6, 0.3, 0.7, 0.9], threshold=0.5))
        0.667 (0.261–0.919)
    """
    rows, called = called_rows(labels, scores, threshold, groups, weights)
    either = called | rows.events
    if not either.any():
        raise ValueError("there is neither an event nor a call")
    overlap = share(called & rows.events, either, rows, level)
    value, low, high = (2 * j / (1 + j) for j in (overlap.value, overlap.low, overlap.high))
    return replace(overlap, value=value, low=low, high=high)


@dataclass(frozen=True)
class RuleOut:
    """What a threshold chosen for ruling out does.

    Args:
        threshold: rows that score less are ruled out.
        sensitivity: share of the events that are not ruled out.
        ruled_out: share of all rows that are.
        negative_predictive_value: share of non-events among them; None if nobody is ruled out.
    """

    threshold: float
    sensitivity: Estimate
    ruled_out: Estimate
    negative_predictive_value: Estimate | None


def rule_out(
    labels: ArrayLike,
    scores: ArrayLike,
    threshold: float,
    groups: ArrayLike | None = None,
    level: float = 0.95,
) -> RuleOut:
    """How many rows a low threshold spares, and how many events among them.

    Choose the threshold on validation rows, as with `threshold_at_sensitivity` at 0.99, and read
    the sensitivity that it keeps here; see `sensitivity` for limits, arguments and errors.

    Examples:
        >>> test = rule_out([0, 0, 1, 0, 1, 1], [0.1, 0.2, 0.3, 0.4, 0.6, 0.8], threshold=0.25)
        >>> print(test.ruled_out, test.negative_predictive_value)
        0.333 (0.097–0.700) 1.000 (0.342–1.000)
    """
    arguments = labels, scores, threshold, groups, level
    ruled_out = share_ruled_out(*arguments)
    spared = None if ruled_out.value == 0 else negative_predictive_value(*arguments)
    return RuleOut(threshold, sensitivity(*arguments), ruled_out, spared)


def called_rows(
    labels: ArrayLike,
    scores: ArrayLike,
    threshold: float,
    groups: ArrayLike | None,
    weights: ArrayLike | None,
    *,
    events: bool = False,
    nonevents: bool = False,
) -> tuple[Rows, NDArray[np.bool_]]:
    """The checked rows, and which of them are called."""
    rows = checked_rows(labels, scores, groups, weights=weights, events=events, nonevents=nonevents)
    if np.isnan(threshold):
        raise ValueError("the threshold is NaN")
    return rows, rows.scores >= threshold
