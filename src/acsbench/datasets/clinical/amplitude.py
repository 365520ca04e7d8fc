"""From counts of an analogue-digital converter to amplitudes."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from acsbench.datasets.file_leads import millivolts_per
from acsbench.errors import DataError

EXPORT = "Export the ECG again from its system, or skip it with --on-error skip"

LOWEST = -(2**15)
"""The lowest 16-bit number marks a sample that is missing or out of the converter's range."""


def scaled(
    counts: ArrayLike, lead: str, gain: float | None, unit: str, zero: float = 0.0
) -> tuple[NDArray[np.float64], str]:
    """Amplitudes in millivolts, or in the file's unit if it is not a voltage.

    Args:
        counts: of a lead, shape (samples,); NaN where missing.
        lead: its name, for errors.
        gain: units per count, or None if unknown.
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
