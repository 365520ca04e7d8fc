"""What is found if only the rows of highest risk can be acted on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from acsbench.statistics.checks import (
    Rows,
    checked_numbers,
    checked_probability,
    checked_rows,
)
from acsbench.statistics.estimate import Estimate
from acsbench.statistics.intervals import lower_bound_if_all
from acsbench.statistics.resample import RESAMPLES, resampled_weights
from acsbench.statistics.shares import share


def yield_at_capacity(
    labels: ArrayLike,
    scores: ArrayLike,
    shares: ArrayLike,
    groups: ArrayLike | None = None,
    level: float = 0.95,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> list[Estimate]:
    """Share of the events among the highest-scoring share of rows, for each share.

    Where a share ends among rows with one score, part of them are taken, events and non-events
    alike; scores that say nothing find as large a share of events as of rows. Percentile limits
    from a bootstrap of patients, which draws the score at which the share ends anew each time.
    Where all resamples agree that all events are found, or none, the far limit is the binomial
    one for as many events as there are patients with events.

    Args:
        labels: 0/1, shape (n,).
        scores: any finite numbers, larger where the label is more likely 1, shape (n,).
        shares: of the rows that can be acted on, in [0, 1], shape (k,).
        groups: patient of each row, shape (n,); None takes rows as independent.
        level: confidence level.
        resamples: number of bootstrap draws.
        seed: of the random numbers.

    Returns:
        One estimate for each share.

    Raises:
        ValueError: a label is not 0/1, a score is NaN or infinite, lengths differ, all labels
            are the same, a share lies outside [0, 1], or there is a single patient.

    Examples:
        >>> labels = [0, 0, 1, 0, 1, 1, 0, 1, 0, 1]
        >>> scores = [0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 0.5, 0.9, 0.3, 0.7]
        >>> for found in yield_at_capacity(labels, scores, [0.2, 0.5]):
        ...     print(f"{found:.2f}")
        0.40 (0.25–1.00)
        0.80 (0.50–1.00)
    """
    checked_probability(level, "level", open_interval=True)
    rows = checked_rows(labels, scores, groups)
    capacities = checked_numbers(shares, "shares")
    if ((capacities < 0) | (capacities > 1)).any():
        raise ValueError("shares must lie between 0 and 1")
    order = np.argsort(-rows.scores, kind="stable")
    ordered, events = rows.scores[order], rows.events[order]
    ends = np.flatnonzero(np.r_[ordered[1:] != ordered[:-1], True])

    def found(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        weight = weights[order]
        called = np.r_[0.0, np.cumsum(weight)[ends]]
        events_called = np.r_[0.0, np.cumsum(weight * events)[ends]]
        # Straight lines between the ends of ties take a part of each tie.
        at = np.interp(capacities * called[-1], called, events_called)
        return at / events_called[-1]

    values = found(np.ones(len(events)))
    weights = resampled_weights(rows.events, rows.groups, resamples, seed)
    draws = np.array([found(weight) for weight in weights])
    limits = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2], axis=0)
    unit = "rows" if rows.groups is None else "patients"
    method = f"percentile bootstrap of {unit}, {resamples} resamples, seed {seed}"
    estimates = [
        rows.estimate(float(value), float(low), float(high), level, method)
        for value, low, high in zip(values, *limits, strict=True)
    ]
    return [
        _bounded(estimate, rows) if 0 < capacity < 1 else estimate
        for capacity, estimate in zip(capacities, estimates, strict=True)
    ]


def event_rate_by_percentile(
    labels: ArrayLike,
    scores: ArrayLike,
    percentiles: ArrayLike,
    groups: ArrayLike | None = None,
    level: float = 0.95,
) -> list[Estimate]:
    """Event rate among the rows that score at or above each percentile of the scores.

    At percentile 0 it is the prevalence. Rows with one score stay together. Limits are those of
    `sensitivity`, with the score at the percentile taken as given.

    Args:
        labels: 0/1, shape (n,); one class alone is allowed.
        scores: any finite numbers, larger where the label is more likely 1, shape (n,).
        percentiles: in [0, 100), shape (k,).
        groups: patient of each row, shape (n,); None takes rows as independent.
        level: confidence level.

    Returns:
        One estimate for each percentile.

    Raises:
        ValueError: a label is not 0/1, a score is NaN or infinite, lengths differ, or a
            percentile lies outside [0, 100).

    Examples:
        >>> labels, scores = [0, 0, 1, 0, 1, 1], [0.1, 0.2, 0.3, 0.4, 0.6, 0.8]
        >>> for rate in event_rate_by_percentile(labels, scores, [0, 50]):
        ...     print(f"{rate:.2f}")
        0.50 (0.19–0.81)
        0.67 (0.21–0.94)
    """
    rows = checked_rows(labels, scores, groups, events=False, nonevents=False)
    places = checked_numbers(percentiles, "percentiles")
    if ((places < 0) | (places >= 100)).any():
        raise ValueError("percentiles must lie between 0 and 100, 100 excluded")
    ranked = np.sort(rows.scores)
    first = np.floor(places / 100 * len(ranked) + 1e-9).astype(int)
    return [share(rows.events, rows.scores >= score, rows, level) for score in ranked[first]]


def _bounded(estimate: Estimate, rows: Rows) -> Estimate:
    """The estimate, with a binomial limit where all resamples found everything, or nothing."""
    if estimate.low != estimate.high or estimate.value not in (0.0, 1.0):
        return estimate
    with_event = estimate.events
    if rows.groups is not None:
        with_event = len(np.unique(rows.groups[rows.events]))
    bound = lower_bound_if_all(with_event, estimate.level)
    low, high = (bound, 1.0) if estimate.value == 1 else (0.0, 1 - bound)
    return replace(estimate, low=low, high=high, method="exact binomial bound")
