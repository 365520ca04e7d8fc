"""Whether a model works as well in one group of patients as in another."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from acsbench.statistics.auroc import auroc, influence_on_area, placements, variance_of_placements
from acsbench.statistics.checks import Rows, checked_labels, checked_probabilities, checked_rows
from acsbench.statistics.classification import sensitivity
from acsbench.statistics.compare import Comparison, by_wald, level_of_each, without_variance
from acsbench.statistics.estimate import Estimate
from acsbench.statistics.intervals import (
    ROUNDING,
    covariance_of_sums,
    effective_degrees_of_freedom,
    influence_on_mean,
    variance_of_mean,
)
from acsbench.statistics.means import mean


def auroc_gap(
    labels: ArrayLike,
    scores: ArrayLike,
    member: ArrayLike,
    groups: ArrayLike | None = None,
    level: float = 0.95,
) -> Comparison:
    """Area under the ROC curve among members less that among all other rows.

    Each area compares rows of its own side only. Its variance is that of `auroc`; a patient with
    rows on both sides (as by age or hour of arrival) adds their covariance. Limits and `p` are
    those of Student's t with `effective_degrees_of_freedom`: of many groups some are small, and a
    normal distribution then finds gaps where there are none. Where a variance says nothing, `z`
    and `p` are NaN and the limits are the widest that the intervals of both sides allow.

    Args:
        labels: 0/1, shape (n,).
        scores: any finite numbers, larger where the label is more likely 1, shape (n,).
        member: whether a row belongs to the first side, shape (n,).
        groups: patient of each row, shape (n,); None takes rows as independent.
        level: confidence level.

    Raises:
        ValueError: a label is not 0/1, a score is NaN or infinite, lengths differ, or a side
            lacks one of the labels.

    References:
        DeLong et al., Biometrics 44:837 (1988); Obuchowski, Biometrics 53:567 (1997).

    Examples:
        >>> labels, scores = [0, 0, 1, 1, 0, 0, 1, 1], [0.1, 0.5, 0.4, 0.9, 0.6, 0.2, 0.3, 0.7]
        >>> gap = auroc_gap(labels, scores, member=[1, 1, 1, 1, 0, 0, 0, 0])
        >>> print(gap.difference, f"p = {gap.p:.2f}")
        0.000 (−1.000 to 1.000) p = 1.00
    """
    rows = checked_rows(labels, scores, groups)
    members = _checked_member(member, rows)

    def side(chosen: NDArray[np.bool_]) -> _Side:
        mine = _subset(rows, chosen)
        if mine.events.all() or not mine.events.any():
            raise ValueError("one side lacks events or non-events, and so an area under the curve")
        parts = placements(mine.events, mine.scores)
        influence = np.zeros(len(rows.events))
        influence[chosen] = influence_on_area(parts, mine)
        estimate = auroc(mine.events, mine.scores, mine.groups, level_of_each(level))
        return _Side(estimate, variance_of_placements(parts, mine), influence)

    return _gap(side(members), side(~members), rows, level)


def sensitivity_gap(
    labels: ArrayLike,
    scores: ArrayLike,
    threshold: float,
    member: ArrayLike,
    groups: ArrayLike | None = None,
    level: float = 0.95,
) -> Comparison:
    """Sensitivity among members less that among all other rows, at one threshold.

    The variance is that of a mean on each side; see `auroc_gap` for limits and `p`, for patients
    on both sides, and for sides of which all or no events are called. For the specificity, give
    1 − labels and −scores, and the next number above −threshold.

    Args:
        labels: 0/1, shape (n,).
        scores: any finite numbers, shape (n,).
        threshold: rows that score at least this are called.
        member: whether a row belongs to the first side, shape (n,).
        groups: patient of each row, shape (n,); None takes rows as independent.
        level: confidence level.

    Raises:
        ValueError: a label is not 0/1, a score is NaN or infinite, lengths differ, or a side has
            no event.

    Examples:
        >>> labels, scores = [1] * 8, [0.1, 0.5, 0.4, 0.9, 0.6, 0.2, 0.7, 0.7]
        >>> gap = sensitivity_gap(labels, scores, 0.5, member=[1, 1, 1, 1, 0, 0, 0, 0])
        >>> print(gap.difference)
        −0.250 (−1.000 to 0.715)
    """
    rows = checked_rows(labels, scores, groups, nonevents=False)
    members = _checked_member(member, rows)
    called = (rows.scores >= threshold).astype(np.float64)

    def side(chosen: NDArray[np.bool_]) -> _Side:
        mine = _subset(rows, chosen)
        if not mine.events.any():
            raise ValueError("one side has no event, and so no sensitivity")
        estimate = sensitivity(
            mine.events, mine.scores, threshold, mine.groups, level_of_each(level)
        )
        return _mean_side(estimate, called, chosen & rows.events, rows)

    return _gap(side(members), side(~members), rows, level)


def calibration_gap(
    labels: ArrayLike,
    probabilities: ArrayLike,
    member: ArrayLike,
    groups: ArrayLike | None = None,
    level: float = 0.95,
) -> Comparison:
    """Observed less predicted risk among members, less the same among all other rows.

    Above 0 the model underrates the members' risk, compared with the others'. Limits as for
    `sensitivity_gap`.

    Args:
        labels: 0/1, shape (n,).
        probabilities: in [0, 1], shape (n,).
        member: whether a row belongs to the first side, shape (n,).
        groups: patient of each row, shape (n,); None takes rows as independent.
        level: confidence level.

    Raises:
        ValueError: a label is not 0/1, a probability lies outside [0, 1], lengths differ, or a
            side is empty.

    Examples:
        >>> labels, probabilities = [0, 0, 1, 1, 0, 0, 1, 0], [0.1, 0.5, 0.4, 0.6] * 2
        >>> gap = calibration_gap(labels, probabilities, member=[1, 1, 1, 1, 0, 0, 0, 0])
        >>> print(gap.difference, f"p = {gap.p:.2f}")
        0.250 (−0.721 to 1.221) p = 0.53
    """
    rows = checked_probabilities(labels, probabilities, groups)
    members = _checked_member(member, rows)
    excess = rows.events - rows.scores

    def side(chosen: NDArray[np.bool_]) -> _Side:
        mine = _subset(rows, chosen)
        estimate = mean(excess[chosen], mine, level_of_each(level), bounds=(-1.0, 1.0))
        return _mean_side(estimate, excess, chosen, rows)

    return _gap(side(members), side(~members), rows, level, bounds=(-2.0, 2.0))


class _Side(NamedTuple):
    """A statistic among some rows.

    `estimate` has the level that both sides need for an interval of their difference (see
    `without_variance`); `influence` is that of all rows, shape (n,), 0 for those not on this side.
    """

    estimate: Estimate
    variance: float
    influence: NDArray[np.float64]


def _mean_side(
    estimate: Estimate, values: NDArray[np.float64], chosen: NDArray[np.bool_], rows: Rows
) -> _Side:
    """A side whose statistic is the mean of `values` over the chosen rows."""
    influence = np.zeros(len(values))
    influence[chosen] = influence_on_mean(values[chosen])
    mine = _subset(rows, chosen)
    return _Side(estimate, variance_of_mean(values[chosen], mine.groups, mine.n_groups), influence)


def _gap(
    first: _Side,
    second: _Side,
    rows: Rows,
    level: float,
    bounds: tuple[float, float] = (-1.0, 1.0),
) -> Comparison:
    difference = first.estimate.value - second.estimate.value
    together = 0.0
    if rows.groups is not None:
        together = covariance_of_sums(first.influence, second.influence, rows.groups, rows.n_groups)
    variance = first.variance + second.variance - 2 * together
    # Below that, sides whose patients are the same differ by the same for all of them.
    if min(first.variance, second.variance, variance) < ROUNDING or np.isinf(variance):
        return without_variance(difference, first.estimate, second.estimate, rows, level)
    degrees = effective_degrees_of_freedom(
        first.influence - second.influence, rows.groups, rows.n_groups
    )
    method = "Student’s t" if rows.groups is None else "cluster-robust Student’s t"
    return by_wald(difference, variance, rows, level, method, bounds, degrees)


def _checked_member(member: ArrayLike, rows: Rows) -> NDArray[np.bool_]:
    try:
        members = checked_labels(member)
    except ValueError as error:
        raise ValueError(f"who belongs to the group: {error}") from error
    if len(members) != len(rows.events):
        raise ValueError(f"{len(rows.events)} labels, but {len(members)} rows of membership")
    return members


def _subset(rows: Rows, chosen: NDArray[np.bool_]) -> Rows:
    groups = rows.groups
    if groups is not None:
        groups = np.unique(groups[chosen], return_inverse=True)[1]
    return Rows(rows.events[chosen], rows.scores[chosen], groups)
