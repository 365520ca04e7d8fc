"""Counts of an analogue-digital converter as amplitudes."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from acsbench.datasets.file_leads import millivolts_per
from acsbench.errors import DataError

EXPORT = "Export the ECG again from the system it comes from, or leave it out with --on-error skip"

LOWEST = -(2**15)
"""The lowest number of 16 bits marks a missing sample, or one beyond the converter's range."""


def scaled(
    counts: ArrayLike, lead: str, gain: float | None, unit: str, zero: float = 0.0
) -> tuple[NDArray[np.float64], str]:
    """Amplitudes in millivolts, or in the file's unit if that is not a voltage.

    Args:
        counts: of one lead, shape (samples,); NaN where one is missing.
        lead: its name, for messages.
        gain: units per count, or None if the file does not state it.
        unit: of `gain` and `zero`.
        zero: the amplitude of count 0.

    Returns:
        The amplitudes and their unit.

    Raises:
        DataError: the gain is missing or not positive.
    """
    if gain is None or not math.isfinite(gain) or gain <= 0 or not math.isfinite(zero):
        found = "missing or not a number" if gain is None else f"{gain:g}"
        raise DataError(
            f"the gain of lead {lead} is {found}, so its amplitude is unknown",
            fix=EXPORT,
        )
    samples = np.asarray(counts, dtype=np.float64) * gain + zero
    factor = millivolts_per(unit)
    return (samples, unit) if factor is None else (samples * factor, "mV")


def number(text: str | None) -> float | None:
    """A finite number from a file's text, or None."""
    try:
        value = float((text or "").strip().replace(",", "."))
    except ValueError:
        return None
    return value if math.isfinite(value) else None
