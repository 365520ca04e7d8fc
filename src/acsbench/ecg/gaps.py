"""Missing samples: a filter sees straight lines in their place, and its result lacks them again.

A missing sample that counted as 0 would be a step as high as the lead's own level, which a
filter or a resampler spreads over the samples beside it.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Float = TypeVar("Float", bound=np.floating)


def fill_gaps(signals: NDArray[Float], known: NDArray[np.bool_] | None = None) -> NDArray[Float]:
    """Straight lines over missing samples, each signal by itself.

    Args:
        signals: shape (..., samples), in any unit.
        known: which samples count, same shape; those that are finite by default.

    Returns:
        Same shape, without NaN. Before the first and after the last known sample a signal keeps
        that sample's value; a signal without any known sample is 0. The array itself, not a
        copy, if no sample is missing.
    """
    known = np.isfinite(signals) if known is None else known
    if known.all():
        return signals
    filled = np.where(known, signals, signals.dtype.type(0))
    time = np.arange(signals.shape[-1])
    for place in np.argwhere(known.any(axis=-1) & ~known.all(axis=-1)):
        row, there = filled[tuple(place)], known[tuple(place)]
        row[~there] = np.interp(time[~there], time[there], row[there])
    return filled


def with_gaps(signals: NDArray[Float], known: NDArray[np.bool_]) -> NDArray[Float]:
    """The signals with NaN where they are not known; changed in place.

    Args:
        signals: shape (..., samples).
        known: which samples are known, same shape.
    """
    if not known.all():
        signals[~known] = np.nan
    return signals
