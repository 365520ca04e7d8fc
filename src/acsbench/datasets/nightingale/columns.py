"""What ed-bwh-ecg consists of: terms of use, files, columns, and what each column holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from acsbench.datasets.ages import AGE_PROBLEM
from acsbench.datasets.dataset import Terms

TERMS = Terms(
    licence="Data-use agreement of Nightingale Open Science; not to be passed on",
    url="https://doi.org/10.48815/N5CC7R",
    citation="ed-bwh-ecg, Nightingale Open Science, doi 10.48815/N5CC7R",
)


class Kind(Enum):
    """What the cells of a column hold; the value is the message for invalid cells."""

    PATIENT_ID = "the patient's id is not pat with 8 hexadecimal digits"
    ECG_ID = "the ECG's id is not ecg with 10 hexadecimal digits"
    ENCOUNTER_ID = "the visit's id is missing"
    INDEX = "the value is not an integer from 0"
    FLAG = "the flag is neither True nor False"
    NUMBER = "the value is not a number"
    SHARE = "the value is not a number from 0 to 1"
    AGE = AGE_PROBLEM
    DATE = "the value is not a date"
    SEX = "the sex is neither Female nor Male"
    TEXT = "the value is not text"


NEVER_EMPTY = (Kind.PATIENT_ID, Kind.ECG_ID, Kind.ENCOUNTER_ID, Kind.INDEX)
"""Cells of these must not be empty, unless the layout allows it."""


@dataclass(frozen=True)
class Layout:
    """One table.

    Args:
        file: its name.
        columns: kind of each column, by the dataset's names.
        renamed: names in the common schema, if different.
        spellings: alternative names of columns.
        lenient: undocumented columns: they are kept as text if their content is unexpected.
        may_be_empty: columns that may be empty although their kind may not.
    """

    file: str
    columns: dict[str, Kind]
    renamed: dict[str, str] = field(default_factory=dict)
    spellings: dict[str, str] = field(default_factory=dict)
    lenient: frozenset[str] = frozenset()
    may_be_empty: frozenset[str] = frozenset()


RACES = ("race_black", "race_hispanic", "race_white", "race_other")
INCOME = (
    "agi_under_25k",
    "agi_25k_to_50k",
    "agi_50k_to_75k",
    "agi_75k_to_100k",
    "agi_100k_to_200k",
    "agi_above_200k",
)
READING = (
    "has_bbb",
    "has_afib",
    "has_st",
    "has_pacemaker",
    "has_lvh",
    "has_normal",
    "has_normal_ecg",
    "has_normal_sinus",
    "has_depress",
    "has_st_eleva",
    "has_twave",
    "has_aberran_bbb",
    "has_jpoint_repol",
    "has_jpoint_eleva",
    "has_twave_inver",
    "has_twave_abnormal",
    "has_nonspecific",
    "has_rhythm_disturbance",
    "has_prolonged_qt",
    "has_lead_reversal",
    "has_poor_or_quality",
)
"""Flags from the cardiologist's reading."""

MEASUREMENTS = ("pr_interval", "qrs_duration", "qt_interval", "qtc_interval", "vent_rate")
"""The machine's measurements that have a column of units."""

_PATIENT, _ECG, _VISIT = "patient_ngsci_id", "ecg_id", "ed_enc_id"
_RENAMED = {_PATIENT: "patient_id", _VISIT: "encounter_id", "age_at_admit": "age"}

PATIENT = Layout(
    "patient.csv",
    {
        _PATIENT: Kind.PATIENT_ID,
        "sex": Kind.SEX,
        **dict.fromkeys(RACES, Kind.FLAG),
        **dict.fromkeys(INCOME, Kind.SHARE),
    },
    renamed=_RENAMED,
    spellings={race: race.removeprefix("race_") for race in RACES},
)

ENCOUNTER = Layout(
    "ed-encounter.csv",
    {
        _VISIT: Kind.ENCOUNTER_ID,
        _PATIENT: Kind.PATIENT_ID,
        "start_datetime": Kind.DATE,
        "end_datetime": Kind.DATE,
        "age_at_admit": Kind.AGE,
        "macetrop_030_pos": Kind.FLAG,
        "death_030_day": Kind.FLAG,
        "macetrop_pos_or_death_030": Kind.FLAG,
        "stent_010_day": Kind.FLAG,
        "cabg_010_day": Kind.FLAG,
        "stent_or_cabg_010_day": Kind.FLAG,
        "ami_day_of": Kind.FLAG,
        "days_to_ami": Kind.NUMBER,
        "maxtrop_sameday": Kind.NUMBER,
        "tn_group_sameday": Kind.TEXT,
        "disch_disp": Kind.TEXT,
        "disch_obs": Kind.FLAG,
        "test_010_day": Kind.FLAG,
        "stress_010_day": Kind.FLAG,
        "cath_010_day": Kind.FLAG,
        "days_to_stress": Kind.NUMBER,
        "days_to_cath": Kind.NUMBER,
        "first_test": Kind.TEXT,
        "excl_flag_c_int": Kind.FLAG,
        "excl_flag_chronic": Kind.FLAG,
        "excl_flag_death": Kind.FLAG,
        "exclude_modeling": Kind.FLAG,
        "exclude": Kind.FLAG,
    },
    renamed=_RENAMED,
    lenient=frozenset({"days_to_ami", "days_to_stress", "days_to_cath", "disch_obs"}),
)

ECG = Layout(
    "ecg-metadata.csv",
    {
        _PATIENT: Kind.PATIENT_ID,
        _ECG: Kind.ECG_ID,
        "date": Kind.DATE,
        "p-r-t_axes": Kind.TEXT,
        **dict.fromkeys(("p_axes", "r_axes", "t_axes", *MEASUREMENTS), Kind.NUMBER),
        **{f"{name}_units": Kind.TEXT for name in MEASUREMENTS},
        "qtqtc": Kind.TEXT,
        **dict.fromkeys(READING, Kind.FLAG),
    },
    renamed=_RENAMED,
)

VISIT_OF_ECG = Layout(
    "ecg-ed-enc.csv",
    {_ECG: Kind.ECG_ID, _VISIT: Kind.ENCOUNTER_ID},
    renamed=_RENAMED,
    may_be_empty=frozenset({_VISIT}),
)

STRIP_INDEX = Layout("ecg-npy-index.csv", {_ECG: Kind.ECG_ID, "npy_index": Kind.INDEX})

LAYOUTS = (PATIENT, ENCOUNTER, ECG, VISIT_OF_ECG, STRIP_INDEX)
