"""Reading predictions: a CSV file `ecg_id,probability`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from acsbench.errors import DataError, one_or_many
from acsbench.evaluation.cohort import EvaluationCohort, check_covered, needed_splits
from acsbench.spelling import DIFFERENCES, closest_ids
from acsbench.tables import MISSING, not_a_number, read_csv, to_numbers

ID, PROBABILITY = "ecg_id", "probability"
HEADER = f"{ID},{PROBABILITY}"
MOST_NAMED = 50
"""Rows that are told one by one; of a file that is wrong throughout, the rest is counted."""

_FIX = f"Give a CSV file with the header {HEADER}"
_MISSING = MISSING | {"none"}


def read_predictions(path: Path, cohort: EvaluationCohort, splits: Sequence[str] = ()) -> pd.Series:
    """Read predictions and check them against the cohort.

    Args:
        path: CSV in UTF-8 (a byte order mark is fine) with the columns `ecg_id` and
            `probability`; further columns are ignored.
        cohort: whose ECGs are predicted.
        splits: which must be predicted whole; unless given, the evaluated one, and the
            validation split if any of its ECGs is. Whatever else the dataset holds may be there.

    Returns:
        Probabilities indexed by `ecg_id`, in the order of the file.

    Raises:
        DataError: the file cannot be read (`read_csv`), or lacks a column.
        DataErrors: rows are wrong: an id that is unknown or occurs twice, no number, a number
            outside [0, 1]; or ECGs have no prediction. Rows are lines of the file.
    """
    rows = read_csv(path, (ID, PROBABILITY), fix=_FIX)[[ID, PROBABILITY]]
    values = pd.Series(to_numbers(rows[PROBABILITY]), index=rows.index)
    known = {*cohort.table[ID], *cohort.covariates.index}
    problems = [*_id_problems(path, rows[ID], known), *_value_problems(path, rows, values)]
    given = pd.Index(rows[ID], name=ID, dtype=object)
    for split in splits or needed_splits(cohort, given):
        try:
            check_covered(cohort.split(split)[ID], given, split, path)
        except DataError as problem:
            problems.append(problem)
    if problems:
        raise one_or_many(problems)
    return values.set_axis(given)


def _id_problems(path: Path, ids: pd.Series, known: set[str]) -> list[DataError]:
    twice = ids.duplicated()
    again = ids[twice]
    first = ids[~twice & ids.isin(again)]
    first_rows = dict(zip(first, first.index, strict=True))
    unknown = ids[~twice & ~ids.isin(known)]
    meant = closest_ids(unknown.tolist(), known)

    def of_unknown(row: int, value: str) -> DataError:
        problem = "the id is empty" if value == "" else "the ECG is not in the cohort"
        private = value or None
        if value in meant:
            problem += f", where an id differs from this one only in {DIFFERENCES}"
            private = f"{value!r}, did you mean {meant[value]!r}?"
        return DataError(
            problem,
            file=path,
            row=row,
            column=ID,
            private=private,
            fix="Predict the ECGs of this task, and write their ids as the dataset does",
        )

    return [
        *_row_problems(
            again,
            lambda row, value: DataError(
                f"the ECG was predicted already in row {first_rows[value]}",
                file=path,
                row=row,
                column=ID,
                private=value,
                fix="Keep one prediction for each ECG",
            ),
        ),
        *_row_problems(unknown, of_unknown),
    ]


def _value_problems(path: Path, rows: pd.DataFrame, values: pd.Series) -> list[DataError]:
    ids = dict(zip(rows.index, rows[ID], strict=True))

    def problem(row: int, text: str) -> DataError:
        if text.lower() in _MISSING:
            words, fix = "the probability is missing", "Predict every ECG"
        elif np.isnan(values[row]):
            words, fix = not_a_number(text)
        else:
            words = "the probability lies outside 0 to 1"
            fix = "Turn logits into probabilities, and per cent into shares of 1"
        return DataError(
            words,
            file=path,
            row=row,
            column=PROBABILITY,
            private=f"{ids[row]}: {text}",
            fix=fix,
        )

    return _row_problems(rows.loc[~values.between(0, 1), PROBABILITY], problem)


def _row_problems(wrong: pd.Series, problem_of: Callable[[int, str], DataError]) -> list[DataError]:
    """A problem for each of the first rows, and one that counts the others."""
    problems = [problem_of(int(str(row)), text) for row, text in wrong[:MOST_NAMED].items()]
    if len(wrong) > MOST_NAMED:
        last = problems[-1]
        more = f"{len(wrong) - MOST_NAMED:,} further rows have such a fault"
        problems.append(DataError(more, file=last.file, column=last.column, fix=last.fix))
    return problems
