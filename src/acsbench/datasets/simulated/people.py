"""Age, sex, race and income of patients, so that shares counted over ECGs come out as published.

A coin toss per patient would meet the published shares but for chance. Here each group's share
is a quota: patients are ranked by a random number (with a lean where one trait goes with
another) and the ranking is cut where the published share of ECGs is reached.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from acsbench.datasets.simulated.dipole import Array
from acsbench.datasets.simulated.roster import NO_VISIT, Flags, Kind, Numbers, Roster


@dataclass(frozen=True)
class Group:
    """Published traits of a group, counted over ECGs.

    Args:
        age, age_sd: years; the standard deviation is the published standard error times the
            square root of the number of ECGs.
        female: share.
        black, hispanic, white: shares; the rest is of another race.
    """

    age: float
    age_sd: float
    female: float
    black: float
    hispanic: float
    white: float

    @property
    def other(self) -> float:
        """Share of another race."""
        return 1 - self.black - self.hispanic - self.white


TESTED = Group(63.51, 0.227 * 3925**0.5, 0.381, 0.145, 0.097, 0.692)
UNTESTED = Group(54.43, 0.073 * 69467**0.5, 0.571, 0.238, 0.169, 0.513)
OTHERS = Group(66.0, 17.0, 0.52, 0.22, 0.13, 0.58)
"""Patients without an included visit; chosen."""

RACES = ("hispanic", "black", "other", "white")
"""In the order in which they lean from young to old."""
YOUNGEST, OLDEST = 18.0, 100.0
DAYS_PER_YEAR = 365.25

INCOMES = ("under_25k", "25k_to_50k", "50k_to_75k", "75k_to_100k", "100k_to_200k", "above_200k")
INCOME_SHARES = np.array([0.30, 0.22, 0.14, 0.10, 0.16, 0.08])
INCOME_LEAN = {"black": -0.35, "hispanic": -0.40, "other": 0.05, "white": 0.20}
"""How far a patient's neighbourhood leans to higher incomes; chosen."""
INCOME_CONCENTRATION = 25.0


@dataclass(frozen=True, eq=False)
class People:
    """Traits of patients, shape (patients,) each.

    Args:
        age: years at the patient's first visit.
        female: sex.
        race: number in `RACES`.
        income: shares of a neighbourhood's tax returns, shape (patients, 6).
    """

    age: Array
    female: Flags
    race: Numbers
    income: Array

    def age_on(self, patient: Numbers, days: Array) -> Numbers:
        """Ages of patients in whole years, a number of days after their first visits."""
        years = self.age[patient] + days / DAYS_PER_YEAR
        return np.round(np.clip(years, YOUNGEST, OLDEST)).astype(np.int64)


def draw_people(roster: Roster, rng: np.random.Generator) -> People:
    """Draw patients such that the ECGs of each group have the published composition.

    Args:
        roster: who has which ECGs.
        rng: random generator.
    """
    count = roster.patients
    # Tested patients first: those in both groups are given when the untested are fitted.
    steps = (
        (Kind.TESTED, roster.tested, _ecgs_of(roster, Kind.TESTED), TESTED),
        (
            Kind.UNTESTED,
            roster.untested & ~roster.tested,
            _ecgs_of(roster, Kind.UNTESTED),
            UNTESTED,
        ),
        (None, ~roster.untested & ~roster.tested, np.ones(count), OTHERS),
    )
    age = np.full(count, np.nan)
    female = np.zeros(count, dtype=bool)
    race = np.zeros(count, dtype=np.int64)
    spread = rng.beta(2.2, 2.2, count) - 0.5
    lean, sex_rank = rng.standard_normal((2, count))
    for kind, members, weight, group in steps:
        who = np.flatnonzero(members)
        if not len(who):
            continue
        age[who] = spread[who]
        age[who] = _fitted_ages(roster, age, who, kind, group)
        # Older patients are more often White, and somewhat more often women.
        female[who] = below_quota(
            sex_rank[who] - 0.006 * age[who], weight[who], _left(group.female, female, who, weight)
        )
        rank = lean[who] + 0.02 * age[who]
        up_to = np.cumsum([group.hispanic, group.black, group.other])
        taken = [
            below_quota(rank, weight[who], _left(share, race <= number, who, weight))
            for number, share in enumerate(up_to.tolist())
        ]
        race[who] = len(up_to) - np.sum(taken, axis=0)
    return People(age, female, race, _draw_income(race, rng))


