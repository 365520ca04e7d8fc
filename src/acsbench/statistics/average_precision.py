"""Area under the precision–recall curve."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit

from acsbench.statistics.checks import checked_rows
from acsbench.statistics.estimate import Estimate
from acsbench.statistics.intervals import critical_value, lower_bound_if_all
from acsbench.statistics.resample import RESAMPLES, replicates


def average_precision(
    labels: ArrayLike,
    scores: ArrayLike,
    groups: ArrayLike | None = None,
    level: float = 0.95,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Estimate:
    """Mean over events of the precision at the event's score (AUPRC).

    A model that knows nothing reaches the prevalence, which belongs beside every value. The
    limits lie at ± critical value × standard error on the logit scale, with the standard error
    from a bootstrap of patients. Near 1 they cover better than percentiles of the bootstrap
    (93 % against 91 % for 60 patients and a value of 0.85, simulated) and elsewhere as well.
    With a value of exactly 1 the lower limit is the binomial one for as many events as there are
    patients with events.

    Args:
        labels: 0/1, shape (n,).
        scores: any finite numbers, larger where the label is more likely 1, shape (n,).
        groups: patient of each row, shape (n,); None takes rows as independent.
        level: confidence level.
        resamples: number of bootstrap draws.
        seed: of the random numbers.

    Raises:
        ValueError: a label is not 0/1, a score is NaN or infinite, lengths differ, all labels
            are the same, or there is a single patient.

    References:
        Boyd et al., Area under the precision-recall curve: point estimates and confidence
        intervals, ECML PKDD (2013), for the logit scale and the binomial limit.

    Examples:
        >>> labels, scores = [0, 0, 1, 0, 1, 1, 0, 1], [0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 0.5, 0.7]
        >>> print(average_precision(labels, scores))
        0.917 (0.324–0.996)
    """
    rows = checked_rows(labels, scores, groups)
    # Sorted once for all resamples.
    order = np.argsort(-rows.scores, kind="stable")
    events = rows.events[order]
    patients = None if rows.groups is None else rows.groups[order]
    statistic = _weighted_average_precision(events, rows.scores[order])
    value = statistic(np.ones(len(events)))
    draws = replicates(statistic, events, patients, resamples, seed)
    if value == 1:
        event_patients = events.sum() if patients is None else len(np.unique(patients[events]))
        low, high = lower_bound_if_all(int(event_patients), level), 1.0
        method = "binomial bound, perfect separation"
    else:
        # The delta method, for a resample of value 1 has no logit.
        error = draws.std(ddof=1) / (value * (1 - value))
        reach = critical_value(level) * error
        low, high = (float(expit(logit(value) + side * reach)) for side in (-1, 1))
        unit = "rows" if rows.groups is None else "patients"
        method = f"logit, bootstrap of {unit} ({resamples} resamples, seed {seed})"
    return rows.estimate(value, low, high, level, method)


def _weighted_average_precision(
    events: NDArray[np.bool_], scores: NDArray[np.float64]
) -> Callable[[NDArray[np.float64]], float]:
    """Average precision as a function of the weights of rows that descend by score."""
    at = np.flatnonzero(events)
    ends = np.flatnonzero(np.r_[scores[1:] != scores[:-1], True])
    # Rows with one score are called together, so an event's threshold lies behind the last of
    # them: the last row called with it, and the last event.
    last_row = ends[np.searchsorted(ends, at)]
    last_event = np.searchsorted(at, last_row, side="right") - 1

    def statistic(weights: NDArray[np.float64]) -> float:
        called = np.cumsum(weights)[last_row]
        weight = weights[at]
        found = np.cumsum(weight)
        precision = np.divide(found[last_event], called, out=np.zeros(len(at)), where=called > 0)
        return float(weight @ precision / found[-1])

    return statistic
