"""Band-pass filters and resampling.

Filters are designed once per set of parameters and kept.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import signal as sps

Form = Literal["sections", "transfer-function"]


@lru_cache(maxsize=64)
def _butterworth_sections(low: float, high: float, fs: float, order: int) -> NDArray[np.float64]:
    sections: NDArray[np.float64] = sps.butter(order, (low, high), "bandpass", fs=fs, output="sos")
    return sections


@lru_cache(maxsize=64)
def _butterworth_polynomials(
    low: float, high: float, fs: float, order: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    numerator, denominator = sps.butter(order, (low, high), "bandpass", fs=fs, output="ba")
    return numerator, denominator


def bandpass(
    signal: ArrayLike,
    fs: float,
    low: float = 0.5,
    high: float = 50.0,
    order: int = 5,
    form: Form = "sections",
) -> NDArray[np.float64]:
    """Butterworth band-pass, forward and backward (no phase shift).

    Args:
        signal: shape (..., samples), mV, without NaN.
        fs: sampling rate, Hz.
        low, high: the band, Hz. The study used 0.5–50 Hz at order 5, or 0.2–25 Hz at order 4.
        order: order of the Butterworth prototype.
        form: `sections` (second-order sections) is numerically sound; `transfer-function` is
            what the study ran: at these low edges its coefficients carry rounding errors.

    Returns:
        Same shape, mV.

    Raises:
        ValueError: the band does not fit the sampling rate, or the signal is too short.
    """
    values = np.asarray(signal, dtype=np.float64)
    # Both forms get the padding that SciPy gives the transfer function, so that they agree.
    padding = 3 * (2 * order + 1)
    if values.shape[-1] <= padding:
        raise ValueError(
            f"{values.shape[-1]} samples are too few to filter; more than {padding} are needed"
        )
    if not 0 < low < high < fs / 2:
        raise ValueError(f"a band of {low:g}–{high:g} Hz does not fit a rate of {fs:g} Hz")
    if form == "sections":
        sections = _butterworth_sections(low, high, fs, order)
        return sps.sosfiltfilt(sections, values, axis=-1, padlen=padding)
    numerator, denominator = _butterworth_polynomials(low, high, fs, order)
    return sps.filtfilt(numerator, denominator, values, axis=-1, padlen=padding)


def resample(signal: ArrayLike, fs: float, fs_new: float) -> NDArray[np.float64]:
    """Change the sampling rate with an anti-aliasing polyphase filter.

    Args:
        signal: shape (..., samples), mV; a sample is NaN in the result where the nearest one
            was.
        fs: its sampling rate, Hz.
        fs_new: the rate wanted, Hz.

    Returns:
        Shape (..., round(samples · fs_new / fs)), mV.
    """
    values = np.asarray(signal, dtype=np.float64)
    samples = round(values.shape[-1] * fs_new / fs)
    if fs == fs_new:
        return values
    ratio = Fraction(fs_new / fs).limit_denominator(1000)
    missing = np.isnan(values)
    resampled = sps.resample_poly(
        np.where(missing, 0.0, values), ratio.numerator, ratio.denominator, axis=-1, padtype="line"
    )[..., :samples]
    # An odd rate is met by the nearest fraction, which may end some samples early.
    short = samples - resampled.shape[-1]
    if short > 0:
        widths = [(0, 0)] * (resampled.ndim - 1) + [(0, short)]
        resampled = np.pad(resampled, widths, mode="edge")
    if missing.any():
        nearest = np.minimum(
            np.round(np.arange(samples) * fs / fs_new).astype(int), values.shape[-1] - 1
        )
        resampled[missing[..., nearest]] = np.nan
    return resampled