def below_quota(rank: Array, weight: Array, share: float) -> Flags:
    """Those of lowest rank who together carry `share` of the weight, shape as `rank`.

    Whoever stands at the border is taken if that comes closer to the share.

    >>> below_quota(np.array([3.0, 1.0, 2.0]), np.array([1.0, 1.0, 2.0]), 0.7)
    array([False,  True,  True])
    """
    order = np.argsort(rank, kind="stable")
    ordered = weight[order]
    chosen = np.zeros(len(rank), dtype=bool)
    chosen[order] = np.cumsum(ordered) - 0.5 * ordered < share * weight.sum()
    return chosen


def _left(share: float, has: Flags, who: Numbers, weight: Array) -> float:
    """The share that `who` must have so that all with weight have it in `share`."""
    given = weight * has
    others = given.sum() - given[who].sum()
    return float((share * weight.sum() - others) / max(weight[who].sum(), 1e-9))


def _ecgs_of(roster: Roster, kind: Kind) -> Array:
    """Each patient's ECGs of visits of a kind, shape (patients,)."""
    at_visit = roster.ecg_visit != NO_VISIT
    of_kind = np.zeros(len(at_visit), dtype=bool)
    of_kind[at_visit] = roster.visit_kind[roster.ecg_visit[at_visit]] == kind
    return np.bincount(roster.ecg_patient[of_kind], minlength=roster.patients).astype(float)


def _fitted_ages(
    roster: Roster, age: Array, who: Numbers, kind: Kind | None, group: Group
) -> Array:
    """Ages of `who` at their first visits that give the group's mean and deviation over ECGs.

    Args:
        roster: who has which ECGs.
        age: of all patients where known; of `who` in any unit.
        who: the patients to fit.
        kind: of the visits whose ECGs count; None counts each patient once.
        group: what is wanted.
    """
    shape = age[who]
    if kind is None:
        ecg_patient, years = who, np.zeros(len(who))
    else:
        visit = roster.ecg_visit[roster.ecg_visit != NO_VISIT]
        visit = visit[roster.visit_kind[visit] == kind]
        ecg_patient, years = roster.visit_patient[visit], roster.visit_day[visit] / DAYS_PER_YEAR
    trial = age.copy()
    mean, deviation = group.age, group.age_sd / max(float(shape.std()), 1e-9)
    own = float(np.isin(ecg_patient, who).mean())
    # Ages are cut off at both ends and grow between visits, so the fit takes some rounds.
    for _ in range(12):
        trial[who] = np.clip(mean + deviation * (shape - shape.mean()), YOUNGEST, OLDEST)
        reached = np.clip(trial[ecg_patient] + years, YOUNGEST, OLDEST)
        mean += (group.age - reached.mean()) / own
        if len(ecg_patient) > 1 and reached.std() > 0:
            deviation *= float(np.clip(group.age_sd / reached.std(), 0.5, 2.0)) ** (1 / own)
    return trial[who]


def _draw_income(race: Numbers, rng: np.random.Generator) -> Array:
    lean = np.array([INCOME_LEAN[name] for name in RACES])[race]
    tilt = np.exp(lean[:, None] * np.linspace(-1, 1, len(INCOMES)))
    mean = INCOME_SHARES * tilt
    drawn = rng.gamma(INCOME_CONCENTRATION * mean / mean.sum(axis=1, keepdims=True))
    # Shares are published to a few decimals, so they add up to about 1.
    shares: Array = np.round(drawn / drawn.sum(axis=1, keepdims=True), 4)
    return shares
