"""The common schema of all datasets.

`patient` has one row per patient, `encounter` one per visit (if the dataset has visits), `ecg` one
per ECG with its file. Tables may have further columns, such as labels and measurements.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import pandera.pandas as pa

from acsbench.errors import DataError, DataErrors
from acsbench.spelling import check_patients

_SEXES = {"female": "female", "f": "female", "male": "male", "m": "male"}
"""Words for a sex, in lower case."""
OLDEST = 120.0

PATIENT = pa.DataFrameSchema(
    {
        "patient_id": pa.Column(str, unique=True),
        "sex": pa.Column(str, pa.Check.isin(("female", "male")), nullable=True, required=False),
    },
    name="patient",
)

ENCOUNTER = pa.DataFrameSchema(
    {
        "encounter_id": pa.Column(str, unique=True),
        "patient_id": pa.Column(str),
        "age": pa.Column(float, pa.Check.in_range(0, OLDEST), nullable=True, required=False),
    },
    name="encounter",
)

ECG = pa.DataFrameSchema(
    {
        "ecg_id": pa.Column(str, unique=True),
        "patient_id": pa.Column(str),
        "encounter_id": pa.Column(str, nullable=True, required=False),
        "age": pa.Column(float, pa.Check.in_range(0, OLDEST), nullable=True, required=False),
        "fold": pa.Column(int, required=False),
        "path": pa.Column(str),
        "source_row": pa.Column(int),
    },
    name="ecg",
)
"""`age` is in years at the ECG, `fold` that of the dataset's authors, `path` relative to the
dataset's folder, and `source_row` the line in the source table (the header is line 1)."""


def sex_of(cell: str) -> str | None:
    """`female` or `male`, or None if a cell says neither."""
    return _SEXES.get(cell.strip().casefold())


@dataclass(frozen=True, eq=False)
class Tables:
    """Tables in the common schema, checked on construction.

    Args:
        patient, ecg, encounter: the tables; `encounter` is None without visits.
        source: the file that `source_row` refers to.
        path_column: its column that names the recording.
        exact_ids: True if patient ids that differ only in spelling are different patients.
        unfilled: schema columns that the dataset does not have, each with the reason.

    Raises:
        DataErrors: a table violates the schema, the patient of an ECG is missing, or two patient
            ids differ only in spelling, so that one patient could be in several splits.
    """

    patient: pd.DataFrame
    ecg: pd.DataFrame
    source: Path
    unfilled: dict[str, str] = field(default_factory=dict)
    encounter: pd.DataFrame | None = None
    path_column: str = "ecg_id"
    exact_ids: bool = False

    def __post_init__(self) -> None:
        problems = [
            *_schema_problems(self.patient, PATIENT, self.source),
            *_schema_problems(self.ecg, ECG, self.source),
        ]
        if self.encounter is not None:
            problems += _schema_problems(self.encounter, ENCOUNTER, self.source)
        orphans = ~self.ecg["patient_id"].isin(self.patient["patient_id"])
        if orphans.any():
            problems.append(
                DataError(
                    f"the patients of {orphans.sum()} ECGs are not in the patient table",
                    file=self.source,
                    column="patient_id",
                    fix="Add the patients or remove the ECGs",
                )
            )
        if not problems and not self.exact_ids and "patient_id" not in self.unfilled:
            # Before anything is counted or split by patient.
            check_patients(self.ecg["patient_id"], self.ecg["source_row"], self.source)
        if problems:
            raise DataErrors(problems)

    def joined(self) -> pd.DataFrame:
        """One row per ECG with the columns of its visit and its patient.

        If several tables have a column, the ECG's has priority, then the visit's. Visit columns
        are missing for ECGs without a visit.
        """
        joined = self.ecg
        for table, key in ((self.encounter, "encounter_id"), (self.patient, "patient_id")):
            if table is not None:
                new = [c for c in table.columns if c == key or c not in joined.columns]
                joined = joined.merge(table[new], on=key, how="left", validate="many_to_one")
        return joined


def _schema_problems(
    table: pd.DataFrame, schema: pa.DataFrameSchema, source: Path
) -> list[DataError]:
    try:
        schema.validate(table, lazy=True)
    except pa.errors.SchemaErrors as errors:
        rows = table.get("source_row")
        problems = []
        for case in errors.failure_cases.itertuples():
            row = None
            if rows is not None and pd.notna(case.index) and case.index in rows.index:
                row = int(rows.loc[case.index])
            problems.append(
                DataError(
                    f"the {schema.name} table fails the check {case.check!r}",
                    file=source,
                    row=row,
                    column=str(case.column) if case.column else None,
                    private=f"found {case.failure_case!r}",
                    fix="Correct the value, or remove the row",
                )
            )
        return problems
    return []
