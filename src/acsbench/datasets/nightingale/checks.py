"""Rules for the rows of ed-bwh-ecg, within a table and between tables.

A row that breaks a rule is a fault of its table. Contradictions that affect no join and no
definition of a label become notes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from acsbench.datasets.nightingale import columns as layouts
from acsbench.datasets.nightingale.tables import CORRECT, SourceTable, read_source_table
from acsbench.datasets.nightingale.types import is_among
from acsbench.disclosure import shown_count
from acsbench.errors import DataError

JOINT_FLAGS = {
    "stent_or_cabg_010_day": ("stent_010_day", "cabg_010_day"),
    "macetrop_pos_or_death_030": ("macetrop_030_pos", "death_030_day"),
}
"""Flags that are true if one of two others is."""

SHARES_OFF = 0.05
"""Largest difference from 1 of the sum of income shares without a note."""

Columns = dict[str, pd.Series]
Rows = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class SourceTables:
    """The five tables, as far as they can be read."""

    patient: SourceTable
    encounter: SourceTable
    ecg: SourceTable
    visit_of_ecg: SourceTable
    strip_index: SourceTable

    def all(self) -> tuple[SourceTable, ...]:
        """The tables in the order of messages."""
        return self.patient, self.encounter, self.ecg, self.visit_of_ecg, self.strip_index

    def fatal(self) -> list[DataError]:
        """Errors that make a table useless."""
        return [error for table in self.all() for error in table.fatal]

    def faults(self) -> list[DataError]:
        """Errors of single rows, by table and line."""
        return [
            error
            for table in self.all()
            for error in sorted((f.error for f in table.faults), key=lambda e: e.row or 0)
        ]

    def notes(self) -> list[str]:
        """Notes of all tables."""
        return [note for table in self.all() for note in table.notes]


def read_tables(root: Path) -> SourceTables:
    """Read the five tables of a folder and check them, alone and against each other."""
    sources = SourceTables(
        patient=read_source_table(root, layouts.PATIENT),
        encounter=read_source_table(root, layouts.ENCOUNTER),
        ecg=read_source_table(root, layouts.ECG),
        visit_of_ecg=read_source_table(root, layouts.VISIT_OF_ECG),
        strip_index=read_source_table(root, layouts.STRIP_INDEX),
    )
    patient, encounter, ecg, link, index = sources.all()
    for table, key in (
        (patient, "patient_id"),
        (encounter, "encounter_id"),
        (ecg, "ecg_id"),
        (link, "ecg_id"),
        (index, "ecg_id"),
        (index, "npy_index"),
    ):
        table.check_unique(key)
    _check_reference(encounter, patient, "patient_id", "the visit's patient does not exist")
    _check_reference(ecg, patient, "patient_id", "the ECG's patient does not exist")
    _check_reference(link, ecg, "ecg_id", "the visit's ECG does not exist")
    _check_reference(link, encounter, "encounter_id", "the ECG's visit does not exist")
    _check_reference(index, ecg, "ecg_id", "the strip's ECG does not exist")
    _check_same_patient(sources)
    return sources


def _check_reference(table: SourceTable, target: SourceTable, key: str, problem: str) -> None:
    known = _trusted(target, key)
    if known is not None and key in table.columns:
        ids = table.columns[key]
        dangling = ids.notna().to_numpy(dtype=bool) & ~is_among(ids, known)
        table.check(key, dangling, problem, f"Add it to {target.path.name}, or correct the cell")


def _trusted(table: SourceTable, column: str) -> pd.Series | None:
    """A column; None if it is missing or most of it is wrong, so that it cannot be a reference."""
    if column not in table.columns or not len(table.rows):
        return None
    spoilt = any(error.column == table.names[column] for error in table.fatal)
    return None if spoilt else table.columns[column]


def _check_same_patient(sources: SourceTables) -> None:
    """A visit and its ECGs must have the same patient, or an ECG gets the wrong label."""
    link = sources.visit_of_ecg
    by_ecg = column_by(sources.ecg, "ecg_id", "patient_id")
    by_visit = column_by(sources.encounter, "encounter_id", "patient_id")
    if by_ecg is None or by_visit is None or not {"ecg_id", "encounter_id"} <= link.columns.keys():
        return
    of_ecg = link.columns["ecg_id"].map(by_ecg)
    of_visit = link.columns["encounter_id"].map(by_visit)
    other = of_ecg.notna() & of_visit.notna() & (of_ecg != of_visit)
    problem = "the visit belongs to another patient than the ECG"
    link.check("encounter_id", other.to_numpy(dtype=bool), problem, CORRECT)


def column_by(table: SourceTable, key: str, column: str) -> pd.Series | None:
    """A column by the table's ids (the first row of each); None if either is not usable."""
    ids, values = _trusted(table, key), _trusted(table, column)
    if ids is None or values is None:
        return None
    first = (ids.notna() & ~ids.duplicated()).to_numpy(dtype=bool)
    return pd.Series(values[first].array, index=pd.Index(ids[first]))


def contradictions(sources: SourceTables) -> list[str]:
    """Contradictions within visits and patients, with counts."""
    visit, patient = sources.encounter.columns, sources.patient.columns
    found = {"visits end before they start": _ends_before_start(visit)}
    for joint, parts in JOINT_FLAGS.items():
        words = f"visits have a {joint} that is not {' or '.join(parts)}"
        found[words] = _differs(visit, joint, parts)
    words = "visits have a stent or bypass without a catheterisation within 10 days"
    found[words] = _treated_untested(visit)
    found["patients have more than one race"] = _several_races(patient)
    found["patients have shares of income that do not add up to 1"] = _shares_off(patient)
    return [
        f"{shown_count(int(rows.sum()))} {words}" for words, rows in found.items() if rows.any()
    ]


def _ends_before_start(visit: Columns) -> Rows:
    return (visit["end_datetime"] < visit["start_datetime"]).to_numpy(dtype=bool)


def _differs(visit: Columns, joint: str, parts: tuple[str, str]) -> Rows:
    expected = visit[parts[0]] | visit[parts[1]]
    return (visit[joint] != expected).fillna(False).to_numpy(dtype=bool)


def _treated_untested(visit: Columns) -> Rows:
    both = visit["stent_or_cabg_010_day"] & ~visit["cath_010_day"]
    return both.fillna(False).to_numpy(dtype=bool)


def _several_races(patient: Columns) -> Rows:
    races = [patient[race].fillna(False).to_numpy(dtype=int) for race in layouts.RACES]
    return np.sum(races, axis=0) > 1


def _shares_off(patient: Columns) -> Rows:
    total = np.sum([patient[share].to_numpy() for share in layouts.INCOME], axis=0)
    return np.abs(total - 1) > SHARES_OFF  # false where a share is missing
