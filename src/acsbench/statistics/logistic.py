"""Logistic regression by maximum likelihood, with the sandwich variance over patients."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from acsbench.statistics.intervals import sum_by_group

_STEPS = 100
_CONVERGED = 1e-8
# Of the information in an orthonormal basis: all that is left of it once the risks of the rows
# that could determine some coefficient have reached 0 and 1.
_UNDETERMINED = 1e-10
_CERTAIN = 1e-6


class LogisticFit(NamedTuple):
    """Coefficients, shape (p,), and their covariance over patients, shape (p, p)."""

    coefficients: NDArray[np.float64]
    covariance: NDArray[np.float64]


class SeparationError(ValueError):
    """Events and non-events are told apart without error, so that no finite fit exists."""


def fit_logistic(
    design: NDArray[np.float64],
    outcome: NDArray[np.float64] | NDArray[np.bool_],
    groups: NDArray[np.intp] | None = None,
    n_groups: int | None = None,
    offset: NDArray[np.float64] | float = 0.0,
) -> LogisticFit:
    """Maximum-likelihood fit of logit(risk) = design · coefficients + offset.

    Args:
        design: shape (n, p), with a column of ones where an intercept is wanted.
        outcome: 0/1, or shares in [0, 1], shape (n,).
        groups: patient of each row, numbered from 0, shape (n,); None takes rows as independent.
        n_groups: how many patients there are.
        offset: added to the linear predictor, shape (n,).

    Returns:
        The fit; the covariance is infinite if there is a single patient.

    Raises:
        SeparationError: some direction tells events and non-events apart.
        ValueError: columns of the design repeat each other.

    References:
        Liang & Zeger, Biometrika 73:13 (1986), for the sandwich; here times patients /
        (patients − 1).
    """
    if np.linalg.matrix_rank(design) < design.shape[1]:
        raise ValueError("a column of the regression repeats others or does not vary; leave it out")
    target = np.asarray(outcome, dtype=np.float64)
    basis, triangle = np.linalg.qr(design)
    coefficients = np.linalg.solve(triangle, _maximum(basis, target, offset))
    score, information = score_and_information(design, target, coefficients, offset)
    if groups is not None and n_groups is not None:
        score = np.stack([sum_by_group(column, groups, n_groups) for column in score.T], axis=1)
    clusters = len(score)
    if clusters < 2:
        return LogisticFit(coefficients, np.full_like(information, np.inf))
    bread = np.linalg.inv(information)
    meat = clusters / (clusters - 1) * (score.T @ score)
    return LogisticFit(coefficients, bread @ meat @ bread)


def score_and_information(
    design: NDArray[np.float64],
    outcome: NDArray[np.float64],
    coefficients: NDArray[np.float64],
    offset: NDArray[np.float64] | float = 0.0,
    weights: NDArray[np.float64] | float = 1.0,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Each row's gradient of the log likelihood, (n, p), and the information matrix, (p, p)."""
    risk = expit(design @ coefficients + offset)
    score = design * (weights * (outcome - risk))[:, None]
    return score, design.T @ (design * (weights * risk * (1 - risk))[:, None])


def logit_of(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log odds, with probabilities nearer to 0 or 1 than 1e-6 taken as that far from it."""
    clipped: NDArray[np.float64] = logit(np.clip(probabilities, _CERTAIN, 1 - _CERTAIN))
    return clipped


def _maximum(
    design: NDArray[np.float64],
    target: NDArray[np.float64],
    offset: NDArray[np.float64] | float,
) -> NDArray[np.float64]:
    """Newton's method; `design` has orthonormal columns.

    A step moves no row's log odds by more than 1, which makes every step an ascent (Bach,
    Electron J Stat 4:384, 2010).
    """
    coefficients = np.zeros(design.shape[1])
    for _ in range(_STEPS):
        score, information = score_and_information(design, target, coefficients, offset)
        if np.linalg.eigvalsh(information)[0] < _UNDETERMINED:
            break
        step = np.linalg.solve(information, score.sum(axis=0))
        farthest = np.abs(design @ step).max()
        coefficients = coefficients + step / max(farthest, 1.0)
        if farthest < _CONVERGED:
            return coefficients
    raise SeparationError("events and non-events are told apart without error; nothing to fit")
