"""Public scores with intervals that rest on nothing but what is shown.

The exact interval of an AUROC depends on where every single event lies among the others: whoever
submits files made for it reads labels off its width. So the interval of a public score is computed
from the shown value and from two numbers of the holdout that are the same for all submissions.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtri

from acsbench.disclosure import SMALLEST_CELL
from acsbench.statistics import Estimate

METHOD = "Newcombe, of the shown value"
USUAL_AREA = 0.85
"""AUROC of a good model, at which the standard error is taken."""


class Patients(NamedTuple):
    """Patients of a part of the holdout by whether an ECG of theirs has the event, or has not.

    One with ECGs of both kinds counts in both.
    """

    with_event: int
    without_event: int


def patients_of(labels: NDArray[np.float64], patients: NDArray[np.intp]) -> Patients:
    """Patients by class.

    Args:
        labels: 0/1, shape (n,).
        patients: patient of each label, shape (n,).
    """
    return Patients(*(len(np.unique(patients[labels == value])) for value in (1, 0)))


def least_step(patients: Patients) -> float:
    """Smallest step of the Ladder that hides single patients, a multiple of 0.01.

    It is about the standard error of an AUROC of 0.85, below which progress may be chance,
    and at least twice what one patient's ECG can add to an AUROC: with a smaller step, a team
    that moves one ECG at a time to the top reads its label off the board's answer.

    >>> least_step(Patients(500, 800)), least_step(Patients(24, 36))
    (0.01, 0.09)
    """
    error = round(100 * math.sqrt(_variance(USUAL_AREA, patients)))
    of_one = math.ceil(round(200 / min(patients), 6))
    return min(max(error, of_one), 99) / 100


def released(
    exact: Estimate, value: float, step: float, patients: Patients, digits: int
) -> Estimate:
    """An AUROC as it is shown while a phase is open.

    Args:
        exact: the estimate; only its level and its counts are used.
        value: the value that is shown in its place, such as the standing score.
        step: of the scale on which values are shown; the exact value may lie half of it away.
        patients: of the part of the holdout.
        digits: decimals.

    Examples:
        >>> exact = Estimate(0.81372, 0.78914, 0.83830, 0.95, "DeLong, Wald", 900, 300, 450)
        >>> shown = released(exact, 0.81, 0.01, Patients(150, 310), digits=3)
        >>> shown.value, shown.low, shown.high
        (0.81, 0.758, 0.853)
    """
    shown = round(value, digits)
    low, high = limits(shown, step, patients, exact.level)
    # Outwards; the first rounding forgives the dust of binary fractions.
    scale = 10**digits
    return replace(
        exact,
        value=shown,
        low=math.floor(round(low * scale, 6)) / scale,
        high=math.ceil(round(high * scale, 6)) / scale,
        method=METHOD,
    )


def limits(value: float, step: float, patients: Patients, level: float) -> tuple[float, float]:
    """Confidence limits of an AUROC of which only the rounded value is known.

    All areas from which the nearest value that rounds to the shown one differs by no more than
    chance, with the variance of an area of binormal scores (Newcombe's method 5, a score interval).
    Each patient counts once, as if with one ECG. With fewer than eleven patients
    with, or without, the event, the limits are 0 and 1.

    Args:
        value: in [0, 1].
        step: of the scale to which it is rounded.
        patients: by class.
        level: confidence level.

    References:
        Newcombe, Statistics in Medicine 25:559 (2006), method 5; Hanley & McNeil, Radiology 143:29
        (1982), for the variance.
    """
    if min(patients) < SMALLEST_CELL:
        return 0.0, 1.0
    reach = float(ndtri(0.5 + level / 2))
    # The upper limit of an area is one less the lower limit of its mirror image.
    low, high = (
        _lower_limit(max(nearest, 0.0), patients, reach)
        for nearest in (value - step / 2, 1 - value - step / 2)
    )
    return low, 1 - high


def _lower_limit(value: float, patients: Patients, reach: float) -> float:
    """The least area from which a value is no more than `reach` standard errors away."""
    if value == 0:
        return 0.0

    def excess(area: float) -> float:
        return value - area - reach * math.sqrt(_variance(area, patients))

    # At 0 there is no variance, and at the value itself no difference.
    return float(brentq(excess, 0.0, value))


def _variance(area: float, patients: Patients) -> float:
    """Variance of an estimated area, the same for its mirror image 1 - area."""
    others = sum(patients) / 2 - 1
    spread = (1 - area) / (2 - area) + area / (1 + area)
    return area * (1 - area) * (1 + others * spread) / math.prod(patients)
