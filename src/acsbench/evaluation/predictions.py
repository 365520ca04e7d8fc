"""Reading predictions: a CSV file `ecg_id,probability`."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from acsbench.errors import AcsBenchError, DataError, DataErrors
from acsbench.evaluation.cohort import EvaluationCohort, check_covered, needed_splits

ID, PROBABILITY = "ecg_id", "probability"
HEADER = f"{ID},{PROBABILITY}"
MOST_NAMED = 50
"""Rows that are told one by one; of a file that is wrong throughout, the rest is counted."""

_FIX = f"Give a CSV file with the header {HEADER}"
_OTHER_DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "bars"}
_MISSING = ("", "nan", "na", "null", "none")


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
        DataError: the file cannot be read, has another delimiter, or lacks a column.
        DataErrors: rows are wrong: an id that is unknown or occurs twice, no number, a number
            outside [0, 1]; or ECGs have no prediction. Rows are counted as a spreadsheet does.
    """
    rows = _read(path)
    values = pd.to_numeric(rows[PROBABILITY], errors="coerce").astype(np.float64)
    known = {*cohort.table[ID], *cohort.covariates.index}
    problems = [*_id_problems(path, rows[ID], known), *_value_problems(path, rows, values)]
    given = pd.Index(rows[ID], name=ID, dtype=object)
    for split in splits or needed_splits(cohort, given):
        try:
            check_covered(cohort.split(split)[ID], given, split, path)
        except DataError as problem:
            problems.append(problem)
    if problems:
        raise _one_or_many(problems)
    return values.set_axis(given)


def _read(path: Path) -> pd.DataFrame:
    """The two columns as text; the index is the row number, the header being row 1."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            header = next(reader, None)
            while header is not None and not any(cell.strip() for cell in header):
                header = next(reader, None)
            if header is None:
                raise DataError("the file is empty", file=path, fix=_FIX)
            first_row = reader.line_num + 1
            columns = _columns(path, header)
            places = columns.index(ID), columns.index(PROBABILITY)
            texts: tuple[list[str], list[str]] = ([], [])
            for row, record in enumerate(reader, start=first_row):
                if len(record) > len(header):
                    raise DataError(
                        f"the row has {len(record)} values, and the header {len(header)}",
                        file=path,
                        row=row,
                        fix="Write decimals with points, and leave commas to the columns",
                    )
                for place, column in zip(places, texts, strict=True):
                    column.append(record[place].strip() if place < len(record) else "")
    except UnicodeDecodeError as error:
        raise DataError("the file is not text in UTF-8", file=path, fix=_FIX) from error
    except csv.Error as error:
        raise DataError(f"this is no CSV file ({error})", file=path, fix=_FIX) from error
    except OSError as error:
        reason = error.strerror or "it cannot be read"
        raise DataError(f"the file cannot be read ({reason})", file=path, fix=_FIX) from error
    rows = range(first_row, first_row + len(texts[0]))
    table = pd.DataFrame({ID: texts[0], PROBABILITY: texts[1]}, index=rows, dtype=object)
    table = table[(table[ID] != "") | (table[PROBABILITY] != "")]
    if table.empty:
        raise DataError("the file has a header and no predictions", file=path, fix=_FIX)
    return table


def _columns(path: Path, header: Sequence[str]) -> list[str]:
    """The names of the columns, if those that are needed are there once."""
    if len(header) == 1:
        for delimiter, name in _OTHER_DELIMITERS.items():
            if delimiter in header[0]:
                raise DataError(
                    f"the columns are separated by {name}",
                    file=path,
                    row=1,
                    fix="Save the file with commas between columns, and points in decimals",
                )
    columns = [column.strip() for column in header]
    for column in (ID, PROBABILITY):
        count = columns.count(column)
        if count == 1:
            continue
        problem = "there are two such columns"
        if count == 0:
            # Without a header, its names would be the first ECG's id and probability.
            problem = "the column is missing"
        raise DataError(problem, file=path, row=1, column=column, fix=_FIX)
    return columns


def _id_problems(path: Path, ids: pd.Series, known: set[str]) -> list[DataError]:
    twice = ids.duplicated()
    again = ids[twice]
    first = ids[~twice & ids.isin(again)]
    first_rows = dict(zip(first, first.index, strict=True))
    unknown = ids[~twice & ~ids.isin(known)]
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
        *_row_problems(
            unknown,
            lambda row, value: DataError(
                "the id is empty" if value == "" else "the ECG is not in the cohort",
                file=path,
                row=row,
                column=ID,
                private=value or None,
                fix="Predict the ECGs of this task, and write their ids as the dataset does",
            ),
        ),
    ]


def _value_problems(path: Path, rows: pd.DataFrame, values: pd.Series) -> list[DataError]:
    ids = dict(zip(rows.index, rows[ID], strict=True))

    def problem(row: int, text: str) -> DataError:
        if text.lower() in _MISSING:
            words, fix = "the probability is missing", "Predict every ECG"
        elif np.isnan(values[row]):
            words, fix = "the probability is not a number", "Write it as 0.25"
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


def _one_or_many(problems: Sequence[DataError]) -> AcsBenchError:
    if len(problems) == 1:
        return problems[0]
    # Problems of the whole file come after those of its rows.
    return DataErrors(sorted(problems, key=lambda p: (p.row is None, p.row or 0)))
