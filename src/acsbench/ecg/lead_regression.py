"""Fit leads to the rhythm strips where they were recorded, and predict them everywhere."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from acsbench.ecg.lead_priors import LeadPriors, Moments, fit_weights
from acsbench.ecg.recorded import alike, runs
from acsbench.ecg.strip_features import FEATURES, StripFeatures

_FITTING_RATE = 125.0  # Hz: more samples cost more and find no better weights
_PRIOR_RATE = 250.0  # Hz: of the samples that the priors' noise level counts
_FADE = 0.1  # s in which the step from what was recorded to the prediction falls to 1/e
_FADED = 6.0  # times that: nothing is left of the step


@dataclass(frozen=True, eq=False)
class LeadRegression:
    """Leads as far as they were recorded, to be told by the strips elsewhere.

    Attributes:
        features: of the strips, as long as the leads.
        leads: shape (pages, leads, samples), mV.
        known: where they were recorded, same shape.
        priors: one per lead.
        fs: sampling rate, Hz.
    """

    features: StripFeatures
    leads: NDArray[np.floating]
    known: NDArray[np.bool_]
    priors: LeadPriors
    fs: float

    def predict(self) -> NDArray[np.floating]:
        """The leads as recorded, and elsewhere as predicted, (pages, leads, samples), mV."""
        weights = self._fitted(self._moments(self.known))
        predicted = self.features.predict(weights.astype(np.float32))
        return join(self.leads, self.known, predicted, self.fs)

    def error(self) -> NDArray[np.float64]:
        """Root mean square error of each half's weights over the other half, (pages, leads), mV.

        A lead that was not recorded has the error that the prior expects.
        """
        thinned = self.known[..., :: self._step]
        earlier = thinned.cumsum(axis=2) <= thinned.sum(axis=2, keepdims=True) // 2
        earlier = earlier.repeat(self._step, axis=2)[..., : self.known.shape[2]]
        first = self._moments(self.known & earlier)
        second = self._moments(self.known & ~earlier)
        squared = second.squared_error(self._fitted(first))
        squared += first.squared_error(self._fitted(second))
        samples = first.samples + second.samples
        error = np.sqrt(squared / np.maximum(samples, 1))
        unseen = samples == 0
        if unseen.any():
            for page, columns in enumerate(self.features.columns(self._step)):
                scatter = self.priors.factor[unseen[page]].swapaxes(1, 2) @ columns
                error[page, unseen[page]] = np.sqrt(np.square(scatter).sum(axis=1).mean(axis=1))
        return error

    @property
    def _step(self) -> int:
        return max(1, round(self.fs / _FITTING_RATE))

    def _moments(self, chosen: NDArray[np.bool_]) -> Moments:
        """Moments at those of the chosen samples to which weights are fitted."""
        leads = self.leads[..., :: self._step].astype(np.float32)
        return moments(self.features.columns(self._step), leads, chosen[..., :: self._step])

    def _fitted(self, moments: Moments) -> NDArray[np.float64]:
        return fit_weights(moments, self.priors, counts=_PRIOR_RATE * self._step / self.fs)


def moments(
    columns: Iterable[NDArray[np.float32]],
    leads: NDArray[np.float32],
    chosen: NDArray[np.bool_],
) -> Moments:
    """Moments of each lead at its own samples.

    Args:
        columns: of each page, shape (features, samples).
        leads: shape (pages, leads, samples), mV.
        chosen: which samples count, same shape.
    """
    values = np.where(chosen, leads, np.float32(0))
    parts = {
        page: found
        for same in alike(chosen)
        for found in [_recorded_together(chosen[same[0]])]
        for page in same.tolist()
    }
    gram = np.zeros((*leads.shape[:2], FEATURES, FEATURES), dtype=np.float32)
    projection = np.empty((*leads.shape[:2], FEATURES), dtype=np.float32)
    for page, of_page in enumerate(columns):
        for recorded, samples in parts[page]:
            part = of_page[:, samples]
            shared = part @ part.T
            for lead in recorded:
                gram[page, lead] += shared
        np.matmul(values[page], of_page.T, out=projection[page])
    return Moments(
        gram,
        projection.astype(np.float64),
        np.square(values).sum(axis=2).astype(np.float64),
        np.count_nonzero(chosen, axis=2).astype(np.float64),
    )


def _recorded_together(
    chosen: NDArray[np.bool_],
) -> list[tuple[list[int], slice | NDArray[np.int64]]]:
    """Leads recorded together, and when: they share their Gram matrix, which takes most time."""
    parts: list[tuple[list[int], slice | NDArray[np.int64]]] = []
    together = (1 << np.arange(len(chosen))) @ chosen
    for code in np.flatnonzero(np.bincount(together)[1:]) + 1:
        at = np.flatnonzero(together == code)
        # A slice where there is no gap: it needs no copy.
        whole = at[-1] - at[0] + 1 == len(at)
        samples = slice(int(at[0]), int(at[-1]) + 1) if whole else at
        parts.append((np.flatnonzero(chosen[:, at[0]]).tolist(), samples))
    return parts


def join(
    recorded: NDArray[np.floating],
    known: NDArray[np.bool_],
    predicted: NDArray[np.floating],
    fs: float,
) -> NDArray[np.floating]:
    """What was recorded, and elsewhere what is predicted, without steps between the two.

    The prediction's error at the last recorded sample fades away; in a short gap, that of one
    end turns into that of the other.

    Args:
        recorded: shape (pages, leads, samples), mV.
        known: where that is, same shape.
        predicted: same shape as `recorded`, mV.
        fs: sampling rate, Hz.

    Returns:
        Same shape, mV, and in the precision of `recorded`.
    """
    joined = predicted.astype(recorded.dtype)
    reach = round(_FADED * _FADE * fs)
    samples = known.shape[2]
    for same in alike(known):
        for lead, lead_known in enumerate(known[same[0]]):
            for start, end in runs(~lead_known):
                length = min(end - start, reach)
                weight = _fade(length, end - start, fs).astype(joined.dtype)
                if start > 0:
                    step = recorded[same, lead, start - 1] - joined[same, lead, start - 1]
                    joined[same, lead, start : start + length] += step[:, None] * weight
                if end < samples:
                    step = recorded[same, lead, end] - joined[same, lead, end]
                    joined[same, lead, end - length : end] += step[:, None] * weight[::-1]
            for start, end in runs(lead_known):
                joined[same, lead, start:end] = recorded[same, lead, start:end]
    return joined


@lru_cache(maxsize=256)
def _fade(length: int, gap: int, fs: float) -> NDArray[np.float64]:
    """How much of an error at the border of a gap is left at its first samples."""
    away = np.arange(1, length + 1)
    # The factor that falls from 1 to 0 over the gap lets the errors at both ends meet.
    return np.exp(-away / (_FADE * fs)) * (1 - away / (gap + 1))


def bridge_gaps(
    signal: NDArray[np.floating], known: NDArray[np.bool_], longest: int
) -> tuple[NDArray[np.floating], NDArray[np.bool_]]:
    """Straight lines over gaps of up to `longest` samples; at the ends, the nearest value.

    Args:
        signal: of one page, shape (leads, samples), mV.
        known: which samples are known, same shape.
        longest: samples; longer gaps stay, and so does a lead of which nothing is known.

    Returns:
        The signal, and which samples are known now.
    """
    bridged, known = signal.copy(), known.copy()
    for lead, lead_known in zip(bridged, known, strict=True):
        if lead_known.all() or not lead_known.any():
            continue
        at, values = np.flatnonzero(lead_known), lead[lead_known]
        for start, end in runs(~lead_known):
            if end - start <= longest:
                lead[start:end] = np.interp(np.arange(start, end), at, values)
                lead_known[start:end] = True
    return bridged, known
