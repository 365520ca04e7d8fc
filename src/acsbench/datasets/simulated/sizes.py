"""Numbers of patients, visits and ECGs of each kind, as published, at any scale.

Published are the sizes of the tables and what is left after the exclusions, for catheterised
(tested) patients and others. How what is left out divides into excluded visits, visits without
an ECG and ECGs without a visit is not published; those numbers were chosen.
"""

from __future__ import annotations

from dataclasses import dataclass

PATIENTS, VISITS, ECGS = 44_713, 71_460, 112_900
"""Rows of the published tables."""


@dataclass(frozen=True)
class Count:
    """Patients, visits that have an ECG, and ECGs."""

    patients: int
    visits: int
    ecgs: int

    def scaled(self, ecgs: int) -> Count:
        """The same proportions for another number of ECGs, at least one of each."""
        if ecgs == 0:
            return Count(0, 0, 0)
        patients = min(max(1, round(ecgs * self.patients / self.ecgs)), ecgs)
        visits = min(max(patients, round(ecgs * self.visits / self.ecgs)), ecgs)
        return Count(patients, visits, ecgs)


TESTED = Count(1_758, 1_952, 3_925)
UNTESTED = Count(34_465, 49_206, 69_467)
IN_BOTH = 628
"""Patients with a tested and an untested visit."""
PUBLISHED_TESTED_SHARE = TESTED.ecgs / (TESTED.ecgs + UNTESTED.ecgs)
"""5 % of the ECGs left after the exclusions; 3.5 % of all."""

OTHER_PATIENTS = PATIENTS - (TESTED.patients + UNTESTED.patients - IN_BOTH)
"""Patients without an ECG of an included visit."""

# Chosen, within what the published totals leave.
ECGS_WITHOUT_VISIT = 7_000
EXCLUDED = Count(0, 18_400, ECGS - TESTED.ecgs - UNTESTED.ecgs - ECGS_WITHOUT_VISIT)
EXCLUDED_WITHOUT_ECG = 600
INCLUDED_WITHOUT_ECG = (
    VISITS - TESTED.visits - UNTESTED.visits - EXCLUDED.visits - EXCLUDED_WITHOUT_ECG
)
ONLY_EXCLUDED, ONLY_WITHOUT_ECG = 0.85, 0.08
"""Of the other patients: those who have excluded visits, and those who have but an included visit
without an ECG. The rest have ECGs without a visit."""


@dataclass(frozen=True)
class Sizes:
    """Sizes of one simulated dataset.

    Args:
        tested, untested: after the exclusions.
        in_both: patients with visits of both kinds.
        excluded_visits, excluded_ecgs: excluded visits with an ECG, and their ECGs.
        excluded_without_ecg, included_without_ecg: further visits.
        without_visit: ECGs without a visit.
        other_patients: patients without an ECG of an included visit.
    """

    tested: Count
    untested: Count
    in_both: int
    excluded_visits: int = 0
    excluded_ecgs: int = 0
    excluded_without_ecg: int = 0
    included_without_ecg: int = 0
    without_visit: int = 0
    other_patients: int = 0

    @property
    def patients(self) -> int:
        """All patients."""
        return self.tested.patients + self.untested.patients - self.in_both + self.other_patients

    @property
    def visits(self) -> int:
        """All visits."""
        with_ecg = self.tested.visits + self.untested.visits + self.excluded_visits
        return with_ecg + self.excluded_without_ecg + self.included_without_ecg

    @property
    def ecgs(self) -> int:
        """All ECGs."""
        return self.tested.ecgs + self.untested.ecgs + self.excluded_ecgs + self.without_visit


def sizes_of_twin(ecgs: int, tested_share: float | None = None) -> Sizes:
    """Sizes of a dataset with a given number of ECGs.

    Args:
        ecgs: all ECGs.
        tested_share: share of them that belong to an included visit with catheterisation; the
            published one if None. The other ECGs keep their published proportions.
    """
    tested, rest = _tested_and_rest(ecgs, TESTED.ecgs / ECGS, tested_share)
    share = rest / (ECGS - TESTED.ecgs)
    excluded_ecgs = round(EXCLUDED.ecgs * share)
    without_visit = min(round(ECGS_WITHOUT_VISIT * share), rest - excluded_ecgs)
    untested = UNTESTED.scaled(rest - excluded_ecgs - without_visit)
    excluded_visits = min(round(EXCLUDED.visits * share), excluded_ecgs)
    if excluded_ecgs:
        excluded_visits = max(1, excluded_visits)
    return Sizes(
        tested,
        untested,
        in_both=_in_both(tested, untested),
        excluded_visits=excluded_visits,
        excluded_ecgs=excluded_ecgs,
        excluded_without_ecg=round(EXCLUDED_WITHOUT_ECG * share),
        included_without_ecg=round(INCLUDED_WITHOUT_ECG * share),
        without_visit=without_visit,
        other_patients=round(OTHER_PATIENTS * share),
    )


def sizes_of_holdout(ecgs: int, tested_share: float | None = None) -> Sizes:
    """Sizes of a holdout: ECGs with a label alone, tested and untested as in the tables."""
    if tested_share is None:
        tested_share = PUBLISHED_TESTED_SHARE
    else:
        untested = (1 - tested_share) * UNTESTED.ecgs / (ECGS - TESTED.ecgs)
        tested_share /= tested_share + untested
    tested, rest = _tested_and_rest(ecgs, tested_share, None)
    untested_count = UNTESTED.scaled(rest)
    return Sizes(tested, untested_count, in_both=_in_both(tested, untested_count))


def _tested_and_rest(ecgs: int, default: float, share: float | None) -> tuple[Count, int]:
    tested = TESTED.scaled(round(ecgs * (default if share is None else share)))
    return tested, ecgs - tested.ecgs


def _in_both(tested: Count, untested: Count) -> int:
    """The published share of tested patients, as long as there are enough untested ones."""
    wanted = round(tested.patients * IN_BOTH / TESTED.patients)
    return min(wanted, untested.patients // 2)
