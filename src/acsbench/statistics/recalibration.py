"""Making probabilities honest: fitted on validation rows, applied to others."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import isotonic_regression
from scipy.special import expit

from acsbench.statistics.checks import (
    checked_numbers,
    checked_probabilities,
    checked_probability,
)
from acsbench.statistics.estimate import Estimate
from acsbench.statistics.logistic import fit_logistic, logit_of


@dataclass(frozen=True)
class PlattScaling:
    """Recalibration by a line in the log odds.

    Args:
        intercept, slope: of the recalibrated log odds on the given ones.
    """

    intercept: float
    slope: float

    def __call__(self, probabilities: ArrayLike) -> NDArray[np.float64]:
        """Recalibrated probabilities, shape (n,)."""
        log_odds = logit_of(checked_numbers(probabilities, "probabilities"))
        recalibrated: NDArray[np.float64] = expit(self.intercept + self.slope * log_odds)
        return recalibrated


@dataclass(frozen=True, eq=False)
class IsotonicScaling:
    """Recalibration by a curve that never falls.

    Args:
        probabilities: increasing, shape (k,).
        recalibrated: what they become, never decreasing, shape (k,); straight lines between
            them, constant beyond.
    """

    probabilities: NDArray[np.float64]
    recalibrated: NDArray[np.float64]

    def __call__(self, probabilities: ArrayLike) -> NDArray[np.float64]:
        """Recalibrated probabilities, shape (n,)."""
        given = checked_numbers(probabilities, "probabilities")
        return np.interp(given, self.probabilities, self.recalibrated)


def fit_platt(labels: ArrayLike, probabilities: ArrayLike) -> PlattScaling:
    """Logistic recalibration, with Platt's targets short of 0 and 1.

    With m events the target of an event is (m + 1) / (m + 2), and likewise for non-events, which
    keeps the fit finite where a model separates them. It never changes the ranking of rows,
    unless its slope is negative.

    Args:
        labels: 0/1 of validation rows, shape (n,).
        probabilities: in [0, 1], shape (n,). Those nearer to 0 or 1 than 1e-6 are taken as that
            far from it.

    Raises:
        ValueError: a label is not 0/1, a probability lies outside [0, 1] or is NaN, lengths
            differ, all labels are the same, or all probabilities are.

    References:
        Platt, in Advances in Large Margin Classifiers, MIT Press (2000), 61–74.

    Examples:
        >>> recalibrate = fit_platt([0, 0, 1, 0, 1, 1], [0.7, 0.7, 0.8, 0.8, 0.9, 0.95])
        >>> recalibrate([0.7, 0.95]).round(2)
        array([0.26, 0.88])
    """
    rows = checked_probabilities(labels, probabilities, events=True, nonevents=True)
    if np.ptp(rows.scores) == 0:
        raise ValueError("all probabilities are the same; nothing can be recalibrated")
    n_events = rows.events.sum()
    n_others = len(rows.events) - n_events
    targets = np.where(rows.events, (n_events + 1) / (n_events + 2), 1 / (n_others + 2))
    design = np.stack([np.ones(len(targets)), logit_of(rows.scores)], axis=1)
    intercept, slope = fit_logistic(design, targets).coefficients
    return PlattScaling(float(intercept), float(slope))


def fit_isotonic(labels: ArrayLike, probabilities: ArrayLike) -> IsotonicScaling:
    """Isotonic recalibration: the rates that fit best among all that never fall.

    It needs many rows, ties rows that were ranked, and gives probabilities of exactly 0 and 1.

    Args:
        labels: 0/1 of validation rows, shape (n,); one class alone is allowed.
        probabilities: in [0, 1], shape (n,).

    Raises:
        ValueError: a label is not 0/1, a probability lies outside [0, 1] or is NaN, or lengths
            differ.

    References:
        Zadrozny & Elkan, KDD 8:694 (2002).

    Examples:
        >>> recalibrate = fit_isotonic([0, 0, 1, 0, 1, 1], [0.1, 0.2, 0.3, 0.4, 0.6, 0.8])
        >>> recalibrate([0.15, 0.35, 0.5, 0.9])
        array([0.  , 0.5 , 0.75, 1.  ])
    """
    rows = checked_probabilities(labels, probabilities)
    values, at, count = np.unique(rows.scores, return_inverse=True, return_counts=True)
    rate = np.bincount(at, rows.events) / count
    return IsotonicScaling(values, isotonic_regression(rate, weights=count).x)


def shift_prevalence(
    probabilities: ArrayLike, prevalence: float, target: float
) -> NDArray[np.float64]:
    """Probabilities as they would be in a population of another prevalence.

    The odds are multiplied by target odds over present odds. That is right where only the share
    of events differs, and events (and non-events) look alike in both populations, which cannot
    be taken for granted: the untested differ from the tested in more than their risk.

    Args:
        probabilities: calibrated in the present population, in [0, 1], shape (n,).
        prevalence: share of events in the present population, in (0, 1).
        target: share of events in the other one, in (0, 1).

    Raises:
        ValueError: a number does not lie where it should.

    References:
        Saerens et al., Neural Comput 14:21 (2002).

    Examples:
        >>> shift_prevalence([0.2, 0.4, 0.9], prevalence=0.4, target=0.02).round(3)
        array([0.008, 0.02 , 0.216])
    """
    checked_probability(prevalence, "prevalence", open_interval=True)
    checked_probability(target, "target prevalence", open_interval=True)
    risks = checked_numbers(probabilities, "probabilities")
    if ((risks < 0) | (risks > 1)).any():
        raise ValueError("probabilities must lie between 0 and 1")
    events = risks * (target / prevalence)
    others = (1 - risks) * ((1 - target) / (1 - prevalence))
    shifted: NDArray[np.float64] = events / (events + others)
    return shifted


def post_test_probability(likelihood_ratio: Estimate, prevalence: float) -> Estimate:
    """Risk after a test result, in a population of another prevalence (Bayes).

    With the positive likelihood ratio it is the positive predictive value, with the negative one
    it is 1 − the negative predictive value.

    Args:
        likelihood_ratio: of the result, with its interval.
        prevalence: risk before the test, in (0, 1), taken as known.

    Raises:
        ValueError: the prevalence does not lie between 0 and 1.

    Examples:
        >>> ratio = Estimate(4.0, 2.0, 8.0, 0.95, "log", 100, 40, None)
        >>> print(post_test_probability(ratio, prevalence=0.02))
        0.075 (0.039–0.140)
    """
    checked_probability(prevalence, "prevalence", open_interval=True)
    odds = prevalence / (1 - prevalence)

    def risk(ratio: float) -> float:
        return 1.0 if np.isinf(ratio) else odds * ratio / (1 + odds * ratio)

    return replace(
        likelihood_ratio,
        value=risk(likelihood_ratio.value),
        low=risk(likelihood_ratio.low),
        high=risk(likelihood_ratio.high),
        method=f"{likelihood_ratio.method}, at prevalence {prevalence:g}",
    )
