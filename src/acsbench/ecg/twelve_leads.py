"""Twelve leads over the whole time from a printed page with three rhythm strips.

What was printed is kept. Of the rest, limb leads follow from Einthoven's relations wherever two
of them were recorded at once. What remains open are lead I and four chest leads; each is a linear
combination of what the strips tell (`strip_features`), with weights fitted to the part of the lead
that was printed (`lead_regression`), starting from what is known of other patients
(`lead_priors`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from acsbench.ecg.einthoven import contradicts_einthoven, leads_i_and_ii
from acsbench.ecg.lead_priors import PREDICTED, lead_priors
from acsbench.ecg.lead_regression import LeadRegression, bridge_gaps
from acsbench.ecg.leads import LEADS, LIMB_FROM_I_AND_II, LIMB_LEADS
from acsbench.ecg.median_beat import repeat_median_beat
from acsbench.ecg.printed import STRIPS
from acsbench.ecg.rpeaks import detect_r_peaks
from acsbench.ecg.strip_features import strip_features

Method = Literal["regression", "median-beat"]

_SHORTEST = 2.0  # s
_LONGEST_GAP = 0.1  # s of a strip that a straight line may bridge
_STRIP_LEADS = [LEADS.index(name) for name in STRIPS]
_BY_EINTHOVEN = [LEADS.index(name) for name in PREDICTED]
_LEAD_BY_LEAD = [number for number in range(len(LEADS)) if number not in _STRIP_LEADS]


@dataclass(frozen=True, eq=False)
class TwelveLeads:
    """Twelve leads over the whole time, and how far each is to be trusted.

    Attributes:
        signal: shape (12, samples), mV, in the standard order.
        error: what to expect of the samples that were not printed, mV, shape (12,): the root mean
            square error of weights fitted to one half of what was printed, over the other half.
            0 for leads with whole strips, NaN where there is nothing to go by.
    """

    signal: NDArray[np.float64]
    error: NDArray[np.float64]


def twelve_leads_from_print(
    raw: ArrayLike,
    method: Method = "regression",
    fs: float = 500.0,
    r_peaks: ArrayLike | None = None,
) -> NDArray[np.float64]:
    """Twelve leads over the whole time from a printed page with three rhythm strips.

    Args:
        raw: printed page, shape (15, samples), mV with NaN.
        method: `regression` keeps what was printed and predicts the rest from the strips; limb
            leads obey Einthoven's relations. `median-beat` is the study's method, which repeats
            a damped average beat.
        fs: sampling rate, Hz.
        r_peaks: sample indices over the whole time; None finds them in the strips (for
            `median-beat`, in that of lead II).

    Returns:
        Shape (12, samples), mV, in the standard order, without NaN. With `regression` a lead that
        was not printed at all is what an average patient's would be; without any strip, all that
        was not printed is 0.

    Raises:
        ValueError: the method is unknown, or the array has another shape or is too short.
    """
    page = _checked(raw, fs)
    if method == "median-beat":
        page = np.where(np.isfinite(page), page, np.nan)
        if r_peaks is None:
            r_peaks = detect_r_peaks(page[len(LEADS) + STRIPS.index("II")], fs)
        return repeat_median_beat(page, r_peaks, fs)
    if method == "regression":
        return _reconstruct(page, fs, r_peaks).signal
    raise ValueError(f"method {method!r} is unknown; known are regression and median-beat")


def reconstruct_twelve_leads(
    raw: ArrayLike, fs: float = 500.0, r_peaks: ArrayLike | None = None
) -> TwelveLeads:
    """Twelve leads by regression, with the error to expect of each.

    Args:
        raw, fs, r_peaks: as for `twelve_leads_from_print`.

    Raises:
        ValueError: the array has another shape or is too short.
    """
    found = _reconstruct(_checked(raw, fs), fs, r_peaks)
    error = np.full(len(LEADS), np.nan)
    if found.regression is not None:
        error[found.predicted] = found.regression.error()
        error[_STRIP_LEADS] = found.strip_error
        if found.predicted == _BY_EINTHOVEN:
            squared = np.square(LIMB_FROM_I_AND_II) @ np.square(error[:2])
            error[: len(LIMB_LEADS)] = np.sqrt(squared)
    return TwelveLeads(found.signal, error)


def _checked(raw: ArrayLike, fs: float) -> NDArray[np.float64]:
    page = np.asarray(raw, dtype=np.float64)
    if page.ndim != 2 or page.shape[0] != len(LEADS) + len(STRIPS):
        raise ValueError(f"a printed page has shape (15, samples), not {page.shape}")
    if not fs > 0 or page.shape[1] < _SHORTEST * fs:
        raise ValueError(
            f"{page.shape[1]} samples at {fs:g} Hz are too few to tell how leads go together;"
            f" {_SHORTEST:g} s are needed"
        )
    return page


@dataclass(frozen=True, eq=False)
class _Reconstruction:
    """Twelve leads and what they come from: the leads predicted, how, and the strips' errors."""

    signal: NDArray[np.float64]
    predicted: list[int]
    regression: LeadRegression | None
    strip_error: NDArray[np.float64]


