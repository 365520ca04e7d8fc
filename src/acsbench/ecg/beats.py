"""The representative beat: the median of the beats that look alike.

Averaging takes out noise and wander, and a conducted beat is measured even where every second
one is ectopic.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

_BEFORE, _AFTER = 0.45, 0.75  # s around the R-peak that the representative beat covers
_LEVEL = (0.08, 0.05)  # s before the R-peak at which a beat's own level is taken
_CORE = 0.10  # s around the R-peak over which beats are compared
_LARGEST_SHIFT = 0.08  # s by which a detected R-peak may be off
_ALIKE = 0.85  # of the correlation that beats of one kind have among themselves
_LEAST_ALIKE = 0.5


@dataclass(frozen=True, eq=False)
class RepresentativeBeat:
    """The median of the beats that look alike, aligned.

    Attributes:
        signal: shape (leads, samples), mV; NaN where no beat was recorded in a lead.
        beats: what it is the median of, shape (leads, beats, samples), mV.
        fs: sampling rate, Hz.
        r_peak: index of the R-peak in `signal`.
        r_peaks: where the same point lies in the recording, one sample index per beat.
    """

    signal: NDArray[np.float64]
    beats: NDArray[np.float64]
    fs: float
    r_peak: int
    r_peaks: NDArray[np.int64]


def representative_beat(
    signal: NDArray[np.float64], r_peaks: NDArray[np.int64], fs: float
) -> RepresentativeBeat | None:
    """The median beat over aligned R-peaks, without ectopic beats.

    Beats belong to the largest group whose QRS complexes correlate, on average over the leads;
    each is shifted to where it correlates best.

    Args:
        signal: shape (leads, samples), mV, NaN where nothing was recorded.
        r_peaks: sample indices, as from `detect_r_peaks`.
        fs: sampling rate, Hz.

    Returns:
        The beat, each lead less its own level 65 ms before the R-peak; None if no QRS complex
        was recorded whole in any lead.
    """
    return next(beat_kinds(signal, r_peaks, fs), None)


def beat_kinds(
    signal: NDArray[np.float64], r_peaks: NDArray[np.int64], fs: float
) -> Iterator[RepresentativeBeat]:
    """The representative of the largest group of beats, then of the largest of the rest.

    Args:
        signal, r_peaks, fs: as for `representative_beat`.

    Yields:
        One representative per group; every beat that was recorded whole in any lead belongs to
        one of them.
    """
    left = r_peaks
    while len(left):
        kept, shifted = _largest_group(signal, left, fs)
        if not kept.any():
            return
        left = left[~kept]
        before = round(_BEFORE * fs)
        beats = windows(signal, shifted, before, round(_AFTER * fs))
        level = slice(before - round(_LEVEL[0] * fs), before - round(_LEVEL[1] * fs))
        beats -= beats[:, :, level].mean(axis=2, keepdims=True)
        yield RepresentativeBeat(median_over_beats(beats), beats, fs, before, shifted)


def _largest_group(
    signal: NDArray[np.float64], r_peaks: NDArray[np.int64], fs: float
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Which beats the largest group has, and their R-peaks shifted until the complexes coincide."""
    half, margin = round(_CORE * fs), round(_LARGEST_SHIFT * fs)
    core = slice(margin, margin + 2 * half + 1)
    wide = windows(signal, r_peaks, half + margin, half + margin)
    recorded = np.asarray(np.ptp(wide[:, :, core], axis=2) > 0)  # neither missing nor flat
    whole = np.flatnonzero(recorded.any(axis=0))
    chosen = np.zeros(len(r_peaks), dtype=bool)
    if not len(whole):
        return chosen, r_peaks[whole]
    wide, recorded, r_peaks = wide[:, whole], recorded[:, whole], r_peaks[whole]
    wide = wide - wide[:, :, core].mean(axis=2, keepdims=True)
    wide = np.where(recorded[..., None] & np.isfinite(wide), wide, 0.0)
    complexes = _unit(wide[:, :, core])

    pairs = np.matmul(complexes, complexes.transpose(0, 2, 1))
    # How much a lead's beats resemble one another: hardly in a lead of noise.
    consistency = np.maximum(np.median(pairs, axis=(1, 2)), 0.01)
    weights = recorded * consistency[:, None]
    alike = np.tensordot(consistency, pairs, axes=1) / np.maximum(weights.T @ recorded, 1e-9)
    kept = _group(alike[np.median(alike, axis=1).argmax()])
    template = median_over_beats(np.where(recorded[..., None], complexes, np.nan)[:, kept])
    correlation = _shifted_correlation(wide, _unit(np.nan_to_num(template)), max(1, int(fs // 250)))
    pooled = (weights[..., None] * correlation).sum(axis=0) / weights.sum(axis=0)[:, None]
    kept = _group(pooled.max(axis=1))
    chosen[whole[kept]] = True
    return chosen, np.asarray((r_peaks + pooled.argmax(axis=1) - margin)[kept])


def windows(
    signal: NDArray[np.float64], centres: NDArray[np.int64], before: int, after: int
) -> NDArray[np.float64]:
    """Cut-outs around some samples.

    Args:
        signal: shape (leads, samples).
        centres: sample indices, shape (beats,).
        before, after: samples on either side of a centre.

    Returns:
        Shape (leads, beats, before + after + 1); NaN outside the signal.
    """
    index = centres[:, None] + np.arange(-before, after + 1)
    inside = np.clip(index, 0, signal.shape[1] - 1)
    cut = signal[:, inside]
    cut[:, index != inside] = np.nan
    return cut


def _unit(cut: NDArray[np.float64]) -> NDArray[np.float64]:
    """Windows less their means, of length 1; a constant one becomes 0."""
    centred = cut - cut.mean(axis=-1, keepdims=True)
    length = np.sqrt(np.square(centred).sum(axis=-1, keepdims=True))
    return centred / np.where(length > 1e-9, length, np.inf)


def _group(correlation: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which beats are of the kind that most are; at least the one that correlates best."""
    typical = np.quantile(correlation, 0.75)
    alike = correlation >= max(_ALIKE * typical, _LEAST_ALIKE)
    return alike if alike.any() else correlation >= correlation.max()


def median_over_beats(beats: NDArray[np.float64]) -> NDArray[np.float64]:
    """Median over beats of what was recorded.

    Args:
        beats: shape (leads, beats, samples), NaN where nothing was recorded.

    Returns:
        Shape (leads, samples); NaN where no beat was recorded.
    """
    count = np.isfinite(beats).sum(axis=1)
    ordered = np.sort(beats, axis=1)  # NaN comes last
    lower, upper = np.maximum(count - 1, 0) // 2, count // 2
    upper = np.minimum(upper, beats.shape[1] - 1)
    pair = np.take_along_axis(ordered, np.stack([lower, upper], axis=1), axis=1)
    return np.asarray(pair.mean(axis=1))


def _shifted_correlation(
    wide: NDArray[np.float64], template: NDArray[np.float64], step: int
) -> NDArray[np.float64]:
    """Correlation with a template of length 1 at each shift, shape (leads, beats, shifts)."""
    length = template.shape[1]
    shifted = sliding_window_view(wide, length, axis=2)
    # QRS complexes are slow enough to correlate at a quarter of a kilohertz.
    products = step * np.einsum("lbsw,lw->lbs", shifted[..., ::step], template[:, ::step])
    sums, squares = _running_sum(wide, length), _running_sum(np.square(wide), length)
    spread = np.sqrt(np.maximum(squares - np.square(sums) / length, 0.0))
    return np.asarray(products / np.where(spread > 1e-9, spread, np.inf))


def _running_sum(values: NDArray[np.float64], length: int) -> NDArray[np.float64]:
    """Sums of `length` neighbours along the last axis."""
    total = np.cumsum(np.pad(values, ((0, 0), (0, 0), (1, 0))), axis=-1)
    return np.asarray(total[..., length:] - total[..., :-length])


def smooth(signal: NDArray[np.float64], fs: float, width: float) -> NDArray[np.float64]:
    """Running mean over time of what is not NaN; NaN stays where it was.

    Args:
        signal: shape (leads, samples), mV.
        fs: sampling rate, Hz.
        width: of the window, s; rounded to an odd number of samples, so that nothing shifts.

    Returns:
        Same shape, mV.
    """
    samples = 2 * round(width / 2 * fs) + 1
    known = np.isfinite(signal)
    total = uniform_filter1d(np.where(known, signal, 0.0), samples, axis=1, mode="nearest")
    if known.all():
        return np.asarray(total)
    weight = uniform_filter1d(known.astype(float), samples, axis=1, mode="nearest")
    return np.where(known, total / np.where(known, weight, 1.0), np.nan)
