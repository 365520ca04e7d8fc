"""The twelve standard leads: names, order, Einthoven's relations."""

from __future__ import annotations

import re
import unicodedata
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
_DERIVATIONS = {f"d{roman}": lead for roman, lead in zip("123", LEADS, strict=False)}
_DERIVATIONS |= {f"d{lead}".casefold(): lead for lead in LEADS[:3]}
"""`D1` and `DI`, from the words for lead in French, Spanish and Portuguese."""

_DASH = re.compile("[\u2010-\u2015\u2212\ufe58]")
_OPPOSITE = re.compile(
    r"\(\s*-\s*\)|(?<![a-z])(?:neg|negative|negated|minus|inv|inverse|inverted|flipped"
    r"|reversed|opposite)(?![a-z])"
)
_REMARK = re.compile(
    r"(?<![a-z0-9])(?:raw|filtered|unfiltered|original|derived|calculated|einthoven|goldberger"
    r"|wilson|[mu\u03bc]v|millivolts?|microvolts?)(?![a-z0-9])"
)
_UNCLEAR = re.compile(rf"[_.]|.*{_REMARK.pattern}[)\]}}]*(?:-|\s+-\s)")
"""A mark that may stand for a minus, or not: `_aVR`, `raw-aVR`, `raw - aVR`."""
_NAME = re.compile(
    r"(?P<word>mdc ecg lead|(?:ecg|ekg)[ -]?lead|lead|ecg|ekg|)(?P<joint>[ +-]*)"
    r"(?P<before>neg|inv|)(?P<lead>i{1,3}|av[rlf]|v ?[1-6]|di{1,3}|d[1-3]|[1-3])(?P<after>neg|inv|)"
)
_PLUS = {"", "+"}, {"", " ", "-", " +", "+"}
_MINUS = {"-", "- "}, {" -"}
"""What stands before a lead of that sign: without and with a word such as `Lead` ahead of it.

A dash that follows the word at once joins the two; after `ECG - ` nobody can tell.
"""


def signed_lead(name: str) -> tuple[str, int] | None:
    """The standard lead that a name stands for, and its sign.

    Case and blanks do not matter, nor do prefixes such as `ECG`, `Lead` or `MDC_ECG_LEAD_` and
    remarks such as `(raw)`. `DII` and `D2` are II. A lead of opposite sign is written with any
    dash in front, or with a word such as `neg` or `inverted`.

    Modified leads (`MLII`), electrodes (`C1`), right-sided leads (`V3R`) and differences
    (`V1-V2`) are other signals: their amplitudes are not those of a standard lead.

    Returns:
        The lead's name as in `LEADS`, and 1 or -1; None if it is none of the twelve, or if a
        dash may or may not be a minus, as in `ECG - aVR` and `raw-aVR`, or was replaced by
        another mark, as in `_aVR`.

    >>> signed_lead("Lead II"), signed_lead("MDC_ECG_LEAD_AVRneg"), signed_lead("V1-V2")
    (('II', 1), ('aVR', -1), None)
    """
    if name in LEADS:
        return name, 1
    text = _DASH.sub("-", unicodedata.normalize("NFKC", name)).casefold().strip(" \0'\"")
    if _UNCLEAR.match(text):
        return None
    text, opposites = _OPPOSITE.subn(" ", text.replace("_", " "))
    text = re.sub(r"[()\[\]{}]", " ", _REMARK.sub(" ", text))
    match = _NAME.fullmatch(" ".join(text.split()).strip(" \0.,:;'\""))
    if match is None:
        return None
    lead = match["lead"].replace(" ", "")
    standard = _CANONICAL.get(lead) or _DERIVATIONS.get(lead)
    if standard is None and "lead" in match["word"]:
        standard = LEADS[int(lead) - 1]  # "Lead 2", but not "ECG 2", the second channel
    has_word = bool(match["word"])
    is_minus = match["joint"] in _MINUS[has_word]
    opposites += is_minus + bool(match["before"]) + bool(match["after"])
    if standard is None or opposites > 1 or not (is_minus or match["joint"] in _PLUS[has_word]):
        return None
    return standard, -1 if opposites else 1


def says_opposite(remark: str) -> bool:
    """Whether a remark on a lead says that its sign is changed.

    >>> says_opposite("augmented, inverted"), says_opposite("augmented")
    (True, False)
    """
    return _OPPOSITE.search(remark.casefold()) is not None


def canonical_lead(name: str) -> str | None:
    """The standard name of a lead, or None if it is none of the twelve or of opposite sign.

    Names are understood as by `signed_lead`.

    >>> canonical_lead("AVR"), canonical_lead("lead ii"), canonical_lead("vx")
    ('aVR', 'II', None)
    """
    found = signed_lead(name)
    return found[0] if found is not None and found[1] == 1 else None


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
