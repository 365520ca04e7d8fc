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
"""`age` in years at the ECG; `fold` as the dataset's authors assigned it; `path` relative to
the dataset's folder; `source_row` is the line of the source table, the header being line 1."""


def sex_of(cell: str) -> str | None:
    """`female` or `male`, or None if a cell says neither."""
    return _SEXES.get(cell.strip().casefold())


@dataclass(frozen=True, eq=False)
class Tables:
    """Tables in the common schema, checked on construction.

    Args:
        patient, ecg, encounter: see the module; `encounter` is None without visits.
        source: the file that `source_row` of the ECG table counts.
        path_column: its column that says which recording belongs to a row.
        exact_ids: whether patients whose ids differ only in spelling are different ones.
        unfilled: columns of the schema that the dataset cannot fill, each with the reason.

    Raises:
        DataErrors: a table breaks the schema, an ECG belongs to no patient, or two patients' ids
            differ only in spelling, so that one patient's ECGs could be in several splits.
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
                    f"{orphans.sum()} ECGs belong to a patient who is not in the patient table",
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
        """One row per ECG with its visit's and its patient's columns.

        Of a column in several tables, the ECG's counts before the visit's before the patient's.
        An ECG without a visit has its visit's columns missing.
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
                    fix="Mend the value, or leave the row out of the table",
                )
            )
        return problems
    return []
