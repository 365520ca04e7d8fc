"""Fit leads to the rhythm strips where they were recorded, and predict them everywhere."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from acsbench.ecg.lead_priors import LeadPriors, Moments, fit_weights
from acsbench.ecg.strip_features import FEATURES, StripFeatures

_FITTING_RATE = 125.0  # Hz: more samples cost more and find no better weights
_PRIOR_RATE = 250.0  # Hz: of the samples that the priors' noise level counts
_FADE = 0.1  # s in which the step from what was recorded to the prediction falls to 1/e
_FADED = 6.0  # times that: nothing is left of the step


@dataclass(frozen=True, eq=False)
class LeadRegression:
    """Leads as far as they were recorded, and what a model of them needs to know.

    Attributes:
        features: of the strips.
        leads: shape (leads, samples), mV, NaN where nothing was recorded.
        priors: one per lead.
        halves: moments of the first and of the second half of what was recorded of each lead.
        step: every how many samples the model was fitted.
        fs: sampling rate, Hz.
    """

    features: StripFeatures
    leads: NDArray[np.float64]
    priors: LeadPriors
    halves: tuple[Moments, Moments]
    step: int
    fs: float

    def predict(self) -> NDArray[np.float64]:
        """The leads as recorded, and elsewhere as predicted, shape (leads, samples), mV."""
        first, second = self.halves
        weights = fit_weights(first + second, self.priors)
        predicted = self.features.predict(weights.astype(np.float32)).astype(np.float64)
        return join(self.leads, predicted, self.fs)

    def error(self) -> NDArray[np.float64]:
        """Root mean square error of each half's weights over the other half, mV, shape (leads,).

        A lead that was not recorded has the error that the prior expects.
        """
        first, second = self.halves
        squared = second.squared_error(fit_weights(first, self.priors))
        squared += first.squared_error(fit_weights(second, self.priors))
        samples = first.samples + second.samples
        error = np.sqrt(squared / np.maximum(samples, 1))
        unseen = samples == 0
        if unseen.any():
            columns = self.features.columns(self.step)
            scatter = self.priors.factor[unseen].transpose(0, 2, 1) @ columns
            error[unseen] = np.sqrt(np.square(scatter).sum(axis=1).mean(axis=1))
        return error


def regress_on_strips(
    features: StripFeatures, leads: NDArray[np.float64], priors: LeadPriors, fs: float
) -> LeadRegression:
    """Prepare the regression of leads on strips.

    Args:
        features: of the strips, as long as the leads.
        leads: shape (leads, samples), mV, NaN where nothing was recorded.
        priors: one per lead.
        fs: sampling rate, Hz.
    """
    step = max(1, round(fs / _FITTING_RATE))
    columns, thinned = features.columns(step), leads[:, ::step]
    halves = [_halves(np.flatnonzero(known)) for known in np.isfinite(thinned)]
    counts = _PRIOR_RATE * step / fs
    first, second = (
        _moments(columns, thinned, [pair[half] for pair in halves]) * counts for half in (0, 1)
    )
    return LeadRegression(features, leads, priors, (first, second), step, fs)


def _halves(recorded: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    middle = len(recorded) // 2
    return recorded[:middle], recorded[middle:]


def _moments(
    columns: NDArray[np.float32], leads: NDArray[np.float64], samples: list[NDArray[np.int64]]
) -> Moments:
    """Moments of each lead at its own samples; leads recorded together share their Gram matrix."""
    grams: dict[bytes, NDArray[np.float32]] = {}
    gram = np.empty((len(leads), FEATURES, FEATURES))
    projection = np.empty((len(leads), FEATURES))
    energy = np.empty(len(leads))
    for number, (lead, at) in enumerate(zip(leads, samples, strict=True)):
        # A slice where there is no gap: it needs no copy.
        whole = len(at) > 0 and at[-1] - at[0] + 1 == len(at)
        where = slice(at[0], at[-1] + 1) if whole else at
        part, values = columns[:, where], lead[where].astype(np.float32)
        key = at.tobytes()
        if key not in grams:
            grams[key] = part @ part.T
        gram[number], projection[number], energy[number] = (
            grams[key],
            part @ values,
            values @ values,
        )
    return Moments(gram, projection, energy, np.array([len(at) for at in samples], dtype=float))


def join(
    recorded: NDArray[np.float64], predicted: NDArray[np.float64], fs: float
) -> NDArray[np.float64]:
    """What was recorded, and elsewhere what is predicted, without steps between the two.

    The prediction's error at the last recorded sample fades away; in a short gap, that of one
    end turns into that of the other.

    Args:
        recorded: shape (leads, samples), mV with NaN.
        predicted: same shape, mV.
        fs: sampling rate, Hz.

    Returns:
        Same shape, mV, without NaN.
    """
    missing = np.isnan(recorded)
    joined = np.where(missing, predicted, recorded)
    reach = round(_FADED * _FADE * fs)
    fade = np.exp(-np.arange(1, reach + 1) / (_FADE * fs))
    for lead, printed, model, gaps in zip(joined, recorded, predicted, missing, strict=True):
        for start, end in _runs(gaps):
            length = min(end - start, reach)
            # The factor that falls from 1 to 0 over the gap lets the errors at both ends meet.
            weight = fade[:length] * (1 - np.arange(1, length + 1) / (end - start + 1))
            if start > 0:
                lead[start : start + length] += (printed[start - 1] - model[start - 1]) * weight
            if end < len(lead):
                lead[end - length : end] += (printed[end] - model[end]) * weight[::-1]
    return joined


def _runs(missing: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First sample and sample behind the last of each run of missing samples."""
    borders = (np.flatnonzero(missing[1:] != missing[:-1]) + 1).tolist()
    edges = [0, *borders, len(missing)]
    first = 0 if missing[0] else 1
    return list(zip(edges[first:-1:2], edges[first + 1 :: 2], strict=True))


def bridge_gaps(signal: NDArray[np.float64], longest: int) -> NDArray[np.float64]:
    """Straight lines over gaps of up to `longest` samples; at the ends, the nearest value.

    Args:
        signal: shape (leads, samples), mV with NaN.
        longest: samples; longer gaps stay.

    Returns:
        Same shape, mV.
    """
    bridged = signal.copy()
    for lead, known in zip(bridged, np.isfinite(signal), strict=True):
        if known.all() or not known.any():
            continue
        at = np.flatnonzero(known)
        for start, end in _runs(~known):
            if end - start <= longest:
                lead[start:end] = np.interp(np.arange(start, end), at, lead[at])
    return bridged
