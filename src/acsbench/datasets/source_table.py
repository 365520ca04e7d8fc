"""Rules for the rows of a dataset's table; rows that break one are rejected."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from acsbench.datasets.ages import AGE_FIX, AGE_PROBLEM
from acsbench.datasets.dataset import Rejected
from acsbench.datasets.schema import OLDEST
from acsbench.errors import DataError
from acsbench.spelling import PATIENT_MISSING, SAY_WHOSE, is_no_patient
from acsbench.tables import MISSING, is_missing


@dataclass(frozen=True, eq=False)
class RowCheck:
    """A rule for rows: which rows break it, and the message."""

    column: str
    broken: pd.Series
    problem: str
    fix: str


def without_missing(
    table: pd.DataFrame, columns: Sequence[str], words: Collection[str] = MISSING
) -> pd.DataFrame:
    """A table of text with empty cells for the missing values of some columns.

    Args:
        table: as from `read_csv`.
        columns: columns of numbers, flags, times or optional ids; absent ones are ignored.
        words: words, in lower case, that mean a missing value.
    """
    typed = [column for column in columns if column in table]
    return table.assign(**{c: table[c].mask(is_missing(table[c], words), "") for c in typed})


def age_check(text: pd.Series, ages: pd.Series) -> RowCheck:
    """The rule that each age that is written can be read."""
    return RowCheck("age", (text != "") & ~ages.between(0, OLDEST), AGE_PROBLEM, AGE_FIX)


def patient_check(patients: pd.Series) -> RowCheck:
    """The rule that each row names a patient."""
    return RowCheck("patient_id", is_no_patient(patients), PATIENT_MISSING, SAY_WHOSE)


def reject_rows(
    table: pd.DataFrame, ids: pd.Series, checks: Sequence[RowCheck], path: Path
) -> tuple[pd.Series, tuple[Rejected, ...]]:
    """Reject the rows that break a rule, for the first rule that each breaks.

    Args:
        table: as from `read_csv`; the index is the line in the file.
        ids: the ECG's id per row.
        checks: the rules.
        path: the file, for errors.

    Returns:
        Which rows to keep, and the rejected rows in the table's order.
    """
    first: dict[int, RowCheck] = {}
    for check in checks:
        for index in table.index[check.broken.to_numpy(dtype=bool)].tolist():
            first.setdefault(index, check)
    rejected = tuple(
        Rejected(
            ids[index],
            DataError(
                check.problem,
                file=path,
                row=index,
                column=check.column,
                private=f"ecg_id {ids[index]!r}, found {table.loc[index, check.column]!r}",
                fix=check.fix,
            ),
        )
        for index, check in sorted(first.items())
    )
    return ~table.index.to_series().isin(first), rejected
