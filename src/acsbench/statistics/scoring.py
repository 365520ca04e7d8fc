"""Proper scores of probabilities: lower is better, and honesty pays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import isotonic_regression

from acsbench.statistics.checks import Rows, checked_probabilities
from acsbench.statistics.estimate import Estimate
from acsbench.statistics.intervals import lower_bound_if_all
from acsbench.statistics.means import mean
from acsbench.statistics.resample import RESAMPLES, bootstrap_wald


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
    rows = checked_probabilities(labels, probabilities, groups)
    squares = (rows.scores - rows.events) ** 2
    estimate = mean(squares, rows, level, bounds=(0.0, 1.0))
    if estimate.value not in (0.0, 1.0) or rows.n_groups == 1:
        return estimate
    bound = lower_bound_if_all(rows.n_groups or len(squares), level)
    low, high = (0.0, 1 - bound) if estimate.value == 0 else (bound, 1.0)
    return replace(estimate, low=low, high=high, method="exact binomial bound")


def log_loss(
    labels: ArrayLike,
    probabilities: ArrayLike,
    groups: ArrayLike | None = None,
    level: float = 0.95,
) -> Estimate:
    """Mean of −log(probability given to what happened), in nats; lower is better.

    Wald limits cut at 0; see `brier`. An event that was given the probability 0, or a non-event
    that was given 1, makes the loss infinite, and no interval remains.

    Args:
        labels: 0/1, shape (n,); one class alone is allowed.
        probabilities: in [0, 1], shape (n,).
        groups: patient of each row, shape (n,); None takes rows as independent.
        level: confidence level.

    Raises:
        ValueError: as for `brier`.

    References:
        Good, J R Stat Soc B 14:107 (1952).

    Examples:
        >>> print(log_loss([0, 1, 1, 0], [0.1, 0.8, 0.6, 0.3]))
        0.299 (0.128–0.470)
    """
    rows = checked_probabilities(labels, probabilities, groups)
    given = np.where(rows.events, rows.scores, 1 - rows.scores)
    if (given == 0).any():
        method = "no interval: what happened was called impossible"
        return rows.estimate(np.inf, 0.0, np.inf, level, method)
    return mean(-np.log(given), rows, level, bounds=(0.0, np.inf))


@dataclass(frozen=True)
class BrierDecomposition:
    """brier = reliability − resolution + uncertainty, exactly.

    Args:
        brier: the score itself.
        reliability: what recalibration would take off it; 0 is perfect.
        resolution: what the (recalibrated) model takes off always saying the prevalence.
        uncertainty: prevalence × (1 − prevalence), the score of saying the prevalence.
    """

    brier: Estimate
    reliability: Estimate
    resolution: Estimate
    uncertainty: Estimate


def brier_decomposition(
    labels: ArrayLike,
    probabilities: ArrayLike,
    groups: ArrayLike | None = None,
    level: float = 0.95,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> BrierDecomposition:
    """The Brier score taken apart into reliability, resolution and uncertainty.

    The recalibrated risks that it needs come from isotonic regression on the same rows instead
    of bins, so that nothing is left over and nobody chooses bins. Fitted to the rows that it
    judges, it makes reliability and resolution too large in small samples: a perfectly
    calibrated model has a reliability a little above 0. Limits are Wald's with the standard
    error from a bootstrap of patients, cut at 0.

    Args:
        labels: 0/1, shape (n,).
        probabilities: in [0, 1], shape (n,).
        groups: patient of each row, shape (n,); None takes rows as independent.
        level: confidence level.
        resamples: number of bootstrap draws.
        seed: of the random numbers.

    Raises:
        ValueError: as for `brier`, all labels are the same, or there is a single patient.

    References:
        Murphy, J Appl Meteorol 12:595 (1973); Dimitriadis, Gneiting & Jordan, PNAS
        118:e2016191118 (2021), for isotonic regression instead of bins.

    Examples:
        >>> parts = brier_decomposition([0, 0, 1, 0, 1, 1], [0.1, 0.2, 0.3, 0.4, 0.6, 0.8])
        >>> print(f"{parts.reliability.value:.3f} − {parts.resolution.value:.3f} + 0.250")
        0.067 − 0.167 + 0.250
    """
    rows = checked_probabilities(labels, probabilities, groups, events=True, nonevents=True)
    terms = _terms_of_brier(rows)
    reliability, resolution, uncertainty = bootstrap_wald(
        terms, rows, level, bounds=(0.0, 1.0), resamples=resamples, seed=seed
    )
    return BrierDecomposition(
        brier(labels, probabilities, groups, level), reliability, resolution, uncertainty
    )


def _terms_of_brier(rows: Rows) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """Reliability, resolution and uncertainty as a function of the rows' weights."""
    risks, at = np.unique(rows.scores, return_inverse=True)

    def terms(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        total = np.bincount(at, weights, len(risks))
        drawn = total > 0
        total = total[drawn]
        risk = risks[drawn]
        rate = np.bincount(at, weights * rows.events, len(risks))[drawn] / total
        recalibrated = isotonic_regression(rate, weights=total).x
        share = total / total.sum()
        prevalence = share @ rate
        # The squares of the rows about their own rate are common to all three and cancel.
        of_model = share @ (risk - rate) ** 2
        of_recalibrated = share @ (recalibrated - rate) ** 2
        of_prevalence = share @ (prevalence - rate) ** 2
        return np.array(
            [
                max(of_model - of_recalibrated, 0.0),
                max(of_prevalence - of_recalibrated, 0.0),
                prevalence * (1 - prevalence),
            ]
        )

    return terms
