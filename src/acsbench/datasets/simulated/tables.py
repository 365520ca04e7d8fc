"""The tables of the dataset, column by column in the order of the real files."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from acsbench.datasets.simulated.disease import Course, State, draw_course, draw_state
from acsbench.datasets.simulated.ecgs import Ecgs, draw_ecgs
from acsbench.datasets.simulated.hearts import draw_hearts
from acsbench.datasets.simulated.hospital import encounter_columns
from acsbench.datasets.simulated.people import INCOMES, RACES, People, draw_people
from acsbench.datasets.simulated.readings import cardiologist_flags, machine_measurements
from acsbench.datasets.simulated.roster import NO_VISIT, Numbers, Roster, draw_roster
from acsbench.datasets.simulated.signs_from_parameters import Signs, signs_of
from acsbench.datasets.simulated.sizes import Sizes

PATIENT_COLUMNS = (
    "patient_ngsci_id",
    "sex",
    *(f"race_{race}" for race in ("black", "hispanic", "white", "other")),
    *(f"agi_{'above_200k' if income == 'above_200k' else income}" for income in INCOMES),
)
ECG_COLUMNS = (
    "patient_ngsci_id",
    "ecg_id",
    "date",
    "p-r-t_axes",
    "p_axes",
    "r_axes",
    "t_axes",
    *(
        f"{measure}{suffix}"
        for measure in ("pr_interval", "qrs_duration", "qt_interval", "qtc_interval", "vent_rate")
        for suffix in ("", "_units")
    ),
    "qtqtc",
    *(
        f"has_{statement}"
        for statement in (
            "bbb",
            "afib",
            "st",
            "pacemaker",
            "lvh",
            "normal",
            "normal_ecg",
            "normal_sinus",
            "depress",
            "st_eleva",
            "twave",
            "aberran_bbb",
            "jpoint_repol",
            "jpoint_eleva",
            "twave_inver",
            "twave_abnormal",
            "nonspecific",
            "rhythm_disturbance",
            "prolonged_qt",
            "lead_reversal",
            "poor_or_quality",
        )
    ),
)

EPOCH = np.datetime64("2010-01-01T00:00:00", "s")
SHIFT_YEARS = (90, 110)
"""Dates are shifted per patient, here far enough to be seen as shifted."""
DAY = 86_400

# Independent streams of chance: a change in one room leaves the others as they are.
_ROSTER, _PEOPLE, _HEARTS, _STATE, _COURSE, _ECGS, _MACHINE, _READER, _HOSPITAL, _IDS, _DATES = (
    range(11)
)


@dataclass(frozen=True, eq=False)
class Population:
    """Everything about simulated people but their waveforms.

    Args:
        roster: patients, visits and ECGs by number.
        people: traits of patients.
        state: hidden state of visits; it is written nowhere.
        course: what came of the visits.
        ecgs: parameters of the ECGs; the hidden truth that a model looks for.
        signs: their signs without noise.
        patient_ids, visit_ids, ecg_ids: names of the rows.
        patient, encounter, ecg, ecg_encounter: the tables as published, one row per number in
            `roster`; `ecg_encounter` holds the ECGs that belong to a visit.
    """

    roster: Roster
    people: People
    state: State
    course: Course
    ecgs: Ecgs
    signs: Signs
    patient_ids: list[str]
    ecg_ids: list[str]
    patient: pd.DataFrame
    encounter: pd.DataFrame
    ecg: pd.DataFrame
    ecg_encounter: pd.DataFrame


def draw_population(
    sizes: Sizes, seed: int, number: int = 0, taken: frozenset[str] = frozenset()
) -> Population:
    """Draw people, visits, outcomes and readings.

    Args:
        sizes: how many of what.
        seed: fixes everything.
        number: of the population among those of the same seed.
        taken: ids that others have already.
    """

    def stream(subject: int) -> np.random.Generator:
        return np.random.default_rng([seed, number, subject])

    roster = draw_roster(sizes, stream(_ROSTER))
    people = draw_people(roster, stream(_PEOPLE))
    hearts = draw_hearts(people.age, people.female, stream(_HEARTS))
    state = draw_state(roster, stream(_STATE))
    course = draw_course(roster, people, hearts, state, stream(_COURSE))
    ecgs = draw_ecgs(roster, people, hearts, state, stream(_ECGS))
    signs = signs_of(ecgs.hearts, ecgs.lesions, ecgs.rate, ecgs.arms_swapped)
    ids = stream(_IDS)
    patient_ids = _unique_ids("pat", 8, roster.patients, ids, taken)
    visit_ids = _unique_ids("enc", 8, len(roster.visit_patient), ids, taken)
    ecg_ids = _unique_ids("ecg", 10, len(roster.ecg_patient), ids, taken)
    readings = pd.concat(
        [
            machine_measurements(ecgs, signs, stream(_MACHINE)),
            cardiologist_flags(ecgs, signs, stream(_READER)),
        ],
        axis=1,
    )
    dates = _Dates(roster, stream(_DATES))
    patients = np.array(patient_ids, dtype=object)
    visits = np.array(visit_ids, dtype=object)
    at_visit = roster.ecg_visit != NO_VISIT
    ecg = readings.assign(
        patient_ngsci_id=patients[roster.ecg_patient], ecg_id=ecg_ids, date=dates.of_ecgs()
    )
    encounter = pd.DataFrame(
        {
            "ed_enc_id": visit_ids,
            "patient_ngsci_id": patients[roster.visit_patient],
            "start_datetime": dates.start,
            "end_datetime": dates.end,
            "age_at_admit": people.age_on(roster.visit_patient, roster.visit_day),
            **encounter_columns(roster, state, course, stream(_HOSPITAL)),
        }
    )
    return Population(
        roster,
        people,
        state,
        course,
        ecgs,
        signs,
        patient_ids,
        ecg_ids,
        patient=_patient_table(people, patient_ids),
        encounter=encounter,
        ecg=ecg[list(ECG_COLUMNS)],
        ecg_encounter=pd.DataFrame(
            {
                "ecg_id": np.array(ecg_ids, dtype=object)[at_visit],
                "ed_enc_id": visits[roster.ecg_visit[at_visit]],
            }
        ),
    )


def _patient_table(people: People, ids: list[str]) -> pd.DataFrame:
    columns: dict[str, object] = {
        "patient_ngsci_id": ids,
        "sex": np.where(people.female, "Female", "Male"),
    }
    for number, race in enumerate(RACES):
        columns[f"race_{race}"] = (people.race == number).astype(np.int8)
    for number, income in enumerate(INCOMES):
        columns[f"agi_{income}"] = people.income[:, number]
    return pd.DataFrame(columns)[list(PATIENT_COLUMNS)]


def _unique_ids(
    prefix: str, digits: int, count: int, rng: np.random.Generator, taken: frozenset[str]
) -> list[str]:
    """Unique random ids: a prefix and hexadecimal digits."""
    names: dict[str, None] = {}
    while len(names) < count:
        drawn = rng.integers(0, 16**digits, count - len(names))
        fresh = (f"{prefix}{number:0{digits}x}" for number in drawn.tolist())
        names.update((name, None) for name in fresh if name not in taken)
    return list(names)


class _Dates:
    """Dates of visits and ECGs, each patient's shifted by another number of days.

    Args:
        roster: who came when.
        rng: random generator.
    """

    def __init__(self, roster: Roster, rng: np.random.Generator):
        low, high = (round(365.25 * years) for years in SHIFT_YEARS)
        shift = rng.integers(low, high, roster.patients) + rng.integers(0, 5 * 365, roster.patients)
        self._roster = roster
        self._shift = shift
        seconds = rng.integers(0, DAY, len(roster.visit_patient))
        whole_days = shift[roster.visit_patient] + roster.visit_day.astype(np.int64)
        self._start = whole_days * DAY + seconds
        last_ecg = np.zeros(len(self._start))
        at_visit = roster.ecg_visit != NO_VISIT
        np.maximum.at(last_ecg, roster.ecg_visit[at_visit], roster.ecg_hour[at_visit])
        stay = np.exp(rng.normal(np.log(5.5), 0.6, len(self._start)))
        hours = np.maximum(stay, last_ecg + 0.5)
        self._end = self._start + (hours * 3600).astype(np.int64)

    @property
    def start(self) -> np.ndarray:
        """Start of each visit, text."""
        return _text(self._start)

    @property
    def end(self) -> np.ndarray:
        """End of each visit, text."""
        return _text(self._end)

    def of_ecgs(self) -> np.ndarray:
        """Day of each ECG, text."""
        roster = self._roster
        at_visit = roster.ecg_visit != NO_VISIT
        start = self._shift[roster.ecg_patient] * DAY
        start[at_visit] = self._start[roster.ecg_visit[at_visit]]
        return _text(start + (roster.ecg_hour * 3600).astype(np.int64), days=True)


def _text(seconds: Numbers, days: bool = False) -> np.ndarray:
    moments = EPOCH + seconds.astype("timedelta64[s]")
    if days:
        return np.datetime_as_string(moments, unit="D")
    return np.char.replace(np.datetime_as_string(moments, unit="s"), "T", " ")
