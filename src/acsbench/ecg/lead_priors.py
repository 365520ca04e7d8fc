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
    factor: NDArray[np.float64]
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
        means = self.mean[..., None]
        second = self.factor @ self.factor.transpose(0, 2, 1) + means @ means.transpose(0, 2, 1)
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
        return LeadPriors(*(file[name].astype(np.float64) for name in names))


@dataclass(frozen=True, eq=False)
class Moments:
    """All that a linear model needs to know of the samples that it is fitted to.

    Attributes:
        gram: products of the columns, shape (leads, features, features), mV².
        projection: products of the columns with the lead, shape (leads, features), mV².
        energy: sum of the lead's squares, shape (leads,), mV².
        samples: how many there are, shape (leads,).
    """

    gram: NDArray[np.float64]
    projection: NDArray[np.float64]
    energy: NDArray[np.float64]
    samples: NDArray[np.float64]

    def squared_error(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum of squared errors of these weights, shape (leads,), mV²."""
        fitted = (self.gram @ weights[..., None])[..., 0]
        error = self.energy - 2 * (weights * self.projection).sum(axis=1)
        return np.maximum(error + (weights * fitted).sum(axis=1), 0.0)

    def __mul__(self, counts: float) -> Moments:
        """As if each sample had been recorded that many times."""
        return Moments(
            counts * self.gram,
            counts * self.projection,
            counts * self.energy,
            counts * self.samples,
        )

    def __add__(self, other: Moments) -> Moments:
        return Moments(
            self.gram + other.gram,
            self.projection + other.projection,
            self.energy + other.energy,
            self.samples + other.samples,
        )


def fit_weights(moments: Moments, priors: LeadPriors) -> NDArray[np.float64]:
    """Most probable weights of each lead; the prior's mean for a lead without samples.

    Args:
        moments: of the samples that were recorded.
        priors: one per lead.

    Returns:
        Shape (leads, features).
    """
    factor, identity = priors.factor, np.eye(priors.mean.shape[1])
    transposed = factor.transpose(0, 2, 1)
    # In units of the prior's scatter the system is well conditioned, however few the samples.
    gram = transposed @ moments.gram @ factor
    unexplained = moments.projection - (moments.gram @ priors.mean[..., None])[..., 0]
    projection = (transposed @ unexplained[..., None])[..., 0]
    samples = np.maximum(moments.samples, 1)
    power = moments.energy / samples + LEAST_POWER
    weights = priors.mean
    for number in range(ROUNDS):
        residual = moments.squared_error(weights) / samples
        residual = residual * (FIRST_SHARE if number == 0 else 1.0) + LEAST_NOISE
        exponent = priors.noise_exponent
        noise = np.exp(priors.noise_level) * residual**exponent * power ** (1 - exponent)
        system = identity + gram / noise[:, None, None]
        scatter = np.linalg.solve(system, (projection / noise[:, None])[..., None])
        weights = priors.mean + (factor @ scatter)[..., 0]
    return weights
