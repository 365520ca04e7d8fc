"""Where waves begin, peak and end, in the representative beat of a recording.

Positions are found in the median of the beats that look alike, not beat by beat: averaging takes
out noise and wander, and a conducted beat is measured even where every second one is ectopic.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.ndimage import median_filter, uniform_filter1d

_BEFORE, _AFTER = 0.30, 0.70  # s around the R-peak that the representative beat covers
_CORE = 0.10  # s around the R-peak over which beats are compared
_LARGEST_SHIFT = 0.08  # s by which a detected R-peak may be off
_ALIKE = 0.85  # of the correlation that beats of one kind have among themselves
_LEAST_ALIKE = 0.5

_SPIKE = 0.012  # s, longer than twice a pacing spike
_SMOOTHING = 0.020  # s, which also takes out mains
_SLOPE = 0.006  # s on either side over which a slope is taken
_ONSET_SLOPE = 0.055  # of the steepest slope of the QRS complex
_J_SLOPE = 0.085
_ONSET_QUIET, _J_QUIET = 0.012, 0.014  # s for which the slope stays small
_QRS_BEFORE, _QRS_AFTER = 0.18, 0.22  # s around the steepest slope
_SHORTEST_QRS = 0.03  # s
_ST_AND_T = (0.08, 0.26)  # s after the steepest slope
_LEAST_CONTRAST = 3.0  # steepest slope over the slope of the quiet parts

T_SMOOTHING = 0.020  # s
_T_START = 0.08  # s after the J point
_T_END_BAZETT, _T_END_RR = 0.48, 0.62  # s after QRS onset, times sqrt(RR / s), and of RR


@dataclass(frozen=True, eq=False)
class RepresentativeBeat:
    """The median of the beats that look alike, aligned.

    Attributes:
        signal: shape (leads, samples), mV; NaN where no beat was recorded in a lead.
        fs: sampling rate, Hz.
        r_peak: index of the R-peak in `signal`.
        r_peaks: where the same point lies in the recording, one sample index per beat.
    """

    signal: NDArray[np.float64]
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
    r_peaks = _aligned(signal, r_peaks, fs)
    if not len(r_peaks):
        return None
    before = round(_BEFORE * fs)
    beats = _windows(signal, r_peaks, before, round(_AFTER * fs))
    level = slice(before - round(0.08 * fs), before - round(0.05 * fs))
    beats -= beats[:, :, level].mean(axis=2, keepdims=True)
    return RepresentativeBeat(median_over_beats(beats), fs, before, r_peaks)


def _aligned(
    signal: NDArray[np.float64], r_peaks: NDArray[np.int64], fs: float
) -> NDArray[np.int64]:
    """The beats of the largest group, shifted so that their QRS complexes coincide."""
    half, margin = round(_CORE * fs), round(_LARGEST_SHIFT * fs)
    core = slice(margin, margin + 2 * half + 1)
    wide = _windows(signal, r_peaks, half + margin, half + margin)
    recorded = np.asarray(np.ptp(wide[:, :, core], axis=2) > 0)  # neither missing nor flat
    whole = recorded.any(axis=0)
    wide, recorded, r_peaks = wide[:, whole], recorded[:, whole], r_peaks[whole]
    if not len(r_peaks):
        return r_peaks
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
    return np.asarray((r_peaks + pooled.argmax(axis=1) - margin)[kept])


def _windows(
    signal: NDArray[np.float64], centres: NDArray[np.int64], before: int, after: int
) -> NDArray[np.float64]:
    """Cut-outs around `centres`, shape (leads, beats, before + after + 1), NaN outside."""
    index = centres[:, None] + np.arange(-before, after + 1)
    inside = np.clip(index, 0, signal.shape[1] - 1)
    windows = signal[:, inside]
    windows[:, index != inside] = np.nan
    return windows


def _unit(windows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Windows less their means, of length 1; a constant one becomes 0."""
    centred = windows - windows.mean(axis=-1, keepdims=True)
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


