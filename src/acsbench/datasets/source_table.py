"""Sorting out the rows of a dataset's table that break a rule."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from acsbench import tables
from acsbench.datasets.dataset import Rejected
from acsbench.errors import DataError
from acsbench.spelling import PATIENT_MISSING, SAY_WHOSE, is_no_patient


@dataclass(frozen=True, eq=False)
class RowCheck:
    """A rule that each row must keep: which rows break it, and the words for it."""

    column: str
    broken: pd.Series
    problem: str
    fix: str


def to_numbers(text: pd.Series) -> pd.Series:
    """Numbers from a column of text, NaN where a cell is empty or holds something else."""
    return pd.Series(tables.to_numbers(text), index=text.index)


def without_missing(
    table: pd.DataFrame, columns: Sequence[str], words: Collection[str] = tables.MISSING
) -> pd.DataFrame:
    """A table of text in which the missing values of typed columns are empty.

    Args:
        table: as `read_csv` gives it.
        columns: of numbers, flags or times, and of ids that may be missing; those that the table
            lacks are passed over.
        words: in lower case, that mean a missing value.
    """
    typed = [column for column in columns if column in table]
    return table.assign(**{c: table[c].mask(tables.is_missing(table[c], words), "") for c in typed})


def no_patient(patients: pd.Series) -> RowCheck:
    """The rule that each row names a patient; a word for a missing value names none."""
    return RowCheck("patient_id", is_no_patient(patients), PATIENT_MISSING, SAY_WHOSE)


def reject_rows(
    table: pd.DataFrame, ids: pd.Series, checks: Sequence[RowCheck], path: Path
) -> tuple[pd.Series, tuple[Rejected, ...]]:
    """Sort out the rows that break a rule; the first rule that a row breaks counts.

    Args:
        table: as `read_csv` gives it, the index being lines of the file.
        ids: the ECG's id per row.
        checks: the rules.
        path: the file, for the message.

    Returns:
        Which rows to keep, and what was rejected, in the table's order.
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
