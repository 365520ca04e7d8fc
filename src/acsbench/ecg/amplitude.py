"""Whether amplitudes can be those of an ECG, or another unit or gain was meant."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LARGEST = 30.0
"""No ECG deviates so far from its baseline, mV; stored integers end at 32.767 mV."""
LARGEST_OFFSET = 500.0
"""No electrodes have such an offset, mV; devices must bear 300 mV (IEC 60601-2-25)."""
SMALLEST = 0.01
"""In no ECG do all leads stay within such a range, mV, unless all are flat."""


def implausible_amplitude(signal: NDArray[np.floating]) -> tuple[int, str] | None:
    """The lead whose amplitude no ECG has, and what is wrong with it.

    A deviation is taken from the lead's median, since direct-coupled leads carry the offset of
    their electrodes.

    Args:
        signal: shape (leads, samples), mV, NaN where nothing was recorded.

    Returns:
        The lead's row and the finding; None if all are plausible. Flat leads are.
    """
    ranges = []
    for row, lead in enumerate(signal):
        recorded = lead[~np.isnan(lead)]
        if not len(recorded):
            continue
        low, high = recorded.min(), recorded.max()
        if np.isinf(low) or np.isinf(high):
            return row, "has infinite samples"
        # The median takes time, and the extremes nearly always suffice.
        if max(high, -low) > LARGEST:
            offset = np.median(recorded)
            if abs(offset) > LARGEST_OFFSET:
                return row, f"has an offset beyond {LARGEST_OFFSET:g} mV"
            if max(high - offset, offset - low) > LARGEST:
                return row, f"has samples beyond {LARGEST:g} mV from its median"
        ranges.append((high - low, row))
    widest, row = max(ranges, default=(0.0, 0))
    if 0 < widest < SMALLEST:
        return row, f"has the largest range of all leads, and it is below {SMALLEST:g} mV"
    return None