def qrs_bounds(beat: RepresentativeBeat) -> tuple[int, int] | None:
    """QRS onset and J point of all leads together.

    Both are where the mean absolute slope of the leads, seen from the steepest part of the
    complex, has come down to the slope of the quiet part before or after plus 5.5 % (onset) or
    8.5 % (J point) of what the complex rises above it, and stays there. The percentages put
    them amid the leads' own onsets and ends as cardiologists marked them in every second
    recording of LUDB (Kalyakulina et al., IEEE Access 8:186181, 2020).

    Args:
        beat: the representative beat.

    Returns:
        Onset and J point as indices into `beat.signal`; None if no complex stands out.
    """
    fs = beat.fs
    usable = beat.signal[np.isfinite(beat.signal).any(axis=1)]
    if not len(usable):
        return None
    slope = _mean_slope(usable, fs)
    near = slice(beat.r_peak - round(_CORE * fs), beat.r_peak + round(_CORE * fs) + 1)
    steepest = near.start + int(slope[near].argmax())
    first = max(steepest - round(_QRS_BEFORE * fs), 0)
    last = min(steepest + round(_QRS_AFTER * fs), len(slope) - 1)
    before = uniform_filter1d(slope, max(1, round(0.02 * fs)))[first:steepest].min()
    # The ST segment and the flat top of the T wave; a minimum would be lower than both.
    st_and_t = slice(steepest + round(_ST_AND_T[0] * fs), steepest + round(_ST_AND_T[1] * fs))
    after = np.quantile(slope[st_and_t], 0.2)
    top = slope[steepest]
    if not top > _LEAST_CONTRAST * max(before, after):
        return None
    onset = _quiet_from(
        slope[first : steepest + 1][::-1] < before + _ONSET_SLOPE * (top - before),
        max(1, round(_ONSET_QUIET * fs)),
    )
    j_point = _quiet_from(
        slope[steepest : last + 1] < after + _J_SLOPE * (top - after), max(1, round(_J_QUIET * fs))
    )
    if onset is None or j_point is None or (onset + j_point) / fs < _SHORTEST_QRS:
        return None
    return steepest - onset, steepest + j_point


def _mean_slope(signal: NDArray[np.float64], fs: float) -> NDArray[np.float64]:
    """Mean over the leads of the absolute slope, mV per 12 ms; shape (samples,)."""
    reach = max(1, round(_SLOPE * fs))
    spikeless = median_filter(signal, size=(1, 2 * round(_SPIKE / 2 * fs) + 1))
    smoothed = smooth(spikeless, fs, _SMOOTHING)
    slope = np.zeros(signal.shape)
    slope[:, reach:-reach] = np.abs(smoothed[:, 2 * reach :] - smoothed[:, : -2 * reach])
    slope = np.nan_to_num(slope)
    # Leads noisier than most count less, by what they show outside waves.
    noise = np.quantile(slope, 0.25, axis=1)
    typical = np.median(noise[noise > 0]) if noise.any() else 1.0
    weights = typical / np.maximum(noise, typical)
    return np.asarray(weights @ slope / weights.sum())


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


def _quiet_from(quiet: NDArray[np.bool_], length: int) -> int | None:
    """The first index from which `length` entries in a row are true."""
    if len(quiet) < length:
        return None
    runs = sliding_window_view(quiet, length).all(axis=1)
    return int(runs.argmax()) if runs.any() else None


def t_peaks(beat: RepresentativeBeat, onset: int, j_point: int, rr: float) -> NDArray[np.int64]:
    """The peak of the T wave in each lead, upright or inverted.

    It is the largest deviation from the straight line that joins the ends of the window in
    which T waves peak, so that a shifted ST segment is not taken for a T wave.

    Args:
        beat: the representative beat.
        onset, j_point: from `qrs_bounds`.
        rr: RR interval, s.

    Returns:
        Indices into `beat.signal`, shape (leads,); -1 where the window was not recorded whole.
    """
    fs = beat.fs
    first = j_point + round(_T_START * fs)
    last = onset + round(min(_T_END_BAZETT * np.sqrt(rr), _T_END_RR * rr) * fs)
    last = min(max(last, first + round(0.04 * fs)), beat.signal.shape[1] - 1)
    window = smooth(beat.signal, fs, T_SMOOTHING)[:, first : last + 1]
    rising = np.linspace(0.0, 1.0, window.shape[1])
    line = window[:, :1] * (1 - rising) + window[:, -1:] * rising
    deviation = np.abs(window - line)
    return np.where(np.isnan(deviation).any(axis=1), -1, first + deviation.argmax(axis=1))
