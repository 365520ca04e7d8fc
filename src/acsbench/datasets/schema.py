"""The tables that every dataset is mapped to.

`patient`: one row per patient. `encounter`: one row per visit, where the dataset has visits.
`ecg`: one row per ECG, with the file it lies in. A dataset may carry further columns (labels,
measurements); those named here mean the same everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import pandera.pandas as pa

from acsbench.errors import DataError, DataErrors

SEXES = ("female", "male")
OLDEST = 120.0

PATIENT = pa.DataFrameSchema(
    {
        "patient_id": pa.Column(str, unique=True),
        "sex": pa.Column(str, pa.Check.isin(SEXES), nullable=True, required=False),
    },
    name="patient",
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
"""`age` in years at the ECG; `fold` as the dataset's authors assigned it; `path` relative to
the dataset's folder; `source_row` is the line of the source table, the header being line 1."""


@dataclass(frozen=True, eq=False)
class Tables:
    """Tables in the common schema, checked on construction.

    Args:
        patient, ecg: see the module.
        unfilled: columns of the schema that the dataset cannot fill, each with the reason.

    Raises:
        DataErrors: a table breaks the schema, or an ECG belongs to no patient.
    """

    patient: pd.DataFrame
    ecg: pd.DataFrame
    source: Path
    unfilled: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        problems = [
            *_schema_problems(self.patient, PATIENT, self.source),
            *_schema_problems(self.ecg, ECG, self.source),
        ]
        orphans = ~self.ecg["patient_id"].isin(self.patient["patient_id"])
        if orphans.any():
            problems.append(
                DataError(
                    f"{orphans.sum()} ECGs belong to a patient who is not in the patient table",
                    file=self.source,
                    column="patient_id",
                    fix="Add the patients or remove the ECGs",
                )
            )
        if problems:
            raise DataErrors(problems)

    def joined(self) -> pd.DataFrame:
        """One row per ECG with its patient's columns; of a column in both, the ECG's counts."""
        extra = [c for c in self.patient.columns if c not in self.ecg.columns or c == "patient_id"]
        return self.ecg.merge(
            self.patient[extra], on="patient_id", how="left", validate="many_to_one"
        )


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
                    fix="Mend the value, or leave the row out of the table",
                )
            )
        return problems
    return []
