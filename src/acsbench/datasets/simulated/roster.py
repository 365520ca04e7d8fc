"""Patients, their visits, and the ECGs of each visit."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from acsbench.datasets.simulated.dipole import Array
from acsbench.datasets.simulated.sizes import ONLY_EXCLUDED, ONLY_WITHOUT_ECG, Sizes

Numbers = NDArray[np.int64]
Flags = NDArray[np.bool_]

NO_VISIT = -1
BETWEEN_VISITS = 31.0
"""Days from one visit of a patient to the next, at least: an outcome within 30 days then belongs
to one visit only."""
FURTHER = 230.0
"""Mean of the days beyond these."""


class Kind(IntEnum):
    """Role of a visit in the study."""

    TESTED = 0
    UNTESTED = 1
    EXCLUDED = 2


@dataclass(frozen=True, eq=False)
class Roster:
    """Patients, visits and ECGs by number; patients are numbered from 0.

    Args:
        tested, untested: whether a patient has an included visit of that kind with an ECG,
            shape (patients,).
        visit_patient: shape (visits,).
        visit_kind: a `Kind`, shape (visits,).
        visit_day: days from the patient's first visit, shape (visits,).
        last: whether it is the patient's last visit, shape (visits,).
        ecg_patient: shape (ecgs,).
        ecg_visit: `NO_VISIT` for an ECG without one, shape (ecgs,).
        ecg_hour: hours from the start of the visit, shape (ecgs,); of an ECG without a visit
            from the patient's first visit, less than 0.
    """

    tested: Flags
    untested: Flags
    visit_patient: Numbers
    visit_kind: Numbers
    visit_day: Array
    last: Flags
    ecg_patient: Numbers
    ecg_visit: Numbers
    ecg_hour: Array

    @property
    def patients(self) -> int:
        """Number of patients."""
        return len(self.tested)

    def ecgs_of_visits(self) -> Numbers:
        """Number of ECGs of each visit, shape (visits,)."""
        return np.bincount(
            self.ecg_visit[self.ecg_visit != NO_VISIT], minlength=len(self.visit_patient)
        )


def draw_roster(sizes: Sizes, rng: np.random.Generator) -> Roster:
    """Distribute ECGs over visits and visits over patients so that every size is met exactly.

    Args:
        sizes: how many of what.
        rng: random generator.
    """
    only_tested = sizes.tested.patients - sizes.in_both
    included = only_tested + sizes.untested.patients
    tested = np.arange(sizes.tested.patients)
    untested = np.arange(only_tested, included)
    others = np.arange(included, included + sizes.other_patients)
    everyone = included + sizes.other_patients

    excluded_only, without_ecg, without_visit = np.split(
        others,
        np.round(np.cumsum([ONLY_EXCLUDED, ONLY_WITHOUT_ECG]) * len(others)).astype(int),
    )
    patients, kinds, ecgs = [], [], []
    for kind, who, visits, number in (
        (Kind.TESTED, tested, sizes.tested.visits, sizes.tested.ecgs),
        (Kind.UNTESTED, untested, sizes.untested.visits, sizes.untested.ecgs),
    ):
        patients.append(np.repeat(who, spread(visits, len(who), rng, 1.0)))
        kinds.append(np.full(visits, kind))
        ecgs.append(spread(number, visits, rng, 2.0))
    # Who is excluded once often is again; other patients are at times excluded too.
    weights = np.where(np.arange(everyone) < included, 0.22, 1.0)
    count = sizes.excluded_visits
    patients.append(_at_least_once(excluded_only, count, weights, rng))
    kinds.append(np.full(count, Kind.EXCLUDED))
    ecgs.append(spread(sizes.excluded_ecgs, count, rng, 2.0))
    count = sizes.excluded_without_ecg
    patients.append(_at_least_once(excluded_only[:0], count, weights, rng))
    kinds.append(np.full(count, Kind.EXCLUDED))
    ecgs.append(np.zeros(count, dtype=np.int64))
    count = sizes.included_without_ecg
    anyone = np.ones(everyone)
    patients.append(_at_least_once(without_ecg, count, anyone, rng))
    kinds.append(np.full(count, Kind.UNTESTED))
    ecgs.append(np.zeros(count, dtype=np.int64))

    visit_patient = np.concatenate(patients)
    days, last = _calendar(visit_patient, rng)
    of_visits = np.concatenate(ecgs)
    ecg_visit = np.repeat(np.arange(len(visit_patient)), of_visits)
    stray = _at_least_once(without_visit, sizes.without_visit, anyone, rng)
    hours = _hours(of_visits, rng)
    everyone_numbers = np.arange(everyone)
    return Roster(
        tested=np.isin(everyone_numbers, tested),
        untested=np.isin(everyone_numbers, untested),
        visit_patient=visit_patient,
        visit_kind=np.concatenate(kinds).astype(np.int64),
        visit_day=days,
        last=last,
        ecg_patient=np.concatenate([visit_patient[ecg_visit], stray]),
        ecg_visit=np.concatenate([ecg_visit, np.full(len(stray), NO_VISIT)]),
        ecg_hour=np.concatenate([hours, -24 * rng.uniform(7, 700, len(stray))]),
    )


def spread(total: int, bins: int, rng: np.random.Generator, shape: float) -> Numbers:
    """Whole numbers of at least 1 that add up to `total`, shape (bins,).

    Args:
        total: at least `bins`.
        bins: how many numbers.
        rng: random generator.
        shape: of the gamma distribution of what each attracts; the smaller, the more unequal.
    """
    if bins == 0:
        return np.zeros(0, dtype=np.int64)
    weights = rng.gamma(shape, 1.0, bins)
    return 1 + rng.multinomial(total - bins, weights / weights.sum())


def _at_least_once(who: Numbers, count: int, weights: Array, rng: np.random.Generator) -> Numbers:
    """`count` patients: each of `who` once if there is room, the rest drawn by weight."""
    once = who[:count]
    if not weights.sum():
        return once
    unequal = weights * rng.gamma(1.0, 1.0, len(weights))
    more = rng.choice(len(weights), count - len(once), p=unequal / unequal.sum())
    return np.concatenate([once, more]).astype(np.int64)


def _calendar(patient: Numbers, rng: np.random.Generator) -> tuple[Array, Flags]:
    """Day of each visit from the patient's first, and which is the last."""
    order = np.lexsort((rng.random(len(patient)), patient))
    ordered = patient[order]
    first = np.r_[True, ordered[1:] != ordered[:-1]][: len(ordered)]
    gap = BETWEEN_VISITS + rng.exponential(FURTHER, len(patient))
    elapsed = np.cumsum(np.where(first, 0.0, gap))
    start = np.maximum.accumulate(np.where(first, elapsed, 0.0))
    days = np.empty(len(patient))
    days[order] = elapsed - start
    last = np.empty(len(patient), dtype=bool)
    last[order] = np.r_[first[1:], True][: len(ordered)]
    return days, last


def _hours(ecgs: Numbers, rng: np.random.Generator) -> Array:
    """Hours from arrival: the first ECG within minutes, the next some hours apart."""
    count = int(ecgs.sum())
    gap = np.exp(rng.normal(np.log(3.0), 0.7, count))
    first = np.zeros(count, dtype=bool)
    first[(np.cumsum(ecgs) - ecgs)[ecgs > 0]] = True
    door = np.exp(rng.normal(np.log(0.25), 0.6, count))
    elapsed = np.cumsum(np.where(first, 0.0, gap))
    start = np.maximum.accumulate(np.where(first, elapsed, 0.0))
    return elapsed - start + np.repeat(door[first], ecgs[ecgs > 0])
