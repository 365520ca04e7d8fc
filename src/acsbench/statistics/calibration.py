"""Whether probabilities mean what they say."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from acsbench.statistics.checks import checked_rows
from acsbench.statistics.estimate import Estimate
from acsbench.statistics.intervals import lower_bound_if_all, variance_of_mean, wald


def brier(
    labels: ArrayLike,
    probabilities: ArrayLike,
    groups: ArrayLike | None = None,
    level: float = 0.95,
) -> Estimate:
    """Mean squared distance between probability and label (Brier score); lower is better.

    Always saying the prevalence p gives p (1 − p). Wald limits cut at 0 and 1, with the variance
    of a mean, or with `groups` that of a mean over patients with several rows. If all rows
    belong to one patient the interval is [0, 1]; if every probability is exactly right (or
    wrong) the far limit is the exact binomial one for as many trials as there are patients.

    Args:
        labels: 0/1, shape (n,); one class alone is allowed.
        probabilities: in [0, 1], shape (n,).
        groups: patient of each row, shape (n,); None takes rows as independent.
        level: confidence level.

    Raises:
        ValueError: a label is not 0/1, a probability lies outside [0, 1] or is NaN, or lengths
            differ.

    References:
        Brier, Monthly Weather Review 78:1 (1950); Cochran, Sampling Techniques, 3rd ed. (1977),
        section 6.3, for the variance.

    Examples:
        >>> print(brier([0, 1, 1, 0], [0.1, 0.8, 0.6, 0.3]))
        0.075 (0.011–0.139)
    """
    rows = checked_rows(
        labels, probabilities, groups, events=False, nonevents=False, name="probabilities"
    )
    outside = (rows.scores < 0) | (rows.scores > 1)
    if outside.any():
        raise ValueError(f"{outside.sum()} of {len(outside)} probabilities lie outside [0, 1]")
    squares = (rows.scores - rows.events) ** 2
    value = float(squares.mean())
    variance = variance_of_mean(squares, rows.groups, rows.n_groups)
    low, high = wald(value, variance, level)
    method = "Wald" if rows.groups is None else "cluster-robust Wald"
    if np.isinf(variance):
        method = "no interval: the variance cannot be estimated"
    elif value in (0.0, 1.0):
        trials = len(squares) if rows.n_groups is None else rows.n_groups
        bound = lower_bound_if_all(trials, level)
        low, high = (0.0, 1 - bound) if value == 0 else (bound, 1.0)
        method = "exact binomial bound"
    return Estimate(
        value, low, high, level, method, len(squares), int(rows.events.sum()), rows.n_groups
    )
