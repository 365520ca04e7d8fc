"""Where the heart beats: R-peaks from one lead or from all leads together.

The energy of a QRS complex lies around 8–28 Hz, that of T waves below and of most muscle noise
and mains above (Elgendi et al., PLoS ONE 8:e73557, 2013, found 8–20 Hz best for one lead). It is
measured in units of what each lead shows between beats, so that pooling trusts clean leads and
passes over noisy and flat ones.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import signal as sps
from scipy.ndimage import uniform_filter1d

QRS_BAND = (8.0, 28.0)
"""Band of QRS energy, Hz."""

_WORKING_RATE = 125.0  # Hz: enough for the band, and a fourth of the work at 500 Hz
_PADDING = 15  # samples by which the filter goes on beyond both ends
_ENVELOPE = 0.10  # s, about the width of a QRS complex
_REFRACTORY = 0.25  # s between two beats
_BLOCK = 2.0  # s: most blocks hold a beat at any rate above 20 per minute
_THRESHOLD = 0.35  # of the height of a typical beat
_TOP = 0.96  # quantile of energy that QRS complexes exceed even at 25 beats per minute
_LARGEST_BEAT = 1.5  # of that quantile; what is larger is an artefact
_LEAST_EXPECTED = 0.25  # of the best moment's height; what leads of pure noise are scaled by
_SMALLEST_NOISE = 0.001  # mV, a step of the converter
_SEARCH = 0.07  # s around the middle of the energy
_SURROUNDINGS = 0.20  # s on either side: more than half of it is not QRS complex


def detect_r_peaks(signal: ArrayLike, fs: float) -> NDArray[np.int64]:
    """Find the R-peaks, that is the largest deflection of each QRS complex.

    Several leads are pooled; the peak is then the largest deflection of all of them together.

    Args:
        signal: shape (leads, samples) or (samples,), mV, NaN where nothing was recorded.
        fs: sampling rate, Hz; at least 60.

    Returns:
        Sample indices in ascending order, shape (beats,); empty if no complex stands out of the
        noise, as in a flat lead.

    Raises:
        ValueError: the signal has more than two dimensions, or the rate is too low.
    """
    values = np.atleast_2d(np.asarray(signal, dtype=np.float64))
    if values.ndim != 2:
        raise ValueError(f"signal has shape {values.shape}; expected (leads, samples)")
    if not fs > 2 * QRS_BAND[1]:
        raise ValueError(f"a rate of {fs:g} Hz is too low for QRS complexes; 60 Hz is enough")
    valid = np.isfinite(values)
    step = max(1, int(fs // _WORKING_RATE))
    rate = fs / step
    filled = _fill_gaps(values, valid)
    energy, noise, heights = _lead_energy(filled, valid, step, rate)
    if energy.shape[1] == 0:
        return np.empty(0, dtype=np.int64)
    known = valid[:, step // 2 :: step][:, : energy.shape[1]]
    valid_leads = known.sum(axis=0)
    pooled = energy.sum(axis=0) / np.maximum(valid_leads, 1)
    if _typical_beat(pooled, rate) <= _largest_noise(valid_leads):
        return np.empty(0, dtype=np.int64)
    # On a printed page the leads change with time, and with them the height to expect.
    expected = heights @ known / np.maximum(valid_leads, 1)
    pooled /= np.maximum(expected, _LEAST_EXPECTED * expected.max())
    height = _typical_beat(pooled, rate)
    # Zeros at both ends let a beat on the border count as a maximum.
    padded = np.concatenate([[0.0], pooled, [0.0]])
    found, _ = sps.find_peaks(
        padded, height=_THRESHOLD * height, distance=max(1, round(_REFRACTORY * rate))
    )
    return _largest_deflection(filled, (found - 1) * step + step // 2, 1 / noise, fs)


def _fill_gaps(values: NDArray[np.float64], valid: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Straight lines over missing samples; 0 for a lead that was never recorded."""
    if valid.all():
        return values
    filled = np.where(valid, values, 0.0)
    time = np.arange(values.shape[1])
    for row, known in zip(filled, valid, strict=True):
        if known.any() and not known.all():
            row[~known] = np.interp(time[~known], time[known], row[known])
    return filled


