"""The rows of Table 1: which columns are described, under which words, and how they are summed up.

A dataset has some of these columns; the others are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PERSON, INCOME = "Patient", "Home block's tax returns"
VISIT, MEASURED, READING = "Visit", "ECG, measured by the machine", "ECG as a cardiologist read it"


@dataclass(frozen=True)
class Variable:
    """A row of Table 1.

    Args:
        column: of the joined table.
        title: its words.
        section: the heading it stands under.
        about: what has the value: a `patient`, a `visit` or an `ecg`. An ECG's own values are
            described at ECG level only.
        kind: a `mean` of numbers, or a `share` of units that have it.
        value: what a share counts; true (or 1) unless given.
        several: which value a patient's or a visit's several ones come to: the highest ("any"
            of a share) or the lowest.
        family: variables of one family exclude or contain one another, so that what is known
            of one tells about the others.
        part: it is a part of another row, and rather hidden than that one.
        decimals: of a mean.
    """

    column: str
    title: str
    section: str
    about: Literal["patient", "visit", "ecg"]
    kind: Literal["mean", "share"] = "share"
    value: str | None = None
    several: Literal["highest", "lowest"] = "highest"
    family: str = ""
    part: bool = False
    decimals: int = 2


def _flags(section: str, about: Literal["visit", "ecg"], titles: dict[str, str]) -> list[Variable]:
    return [Variable(column, title, section, about) for column, title in titles.items()]


VARIABLES: tuple[Variable, ...] = (
    Variable("age", "Age, years", PERSON, "visit", "mean", several="lowest"),
    Variable("sex", "Female", PERSON, "patient", value="female"),
    Variable("race_black", "Black", PERSON, "patient", family="race"),
    Variable("race_hispanic", "Hispanic", PERSON, "patient", family="race"),
    Variable("race_white", "White", PERSON, "patient", family="race"),
    Variable("race_other", "Other race", PERSON, "patient", family="race"),
    *(
        Variable(f"agi_{column}", title, INCOME, "patient", "mean", decimals=3)
        for column, title in {
            "under_25k": "Under $25,000",
            "25k_to_50k": "$25,000 to 50,000",
            "50k_to_75k": "$50,000 to 75,000",
            "75k_to_100k": "$75,000 to 100,000",
            "100k_to_200k": "$100,000 to 200,000",
            "above_200k": "Above $200,000",
        }.items()
    ),
    Variable(
        *("stent_or_cabg_010_day", "Stent or bypass in 10 days", VISIT, "visit"),
        family="treatment",
    ),
    Variable(*("stent_010_day", "Stent in 10 days", VISIT, "visit"), family="treatment", part=True),
    Variable(*("cabg_010_day", "Bypass in 10 days", VISIT, "visit"), family="treatment", part=True),
    Variable(
        *("macetrop_pos_or_death_030", "MACE* or death in 30 days", VISIT, "visit"),
        family="mace",
    ),
    Variable(*("macetrop_030_pos", "MACE* in 30 days", VISIT, "visit"), family="mace", part=True),
    Variable("death_030_day", "Death in 30 days", VISIT, "visit", family="mace", part=True),
    *_flags(
        VISIT,
        "visit",
        {
            "ami_day_of": "Acute infarction on the day",
            "stress_010_day": "Stress test in 10 days",
        },
    ),
    Variable("maxtrop_sameday", "Highest troponin of the day", VISIT, "visit", "mean", decimals=3),
    *(
        Variable(column, title, MEASURED, "ecg", "mean", decimals=1)
        for column, title in {
            "vent_rate": "Ventricular rate, per minute",
            "pr_interval": "PR interval, ms",
            "qrs_duration": "QRS duration, ms",
            "qt_interval": "QT interval, ms",
            "qtc_interval": "Corrected QT interval, ms",
        }.items()
    ),
    *_flags(
        READING,
        "ecg",
        {
            "has_normal": "Normal",
            "has_normal_ecg": "Normal ECG",
            "has_normal_sinus": "Normal sinus rhythm",
            "has_st": "ST change",
            "has_st_eleva": "ST elevation",
            "has_depress": "ST depression",
            "has_twave": "T wave change",
            "has_twave_inver": "T wave inversion",
            "has_twave_abnormal": "T wave abnormality",
            "has_nonspecific": "Nonspecific change",
            "has_jpoint_eleva": "J point elevation",
            "has_jpoint_repol": "Early repolarisation",
            "has_bbb": "Bundle branch block",
            "has_aberran_bbb": "Aberrant conduction",
            "has_lvh": "Left ventricular hypertrophy",
            "has_afib": "Atrial fibrillation",
            "has_rhythm_disturbance": "Rhythm disturbance",
            "has_pacemaker": "Pacemaker",
            "has_prolonged_qt": "Prolonged QT",
            "has_lead_reversal": "Lead reversal",
            "has_poor_or_quality": "Poor quality",
            "norm": "Normal ECG",
            "mi": "Myocardial infarction",
            "sttc": "ST or T change",
            "cd": "Conduction disturbance",
            "hyp": "Hypertrophy",
        },
    ),
)

NOTES = {
    "macetrop_pos_or_death_030": "* Major adverse cardiac event with positive troponin.",
    "agi_under_25k": "Home block's tax returns: the share of them in each class of income.",
}
"""Notes below a table, by a column that calls for it."""

POPULATIONS = {
    "cath_010_day": ("Tested", "Tested: catheterised within 10 days"),
    "not cath_010_day": ("Untested", "Untested: not catheterised within 10 days"),
}
"""Heading of a column and words of a box for populations of the tasks that come with acsbench."""
