"""Reading predictions: a CSV file `ecg_id,probability`."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd

from acsbench.cohort.counts import SPLIT_NAMES
from acsbench.errors import AcsBenchError, DataError, DataErrors
from acsbench.evaluation.cohort import some_ids

ID, PROBABILITY = "ecg_id", "probability"
HEADER = f"{ID},{PROBABILITY}"
_OTHER_DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "bars"}


def read_predictions(
    path: Path, table: pd.DataFrame, splits: Sequence[str] = ("valid", "test")
) -> pd.Series:
    """Read the predictions of some splits and check them against the cohort.

    Args:
        path: CSV in UTF-8 (a byte order mark is fine) with the columns `ecg_id` and
            `probability`; further columns are ignored.
        table: the cohort: `ecg_id` and `split`.
        splits: the ECGs that need a prediction. Predictions of other ECGs of the cohort are
            dropped.

    Returns:
        Probabilities indexed by `ecg_id`, in the order of the table.

    Raises:
        DataError: the file cannot be read, has another delimiter, or lacks a column.
        DataErrors: rows are wrong: an id that is unknown or occurs twice, no number, a number
            outside [0, 1]; or ECGs have no prediction. Rows are counted as a spreadsheet does.
    """
    rows = _read(path)
    ids = rows[ID]
    problems = [*_id_problems(path, ids, table), *_probability_problems(path, rows)]
    wanted = table.loc[table["split"].isin(list(splits)), ID]
    missing = wanted[~wanted.isin(ids)]
    if len(missing):
        names = " and ".join(SPLIT_NAMES.get(split, split) for split in splits)
        problems.append(
            DataError(
                f"{len(missing):,} of {len(wanted):,} {names} ECGs have no prediction",
                file=path,
                column=ID,
                private=some_ids(missing),
                fix="Predict every ECG of the split",
            )
        )
    if problems:
        raise _one_or_many(problems)
    values = pd.to_numeric(rows[PROBABILITY]).astype(np.float64).set_axis(pd.Index(ids, name=ID))
    return values.loc[list(wanted)]


def _read(path: Path) -> pd.DataFrame:
    """The two columns as text; the index is the row number, the header being row 1."""
    fix = f"Give a CSV file with the header {HEADER}"
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError("the file is not text in UTF-8", file=path, fix=fix) from error
    except OSError as error:
        reason = error.strerror or "it cannot be read"
        raise DataError(f"the file cannot be read ({reason})", file=path, fix=fix) from error
    if not text.strip():
        raise DataError("the file is empty", file=path, fix=fix)
    try:
        header, *records = csv.reader(StringIO(text))
    except csv.Error as error:
        raise DataError(f"this is no CSV file ({error})", file=path, fix=fix) from error
    columns = _columns(path, header)
    for row, record in enumerate(records, start=2):
        if len(record) > len(header):
            raise DataError(
                f"the row has {len(record)} values, and the header {len(header)}",
                file=path,
                row=row,
                fix="Write decimals with points, and leave commas to the columns",
            )
    places = columns.index(ID), columns.index(PROBABILITY)
    filled = (
        [record[place].strip() if place < len(record) else "" for place in places]
        for record in records
    )
    rows = range(2, len(records) + 2)
    table = pd.DataFrame(filled, columns=[ID, PROBABILITY], index=rows, dtype=object)
    return table[(table != "").any(axis=1)]


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
        raise DataError(
            problem,
            file=path,
            row=1,
            column=column,
            fix=f"Give a CSV file with the header {HEADER}",
        )
    return columns


def _id_problems(path: Path, ids: pd.Series, table: pd.DataFrame) -> list[DataError]:
    problems = []
    first = ids.drop_duplicates()
    first_rows = pd.Series(first.index, index=first.to_numpy())
    for row, value in ids[ids.duplicated()].items():
        problems.append(
            DataError(
                f"the ECG was predicted already in row {first_rows[value]}",
                file=path,
                row=int(str(row)),
                column=ID,
                private=value,
                fix="Keep one prediction for each ECG",
            )
        )
    for row, value in first[~first.isin(table[ID])].items():
        problems.append(
            DataError(
                "the id is empty" if value == "" else "the ECG is not in the cohort",
                file=path,
                row=int(str(row)),
                column=ID,
                private=value or None,
                fix="Predict the ECGs of this task, and write their ids as the dataset does",
            )
        )
    return problems


def _probability_problems(path: Path, rows: pd.DataFrame) -> list[DataError]:
    texts = rows[PROBABILITY]
    values = pd.to_numeric(texts, errors="coerce")
    wrong = ~((values >= 0) & (values <= 1))
    problems = []
    for row in rows.index[wrong]:
        text, value = texts[row], values[row]
        if text == "" or text.lower() in ("nan", "na", "null", "none"):
            problem, fix = "the probability is missing", "Predict every ECG"
        elif np.isnan(value):
            problem, fix = "the probability is not a number", "Write it as 0.25"
        else:
            problem = "the probability lies outside 0 to 1"
            fix = "Turn logits into probabilities, and per cent into shares of 1"
        problems.append(
            DataError(
                problem,
                file=path,
                row=int(row),
                column=PROBABILITY,
                private=f"{rows.loc[row, ID]}: {text}",
                fix=fix,
            )
        )
    return problems


def _one_or_many(problems: Sequence[DataError]) -> AcsBenchError:
    if len(problems) == 1:
        return problems[0]
    return DataErrors(sorted(problems, key=lambda problem: problem.row or 0))
