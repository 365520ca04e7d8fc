"""ECGs that are rejected because of faulty rows of ed-bwh-ecg.

A faulty row of a patient or visit rejects every ECG that depends on it. All rows of a duplicate
id are rejected, because the right one is unknown. A faulty row of the index of strips affects only
the ECG's strips.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from acsbench.datasets.dataset import Rejected
from acsbench.datasets.nightingale.checks import SourceTables
from acsbench.datasets.nightingale.tables import SourceTable
from acsbench.datasets.nightingale.types import is_among
from acsbench.datasets.nightingale.waveforms import waveform_paths
from acsbench.errors import DataError

Reasons = dict[str, DataError]


@dataclass(frozen=True, eq=False)
class SoundRows:
    """The sound rows, in the columns of the common schema, and the rejected ones."""

    patient: pd.DataFrame
    encounter: pd.DataFrame
    ecg: pd.DataFrame
    rejected: tuple[Rejected, ...]


def sound_rows(sources: SourceTables) -> SoundRows:
    """Reject faulty rows and the ECGs that depend on them.

    Args:
        sources: checked tables without fatal errors.
    """
    patient, encounter, ecg, link, _ = sources.all()
    of_patient = _reasons(patient, "patient_id")
    of_visit = _reasons(encounter, "encounter_id")
    of_ecg = _reasons(link, "ecg_id") | _reasons(ecg, "ecg_id")
    table = _ecg_table(sources)
    rejected = _rejected(table, ecg, of_ecg, of_patient, of_visit)

    patients = _without(pd.DataFrame(patient.columns), "patient_id", of_patient)
    visits = _without(pd.DataFrame(encounter.columns), "encounter_id", of_visit)
    visits = visits[is_among(visits["patient_id"], patients["patient_id"])]
    left = ~table.index.isin(list(rejected))
    return SoundRows(
        patient=patients.reset_index(drop=True),
        encounter=visits.reset_index(drop=True),
        ecg=table[left].reset_index(drop=True),
        rejected=_in_order(sources.faults(), ecg, rejected),
    )


def _reasons(table: SourceTable, key: str) -> Reasons:
    """The first fault of each id."""
    reasons: Reasons = {}
    for fault in table.faults:
        if fault.place is not None and pd.notna(name := table.columns[key].iloc[fault.place]):
            reasons.setdefault(name, fault.error)
    return reasons


def _without(table: pd.DataFrame, key: str, reasons: Reasons) -> pd.DataFrame:
    return table[table[key].notna() & ~is_among(table[key], reasons)]


def _ecg_table(sources: SourceTables) -> pd.DataFrame:
    """The ECG table with the visit, the file and the index of the strips."""
    ecg, link, index = sources.ecg, sources.visit_of_ecg, sources.strip_index
    ids = ecg.columns["ecg_id"]
    columns = {
        "ecg_id": ids,
        "patient_id": ecg.columns["patient_id"],
        "encounter_id": ids.map(_by_ecg(link, "encounter_id")).astype("str"),
        "path": waveform_paths(ids),
        "source_row": pd.Series(ecg.rows),
        "npy_index": ids.map(_by_ecg(index, "npy_index")).astype("Int64"),
    }
    return pd.DataFrame(columns | {k: v for k, v in ecg.columns.items() if k not in columns})


def _by_ecg(table: SourceTable, column: str) -> pd.Series:
    """A column by ECG, without faulty rows."""
    sound = np.ones(len(table.rows), dtype=bool)
    sound[[fault.place for fault in table.faults if fault.place is not None]] = False
    ids = table.columns["ecg_id"]
    return pd.Series(table.columns[column][sound].array, index=pd.Index(ids[sound]))


def _rejected(
    table: pd.DataFrame, ecg: SourceTable, of_ecg: Reasons, of_patient: Reasons, of_visit: Reasons
) -> dict[int, DataError]:
    """The error of each rejected ECG, by its place; errors of its own row have priority."""
    found: dict[int, DataError] = {}
    for fault in ecg.faults:
        if fault.place is not None:
            found.setdefault(fault.place, fault.error)
    by_column = (("ecg_id", of_ecg), ("patient_id", of_patient), ("encounter_id", of_visit))
    for column, reasons in by_column:
        hit = np.flatnonzero(is_among(table[column], reasons))
        for place, name in zip(hit, table[column].iloc[hit], strict=True):
            found.setdefault(int(place), reasons[name])
    return found


def _in_order(
    faults: list[DataError], ecg: SourceTable, rejected: dict[int, DataError]
) -> tuple[Rejected, ...]:
    """The faults in the given order, each with its ECGs, or None."""
    ecgs: dict[DataError, list[str | None]] = {}
    places = sorted(rejected)
    for place, ecg_id in zip(places, ecg.as_written("ecg_id", places), strict=True):
        ecgs.setdefault(rejected[place], []).append(ecg_id)
    return tuple(Rejected(ecg_id, error) for error in faults for ecg_id in ecgs.get(error, [None]))
