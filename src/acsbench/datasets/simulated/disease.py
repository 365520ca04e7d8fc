"""The hidden state of each visit, and its outcomes: treatment within 10 days, MACE.

A visit may have an acute lesion, mostly too mild for the classical signs, or a change of T that
has another cause. Treatment and MACE depend on the lesion and on causes that leave no trace in
the ECG, which keeps every model from certainty. Rates that are published are met as quotas (see
`people`); the rest was chosen.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from acsbench.datasets.simulated.dipole import Array
from acsbench.datasets.simulated.hearts import CONDUCTIONS, NO_SCAR, Hearts
from acsbench.datasets.simulated.lesions import Lesions, draw_lesions
from acsbench.datasets.simulated.people import People, below_quota
from acsbench.datasets.simulated.person import Conduction
from acsbench.datasets.simulated.roster import Flags, Kind, Roster

TREATED_SHARE = 0.387
"""Of the tested ECGs, as published."""
MACE_SHARE = {Kind.TESTED: 0.30, Kind.UNTESTED: 0.06, Kind.EXCLUDED: 0.13}
"""Of ECGs; not published, chosen."""

LESION_SHARE = {Kind.TESTED: 0.44, Kind.UNTESTED: 0.08, Kind.EXCLUDED: 0.10}
MILD = (6.0, 25.0)
"""Parameters of the beta distribution of severity of most lesions, which stay below the classical
limits."""
OBVIOUS_SHARE = 0.06
OBVIOUS = (0.25, 0.85)
"""Range of severity of the others."""
OTHER_T_CHANGE = {Kind.TESTED: 0.40, Kind.UNTESTED: 0.14, Kind.EXCLUDED: 0.22}
"""Shares of visits without a lesion whose T waves are changed by something else (electrolytes,
drugs, stress, heart muscle disease): a reason to look at the arteries and find nothing."""
OTHER_T_CHANGE_WITH_LESION = 0.07
ST_VARIES = 0.004
"""Standard deviation of the ST vector from visit to visit, per axis, mV."""

LESION_LEADS_TO_TREATMENT = 2.0
SEVERITY_LEADS_TO_TREATMENT = 2.5
"""Log odds for a lesion at all, and per severity beyond the median."""
LESION_LEADS_TO_MACE = 2.4
SEVERITY_LEADS_TO_MACE = 3.0


@dataclass(frozen=True, eq=False)
class State:
    """What is hidden in each visit, one row per visit.

    Args:
        lesions: the acute lesion on arrival; severity 0 without one.
        t_factor: factor on T from other causes, shape (visits,); negative inverts it.
        t_turn: by how much such a T is turned, shape (visits, 3), radians.
        st_shift: change of the ST vector that means nothing, shape (visits, 3), mV.
        rate_factor: factor on the heart rate, shape (visits,).
    """

    lesions: Lesions
    t_factor: Array
    t_turn: Array
    st_shift: Array
    rate_factor: Array


@dataclass(frozen=True, eq=False)
class Course:
    """What came of each visit, shape (visits,) each.

    Args:
        treated: stent or bypass within 10 days.
        treatment_odds: log odds of it given all that an ECG could ever show, age and sex.
        mace_odds: the same for MACE.
        trop_event: MACE with positive troponin within 30 days.
        death: within 30 days.
    """

    treated: Flags
    treatment_odds: Array
    mace_odds: Array
    trop_event: Flags
    death: Flags

    @property
    def mace(self) -> Flags:
        """Event with positive troponin, or death, within 30 days."""
        return self.trop_event | self.death


def draw_state(roster: Roster, rng: np.random.Generator) -> State:
    """Draw the hidden state of each visit.

    Args:
        roster: the visits.
        rng: random generator.
    """
    count = len(roster.visit_patient)
    kind = roster.visit_kind
    ill = rng.random(count) < _by_kind(LESION_SHARE, kind)
    # Outside the catheter laboratory lesions are milder.
    milder = np.where(kind == Kind.TESTED, 1.0, 0.85)
    obvious = rng.random(count) < OBVIOUS_SHARE * milder
    severity = milder * np.where(obvious, rng.uniform(*OBVIOUS, count), rng.beta(*MILD, count))
    lesions = draw_lesions(np.where(ill, severity, 0.0), rng)
    other = rng.random(count) < np.where(
        ill, OTHER_T_CHANGE_WITH_LESION, _by_kind(OTHER_T_CHANGE, kind)
    )
    # Mostly flat, sometimes upside down.
    factor = np.where(other, rng.normal(0.25, 0.35, count), np.exp(rng.normal(0, 0.12, count)))
    turn = rng.normal(0, 1.0, (count, 3)) * np.where(other, 0.35, 0.08)[:, None]
    pain = np.where(ill, 1.03, 1.0) * np.exp(rng.normal(0, 0.08, count))
    return State(lesions, factor, turn, rng.normal(0, ST_VARIES, (count, 3)), pain)


def draw_course(
    roster: Roster, people: People, hearts: Hearts, state: State, rng: np.random.Generator
) -> Course:
    """Draw what came of each visit.

    Args:
        roster: the visits.
        people, hearts: of the patients.
        state: of the visits.
        rng: random generator.
    """
    count = len(roster.visit_patient)
    patient = roster.visit_patient
    age = people.age_on(patient, roster.visit_day)
    severity = state.lesions.severity
    ill = severity > 0
    beyond = np.where(ill, severity - 0.12, 0.0)
    male = ~people.female[patient]
    coronary = 0.012 * (age - 60) + 0.25 * male
    treatment = LESION_LEADS_TO_TREATMENT * ill + SEVERITY_LEADS_TO_TREATMENT * beyond + coronary
    heart = hearts.of(patient)
    blocked = np.isin(
        heart.conduction, [CONDUCTIONS.index(kind) for kind in (Conduction.LBBB, Conduction.PACED)]
    )
    mace = (
        LESION_LEADS_TO_MACE * ill
        + SEVERITY_LEADS_TO_MACE * beyond
        + 0.030 * (age - 60)
        + 0.10 * male
        + 0.5 * blocked
        + 0.7 * heart.hypertrophy
        + 0.8 * np.where(heart.scar == NO_SCAR, 0.0, heart.scar_size)
        + 3.0 * np.log(state.rate_factor)
    )
    weight = roster.ecgs_of_visits().astype(float)
    treated = np.zeros(count, dtype=bool)
    tested = np.flatnonzero(roster.visit_kind == Kind.TESTED)
    luck = rng.logistic(size=count)
    treated[tested] = below_quota(-(treatment + luck)[tested], weight[tested], TREATED_SHARE)
    # What is rare among the excluded is not published either: as many as chance gives.
    excluded = roster.visit_kind == Kind.EXCLUDED
    treated |= excluded & (rng.random(count) < 0.012 + 0.05 * ill)

    misfortune = rng.logistic(size=count) + 0.8 * treated
    event = np.zeros(count, dtype=bool)
    for kind, share in MACE_SHARE.items():
        rows = np.flatnonzero(roster.visit_kind == kind)
        event[rows] = below_quota(-(mace + misfortune)[rows], weight[rows], share)
    # The dead do not come back: only a last visit can end in death.
    fatal = rng.random(count) < np.where(excluded, 0.55, 0.30)
    death = event & roster.last & fatal
    trop_event = event & (~death | (rng.random(count) < 0.35))
    return Course(treated, treatment, mace, trop_event, death)


def _by_kind(shares: dict[Kind, float], kind: np.ndarray) -> Array:
    return np.array([shares[each] for each in Kind])[kind]


def with_state(hearts: Hearts, state: State, rows: np.ndarray, at_visit: Flags) -> Hearts:
    """Hearts during visits, ECG by ECG.

    Args:
        hearts: one per ECG, as they are otherwise.
        state: of the visits.
        rows: number of each ECG's visit, shape (ecgs,); any number without a visit.
        at_visit: whether there is one, shape (ecgs,).
    """
    return replace(
        hearts,
        t_gain=hearts.t_gain * np.where(at_visit, state.t_factor[rows], 1.0),
        t_turn=hearts.t_turn + np.where(at_visit[:, None], state.t_turn[rows], 0.0),
        st=hearts.st + np.where(at_visit[:, None], state.st_shift[rows], 0.0),
    )
