"""What a criterion is given and what it says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Sex = Literal["female", "male"]

CHEST = ("V1", "V2", "V3", "V4", "V5", "V6")
TERRITORIES: Mapping[str, tuple[str, ...]] = {
    "anterior": CHEST,
    "inferior": ("II", "III", "aVF"),
    "lateral": ("I", "aVL"),
}
"""Lead groups of the Fourth Universal Definition."""
CONTIGUOUS = (
    ("I", "aVL"),
    ("II", "aVF"),
    ("aVF", "III"),
    ("II", "III"),
    *pairwise(CHEST),
)
"""Leads that look at neighbouring parts of the heart."""


@dataclass(frozen=True, eq=False)
class Measured:
    """The measurements of one ECG, and whose it is.

    Args:
        columns: by column of `measure`, the value of each lead; NaN where unknown.
        age: years; None if unknown.
        sex: None if unknown.
    """

    columns: Mapping[str, Mapping[str, float]]
    age: float | None = None
    sex: Sex | None = None

    def __getitem__(self, column: str) -> Mapping[str, float]:
        """A column by lead."""
        return self.columns[column]

    def lead(self, column: str, lead: str) -> float:
        """One value; NaN if the lead was not recorded."""
        return self.columns[column].get(lead, np.nan)

    def whole(self, column: str) -> float:
        """A column that says the same of each lead."""
        return next(iter(self.columns[column].values()), np.nan)


def measured(
    values: Mapping[str, NDArray[np.float64]],
    leads: Sequence[str],
    age: float | None = None,
    sex: Sex | None = None,
) -> Measured:
    """Measurements by column and lead.

    Args:
        values: by column of `measure`, one value per lead.
        leads: their names.
        age: years, if known.
        sex: if known.
    """
    columns = {
        name: dict(zip(leads, column.tolist(), strict=True)) for name, column in values.items()
    }
    return Measured(columns, age, sex)


@dataclass(frozen=True)
class Evidence:
    """How far an ECG goes towards a criterion.

    Args:
        score: the evidence over its limit: 1 or more where the criterion is met; NaN where it
            cannot be judged.
        leads: those that meet it.
        measurements: what was compared, by name, in the units of `measure`.
        sentence: what a doctor would write where it is met, or why it cannot be judged.
    """

    score: float
    leads: tuple[str, ...] = ()
    measurements: Mapping[str, float] | None = None
    sentence: str = ""


@dataclass(frozen=True)
class Criterion:
    """A named rule.

    Args:
        name: of the criterion.
        title: in words, as it stands in a sentence.
        source: publication that it is taken from.
        judge: the rule.
    """

    name: str
    title: str
    source: str
    judge: Callable[[Measured], Evidence]


@dataclass(frozen=True)
class Finding:
    """What a criterion says of an ECG.

    Args:
        criterion: its name.
        present: None where it cannot be judged.
        score, leads, measurements: see `Evidence`; without leads unless it is present.
        sentence: what a doctor would write.
    """

    criterion: str
    present: bool | None
    score: float
    leads: tuple[str, ...]
    measurements: Mapping[str, float]
    sentence: str


def finding(criterion: Criterion, ecg: Measured) -> Finding:
    """Judge one criterion."""
    evidence = criterion.judge(ecg)
    compared = dict(evidence.measurements or {})
    if np.isnan(evidence.score):
        sentence = evidence.sentence or f"Not measurable: {criterion.title}."
        return Finding(criterion.name, None, evidence.score, (), compared, sentence)
    if evidence.score < 1:
        sentence = f"No {criterion.title}."
        return Finding(criterion.name, False, evidence.score, (), compared, sentence)
    return Finding(
        criterion.name, True, evidence.score, evidence.leads, compared, evidence.sentence
    )


def in_contiguous_leads(ratios: Mapping[str, float]) -> tuple[float, tuple[str, ...]]:
    """What two contiguous leads reach together, and the leads of all pairs that reach 1.

    Args:
        ratios: of each lead's value over its limit.

    Returns:
        The largest ratio that two contiguous leads both have, NaN if no two were measured; and
        the leads, in the order of `ratios`.
    """
    reached, leads = np.nan, set()
    for one, other in CONTIGUOUS:
        both = min(ratios.get(one, np.nan), ratios.get(other, np.nan))
        if np.isnan(ratios.get(one, np.nan) + ratios.get(other, np.nan)):
            continue
        reached = np.fmax(reached, both)
        if both >= 1:
            leads |= {one, other}
    return float(reached), tuple(lead for lead in ratios if lead in leads)


def listed(leads: tuple[str, ...]) -> str:
    """Leads as a doctor writes them.

    Examples:
        >>> listed(("II", "III", "V2", "V3", "V4"))
        'II, III, V2–V4'
    """
    runs: list[list[str]] = []
    for lead in leads:
        follows = runs and lead in CHEST and runs[-1][-1] in CHEST
        if follows and CHEST.index(lead) == CHEST.index(runs[-1][-1]) + 1:
            runs[-1].append(lead)
        else:
            runs.append([lead])
    return ", ".join(f"{run[0]}–{run[-1]}" if len(run) > 2 else ", ".join(run) for run in runs)
