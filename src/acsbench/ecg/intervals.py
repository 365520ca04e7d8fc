"""Corrected QT intervals and axes in the frontal plane."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

CORRECTIONS = ("bazett", "fridericia", "framingham", "hodges")


def corrected_qt(qt: float, heart_rate: float) -> dict[str, float]:
    """QT as it would be at 60 beats per minute, by four formulas.

    Args:
        qt: QT interval, ms; NaN where unknown.
        heart_rate: beats per minute; NaN where unknown.

    Returns:
        Corrected QT, ms, by name of the formula, in the order of `CORRECTIONS`.

    References:
        Bazett, Heart 7:353 (1920); Fridericia, Acta Med Scand 53:469 (1920); Sagie et al.
        (Framingham), Am J Cardiol 70:797 (1992); Hodges et al., J Am Coll Cardiol 1:694 (1983).

    Examples:
        >>> {name: round(ms) for name, ms in corrected_qt(360, 100).items()}
        {'bazett': 465, 'fridericia': 427, 'framingham': 422, 'hodges': 430}
    """
    rr = 60 / heart_rate
    return {
        "bazett": qt / rr**0.5,
        "fridericia": qt / rr ** (1 / 3),
        "framingham": qt + 154 * (1 - rr),
        "hodges": qt + 1.75 * (heart_rate - 60),
    }


def frontal_axis(lead_i: ArrayLike, lead_ii: ArrayLike) -> NDArray[np.float64]:
    """Direction in the frontal plane of what leads I and II show.

    Args:
        lead_i, lead_ii: net areas (or amplitudes) of a wave, any one unit, same shape.

    Returns:
        Degrees from -180 to 180: 0 points to the left, 90 down; NaN where nothing points
        anywhere.

    Examples:
        >>> frontal_axis([1.0, 0.5], [0.5, 1.0]).round().tolist()
        [0.0, 60.0]
    """
    left = np.asarray(lead_i, dtype=float)
    down = (2 * np.asarray(lead_ii, dtype=float) - left) / np.sqrt(3)
    axis = np.degrees(np.arctan2(down, left))
    return np.where((left == 0) & (down == 0), np.nan, axis)


def angle_between(one: float, other: float) -> float:
    """The angle between two axes, 0 to 180 degrees.

    Examples:
        >>> angle_between(-170, 170)
        20
    """
    return abs((one - other + 180) % 360 - 180)
