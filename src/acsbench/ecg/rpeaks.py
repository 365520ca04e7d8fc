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

from acsbench.ecg.gaps import fill_gaps
from acsbench.ecg.noise import noisy_samples
from acsbench.ecg.recorded import runs

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
_SWAMPED = 0.25  # of that quantile elsewhere; noise of more energy hides QRS complexes
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
    return r_peaks_of_each(values[None], np.isfinite(values)[None], fs)[0]


def r_peaks_of_each(
    signals: NDArray[np.floating], recorded: NDArray[np.bool_], fs: float
) -> list[NDArray[np.int64]]:
    """R-peaks of several recordings, found at once.

    Args:
        signals: shape (recordings, leads, samples), mV.
        recorded: which samples count, same shape.
        fs: sampling rate, Hz; at least 60.

    Returns:
        Of each recording, what `detect_r_peaks` finds.

    Raises:
        ValueError: the rate is too low.
    """
    return beats_of_each(signals, recorded, fs)[0]


def beats_of_each(
    signals: NDArray[np.floating], recorded: NDArray[np.bool_], fs: float
) -> tuple[list[NDArray[np.int64]], NDArray[np.bool_]]:
    """R-peaks of several recordings, and where they were looked for.

    Args:
        signals, recorded, fs: as for `r_peaks_of_each`.

    Returns:
        R-peaks of each recording; and which samples of which leads count, shape (recordings,
        leads, samples): those recorded, without noise that hides QRS complexes.

    Raises:
        ValueError: the rate is too low.
    """
    if not fs > 2 * QRS_BAND[1]:
        raise ValueError(f"a rate of {fs:g} Hz is too low for QRS complexes; 60 Hz is enough")
    step = max(1, int(fs // _WORKING_RATE))
    rate = fs / step
    samples = signals.shape[2] // step
    if samples <= _PADDING:
        return [np.empty(0, dtype=np.int64) for _ in signals], recorded
    filled = fill_gaps(signals, recorded)
    known = recorded[..., step // 2 :: step][..., :samples]
    envelope = _envelope(filled, step, rate)
    noisy = noisy_samples(filled, recorded, fs)
    if noisy.any():
        swamped = _swamped(envelope, noisy[..., step // 2 :: step][..., :samples], known)
        places = np.minimum(np.arange(signals.shape[2]) // step, samples - 1)
        recorded = recorded & ~(noisy & swamped[..., places])
        filled = fill_gaps(signals, recorded)
        known = recorded[..., step // 2 :: step][..., :samples]
        envelope = _envelope(filled, step, rate)
    energy, noise, heights = _lead_energy(envelope, known)
    leads = np.count_nonzero(known, axis=1)
    pooled = energy.sum(axis=1) / np.maximum(leads, 1)
    stands_out = _typical_beat(pooled, rate) > _largest_noise(leads)
    # On a printed page the leads change with time, and with them the height to expect.
    expected = (heights[..., None] * known).sum(axis=1) / np.maximum(leads, 1)
    least = np.maximum(_LEAST_EXPECTED * expected.max(axis=1), np.finfo(np.float32).tiny)
    pooled /= np.maximum(expected, least[:, None])
    height = np.where(stands_out, _THRESHOLD * _typical_beat(pooled, rate), np.inf)
    # End to end, and too far apart to know of each other. Zeros between them let a beat on the
    # border count as a maximum.
    distance = max(1, round(_REFRACTORY * rate))
    apart = np.pad(pooled, ((0, 0), (distance, 1)))
    found = _peaks_apart(apart.reshape(-1), height.repeat(apart.shape[1]), distance)
    recording, place = np.divmod(found, apart.shape[1])
    near = (place - distance) * step + step // 2
    peaks = _largest_deflection(filled, recording, near, 1 / noise, fs)
    return np.split(peaks, np.searchsorted(recording, np.arange(1, len(signals)))), recorded


def _swamped(
    envelope: NDArray[np.floating], noisy: NDArray[np.bool_], known: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Noise in the band of QRS complexes, as strong as these: muscle, but hardly mains.

    Args:
        envelope: from `_envelope`, shape (recordings, leads, samples), mV.
        noisy: which samples are noise of any kind, same shape.
        known: which samples count, same shape.
    """
    swamped = np.zeros(envelope.shape, dtype=bool)
    for place in np.argwhere(noisy.any(axis=2)):
        lead, part = envelope[tuple(place)], noisy[tuple(place)]
        elsewhere = np.sort(lead[known[tuple(place)] & ~part])
        top = elsewhere[int(_TOP * (len(elsewhere) - 1))] if len(elsewhere) else 0.0
        for start, end in runs(part):
            if np.median(lead[start:end]) > _SWAMPED * top:
                swamped[tuple(place)][start:end] = True
    return swamped


def _peaks_apart(
    energy: NDArray[np.floating], height: NDArray[np.floating], distance: int
) -> NDArray[np.int64]:
    """Maxima of at least a height and a distance; of those closer together, the highest.

    Of maxima of one height the first counts. `scipy.signal.find_peaks` alone leaves open which
    one does: it depends on what else is sorted with them. So it sees their ranks instead.
    """
    found, _ = sps.find_peaks(energy, height=height)
    ranks = np.zeros(len(energy))
    ranks[found[np.lexsort((-found, energy[found]))]] = np.arange(1, len(found) + 1)
    return np.asarray(sps.find_peaks(ranks, distance=distance)[0])


@lru_cache(maxsize=16)
def _band(
    rate: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Numerator and denominator of the filter, and its state after a long constant of 1."""
    high = min(QRS_BAND[1], 0.45 * rate)
    numerator, denominator = sps.butter(2, (QRS_BAND[0], high), "bandpass", fs=rate)
    return numerator, denominator, sps.lfilter_zi(numerator, denominator)


def _band_pass(signal: NDArray[np.floating], rate: float) -> NDArray[np.floating]:
    """The band of QRS energy, forward and backward, shape (..., samples).

    Equal to `scipy.signal.sosfiltfilt`, which takes three times as long on signals so short.
    """
    before = 2 * signal[..., :1] - signal[..., _PADDING:0:-1]
    after = 2 * signal[..., -1:] - signal[..., -2 : -_PADDING - 2 : -1]
    filtered = np.concatenate([before, signal, after], axis=-1)
    numerator, denominator, state = (part.astype(signal.dtype) for part in _band(rate))
    for _ in range(2):
        start = filtered[..., :1] * state
        filtered = sps.lfilter(numerator, denominator, filtered, zi=start)[0][..., ::-1]
    return filtered[..., _PADDING:-_PADDING]


def _envelope(signals: NDArray[np.floating], step: int, rate: float) -> NDArray[np.floating]:
    """Mean absolute signal in the band of QRS complexes, over the width of one.

    Args:
        signals: shape (recordings, leads, samples), mV.
        step: samples whose mean is taken.
        rate: of these means, Hz.

    Returns:
        Shape (recordings, leads, samples // step), mV.
    """
    samples = signals.shape[2] // step
    # Sample by sample: a mean over a short last axis is several times slower.
    total = signals[..., : samples * step : step].copy()
    for offset in range(1, step):
        total += signals[..., offset : samples * step : step]
    filtered = _band_pass(total / step, rate)
    width = max(1, round(_ENVELOPE * rate))
    return np.asarray(uniform_filter1d(np.abs(filtered), width, mode="nearest"))


def _lead_energy(
    envelope: NDArray[np.floating], known: NDArray[np.bool_]
) -> tuple[NDArray[np.floating], NDArray[np.floating], NDArray[np.floating]]:
    """Energy of each lead above its own median, in units of that median.

    Args:
        envelope: shape (recordings, leads, samples), mV; changed.
        known: which samples of it count, same shape.

    Returns:
        The energy, same shape; that median, mV, and the energy's 96th percentile, shape
        (recordings, leads).
    """
    energy = envelope
    ordered = np.sort(np.where(known, energy, np.inf))
    count = np.count_nonzero(known, axis=2)
    last = np.maximum(count - 1, 0)
    places = np.stack([last // 2, (_TOP * last).astype(np.int64)], axis=-1)
    quantiles = np.where(count[..., None] > 0, np.take_along_axis(ordered, places, axis=2), 0.0)
    median, top = quantiles[..., 0], quantiles[..., 1]
    noise = np.maximum(median, _SMALLEST_NOISE)
    heights = (top - median) / noise
    energy -= median[..., None]
    energy /= noise[..., None]
    limited = energy.clip(0.0, _LARGEST_BEAT * heights[..., None], out=energy)
    return np.where(known, limited, 0.0), noise, heights


def _typical_beat(pooled: NDArray[np.floating], rate: float) -> NDArray[np.floating]:
    """Height of a typical beat: the median of the largest values of blocks of 2 s.

    Args:
        pooled: shape (recordings, samples).
        rate: Hz.
    """
    samples = pooled.shape[1]
    blocks = max(1, round(samples / rate / _BLOCK))
    largest = np.maximum.reduceat(pooled, np.arange(blocks) * samples // blocks, axis=1)
    # Blocks without any energy do not count; sorted, they come first.
    ordered, silent = np.sort(largest), np.count_nonzero(largest <= 0, axis=1)
    recordings = np.arange(len(pooled))
    lower = (silent + (blocks - silent - 1).clip(0) // 2).clip(max=blocks - 1)
    upper = (silent + (blocks - silent) // 2).clip(max=blocks - 1)
    return np.asarray(0.5 * (ordered[recordings, lower] + ordered[recordings, upper]))


def _median(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Median over the last axis; `np.median` takes several times as long on few values."""
    ordered, count = np.sort(values), values.shape[-1]
    return 0.5 * (ordered[..., (count - 1) // 2] + ordered[..., count // 2])


def _largest_noise(leads: NDArray[np.int64]) -> NDArray[np.float64]:
    """What noise alone may reach, in units of its median: 1.2 in one lead, 0.63 in twelve.

    Simulated white, muscle, 1–10 Hz and random-walk noise reached 0.54 in twelve leads; in one
    lead it reached 1.7, so that some passes. The smallest typical beat of all records of LUDB
    is 3.4 with twelve leads and 1.3 with one.

    Args:
        leads: how many of them were recorded at each moment, shape (recordings, samples).
    """
    moments = np.count_nonzero(leads, axis=1)
    mean = leads.sum(axis=1) / np.maximum(moments, 1)
    return np.where(moments > 0, 0.4 + 0.8 / np.sqrt(np.maximum(mean, 1)), np.inf)


def _largest_deflection(
    signals: NDArray[np.floating],
    recording: NDArray[np.int64],
    near: NDArray[np.int64],
    weights: NDArray[np.floating],
    fs: float,
) -> NDArray[np.int64]:
    """The sample around each beat at which the leads deviate most from their level.

    Args:
        signals: shape (recordings, leads, samples), mV.
        recording: to which each beat belongs, shape (beats,).
        near: a sample near its peak, shape (beats,).
        weights: of the leads, shape (recordings, leads).
        fs: sampling rate, Hz.
    """
    last = signals.shape[2] - 1
    beat, lead = recording[:, None, None], np.arange(signals.shape[1])[:, None]
    half = round(_SURROUNDINGS * fs)
    surroundings = near[:, None, None] + np.arange(-half, half + 1, 5)
    level = _median(signals[beat, lead, surroundings.clip(0, last)])
    # Heavy smoothing first: a pacing spike is high but short, and must not be taken for the peak.
    widths = [2 * round(smoothing / 2 * fs) + 1 for smoothing in (0.025, 0.005)]
    search = int(_SEARCH * fs)
    reach = search + widths[0] // 2
    index = near[:, None] + np.arange(-reach, reach + 1)
    windows = signals[beat, lead, index[:, None].clip(0, last)] - level[..., None]
    allowed = (index >= 0) & (index <= last) & (np.abs(index - near[:, None]) <= search)
    beats = np.arange(len(near))
    for width in widths:
        smooth = uniform_filter1d(windows, width, mode="nearest")
        deflection = (weights[recording][..., None] * np.abs(smooth)).sum(axis=1)
        best = np.where(allowed, deflection, -1.0).argmax(axis=1)
        allowed &= np.abs(index - index[beats, best][:, None]) <= 0.0125 * fs
    return index[beats, best]
