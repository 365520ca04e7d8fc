"""Fit leads to the rhythm strips where they were recorded, and predict them everywhere."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from acsbench.ecg.lead_priors import LeadPriors, Moments, fit_weights
from acsbench.ecg.strip_features import StripFeatures

_FITTING_RATE = 125.0  # Hz: more samples cost more and find no better weights
_PRIOR_RATE = 250.0  # Hz: of the samples that the priors' noise level counts
_FADE = 0.1  # s in which the step from what was recorded to the prediction falls to 1/e
_FADED = 6.0  # times that: nothing is left of the step


@dataclass(frozen=True, eq=False)
class LeadRegression:
    """Leads as far as they were recorded, to be told by the strips elsewhere.

    Attributes:
        features: of the strips, as long as the leads.
        leads: shape (leads, samples), mV, NaN where nothing was recorded.
        priors: one per lead.
        fs: sampling rate, Hz.
    """

    features: StripFeatures
    leads: NDArray[np.float64]
    priors: LeadPriors
    fs: float

    def predict(self) -> NDArray[np.float64]:
        """The leads as recorded, and elsewhere as predicted, shape (leads, samples), mV."""
        columns, leads = self._thinned()
        weights = self._fitted(moments(columns, leads, np.isfinite(leads)))
        return join(self.leads, self.features.predict(weights.astype(np.float32)), self.fs)

    def error(self) -> NDArray[np.float64]:
        """Root mean square error of each half's weights over the other half, mV, shape (leads,).

        A lead that was not recorded has the error that the prior expects.
        """
        columns, leads = self._thinned()
        known = np.isfinite(leads)
        earlier = known.cumsum(axis=1) <= known.sum(axis=1, keepdims=True) // 2
        first = moments(columns, leads, known & earlier)
        second = moments(columns, leads, known & ~earlier)
        squared = second.squared_error(self._fitted(first))
        squared += first.squared_error(self._fitted(second))
        samples = first.samples + second.samples
        error = np.sqrt(squared / np.maximum(samples, 1))
        unseen = samples == 0
        if unseen.any():
            scatter = self.priors.factor[unseen].transpose(0, 2, 1) @ columns
            error[unseen] = np.sqrt(np.square(scatter).sum(axis=1).mean(axis=1))
        return error

    @property
    def _step(self) -> int:
        return max(1, round(self.fs / _FITTING_RATE))

    def _thinned(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Columns and leads at the samples to which weights are fitted."""
        leads = self.leads[:, :: self._step].astype(np.float32)
        return self.features.columns(self._step), leads

    def _fitted(self, moments: Moments) -> NDArray[np.float64]:
        return fit_weights(moments, self.priors, counts=_PRIOR_RATE * self._step / self.fs)


def moments(
    columns: NDArray[np.float32], leads: NDArray[np.float32], chosen: NDArray[np.bool_]
) -> Moments:
    """Moments of each lead at its own samples.

    Args:
        columns: shape (features, samples).
        leads: shape (leads, samples), mV.
        chosen: which samples count, same shape.
    """
    values = np.where(chosen, leads, np.float32(0))
    gram = np.zeros((len(leads), len(columns), len(columns)), dtype=np.float32)
    # Leads recorded together share their Gram matrix, which takes most of the time.
    together = (1 << np.arange(len(leads))) @ chosen
    for code in np.flatnonzero(np.bincount(together)[1:]) + 1:
        at = np.flatnonzero(together == code)
        # A slice where there is no gap: it needs no copy.
        whole = at[-1] - at[0] + 1 == len(at)
        part = columns[:, at[0] : at[-1] + 1] if whole else columns[:, at]
        shared = part @ part.T
        for lead in np.flatnonzero(chosen[:, at[0]]):
            gram[lead] += shared
    return Moments(
        gram,
        (columns @ values.T).T.astype(np.float64),
        np.einsum("ij,ij->i", values, values).astype(np.float64),
        chosen.sum(axis=1).astype(np.float64),
    )


def join(
    recorded: NDArray[np.float64], predicted: NDArray[np.floating], fs: float
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
    missing = ~np.isfinite(recorded)
    joined = predicted.astype(np.float64)
    np.copyto(joined, recorded, where=~missing)
    reach = round(_FADED * _FADE * fs)
    for lead, printed, model, gaps in zip(joined, recorded, predicted, missing, strict=True):
        for start, end in _runs(gaps):
            length = min(end - start, reach)
            weight = _fade(length, end - start, fs)
            if start > 0:
                lead[start : start + length] += (printed[start - 1] - model[start - 1]) * weight
            if end < len(lead):
                lead[end - length : end] += (printed[end] - model[end]) * weight[::-1]
    return joined


@lru_cache(maxsize=256)
def _fade(length: int, gap: int, fs: float) -> NDArray[np.float64]:
    """How much of an error at the border of a gap is left at its first samples."""
    away = np.arange(1, length + 1)
    # The factor that falls from 1 to 0 over the gap lets the errors at both ends meet.
    return np.exp(-away / (_FADE * fs)) * (1 - away / (gap + 1))


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