@lru_cache(maxsize=16)
def _band(
    rate: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Numerator and denominator of the filter, and its state after a long constant of 1."""
    high = min(QRS_BAND[1], 0.45 * rate)
    numerator, denominator = sps.butter(2, (QRS_BAND[0], high), "bandpass", fs=rate)
    return numerator, denominator, sps.lfilter_zi(numerator, denominator)


def _band_pass(signal: NDArray[np.float64], rate: float) -> NDArray[np.float64]:
    """The band of QRS energy, forward and backward, shape (leads, samples).

    Equal to `scipy.signal.sosfiltfilt`, which takes three times as long on signals so short.
    """
    before = 2 * signal[:, :1] - signal[:, _PADDING:0:-1]
    after = 2 * signal[:, -1:] - signal[:, -2 : -_PADDING - 2 : -1]
    filtered = np.concatenate([before, signal, after], axis=1)
    numerator, denominator, state = _band(rate)
    for _ in range(2):
        start = filtered[:, :1] * state
        filtered = sps.lfilter(numerator, denominator, filtered, axis=1, zi=start)[0][:, ::-1]
    return filtered[:, _PADDING:-_PADDING]


def _lead_energy(
    values: NDArray[np.float64], valid: NDArray[np.bool_], step: int, rate: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Energy of each lead above its own median, in units of that median.

    Returns:
        The energy, shape (leads, samples // step); that median, mV, shape (leads,); and the
        energy's 96th percentile, shape (leads,).
    """
    samples = values.shape[1] // step
    if samples <= _PADDING:
        return np.empty((len(values), 0)), np.ones(len(values)), np.zeros(len(values))
    # As a product: a mean over a short last axis is several times slower.
    blocks = values[:, : samples * step].reshape(len(values), samples, step)
    coarse = blocks @ np.full(step, 1 / step)
    known = valid[:, step // 2 :: step][:, :samples]
    width = max(1, round(_ENVELOPE * rate))
    filtered = _band_pass(coarse, rate)
    energy = uniform_filter1d(np.abs(filtered), width, axis=1, mode="nearest")
    ordered = np.sort(np.where(known, energy, np.inf), axis=1)
    last = np.maximum(known.sum(axis=1) - 1, 0)
    leads = np.arange(len(values))
    median = ordered[leads, last // 2]
    top = ordered[leads, (_TOP * last).astype(np.int64)]
    recorded = np.isfinite(median)
    median, top = np.where(recorded, median, 0.0), np.where(recorded, top, 0.0)
    noise = np.maximum(median, _SMALLEST_NOISE)
    heights = (top - median) / noise
    above = (energy - median[:, None]) / noise[:, None]
    limited = np.clip(above, 0.0, _LARGEST_BEAT * heights[:, None])
    return np.where(known, limited, 0.0), noise, heights


def _typical_beat(pooled: NDArray[np.float64], rate: float) -> float:
    """Height of a typical beat: the median of the largest values of blocks of 2 s."""
    blocks = max(1, round(len(pooled) / rate / _BLOCK))
    borders = np.arange(blocks) * len(pooled) // blocks
    largest = np.maximum.reduceat(pooled, borders)
    return float(_median(largest[largest > 0])) if largest.any() else 0.0


def _median(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Median over the last axis; `np.median` takes several times as long on few values."""
    ordered, count = np.sort(values), values.shape[-1]
    return 0.5 * (ordered[..., (count - 1) // 2] + ordered[..., count // 2])


def _largest_noise(valid_leads: NDArray[np.int64]) -> float:
    """What noise alone may reach, in units of its median: 1.2 in one lead, 0.63 in twelve.

    Simulated white, muscle, 1–10 Hz and random-walk noise reached 0.54 in twelve leads; in one
    lead it reached 1.7, so that some passes. The smallest typical beat of all records of LUDB
    is 3.4 with twelve leads and 1.3 with one.
    """
    recorded = valid_leads[valid_leads > 0]
    return 0.4 + 0.8 / float(np.sqrt(recorded.mean())) if len(recorded) else np.inf


def _largest_deflection(
    values: NDArray[np.float64], near: NDArray[np.int64], weights: NDArray[np.float64], fs: float
) -> NDArray[np.int64]:
    """The sample around each of `near` at which the leads deviate most from their level."""
    last = values.shape[1] - 1
    half = round(_SURROUNDINGS * fs)
    surroundings = near[:, None] + np.arange(-half, half + 1, 5)
    level = _median(values[:, np.clip(surroundings, 0, last)])
    # Heavy smoothing first: a pacing spike is high but short, and must not be taken for the peak.
    widths = [2 * round(smoothing / 2 * fs) + 1 for smoothing in (0.025, 0.005)]
    search = int(_SEARCH * fs)
    reach = search + widths[0] // 2
    index = near[:, None] + np.arange(-reach, reach + 1)
    windows = values[:, index.clip(0, last)] - level[..., None]
    allowed = (index >= 0) & (index <= last) & (np.abs(index - near[:, None]) <= search)
    beats = np.arange(len(near))
    for width in widths:
        smooth = uniform_filter1d(windows, width, axis=2, mode="nearest")
        deflection = (weights @ np.abs(smooth).reshape(len(values), -1)).reshape(index.shape)
        best = np.where(allowed, deflection, -1.0).argmax(axis=1)
        allowed &= np.abs(index - index[beats, best][:, None]) <= 0.0125 * fs
    return index[beats, best]
