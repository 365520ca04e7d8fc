"""How far probabilities lie from observed rates, in one number."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from acsbench.statistics.calibration import SplineOfLogit, equal_bins
from acsbench.statistics.checks import checked_probabilities
from acsbench.statistics.estimate import Estimate
from acsbench.statistics.logistic import fit_logistic, score_and_information
from acsbench.statistics.resample import RESAMPLES, bootstrap_wald

# Of Newton's method from the fit of all rows to that of a resample.
_STEPS = 2


def expected_calibration_error(
    labels: ArrayLike,
    probabilities: ArrayLike,
    groups: ArrayLike | None = None,
    level: float = 0.95,
    *,
    bins: int = 10,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Estimate:
    """Mean distance between observed rate and mean probability over bins of equal size (ECE).

    It lies above 0 even for perfect probabilities, the more so the fewer rows there are. Limits
    are Wald's with the standard error from a bootstrap of patients, cut at 0 and 1; bins keep
    their borders. `calibration_bins` shows the same bins.

    Args:
        labels: 0/1, shape (n,).
        probabilities: in [0, 1], shape (n,).
        groups: patient of each row, shape (n,); None takes rows as independent.
        level: confidence level.
        bins: how many, at least 1.
        resamples: number of bootstrap draws.
        seed: of the random numbers.

    Raises:
        ValueError: a label is not 0/1, a probability lies outside [0, 1] or is NaN, lengths
            differ, all labels are the same, or there is a single patient.

    References:
        Naeini et al., AAAI 29:2901 (2015); Nixon et al., CVPR workshops (2019), for bins of
        equal size.

    Examples:
        >>> labels, probabilities = [0, 0, 1, 0, 1, 1], [0.1, 0.2, 0.3, 0.4, 0.6, 0.8]
        >>> print(expected_calibration_error(labels, probabilities, bins=2))
        0.100 (0.000–0.289)
    """
    rows = checked_probabilities(labels, probabilities, groups, events=True, nonevents=True)
    bin_of = equal_bins(rows.scores, bins)
    excess = rows.events - rows.scores

    def error(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.array([np.abs(np.bincount(bin_of, weights * excess)).sum() / weights.sum()])

    return bootstrap_wald(error, rows, level, bounds=(0.0, 1.0), resamples=resamples, seed=seed)[0]


def integrated_calibration_index(
    labels: ArrayLike,
    probabilities: ArrayLike,
    groups: ArrayLike | None = None,
    level: float = 0.95,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Estimate:
    """Mean distance between the probabilities and their smooth calibration curve (ICI).

    The curve is that of `calibration_curve`, where Austin & Steyerberg use loess. The index lies
    above 0 even for perfect probabilities. Limits are Wald's with the standard error from a
    bootstrap of patients, cut at 0 and 1; a resample's curve is two Newton steps away from the
    curve of all rows.

    Args:
        labels: 0/1, shape (n,).
        probabilities: in [0, 1], shape (n,).
        groups: patient of each row, shape (n,); None takes rows as independent.
        level: confidence level.
        resamples: number of bootstrap draws.
        seed: of the random numbers.

    Raises:
        ValueError: as for `calibration_curve`, or there is a single patient.

    References:
        Austin & Steyerberg, Stat Med 38:4051 (2019).

    Examples:
        >>> rng = np.random.default_rng(0)
        >>> risk = rng.random(500)
        >>> print(integrated_calibration_index(rng.random(500) < risk**2, risk))
        0.163 (0.129–0.197)
    """
    rows = checked_probabilities(labels, probabilities, groups, events=True, nonevents=True)
    design = SplineOfLogit(rows.scores)(rows.scores)
    outcome = rows.events.astype(np.float64)
    fitted = fit_logistic(design, outcome).coefficients

    def index(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        coefficients = fitted
        for _ in range(_STEPS):
            score, information = score_and_information(
                design, outcome, coefficients, weights=weights
            )
            coefficients = coefficients + np.linalg.lstsq(information, score.sum(axis=0))[0]
        distance = np.abs(expit(design @ coefficients) - rows.scores)
        return np.array([weights @ distance / weights.sum()])

    return bootstrap_wald(index, rows, level, bounds=(0.0, 1.0), resamples=resamples, seed=seed)[0]