def _reconstruct(
    page: NDArray[np.float64], fs: float, r_peaks: ArrayLike | None
) -> _Reconstruction:
    strips = page[len(LEADS) :]
    limb, strip_ii = page[: len(LIMB_LEADS)], strips[STRIPS.index("II")]
    i_and_ii = leads_i_and_ii(limb, strip_ii)
    by_einthoven = not contradicts_einthoven(limb, strip_ii, i_and_ii)
    predicted = _BY_EINTHOVEN if by_einthoven else _LEAD_BY_LEAD
    leads = page[predicted]
    if by_einthoven:
        _fill(leads[0], i_and_ii[0])
    known = np.isfinite(strips)
    if not known.all():
        strips = strips.copy()
        _fill(strips, page[_STRIP_LEADS])
        if by_einthoven:
            _fill(strips[STRIPS.index("II")], i_and_ii[1])
    if not known.any():
        signal = _assemble(page, strips, leads, predicted)
        signal[~np.isfinite(signal)] = 0
        return _Reconstruction(signal, predicted, None, np.zeros(len(STRIPS)))
    priors = lead_priors() if by_einthoven else lead_priors().of_each_limb_lead()
    peaks = detect_r_peaks(page[len(LEADS) :], fs) if r_peaks is None else np.unique(r_peaks)
    strips, strip_error = _whole_strips(strips, peaks.astype(np.int64), fs)
    features = strip_features(strips, peaks.astype(np.int64), fs)
    regression = LeadRegression(features, leads, priors, fs)
    signal = _assemble(page, strips, regression.predict(), predicted)
    return _Reconstruction(signal, predicted, regression, strip_error)


def _fill(leads: NDArray[np.float64], otherwise: NDArray[np.float64]) -> None:
    """Put other values where leads were not recorded."""
    np.copyto(leads, otherwise, where=~np.isfinite(leads))


def _assemble(
    page: NDArray[np.float64],
    strips: NDArray[np.float64],
    found: NDArray[np.float64],
    predicted: list[int],
) -> NDArray[np.float64]:
    """Twelve leads from the strips and the predicted leads, both with what was printed."""
    signal = np.empty((len(LEADS), page.shape[1]))
    if predicted == _BY_EINTHOVEN:
        limb, printed = signal[: len(LIMB_LEADS)], page[: len(LIMB_LEADS)]
        np.matmul(LIMB_FROM_I_AND_II, np.stack([found[0], strips[STRIPS.index("II")]]), out=limb)
        np.copyto(limb, printed, where=np.isfinite(printed))
    signal[predicted] = found
    signal[_STRIP_LEADS] = strips
    return signal


def _whole_strips(
    strips: NDArray[np.float64], r_peaks: NDArray[np.int64], fs: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Strips without NaN, and the error to expect of what was filled in, mV.

    Short gaps are bridged; a strip with longer ones is predicted from the whole strips, or, if
    there is none, from the one of which most is there.
    """
    error = np.zeros(len(strips))
    if np.isfinite(strips).all():
        return strips, error
    bridged = bridge_gaps(strips, round(_LONGEST_GAP * fs))
    missing = np.asarray(~np.isfinite(bridged).all(axis=1))
    if not missing.any():
        return bridged, error
    if missing.all():
        best = np.isfinite(bridged).sum(axis=1).argmax()
        bridged[best] = bridge_gaps(bridged[best : best + 1], bridged.shape[1])[0]
        missing[best], error[best] = False, np.nan
    features = strip_features(np.where(missing[:, None], 0.0, bridged), r_peaks, fs)
    priors = lead_priors().of_any_lead(int(missing.sum()))
    regression = LeadRegression(features, bridged[missing], priors, fs)
    bridged[missing], error[missing] = regression.predict(), regression.error()
    return bridged, error
