"""The hospital's columns about each visit: tests, outcomes, troponin, exclusions, discharge."""

from __future__ import annotations

import numpy as np
import pandas as pd

from acsbench.datasets.simulated.dipole import Array
from acsbench.datasets.simulated.disease import Course, State
from acsbench.datasets.simulated.roster import Flags, Kind, Roster

CABG_SHARE = 0.14
STENT_AS_WELL = 0.06
"""Of the treated: by bypass; of those also by stent."""
STRESS_SHARE = {Kind.TESTED: 0.22, Kind.UNTESTED: 0.07, Kind.EXCLUDED: 0.04}
CATH_OF_EXCLUDED = 0.025
INFARCTION_SHARE = 0.85
"""Of the events with positive troponin."""
TROPONIN_MEASURED = {Kind.TESTED: 0.96, Kind.UNTESTED: 0.52, Kind.EXCLUDED: 0.66}
TROPONIN_LIMIT = 0.04
"""ng/mL, from which troponin is positive."""
TROPONIN_STEP = 0.01
EXCLUSIONS = {"excl_flag_c_int": 0.20, "excl_flag_chronic": 0.72, "excl_flag_death": 0.12}
"""Why a visit was excluded; every excluded visit has at least one reason."""
# None of these shares is published.


def encounter_columns(
    roster: Roster, state: State, course: Course, rng: np.random.Generator
) -> dict[str, object]:
    """Columns of `ed-encounter.csv` about tests, outcomes and exclusions, in its order.

    Args:
        roster: the visits.
        state, course: of the visits.
        rng: random generator.
    """
    count = len(roster.visit_patient)
    kind = roster.visit_kind

    def sometimes(share: float | Array) -> Flags:
        return rng.random(count) < share

    bypass = course.treated & sometimes(CABG_SHARE)
    stent = course.treated & (~bypass | sometimes(STENT_AS_WELL))
    excluded = kind == Kind.EXCLUDED
    cath = (kind == Kind.TESTED) | course.treated | (excluded & sometimes(CATH_OF_EXCLUDED))
    stress = sometimes(np.array([STRESS_SHARE[each] for each in Kind])[kind])
    # The catheter follows the stress test, if there was one.
    stress_day = np.where(stress, rng.geometric(0.45, count) - 1, 0).clip(0, 9)
    cath_day = (rng.geometric(0.5, count) - 1 + np.where(stress, stress_day, 0)).clip(0, 10)

    # Other events with positive troponin: shock, arrest, arrhythmia.
    infarction = course.trop_event & sometimes(INFARCTION_SHARE)
    ami_day = np.where(sometimes(0.7), 0, rng.geometric(0.12, count)).clip(0, 30)
    troponin = _troponin(kind, state, infarction & (ami_day == 0), rng)
    reasons = _exclusions(excluded, rng)
    return {
        "macetrop_030_pos": course.trop_event,
        "death_030_day": course.death,
        "macetrop_pos_or_death_030": course.mace,
        "stent_010_day": stent,
        "cabg_010_day": bypass,
        "stent_or_cabg_010_day": stent | bypass,
        "ami_day_of": infarction & (ami_day == 0),
        "days_to_ami": _days(ami_day, infarction),
        "maxtrop_sameday": troponin,
        "tn_group_sameday": _troponin_group(troponin),
        **_discharge(cath | infarction, course.death, rng),
        "test_010_day": cath | stress,
        "stress_010_day": stress,
        "cath_010_day": cath,
        "days_to_stress": _days(stress_day, stress),
        "days_to_cath": _days(cath_day, cath),
        "first_test": pd.Series(np.where(stress, "stress", "cath")).mask(~(stress | cath)),
        **reasons,
        "exclude_modeling": excluded,
        "exclude": reasons["excl_flag_chronic"] | reasons["excl_flag_death"],
    }


def _days(days: np.ndarray, happened: Flags) -> pd.Series:
    return pd.Series(days, dtype="Int64").mask(~happened)


def _troponin(kind: np.ndarray, state: State, infarction: Flags, rng: np.random.Generator) -> Array:
    """Highest troponin T of the day, ng/mL; NaN where it was not measured."""
    count = len(kind)
    measured = infarction | (
        rng.random(count) < np.array([TROPONIN_MEASURED[each] for each in Kind])[kind]
    )
    usual = np.where(kind == Kind.EXCLUDED, -4.4, -5.2) + rng.normal(0, 1.0, count)
    raised = np.log(TROPONIN_LIMIT) + np.abs(rng.normal(0, 1.6, count)) + 3 * state.lesions.severity
    value = np.exp(np.where(infarction, raised, np.minimum(usual, np.log(0.6))))
    # Laboratories report to a hundredth and call the rest less than that.
    value = np.where(value < TROPONIN_STEP, 0.0, np.round(value, 2))
    return np.where(measured, value, np.nan)


def _troponin_group(troponin: Array) -> np.ndarray:
    groups = np.full(len(troponin), "positive", dtype=object)
    groups[troponin < TROPONIN_LIMIT] = "indeterminate"
    groups[troponin == 0] = "negative"
    groups[np.isnan(troponin)] = None
    return groups


def _exclusions(excluded: Flags, rng: np.random.Generator) -> dict[str, Flags]:
    reasons = {
        name: excluded & (rng.random(len(excluded)) < share) for name, share in EXCLUSIONS.items()
    }
    unexplained = excluded & ~np.any(list(reasons.values()), axis=0)
    reasons["excl_flag_chronic"] = reasons["excl_flag_chronic"] | unexplained
    return reasons


def _discharge(kept: Flags, death: Flags, rng: np.random.Generator) -> dict[str, object]:
    count = len(kept)
    rank = rng.random(count)
    admitted = rank < np.where(kept, 0.93, 0.30)
    observed = ~admitted & (rng.random(count) < 0.18)
    expired = death & (rng.random(count) < 0.06)
    left = ~admitted & ~observed & (rng.random(count) < 0.03)
    place = np.select(
        [expired, admitted, observed, left],
        ["Expired", "Admitted", "Observation", "Left Against Medical Advice"],
        "Discharged",
    )
    return {"disch_disp": place, "disch_obs": observed & ~expired}
