"""What is known about a lead's weights before its own quarter has been seen.

Two and a half seconds are few to fit 64 weights. Over many patients the weights of a lead scatter
around a mean, and they scatter together. That normal distribution is the prior of a Bayesian
linear model; the lead's own quarter moves the weights away from the mean as far as it can tell.

The coefficients come from PTB-XL 1.0.3 (Wagner et al., CC BY 4.0, doi 10.13026/kfzx-aw45), folds
1–4 of the part that is used here; `benchmarks/lead_priors.py` makes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dposv, sposv

from acsbench.ecg.leads import LIMB_FROM_I_AND_II
from acsbench.ecg.strip_features import STRIP_II_ITSELF

PREDICTED = ("I", "V2", "V3", "V4", "V6")
"""The leads that strips and Einthoven's relations leave open."""

ROUNDS = 2  # of estimating noise and weights in turn
LEAST_NOISE = 4e-6  # mV², some steps of the converter
LEAST_POWER = 1e-4  # mV²
FIRST_SHARE = 0.3  # of the mean map's error that is left after fitting, roughly


@dataclass(frozen=True, eq=False)
class LeadPriors:
    """Normal distributions of the weights, one per lead.

    Attributes:
        mean: shape (leads, features).
        factor: a root of the covariance, shape (leads, features, features).
        noise_level: logarithm of the noise's variance in units of that of the residual; above 0,
            because neighbouring samples err alike and so tell less than their number; (leads,).
        noise_exponent: how much the residual itself counts for that unit, against the lead's
            power, shape (leads,).
    """

    mean: NDArray[np.float64]
    factor: NDArray[np.floating]
    noise_level: NDArray[np.float64]
    noise_exponent: NDArray[np.float64]

    def of_each_limb_lead(self) -> LeadPriors:
        """Priors of I, III, aVR, aVL, aVF, and then of the chest leads.

        Each limb lead is a sum of I and II; II is its strip, and I has a prior of its own.
        """
        share_of_i, share_of_ii = LIMB_FROM_I_AND_II[[0, 2, 3, 4, 5]].T
        strip_ii = np.zeros(self.mean.shape[1])
        strip_ii[list(STRIP_II_ITSELF)] = 1.0
        limb_mean = np.outer(share_of_i, self.mean[0]) + np.outer(share_of_ii, strip_ii)
        limb_factor = share_of_i[:, None, None] * self.factor[0]
        return LeadPriors(
            np.concatenate([limb_mean, self.mean[1:]]),
            np.concatenate([limb_factor, self.factor[1:]]),
            np.concatenate([np.repeat(self.noise_level[0], 5), self.noise_level[1:]]),
            np.concatenate([np.repeat(self.noise_exponent[0], 5), self.noise_exponent[1:]]),
        )

    def of_any_lead(self, count: int) -> LeadPriors:
        """Priors of leads about which nothing is known: mean 0, and the spread of all leads."""
        means, factor = self.mean[..., None], self.factor.astype(np.float64)
        second = factor @ factor.transpose(0, 2, 1) + means @ means.transpose(0, 2, 1)
        values, vectors = np.linalg.eigh(second.mean(axis=0))
        root = vectors * np.sqrt(np.maximum(values, 0))
        return LeadPriors(
            np.zeros((count, len(root))),
            np.repeat(root[None], count, axis=0),
            np.full(count, self.noise_level.mean()),
            np.full(count, self.noise_exponent.mean()),
        )


@lru_cache(maxsize=1)
def lead_priors() -> LeadPriors:
    """The priors of the leads in `PREDICTED`."""
    with (
        resources.as_file(resources.files("acsbench.ecg") / "lead_priors.npz") as path,
        np.load(path) as file,
    ):
        names = ("mean", "factor", "noise_level", "noise_exponent")
        mean, factor, *noise = (file[name].astype(np.float64) for name in names)
        return LeadPriors(mean, factor.astype(np.float32), *noise)


@dataclass(frozen=True, eq=False)
class Moments:
    """All that linear models need to know of the samples that they are fitted to.

    Attributes:
        gram: products of the columns, shape (..., leads, features, features), mV²; like the
            prior's factor of single precision where time counts, which the samples are anyway.
        projection: products of the columns with the lead, shape (..., leads, features), mV².
        energy: sum of the lead's squares, shape (..., leads), mV².
        samples: how many there are, shape (..., leads).
    """

    gram: NDArray[np.floating]
    projection: NDArray[np.float64]
    energy: NDArray[np.float64]
    samples: NDArray[np.float64]

    def squared_error(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum of squared errors of these weights, shape (..., leads), mV²."""
        fitted = _products(self.gram, weights)
        return np.maximum(
            self.energy + (weights * (fitted - 2 * self.projection)).sum(axis=-1), 0.0
        )


def fit_weights(moments: Moments, priors: LeadPriors, counts: float = 1.0) -> NDArray[np.float64]:
    """Most probable weights of each lead; the prior's mean for a lead without samples.

    Args:
        moments: of the samples that were recorded.
        priors: one per lead.
        counts: as how many samples each counts against the prior.

    Returns:
        Shape (..., leads, features).
    """
    factor = priors.factor
    transposed = factor.transpose(0, 2, 1)
    # In units of the prior's scatter the system is well conditioned, however few the samples.
    gram = transposed @ moments.gram @ factor
    unexplained = moments.projection - _products(moments.gram, priors.mean)
    projection = _products(transposed, unexplained)
    samples = np.maximum(moments.samples, 1)
    power = moments.energy / samples + LEAST_POWER
    unit = np.exp(priors.noise_level) * power ** (1 - priors.noise_exponent) / counts
    weights = priors.mean
    for number in range(ROUNDS):
        residual = moments.squared_error(weights) / samples
        residual = residual * (FIRST_SHARE if number == 0 else 1.0) + LEAST_NOISE
        noise = unit * residual**priors.noise_exponent
        weights = priors.mean + _products(factor, _solve(gram, noise, projection))
    return weights


def _products(matrices: NDArray[np.floating], vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each matrix times its vector, shape (..., features)."""
    return (matrices @ vectors.astype(matrices.dtype)[..., None])[..., 0].astype(np.float64)


def _solve(
    gram: NDArray[np.floating], noise: NDArray[np.float64], projection: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Solutions of (gram + noise × identity) x = projection, shape (..., features).

    LAPACK's Cholesky solver, system by system, takes half of `np.linalg.solve`'s time.
    """
    solve = sposv if gram.dtype == np.float32 else dposv
    systems = gram.reshape(-1, *gram.shape[-2:]).copy()
    np.einsum("nii->ni", systems)[:] += noise.reshape(-1, 1)
    right = projection.astype(gram.dtype).reshape(len(systems), -1)
    solutions = np.empty(right.shape)
    for number, system in enumerate(systems):
        _, solutions[number], failed = solve(system.T, right[number], lower=True, overwrite_a=True)
        if failed:  # by rounding, where a lead is its strips but for next to nothing
            whole = gram.reshape(systems.shape)[number].astype(np.float64)
            whole += noise.reshape(-1)[number] * np.eye(len(whole))
            solutions[number] = np.linalg.solve(whole, projection.reshape(right.shape)[number])
    return solutions.reshape(projection.shape)
