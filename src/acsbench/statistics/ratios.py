"""Ratios at a threshold: what a call, or the lack of one, does to the odds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from acsbench.statistics.checks import Rows
from acsbench.statistics.classification import called_rows, positive_predictive_value
from acsbench.statistics.compare import level_of_each
from acsbench.statistics.estimate import Estimate
from acsbench.statistics.intervals import covariance_of_sums, critical_value
from acsbench.statistics.shares import influence_on_share, share


def number_needed_to_test(
    labels: ArrayLike,
    scores: ArrayLike,
    threshold: float,
    groups: ArrayLike | None = None,
    level: float = 0.95,
    *,
    weights: ArrayLike | None = None,
) -> Estimate:
    """Called rows per event found: 1 / positive predictive value, with its limits turned over.

    Infinite if no called row is an event.

    Raises:
        ValueError: as for `positive_predictive_value`.

    Examples:
        >>> print(number_needed_to_test([0, 0, 1, 1], [0.1, 0.6, 0.7, 0.9], threshold=0.5))
        1.500 (1.066–4.816)
    """
    found = positive_predictive_value(labels, scores, threshold, groups, level, weights=weights)
    value, low, high = (
        1 / share if share > 0 else np.inf for share in (found.value, found.high, found.low)
    )
    return replace(found, value=value, low=low, high=high)


def positive_likelihood_ratio(
    labels: ArrayLike,
    scores: ArrayLike,
    threshold: float,
    groups: ArrayLike | None = None,
    level: float = 0.95,
    *,
    weights: ArrayLike | None = None,
) -> Estimate:
    """How much more often events are called than non-events: sensitivity / (1 − specificity).

    Limits are Wald's on the log scale, with the variance of the two shares taken together over
    patients. Where all or none of a class are called, or one patient alone has a class, they are
    the widest that the Wilson limits of both shares allow (Bonferroni); the ratio may then be
    infinite.

    Raises:
        ValueError: as for `sensitivity`; all labels are the same, or nobody is called.

    References:
        Simel et al., J Clin Epidemiol 44:763 (1991).

    Examples:
        >>> labels, scores = [0, 0, 0, 0, 1, 1, 1, 1], [0.1, 0.2, 0.3, 0.7, 0.4, 0.6, 0.8, 0.9]
        >>> print(f"{positive_likelihood_ratio(labels, scores, threshold=0.5):.2f}")
        3.00 (0.44–20.31)
    """
    rows, called = called_rows(
        labels, scores, threshold, groups, weights, events=True, nonevents=True
    )
    if not called.any():
        raise ValueError(f"no score reaches the threshold {threshold}")
    return _likelihood_ratio(called, rows, level)


def negative_likelihood_ratio(
    labels: ArrayLike,
    scores: ArrayLike,
    threshold: float,
    groups: ArrayLike | None = None,
    level: float = 0.95,
    *,
    weights: ArrayLike | None = None,
) -> Estimate:
    """How much more often events are missed than non-events are left alone; below 1 is good.

    (1 − sensitivity) / specificity; see `positive_likelihood_ratio`.

    Raises:
        ValueError: as for `sensitivity`; all labels are the same, or everybody is called.

    Examples:
        >>> labels, scores = [0, 0, 0, 0, 1, 1, 1, 1], [0.1, 0.2, 0.3, 0.7, 0.4, 0.6, 0.8, 0.9]
        >>> print(f"{negative_likelihood_ratio(labels, scores, threshold=0.5):.2f}")
        0.33 (0.05–2.26)
    """
    rows, called = called_rows(
        labels, scores, threshold, groups, weights, events=True, nonevents=True
    )
    if called.all():
        raise ValueError(f"every score reaches the threshold {threshold}")
    return _likelihood_ratio(~called, rows, level)


def _likelihood_ratio(hits: NDArray[np.bool_], rows: Rows, level: float) -> Estimate:
    """Share of hits among the events over that among the others; not both are 0."""
    each = level_of_each(level)
    of_events = share(hits, rows.events, rows, each)
    of_others = share(hits, ~rows.events, rows, each)
    value = of_events.value / of_others.value if of_others.value > 0 else np.inf
    varies = 0 < of_events.value < 1 and 0 < of_others.value < 1
    if varies and min(rows.patients_by_class()) > 1:
        influence = (
            influence_on_share(hits, rows.events, rows) / of_events.value
            - influence_on_share(hits, ~rows.events, rows) / of_others.value
        )
        variance = covariance_of_sums(influence, None, rows.groups, rows.n_groups)
        reach = critical_value(level) * np.sqrt(variance)
        low, high = float(value * np.exp(-reach)), float(value * np.exp(reach))
        method = "log, Wald" if rows.groups is None else "log, cluster-robust Wald"
    else:
        low = of_events.low / of_others.high
        high = of_events.high / of_others.low if of_others.low > 0 else np.inf
        method = "Bonferroni, from the Wilson limits of both shares"
    return replace(of_events, value=value, low=low, high=high, level=level, method=method)
