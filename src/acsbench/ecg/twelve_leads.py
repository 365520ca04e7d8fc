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

from acsbench.ecg.einthoven import contradict_einthoven, leads_i_and_ii
from acsbench.ecg.lead_priors import PREDICTED, lead_priors
from acsbench.ecg.lead_regression import LeadRegression, bridge_gaps
from acsbench.ecg.leads import LEADS, LIMB_FROM_I_AND_II, LIMB_LEADS, weighted_sums
from acsbench.ecg.median_beat import repeat_median_beat
from acsbench.ecg.printed import STRIPS
from acsbench.ecg.rpeaks import detect_r_peaks, r_peaks_of_each
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
        signal: shape (12, samples) or (pages, 12, samples), mV, in the standard order.
        error: what to expect of the samples that were not printed, mV, shape (12,) or
            (pages, 12): the root mean square error of weights fitted to one half of what was
            printed, over the other half. 0 for leads with whole strips, NaN where there is
            nothing to go by.
    """

    signal: NDArray[np.floating]
    error: NDArray[np.float64]


def twelve_leads_from_print(
    raw: ArrayLike,
    method: Method = "regression",
    fs: float = 500.0,
    r_peaks: ArrayLike | None = None,
) -> NDArray[np.floating]:
    """Twelve leads over the whole time from a printed page with three rhythm strips.

    Args:
        raw: printed page, shape (15, samples), mV with NaN; or several, (pages, 15, samples),
            which take far less time together.
        method: `regression` keeps what was printed and predicts the rest from the strips; limb
            leads obey Einthoven's relations. `median-beat` is the study's method, which repeats
            a damped average beat.
        fs: sampling rate, Hz.
        r_peaks: of one page, sample indices over the whole time; None finds them in the strips
            (for `median-beat`, in that of lead II).

    Returns:
        Shape (12, samples) or (pages, 12, samples), mV, in the standard order, without NaN, in
        single precision if the pages are. With `regression` a lead that was not printed at all
        is what an average patient's would be; without any strip, all that was not printed is 0.

    Raises:
        ValueError: the method is unknown, or the array has another shape or is too short.
    """
    pages, peaks = _checked(raw, fs, r_peaks)
    if method == "median-beat":
        signal = _median_beats(np.where(np.isfinite(pages), pages, np.nan), fs, peaks)
    elif method == "regression":
        signal = _reconstruct(pages, fs, peaks, with_error=False).signal
    else:
        raise ValueError(f"method {method!r} is unknown; known are regression and median-beat")
    return signal.reshape(*np.shape(raw)[:-2], *signal.shape[1:])


def reconstruct_twelve_leads(
    raw: ArrayLike, fs: float = 500.0, r_peaks: ArrayLike | None = None
) -> TwelveLeads:
    """Twelve leads by regression, with the error to expect of each.

    Args:
        raw, fs, r_peaks: as for `twelve_leads_from_print`.

    Raises:
        ValueError: the array has another shape or is too short.
    """
    pages, peaks = _checked(raw, fs, r_peaks)
    found = _reconstruct(pages, fs, peaks, with_error=True)
    of_pages = np.shape(raw)[:-2]
    return TwelveLeads(
        found.signal.reshape(*of_pages, *found.signal.shape[1:]),
        found.error.reshape(*of_pages, len(LEADS)),
    )


def _checked(
    raw: ArrayLike, fs: float, r_peaks: ArrayLike | None
) -> tuple[NDArray[np.floating], list[NDArray[np.int64]] | None]:
    """Pages, shape (pages, 15, samples), and the R-peaks of each if they are given."""
    pages = np.asarray(raw)
    if pages.dtype != np.float32:
        pages = pages.astype(np.float64)
    if pages.ndim not in (2, 3) or pages.shape[-2] != len(LEADS) + len(STRIPS):
        raise ValueError(f"a printed page has shape (15, samples), not {pages.shape}")
    if not fs > 0 or pages.shape[-1] < _SHORTEST * fs:
        raise ValueError(
            f"{pages.shape[-1]} samples at {fs:g} Hz are too few to tell how leads go together;"
            f" {_SHORTEST:g} s are needed"
        )
    if r_peaks is None:
        return pages.reshape(-1, *pages.shape[-2:]), None
    if pages.ndim == 3:
        raise ValueError("R-peaks can be given for one page only")
    return pages[None], [np.unique(r_peaks).astype(np.int64)]


def _median_beats(
    pages: NDArray[np.floating], fs: float, r_peaks: list[NDArray[np.int64]] | None
) -> NDArray[np.floating]:
    strips = pages[:, len(LEADS) + STRIPS.index("II")]
    peaks = [detect_r_peaks(strip, fs) for strip in strips] if r_peaks is None else r_peaks
    leads = [repeat_median_beat(page, beats, fs) for page, beats in zip(pages, peaks, strict=True)]
    return np.stack(leads).astype(pages.dtype, copy=False)


@dataclass(frozen=True, eq=False)
class _Pages:
    """Pages on which the same leads are to be predicted.

    Attributes:
        raw: shape (pages, 15, samples), mV.
        printed: which samples count, same shape.
        i_and_ii: what the limb leads tell of these, shape (pages, 2, samples), mV with NaN.
        by_einthoven: whether limb leads follow from I and II.
    """

    raw: NDArray[np.floating]
    printed: NDArray[np.bool_]
    i_and_ii: NDArray[np.floating]
    by_einthoven: bool


def _reconstruct(
    raw: NDArray[np.floating],
    fs: float,
    r_peaks: list[NDArray[np.int64]] | None,
    with_error: bool,
) -> TwelveLeads:
    """Twelve leads of all pages; the errors stay NaN if they are not wanted."""
    printed = np.isfinite(raw)
    if r_peaks is None:
        r_peaks = r_peaks_of_each(raw[:, len(LEADS) :], printed[:, len(LEADS) :], fs)
    i_and_ii = leads_i_and_ii(raw, printed)
    contradicting = contradict_einthoven(raw, printed, i_and_ii)
    if not contradicting.any():  # as nearly always, and without a copy
        return _predict(_Pages(raw, printed, i_and_ii, True), r_peaks, fs, with_error)
    signal = np.empty((len(raw), len(LEADS), raw.shape[2]), dtype=raw.dtype)
    error = np.empty(signal.shape[:2])
    for by_einthoven in (True, False):
        at = np.flatnonzero(contradicting != by_einthoven)
        if len(at):
            pages = _Pages(raw[at], printed[at], i_and_ii[at], by_einthoven)
            leads = _predict(pages, [r_peaks[page] for page in at], fs, with_error)
            signal[at], error[at] = leads.signal, leads.error
    return TwelveLeads(signal, error)


def _predict(
    pages: _Pages, r_peaks: list[NDArray[np.int64]], fs: float, with_error: bool
) -> TwelveLeads:
    predicted = _BY_EINTHOVEN if pages.by_einthoven else _LEAD_BY_LEAD
    leads, known = pages.raw[:, predicted], pages.printed[:, predicted]
    if pages.by_einthoven:
        _fill(leads[:, 0], known[:, 0], pages.i_and_ii[:, 0])
    strips, strip_error = _whole_strips(pages, r_peaks, fs)
    features = strip_features(strips, r_peaks, fs)
    priors = lead_priors() if pages.by_einthoven else lead_priors().of_each_limb_lead()
    regression = LeadRegression(features, leads, known, priors, fs)
    found = regression.predict()
    error = np.full((len(strips), len(LEADS)), np.nan)
    if with_error:
        error[:, predicted] = regression.error()
        error[:, _STRIP_LEADS] = strip_error
        if pages.by_einthoven:
            squared = weighted_sums(np.square(LIMB_FROM_I_AND_II), np.square(error[:, :2, None]))
            error[:, : len(LIMB_LEADS)] = np.sqrt(squared[..., 0])
    # Without any strip there is nothing to predict from.
    for page in np.flatnonzero(~pages.printed[:, len(LEADS) :].any(axis=(1, 2))):
        found[page], error[page] = np.where(known[page], leads[page], 0), np.nan
    return TwelveLeads(_assemble(pages, found, strips, predicted), error)


def _fill(
    leads: NDArray[np.floating], known: NDArray[np.bool_], otherwise: NDArray[np.floating]
) -> None:
    """Put other values where leads are not known, as far as these are.

    Args:
        leads: mV; changed.
        known: which samples of them are known, same shape; changed.
        otherwise: same shape, mV with NaN.
    """
    found = ~known & np.isfinite(otherwise)
    np.copyto(leads, otherwise, where=found)
    known |= found


def _assemble(
    pages: _Pages,
    found: NDArray[np.floating],
    strips: NDArray[np.floating],
    predicted: list[int],
) -> NDArray[np.floating]:
    """Twelve leads from the predicted leads and the strips, both with what was printed."""
    signal = np.empty((len(found), len(LEADS), found.shape[2]), dtype=found.dtype)
    if pages.by_einthoven:
        limb = slice(0, len(LIMB_LEADS))
        i_and_ii = np.stack([found[:, 0], strips[:, STRIPS.index("II")]], axis=1)
        signal[:, limb] = weighted_sums(LIMB_FROM_I_AND_II.astype(found.dtype), i_and_ii)
        np.copyto(signal[:, limb], pages.raw[:, limb], where=pages.printed[:, limb])
    signal[:, predicted] = found
    signal[:, _STRIP_LEADS] = strips
    return signal


def _whole_strips(
    pages: _Pages, r_peaks: list[NDArray[np.int64]], fs: float
) -> tuple[NDArray[np.floating], NDArray[np.float64]]:
    """Strips without NaN, and the error to expect of what was filled in, mV, (pages, 3)."""
    strips, printed = pages.raw[:, len(LEADS) :], pages.printed[:, len(LEADS) :]
    error = np.zeros(strips.shape[:2])
    broken = np.flatnonzero(~printed.all(axis=(1, 2)))
    if len(broken):
        strips = strips.copy()
    for page in broken:
        strip, known = strips[page], printed[page].copy()
        lost = not known.any()
        _fill(strip, known, pages.raw[page, _STRIP_LEADS])
        if pages.by_einthoven:
            row = STRIPS.index("II")
            _fill(strip[row], known[row], pages.i_and_ii[page, 1])
        if lost:
            np.copyto(strip, 0, where=~known)
        else:
            strip[:], error[page] = _without_gaps(strip, known, r_peaks[page], fs)
    return strips, error


def _without_gaps(
    strips: NDArray[np.floating], known: NDArray[np.bool_], r_peaks: NDArray[np.int64], fs: float
) -> tuple[NDArray[np.floating], NDArray[np.float64]]:
    """Strips of one page without NaN, and the error to expect of each, mV.

    Short gaps are bridged; a strip with longer ones is predicted from the whole strips, or, if
    there is none, from the one of which most is there.
    """
    error = np.zeros(len(strips))
    bridged, known = bridge_gaps(strips, known, round(_LONGEST_GAP * fs))
    missing = np.asarray(~known.all(axis=1))
    if not missing.any():
        return bridged, error
    if missing.all():
        best = [known.sum(axis=1).argmax()]
        bridged[best] = bridge_gaps(bridged[best], known[best], known.shape[1])[0]
        missing[best], error[best] = False, np.nan
    features = strip_features(np.where(missing[:, None], 0, bridged)[None], [r_peaks], fs)
    priors = lead_priors().of_any_lead(int(missing.sum()))
    leads, recorded = bridged[None, missing], known[None, missing]
    regression = LeadRegression(features, leads, recorded, priors, fs)
    bridged[missing], error[missing] = regression.predict()[0], regression.error()[0]
    return bridged, error
