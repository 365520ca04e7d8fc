"""Criteria of ischaemia and of what imitates it, judged on measurements."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from acsbench.ecg.criteria import conduction, st_segment, t_and_q
from acsbench.ecg.criteria.finding import Criterion, Finding, Measured, Sex, finding, measured
from acsbench.ecg.measurements import WORDS

CRITERIA: dict[str, Criterion] = {
    criterion.name: criterion
    for module in (st_segment, t_and_q, conduction)
    for criterion in module.CRITERIA
}
"""All criteria by name, in the order in which they are reported."""

ISCHAEMIA = (
    "st-elevation",
    "st-depression",
    "posterior",
    "de-winter",
    "modified-sgarbossa",
    "t-inversion",
    "hyperacute-t",
    "wellens",
    "pathological-q",
)
"""Those that speak for ischaemia or infarction by themselves."""


EVIDENCE_OF_ANY = "evidence_any"
"""Column of the largest evidence for any criterion of `ISCHAEMIA`."""


def evidence_column(criterion: str) -> str:
    """Name of the column that holds the evidence for a criterion.

    Examples:
        >>> evidence_column("st-elevation")
        'evidence_st_elevation'
    """
    return "evidence_" + criterion.replace("-", "_")


def evidence(findings: Sequence[Finding]) -> dict[str, float]:
    """The findings of one ECG as a row of numbers, NaN where nothing can be judged.

    Args:
        findings: as from `assess`.

    Returns:
        The evidence over its limit by `evidence_column`, and `EVIDENCE_OF_ANY`.
    """
    row = {evidence_column(found.criterion): found.score for found in findings}
    strongest = [found.score for found in findings if found.criterion in ISCHAEMIA]
    row[EVIDENCE_OF_ANY] = float(np.fmax.reduce(strongest))
    return row


def assess(table: pd.DataFrame, age: float | None = None, sex: Sex | None = None) -> list[Finding]:
    """Judge every criterion.

    Args:
        table: what `acsbench.ecg.measure` gave.
        age: years, if known.
        sex: if known.

    Returns:
        One finding per criterion, in the order of `CRITERIA`.

    Raises:
        ValueError: the sex is none of those.
    """
    if sex not in (None, "female", "male"):
        raise ValueError(f"sex is 'female', 'male' or None, not {sex!r}")
    numbers = table.drop(columns=["lead", *WORDS])
    values = {str(name): numbers[name].to_numpy(float, na_value=np.nan) for name in numbers}
    return judge(measured(values, list(table["lead"]), age, sex))


def judge(ecg: Measured) -> list[Finding]:
    """Judge every criterion, in the order of `CRITERIA`."""
    return [finding(criterion, ecg) for criterion in CRITERIA.values()]


__all__ = [
    "CRITERIA",
    "EVIDENCE_OF_ANY",
    "ISCHAEMIA",
    "Criterion",
    "Finding",
    "Measured",
    "Sex",
    "assess",
    "evidence",
    "evidence_column",
    "judge",
    "measured",
]
