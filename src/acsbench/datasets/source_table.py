"""Reading a dataset's own tables: as text, row by row accountable."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from acsbench.datasets.dataset import Rejected
from acsbench.errors import DataError


@dataclass(frozen=True, eq=False)
class RowCheck:
    """A rule that each row must keep: which rows break it, and the words for it."""

    column: str
    broken: pd.Series
    problem: str
    fix: str


def read_table(path: Path, required: tuple[str, ...], fix: str) -> pd.DataFrame:
    """Read a CSV as text, with `source_row`, the line that each row has in a spreadsheet.

    Args:
        path: the file.
        required: columns that must be there.
        fix: what to do where the file or a column is missing.

    Raises:
        DataError: the file is missing, is no CSV in UTF-8, is empty, or lacks a column.
    """
    if not path.is_file():
        raise DataError("the file does not exist", file=path, fix=fix)
    try:
        table = pd.read_csv(
            path,
            dtype=str,
            keep_default_na=False,
            encoding="utf-8-sig",
            index_col=False,
            skip_blank_lines=False,
        )
    except UnicodeDecodeError as error:
        raise DataError("the text is not UTF-8", file=path, fix="Save it as UTF-8") from error
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise DataError(
            f"this is not a table in CSV ({error})", file=path, fix="Save it as CSV with a header"
        ) from error
    table.columns = [str(column).strip() for column in table.columns]
    missing = [column for column in required if column not in table.columns]
    if missing:
        hint = "" if len(table.columns) > 1 else "; is the delimiter a comma?"
        raise DataError(
            f"no column {', '.join(map(repr, missing))}; found {len(table.columns)} columns{hint}",
            file=path,
            column=missing[0],
            fix=fix,
        )
    if table.empty:
        raise DataError("the table has a header and no rows", file=path, fix=fix)
    table = table.assign(source_row=range(2, len(table) + 2))
    # pandas fills a row that is too short in silence.
    with path.open(encoding="utf-8-sig", newline="") as file:
        cells = np.array([len(row) for row in csv.reader(file)][1:])
    blank, uneven = cells == 0, (cells > 0) & (cells != len(table.columns) - 1)
    if uneven.any():
        first = int(np.flatnonzero(uneven)[0])
        raise DataError(
            f"the row has {cells[first]} cells, and the header {len(table.columns) - 1}",
            file=path,
            row=first + 2,
            fix="Give every row one cell for each column",
        )
    table = table[~blank]
    return table.reset_index(drop=True)


def to_numbers(text: pd.Series[str]) -> pd.Series[float]:
    """Numbers from a column of text, NaN where a cell is empty or holds something else."""
    return pd.to_numeric(text.str.strip(), errors="coerce").astype(float)


def reject_rows(
    table: pd.DataFrame, ids: pd.Series, checks: Sequence[RowCheck], path: Path
) -> tuple[pd.Series, tuple[Rejected, ...]]:
    """Sort out the rows that break a rule; the first rule that a row breaks counts.

    Args:
        table: as `read_table` gives it.
        ids: the ECG's id per row.
        checks: the rules.
        path: the file, for the message.

    Returns:
        Which rows to keep, and what was rejected, in the table's order.
    """
    first: dict[int, RowCheck] = {}
    for check in checks:
        for index in table.index[check.broken.to_numpy(dtype=bool)]:
            first.setdefault(index, check)
    rejected = tuple(
        Rejected(
            ids[index],
            DataError(
                check.problem,
                file=path,
                row=int(table["source_row"].loc[index]),
                column=check.column,
                private=f"ecg_id {ids[index]!r}, found {table.loc[index, check.column]!r}",
                fix=check.fix,
            ),
        )
        for index, check in sorted(first.items())
    )
    return ~table.index.to_series().isin(first), rejected
