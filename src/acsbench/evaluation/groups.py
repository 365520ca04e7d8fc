"""Groups of patients by who they are and what their ECG shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from acsbench.datasets.ages import read_ages
from acsbench.evaluation.signs import Flags, as_flag

AGES = {"under 50": (0, 50), "50 to 64": (50, 65), "65 to 74": (65, 75), "75 and over": (75, 200)}
HOURS = {"night, 0 to 6 h": (0, 6), "morning, 6 to 12 h": (6, 12)}
HOURS |= {"afternoon, 12 to 18 h": (12, 18), "evening, 18 to 24 h": (18, 24)}
RACES = {
    "Black": "race_black",
    "Hispanic": "race_hispanic",
    "White": "race_white",
    "Other race": "race_other",
}
HIGH_INCOME = ("agi_100k_to_200k", "agi_above_200k")
READINGS = {
    "Bundle branch block (reading)": ("has_bbb", "scp_CLBBB", "scp_ILBBB", "scp_CRBBB"),
    "Left ventricular hypertrophy (reading)": ("has_lvh", "scp_LVH"),
}


@dataclass(frozen=True, eq=False)
class Grouping:
    """ECGs in groups.

    Args:
        name: what they are grouped by.
        members: which ECGs belong to each group, shape (n,). An ECG whose value is unknown
            belongs to none.
    """

    name: str
    members: Mapping[str, Flags]


def groupings_of(covariates: pd.DataFrame) -> list[Grouping]:
    """The groupings that a dataset's columns allow, each of at least two groups with ECGs.

    Args:
        covariates: one row per ECG.
    """
    makers: tuple[Callable[[pd.DataFrame], list[Grouping]], ...] = (
        _by_sex,
        _by_age,
        _by_race,
        _by_income,
        _by_reading,
        _by_hour,
    )
    made = [grouping for make in makers for grouping in make(covariates)]
    kept = [Grouping(g.name, {k: m for k, m in g.members.items() if m.any()}) for g in made]
    return [grouping for grouping in kept if len(grouping.members) > 1]


def _by_sex(table: pd.DataFrame) -> list[Grouping]:
    if "sex" not in table:
        return []
    return [Grouping("Sex", {s: (table["sex"] == s).to_numpy(bool) for s in ("female", "male")})]


def _by_age(table: pd.DataFrame) -> list[Grouping]:
    if "age" not in table:
        return []
    return [Grouping("Age, years", _bands(read_ages(table["age"]), AGES))]


def _by_race(table: pd.DataFrame) -> list[Grouping]:
    members = {name: as_flag(table, column) for name, column in RACES.items() if column in table}
    return [Grouping("Race", members)] if members else []


def _by_income(table: pd.DataFrame) -> list[Grouping]:
    """Thirds of the ECGs by the share of the home block's tax returns above $100,000."""
    if not all(column in table for column in HIGH_INCOME):
        return []
    share = table[list(HIGH_INCOME)].sum(axis=1, min_count=len(HIGH_INCOME)).astype(float)
    if share.nunique() < 3:
        return []
    low, high = share.quantile([1 / 3, 2 / 3])
    bands = {"lowest third": (-1.0, low), "middle third": (low, high), "highest third": (high, 9.0)}
    return [Grouping("Home block’s returns above $100,000", _bands(share, bands))]


def _by_reading(table: pd.DataFrame) -> list[Grouping]:
    found = []
    for name, columns in READINGS.items():
        present = [as_flag(table, column) for column in columns if column in table]
        if present:
            seen = np.logical_or.reduce(present)
            found.append(Grouping(name, {"yes": seen, "no": ~seen}))
    return found


def _by_hour(table: pd.DataFrame) -> list[Grouping]:
    if "start_datetime" not in table:
        return []
    arrival = pd.to_datetime(table["start_datetime"], errors="coerce")
    # Dates without a time all read as midnight.
    if (arrival == arrival.dt.normalize())[arrival.notna()].all():
        return []
    return [Grouping("Arrival", _bands(arrival.dt.hour, HOURS))]


def _bands(values: pd.Series, bands: Mapping[str, tuple[float, float]]) -> dict[str, Flags]:
    """Members of bands, each from its lower limit to below its upper one."""
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=np.float64)
    return {name: (numbers >= low) & (numbers < high) for name, (low, high) in bands.items()}
