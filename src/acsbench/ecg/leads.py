"""The twelve standard leads: names, order, Einthoven's relations."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

Float = TypeVar("Float", bound=np.floating)

LIMB_LEADS = ("I", "II", "III", "aVR", "aVL", "aVF")
CHEST_LEADS = ("V1", "V2", "V3", "V4", "V5", "V6")
LEADS = LIMB_LEADS + CHEST_LEADS

LIMB_FROM_I_AND_II = np.array(
    [[1, 0], [0, 1], [-1, 1], [-0.5, -0.5], [1, -0.5], [-0.5, 1]], dtype=np.float64
)
"""Each limb lead as a combination of I and II (Einthoven, Goldberger), shape (6, 2)."""

_CANONICAL = {lead.casefold(): lead for lead in LEADS}


def canonical_lead(name: str) -> str | None:
    """The standard name of a lead, or None if it is none of the twelve.

    Case and blanks do not matter, nor does a prefix `lead` or `MDC_ECG_LEAD_`.

    >>> canonical_lead("AVR"), canonical_lead("lead ii"), canonical_lead("vx")
    ('aVR', 'II', None)
    """
    key = name.strip().casefold()
    for prefix in ("mdc_ecg_lead_", "lead"):
        key = key.removeprefix(prefix).strip(" _-")
    return _CANONICAL.get(key)


def limb_leads(lead_i: ArrayLike, lead_ii: ArrayLike) -> NDArray[np.float64]:
    """The six limb leads that I and II determine.

    Args:
        lead_i: lead I, shape (samples,), mV.
        lead_ii: lead II, shape (samples,), mV.

    Returns:
        I, II, III, aVR, aVL, aVF, shape (6, samples), mV.
    """
    i_and_ii = np.stack([np.asarray(lead_i), np.asarray(lead_ii)]).astype(np.float64)
    return weighted_sums(LIMB_FROM_I_AND_II, i_and_ii)


def weighted_sums(weights: NDArray[Float], signals: NDArray[Float]) -> NDArray[Float]:
    """`weights @ signals` for a few signals, added in their order.

    The last bit of a product of matrices depends on the processor and on how many samples it
    holds. This sum is the same everywhere, for each sample by itself.

    Args:
        weights: shape (..., sums, signals).
        signals: shape (..., signals, samples).

    Returns:
        Shape (..., sums, samples).
    """
    total: NDArray[Float] = weights[..., :, 0, None] * signals[..., None, 0, :]
    for number in range(1, signals.shape[-2]):
        total += weights[..., :, number, None] * signals[..., None, number, :]
    return total


def einthoven_residual(limb: ArrayLike) -> NDArray[np.float64]:
    """How far six limb leads are from Einthoven's and Goldberger's relations.

    Args:
        limb: I, II, III, aVR, aVL, aVF, shape (6, samples), mV.

    Returns:
        Largest absolute residual of III, aVR, aVL and aVF against I and II, shape (4,), mV.
    """
    limb = np.asarray(limb, dtype=float)
    expected = limb_leads(limb[0], limb[1])
    return np.abs(limb[2:] - expected[2:]).max(axis=1)
