"""What thresholds and recalibration rest on, and what few validation patients leave open.

A threshold that leaves 90 % of few validation ECGs below it may leave 75 % or 98 % of others.
"""

from __future__ import annotations

from dataclasses import dataclass

from acsbench.cohort.counts import SPLIT_NAMES, split_counts
from acsbench.disclosure import SMALLEST_CELL
from acsbench.evaluation.cohort import VALIDATION, EvaluationCohort
from acsbench.statistics import share_elsewhere

TOLERATED = 0.05
"""A threshold may reach so much less among others than it was chosen for; more is said."""

RECALIBRATION_PATIENTS = 100
"""With fewer on a side a recalibration is itself uncertain (Collins 2016)."""


@dataclass(frozen=True)
class ChosenOn:
    """Validation patients by whether they have the event; None where that may not be told.

    Args:
        with_event, without_event: their numbers, for computing.
        told: whether both numbers may be shown.
        level: confidence level.
    """

    with_event: int
    without_event: int
    told: bool
    level: float

    def specificity_warning(self, share: float) -> str:
        """A sentence if a threshold for this specificity rests on few; else nothing."""
        return self._warning("specificity", share, self.without_event, "without the event")

    def sensitivity_warning(self, share: float) -> str:
        """A sentence if a threshold for this sensitivity rests on few; else nothing."""
        return self._warning("sensitivity", share, self.with_event, "with the event")

    def capacity_warning(self, share: float) -> str:
        """A sentence if a threshold that calls this share rests on few; else nothing."""
        everybody = self.with_event + self.without_event
        low, high = share_elsewhere(1 - share, everybody, self.level)
        if low >= 1 - share - TOLERATED:
            return ""
        start = f"The threshold that calls {_percent(share)} of the ECGs was chosen on "
        if not self.told:
            return f"{start}few validation patients: of other patients it may call more or fewer."
        return (
            f"{start}{_patients(everybody)}: of other patients it may call "
            f"{_percent(1 - high)} to {_percent(1 - low)}, or fewer where risks tie."
        )

    def recalibration_warning(self) -> str:
        """A sentence if few have the event, or lack it; else nothing."""
        sides = {"with": self.with_event, "without": self.without_event}
        few = {side: n for side, n in sides.items() if n < RECALIBRATION_PATIENTS}
        if not few:
            return ""
        told = " and ".join(f"{self._count(n)} {side} the event" for side, n in few.items())
        return (
            f"The recalibration rests on {told} among the validation patients. With fewer than "
            f"{RECALIBRATION_PATIENTS} it is itself uncertain, which no interval here includes."
        )

    def _warning(self, what: str, share: float, patients: int, who: str) -> str:
        low, high = share_elsewhere(share, patients, self.level)
        if low >= share - TOLERATED:
            return ""
        start = (
            f"The threshold for a {what} of at least {_percent(share)} was chosen on "
            + (_patients(patients) if self.told else f"{self._count(patients)} validation patients")
            + f" {who}"
        )
        if not self.told:
            return f"{start}: too few to say that it reaches about as much in other patients."
        return (
            f"{start}: in other patients the {what} may be {_percent(low)} to {_percent(high)}, or "
            "more where risks tie."
        )

    def _count(self, patients: int) -> str:
        if self.told:
            return f"{patients:,}"
        return f"fewer than {SMALLEST_CELL}" if patients < SMALLEST_CELL else "few"


def chosen_on(cohort: EvaluationCohort, level: float, show_small_cells: bool) -> ChosenOn:
    """What thresholds that are chosen on a cohort's validation ECGs rest on."""
    rows = cohort.split(VALIDATION)
    patients = rows["patient_id"].nunique()
    with_event = rows.loc[rows["label"] == 1, "patient_id"].nunique()
    shown = split_counts(cohort.table, show_small_cells).loc[SPLIT_NAMES[VALIDATION]]
    # The difference of the two must not be a number that the table of the splits hides.
    told = show_small_cells or (
        _is_number(shown["patients"])
        and _is_number(shown["patients with an event"])
        and min(with_event, patients - with_event) >= SMALLEST_CELL
    )
    return ChosenOn(with_event, patients - with_event, told, level)


def _patients(count: int) -> str:
    return f"{count:,} validation patient{'' if count == 1 else 's'}"


def _is_number(text: object) -> bool:
    return str(text).replace(",", "").isdecimal()


def _percent(share: float) -> str:
    return f"{100 * share:.0f}\u00a0%"
