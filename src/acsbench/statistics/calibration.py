"""Whether probabilities mean what they say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, fdtrc

from acsbench.statistics.checks import Rows, checked_numbers, checked_probabilities
from acsbench.statistics.estimate import Estimate
from acsbench.statistics.intervals import critical_value, wald
from acsbench.statistics.logistic import LogisticFit, SeparationError, fit_logistic, logit_of
from acsbench.statistics.shares import share

# Harrell's places for four knots, as quantiles.
_KNOTS = (0.05, 0.35, 0.65, 0.95)


def calibration_slope(
    labels: ArrayLike,
    probabilities: ArrayLike,
    groups: ArrayLike | None = None,
    level: float = 0.95,
) -> Estimate:
    """Slope of the labels on the log odds of the probabilities; 1 is perfect.

    Below 1 the probabilities are too extreme (the model is too sure), above 1 too timid. Wald
    limits with the sandwich variance, over patients where `groups` are given. If events and
    non-events are separated the slope is infinite and no interval remains. Probabilities nearer
    to 0 or 1 than 1e-6 are taken as that far from it.

    Args:
        labels: 0/1, shape (n,).
        probabilities: in [0, 1], shape (n,).
        groups: patient of each row, shape (n,); None takes rows as independent.
        level: confidence level.

    Raises:
        ValueError: a label is not 0/1, a probability lies outside [0, 1] or is NaN, lengths
            differ, all labels are the same, or all probabilities are.

    References:
        Cox, Biometrika 45:562 (1958); Van Calster et al., BMC Med 17:230 (2019).

    Examples:
        >>> labels, probabilities = [0, 0, 1, 0, 1, 1], [0.1, 0.2, 0.3, 0.4, 0.6, 0.8]
        >>> print(f"{calibration_slope(labels, probabilities):.2f}")
        2.24 (0.46–4.02)
    """
    rows = checked_probabilities(labels, probabilities, groups, events=True, nonevents=True)
    if np.ptp(rows.scores) == 0:
        raise ValueError("all probabilities are the same; they have no calibration slope")
    log_odds = logit_of(rows.scores)
    design = np.stack([np.ones(len(log_odds)), log_odds], axis=1)
    try:
        fit = fit_logistic(design, rows.events, rows.groups, rows.n_groups)
    except SeparationError:
        right = rows.scores[rows.events].mean() > rows.scores[~rows.events].mean()
        method = "no interval: events and non-events are separated"
        return rows.estimate(np.inf if right else -np.inf, -np.inf, np.inf, level, method)
    return _coefficient(fit, 1, rows, level)


def calibration_intercept(
    labels: ArrayLike,
    probabilities: ArrayLike,
    groups: ArrayLike | None = None,
    level: float = 0.95,
) -> Estimate:
    """Log odds by which the probabilities are too low on the whole; 0 is perfect.

    Calibration in the large: the intercept of a logistic regression whose slope is held at 1.
    See `calibration_slope` for limits, arguments and errors. Where probabilities tell events and
    non-events apart without error, the variance is at least that of true probabilities, since the
    sandwich measures surprises and there are none: risks of 0 and 1 that are all right say nothing
    about the intercept.

    Examples:
        >>> labels, probabilities = [0, 0, 1, 0, 1, 1], [0.1, 0.2, 0.3, 0.4, 0.6, 0.8]
        >>> print(f"{calibration_intercept(labels, probabilities):.2f}")
        0.53 (−1.17 to 2.23)
    """
    rows = checked_probabilities(labels, probabilities, groups, events=True, nonevents=True)
    fit = fit_logistic(
        np.ones((len(rows.scores), 1)),
        rows.events,
        rows.groups,
        rows.n_groups,
        offset=logit_of(rows.scores),
    )
    if rows.scores[rows.events].min() > rows.scores[~rows.events].max():
        risks = expit(logit_of(rows.scores))
        variance = 1 / float(risks @ (1 - risks))
        if variance > fit.covariance[0, 0]:
            value = float(fit.coefficients[0])
            low, high = wald(value, variance, level, bounds=(-np.inf, np.inf))
            method = "Wald, variance of true probabilities: events and non-events are separated"
            return rows.estimate(value, low, high, level, method)
    return _coefficient(fit, 0, rows, level)


@dataclass(frozen=True)
class CalibrationBin:
    """Rows of similar probability: the mean of what was predicted, and what happened."""

    predicted: float
    observed: Estimate


def calibration_bins(
    labels: ArrayLike,
    probabilities: ArrayLike,
    groups: ArrayLike | None = None,
    level: float = 0.95,
    *,
    bins: int = 10,
) -> list[CalibrationBin]:
    """Observed event rates in bins of equal size, with Wilson limits; see `sensitivity`.

    Rows with one probability stay together, so that there may be fewer bins than asked for.

    Args:
        labels: 0/1, shape (n,); one class alone is allowed.
        probabilities: in [0, 1], shape (n,).
        groups: patient of each row, shape (n,); None takes rows as independent.
        level: confidence level.
        bins: how many, at least 1.

    Raises:
        ValueError: a label is not 0/1, a probability lies outside [0, 1] or is NaN, lengths
            differ, or there are no bins.

    Examples:
        >>> for each in calibration_bins([0, 0, 1, 0, 1, 1], [.1, .2, .3, .4, .6, .8], bins=2):
        ...     print(f"{each.predicted:.2f}: {each.observed:.2f}")
        0.20: 0.33 (0.06–0.79)
        0.60: 0.67 (0.21–0.94)
    """
    rows = checked_probabilities(labels, probabilities, groups)
    bin_of = equal_bins(rows.scores, bins)
    return [
        CalibrationBin(
            float(rows.scores[bin_of == k].mean()), share(rows.events, bin_of == k, rows, level)
        )
        for k in range(int(bin_of.max()) + 1)
    ]


def equal_bins(probabilities: NDArray[np.float64], bins: int) -> NDArray[np.intp]:
    """Number of the bin of each row, from 0 without gaps, shape (n,); see `calibration_bins`."""
    if bins < 1:
        raise ValueError(f"{bins} bins; ask for at least one")
    ranked = np.sort(probabilities)
    # The highest row of each bin; rows tied with it belong to the same bin.
    last = np.ceil(np.arange(1, bins) * len(ranked) / bins).astype(int) - 1
    edges = np.unique(ranked[last[last >= 0]])
    bin_of = np.searchsorted(edges, probabilities)
    return np.unique(bin_of, return_inverse=True)[1]


@dataclass(frozen=True)
class CalibrationCurve:
    """A smooth curve of the observed risk over the predicted one, with its pointwise band.

    Args:
        predicted: probabilities, shape (k,).
        observed: risk among rows with that probability, shape (k,).
        low, high: limits of the band, shape (k,).
        level: confidence level.
    """

    predicted: NDArray[np.float64]
    observed: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    level: float


def calibration_curve(
    labels: ArrayLike,
    probabilities: ArrayLike,
    groups: ArrayLike | None = None,
    level: float = 0.95,
    *,
    at: ArrayLike | None = None,
) -> CalibrationCurve:
    """Risk as a smooth function of the predicted probability.

    A logistic regression on a natural cubic spline of the log odds, with knots at the 5th, 35th,
    65th and 95th percentile (fewer, down to a line or a constant, where probabilities repeat).
    The band is that of the log odds, with the sandwich variance over patients where `groups` are
    given.

    Args:
        labels: 0/1, shape (n,).
        probabilities: in [0, 1], shape (n,).
        groups: patient of each row, shape (n,); None takes rows as independent.
        level: confidence level.
        at: probabilities at which the curve is wanted, shape (k,); None takes 101 in equal steps
            from the 1st to the 99th percentile.

    Raises:
        ValueError: a label is not 0/1, a probability lies outside [0, 1] or is NaN, lengths
            differ, all labels are the same, or some probability separates events from others.

    References:
        Harrell, Regression Modeling Strategies, 2nd ed. (2015), sections 2.4.5 and 10.11.

    Examples:
        >>> rng = np.random.default_rng(0)
        >>> risk = rng.random(500)
        >>> curve = calibration_curve(rng.random(500) < risk**2, risk, at=[0.2, 0.5, 0.8])
        >>> curve.observed.round(2)
        array([0.05, 0.23, 0.67])
    """
    rows = checked_probabilities(labels, probabilities, groups, events=True, nonevents=True)
    if at is None:
        first, last = np.quantile(rows.scores, [0.01, 0.99])
        points = np.linspace(first, last, 101)
    else:
        points = checked_numbers(at, "probabilities of the curve")
    spline = SplineOfLogit(rows.scores)
    fit = fit_logistic(spline(rows.scores), rows.events, rows.groups, rows.n_groups)
    basis = spline(points)
    centre = basis @ fit.coefficients
    if np.isinf(fit.covariance).any():
        reach = np.full(len(points), np.inf)
    else:
        variance = np.einsum("ij,jk,ik->i", basis, fit.covariance, basis)
        reach = critical_value(level) * np.sqrt(variance)
    return CalibrationCurve(
        points, expit(centre), expit(centre - reach), expit(centre + reach), level
    )


@dataclass(frozen=True)
class CalibrationTest:
    """A test that the whole calibration curve lies on the diagonal.

    Args:
        statistic: Wald's, divided by `columns`; NaN where the curve has no variance.
        columns: coefficients that are tested together.
        n_independent: patients, or rows if they are independent.
        p: from the F distribution with `columns` and `n_independent` − `columns` degrees of
            freedom; NaN without a statistic.
    """

    statistic: float
    columns: int
    n_independent: int
    p: float


def calibration_test(
    labels: ArrayLike, probabilities: ArrayLike, groups: ArrayLike | None = None
) -> CalibrationTest:
    """Whether the calibration curve departs from the diagonal, anywhere and in any shape.

    Slope and intercept can be perfect while the curve is bent, as where high and low risks are
    both too low. This is the joint Wald test that the logistic regression of `calibration_curve`
    has intercept 0, slope 1 and no bend, with the sandwich variance over patients where `groups`
    are given. `benchmarks/calibration_test.py` measures how often it rejects true probabilities,
    and bent ones.

    Args:
        labels: 0/1, shape (n,).
        probabilities: in [0, 1], shape (n,).
        groups: patient of each row, shape (n,); None takes rows as independent.

    Raises:
        ValueError: as for `calibration_curve`.

    References:
        Cox, Biometrika 45:562 (1958), for a line; Harrell, Regression Modeling Strategies, 2nd
        ed. (2015), section 9.2, for the test.

    Examples:
        >>> rng = np.random.default_rng(0)
        >>> risk = rng.uniform(0.05, 0.95, 500)
        >>> round(calibration_test(rng.random(500) < risk, risk).p, 2)
        0.96
        >>> calibration_test(rng.random(500) < risk**2, risk).p < 0.001
        True
    """
    rows = checked_probabilities(labels, probabilities, groups, events=True, nonevents=True)
    design = SplineOfLogit(rows.scores)(rows.scores)
    columns = design.shape[1]
    # On the diagonal the curve's log odds are the predicted ones: an offset leaves nothing over.
    fit = fit_logistic(
        design, rows.events, rows.groups, rows.n_groups, offset=logit_of(rows.scores)
    )
    independent = len(rows.scores) if rows.n_groups is None else rows.n_groups
    left = independent - columns
    if left < 1 or np.linalg.matrix_rank(fit.covariance) < columns:
        return CalibrationTest(np.nan, columns, independent, np.nan)
    distance = fit.coefficients @ np.linalg.solve(fit.covariance, fit.coefficients)
    statistic = float(distance) / columns
    return CalibrationTest(statistic, columns, independent, float(fdtrc(columns, left, statistic)))


class SplineOfLogit:
    """Columns of a natural cubic spline in the log odds, with knots where the probabilities are.

    Args:
        probabilities: those that place the knots, shape (n,).
    """

    def __init__(self, probabilities: NDArray[np.float64]) -> None:
        log_odds = logit_of(probabilities)
        self.varies = bool(np.ptp(log_odds) > 0)
        # Knots at values that occur: as many distinct knots as columns keep the fit determined.
        self.knots = np.unique(np.quantile(log_odds, _KNOTS, method="inverted_cdf"))

    def __call__(self, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        """Ones, the log odds, and a column for each knot but two, shape (n, p)."""
        log_odds = logit_of(probabilities)
        columns = [np.ones(len(log_odds))]
        if self.varies:
            columns.append(log_odds)
        if len(self.knots) > 2:
            *inner, before, last = self.knots
            cubes = {knot: np.maximum(log_odds - knot, 0) ** 3 for knot in self.knots}
            for knot in inner:
                bent = (
                    cubes[knot]
                    - cubes[before] * (last - knot) / (last - before)
                    + cubes[last] * (before - knot) / (last - before)
                )
                columns.append(bent / (last - self.knots[0]) ** 2)
        return np.stack(columns, axis=1)


def _coefficient(fit: LogisticFit, column: int, rows: Rows, level: float) -> Estimate:
    value, variance = float(fit.coefficients[column]), float(fit.covariance[column, column])
    low, high = wald(value, variance, level, bounds=(-np.inf, np.inf))
    method = "sandwich, Wald" if rows.groups is None else "cluster-robust sandwich, Wald"
    if np.isinf(variance):
        method = "no interval: the variance cannot be estimated"
    return rows.estimate(value, low, high, level, method)
