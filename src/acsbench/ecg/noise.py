"""Which parts of a lead are noise: judged lead by lead, in blocks of a tenth of a second.

Fast noise is seen in the bends of a lead at about 125 Hz. In a clean lead every half second has a
block without a QRS complex, also at 200 beats per minute and in ventricular tachycardia, whose
complexes are wide; so the level of noise at a moment is the smallest value of the five blocks
around it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d, minimum_filter1d

RATE = 125.0
"""Hz, at which bends are taken."""
BLOCK = 0.1
"""s."""
NOISY = 0.1
"""mV, standard deviation of fast noise. With the next limit, 0.3 % of PTB-XL's records have a
noisy part in any lead, and none in six."""
OVER_QUIET = 4.0
"""How many times the noise of the lead's quietest second it must be, too."""
PER_DEVIATION = 0.798 * 6**0.5
"""Mean absolute second difference of white noise, per standard deviation."""

_HALF_SECOND = 5  # blocks
_QUIETEST = 0.1  # quantile of a lead's blocks
_STEP = 3.0  # mV by which the baseline jumps, before and after which it stays for 0.3 s
_STAYS = 3  # blocks


def noisy_blocks(signals: NDArray[np.floating], rate: float) -> NDArray[np.bool_]:
    """Blocks of fast noise, far above the lead's own quietest second, and of baseline jumps.

    A lead that is as noisy all the time has no such block: nothing in it is better.

    Args:
        signals: shape (recordings, leads, samples), mV, NaN where a sample is missing.
        rate: about `RATE`, Hz.

    Returns:
        Shape (recordings, leads, blocks); a last block that is not whole is left out. A block
        with a missing sample is not noisy.
    """
    width = max(3, round(BLOCK * rate))
    blocks = signals.shape[2] // width
    if blocks < 2 * _STAYS + 1:
        return np.zeros((*signals.shape[:2], blocks), dtype=bool)
    cut = signals[..., : blocks * width].reshape(*signals.shape[:2], blocks, width)
    # Samples of a block first: a sum over a short last axis takes several times as long.
    cut = np.moveaxis(cut, 3, 0)
    level, known = _levels(cut)
    count = np.count_nonzero(known, axis=2, keepdims=True)
    place = (_QUIETEST * np.maximum(count - 1, 0)).astype(np.int64)
    quiet = np.take_along_axis(np.sort(np.where(known, level, np.inf)), place, axis=2)
    noisy = (level > NOISY) & (level > OVER_QUIET * quiet)
    jumping = np.argwhere(np.fmax.reduce(cut, (0, 3)) - np.fmin.reduce(cut, (0, 3)) > _STEP)
    if len(jumping):  # few leads reach that far
        recording, lead = jumping.T
        noisy[recording, lead] |= _beside_steps(cut[:, recording, lead], known[recording, lead])
    if noisy.any():
        # A block at the border is noise in part.
        noisy = maximum_filter1d(noisy.astype(np.int8), 3) > 0
    return np.asarray(noisy & known)


def _levels(cut: NDArray[np.floating]) -> tuple[NDArray[np.floating], NDArray[np.bool_]]:
    """Fast noise of each block, mV, and whether the block is whole, shape (..., blocks).

    Args:
        cut: shape (samples, ..., blocks), mV.
    """
    bends = np.abs(cut[2:] - 2 * cut[1:-1] + cut[:-2]).mean(axis=0) / PER_DEVIATION
    known = np.isfinite(bends)
    level = np.where(known, bends, 0.0)
    return maximum_filter1d(minimum_filter1d(level, _HALF_SECOND), _HALF_SECOND), known


def noisy_throughout(signals: NDArray[np.floating], fs: float) -> NDArray[np.bool_]:
    """Whether a lead has fast noise in most of what was recorded, such as mains.

    The beats of such a lead may still agree, since R-peaks are drawn to the mains' own.

    Args:
        signals: shape (leads, samples), mV, NaN where a sample is missing.
        fs: sampling rate, Hz.

    Returns:
        Shape (leads,).
    """
    step = max(1, round(fs / RATE))
    few = signals[:, ::step]
    width = max(3, round(BLOCK * fs / step))
    blocks = few.shape[1] // width
    if not blocks:
        return np.zeros(len(signals), dtype=bool)
    cut = few[:, : blocks * width].reshape(len(signals), blocks, width)
    level, known = _levels(np.moveaxis(cut, 2, 0))
    noisy = np.count_nonzero((level > NOISY) & known, axis=1)
    return np.asarray(noisy > np.count_nonzero(known, axis=1) / 2)


def _beside_steps(cut: NDArray[np.floating], known: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Blocks beside a jump of the baseline, as of an electrode that comes off.

    Args:
        cut: shape (samples, leads, blocks), mV.
        known: which blocks are whole, shape (leads, blocks).
    """
    # The middle value is the baseline's unless a QRS complex fills more than half of the block.
    middle = np.where(known, np.sort(cut, axis=0)[len(cut) // 2], 0.0)
    highest = maximum_filter1d(middle, _STAYS)[..., 1:-1]
    lowest = minimum_filter1d(middle, _STAYS)[..., 1:-1]
    apart = _STAYS + 1
    rise = lowest[..., apart:] - highest[..., :-apart]
    fall = lowest[..., :-apart] - highest[..., apart:]
    steps = np.zeros(known.shape, dtype=bool)
    whole = minimum_filter1d(known.astype(np.int8), 2 * _STAYS + 1)[..., _STAYS:-_STAYS] > 0
    steps[..., _STAYS:-_STAYS] = (np.maximum(rise, fall) > _STEP) & whole
    return steps


def noisy_samples(
    signals: NDArray[np.floating], known: NDArray[np.bool_], fs: float
) -> NDArray[np.bool_]:
    """Which samples lie in noisy blocks.

    Args:
        signals: shape (recordings, leads, samples), mV.
        known: which samples count, same shape.
        fs: sampling rate, Hz.

    Returns:
        Shape (recordings, leads, samples).
    """
    step = max(1, round(fs / RATE))
    few = signals[..., ::step]  # leaving samples out keeps the noise
    if not known.all():
        few = np.where(known[..., ::step], few, np.nan)
    blocks = noisy_blocks(few, fs / step)
    noisy = np.zeros(signals.shape, dtype=bool)
    if blocks.any():
        length = max(3, round(BLOCK * fs / step)) * step
        # What is left behind the last whole block is as that block.
        places = np.minimum(np.arange(signals.shape[2]) // length, blocks.shape[2] - 1)
        noisy = blocks[..., places] & known
    return noisy
