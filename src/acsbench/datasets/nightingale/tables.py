"""Tables of ed-bwh-ecg: read as text, then converted column by column.

Errors of the file and of single rows are collected, so that one run reports all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from acsbench.datasets.ages import OPEN_CLASS_NOTE, open_classes
from acsbench.datasets.nightingale.columns import LAYOUTS, NEVER_EMPTY, Kind, Layout
from acsbench.datasets.nightingale.types import convert
from acsbench.errors import DataError
from acsbench.tables import MISSING, no_rows, parse_csv, read_bytes

EMPTY_CELLS = MISSING | {"nat", "none", "<na>"}
"""In lower case; pandas writes some of them for missing times and ids."""

FIX = "Point to the folder that holds ed-bwh-ecg/v1 as published by Nightingale Open Science"
CORRECT = "Correct the cell, or skip its ECGs with --on-error skip"
COPY_AGAIN = "Copy the table again from its source"
IDS = ("ecg_id", "encounter_id", "patient_id")
MOST_SINGLE_FAULTS = 10
"""Up to this number, equal faults are reported row by row even if most rows have them."""


@dataclass(frozen=True)
class RowFault:
    """A row that breaks a rule; `place` counts from 0 and is None for an unreadable row."""

    place: int | None
    error: DataError


@dataclass(frozen=True, eq=False)
class SourceTable:
    """A table as far as it can be read, with the column names of the common schema.

    Args:
        path: its file.
        rows: line of each row in a spreadsheet.
        written: the original cells.
        names: the file's name of each column.
        columns: typed columns; invalid cells are missing.
        fatal: errors that make the table useless: of a column, or of most rows.
        faults: errors of single rows.
        notes: what a user should know.
    """

    path: Path
    rows: NDArray[np.int64]
    written: pa.Table
    names: dict[str, str]
    columns: dict[str, pd.Series] = field(default_factory=dict)
    fatal: list[DataError] = field(default_factory=list)
    faults: list[RowFault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def check(
        self,
        column: str,
        broken: NDArray[np.bool_],
        problem: str,
        fix: str,
        *,
        each: bool = False,
    ) -> None:
        """Note every row that breaks a rule.

        If more than half of the rows break it, the column is wrong: one fatal error reports it.

        Args:
            column: the column that is wrong.
            broken: shape (rows,).
            problem: what is wrong, without the value.
            fix: what to do.
            each: report each row, regardless of their number.
        """
        places = np.flatnonzero(broken)
        if not each and self.is_systematic(column, len(places)):
            problem = (
                f"{problem}, in {len(places):,} of {len(self.rows):,} rows, first in row "
                f"{self.rows[places[0]]}"
            )
            (private,) = self._found(column, places[:1])
            self.fatal.append(self.error(problem, COPY_AGAIN, column=column, private=private))
            return
        for place, private in zip(places.tolist(), self._found(column, places), strict=True):
            row = int(self.rows[place])
            error = self.error(problem, fix, row=row, column=column, private=private)
            self.faults.append(RowFault(place, error))

    def check_unique(self, key: str) -> None:
        """Note every row with the id of a row above."""
        if key in self.columns:
            ids = self.columns[key]
            twice = (ids.duplicated() & ids.notna()).to_numpy(dtype=bool)
            what = "id" if key in IDS else "index"
            self.check(key, twice, f"a row above has the same {what}", "Keep one row of each")

    def is_systematic(self, column: str, broken: int) -> bool:
        """Whether this number of broken cells means that the column is wrong."""
        filled = len(self.written) - self.written[column].null_count
        return broken > max(MOST_SINGLE_FAULTS, filled / 2)

    def error(
        self,
        problem: str,
        fix: str,
        *,
        row: int | None = None,
        column: str | None = None,
        private: str | None = None,
    ) -> DataError:
        """An error in this file, with the file's name of the column."""
        name = None if column is None else self.names[column]
        return DataError(problem, file=self.path, row=row, column=name, private=private, fix=fix)

    def as_written(
        self, column: str, places: Sequence[int] | NDArray[np.int64]
    ) -> list[str | None]:
        """The original cells, None if empty."""
        cells: list[str | None] = (
            self.written[column].take(pa.array(places, pa.int64())).to_pylist()
        )
        return cells

    def _found(self, column: str, places: NDArray[np.int64]) -> list[str]:
        """Cells and the ids of their rows; private."""
        ids = [name for name in IDS if name in self.names and name != column]
        names = ["found", *ids]
        cells = zip(*(self.as_written(name, places) for name in (column, *ids)), strict=True)
        return [
            ", ".join(f"{name} {cell!r}" for name, cell in zip(names, row, strict=True))
            for row in cells
        ]


def tables_folder(root: Path) -> Path:
    """The folder, at or below `root`, that holds the tables; `root` if none does."""
    for below in ("", "v1", "ed-bwh-ecg/v1"):
        if any((root / below / layout.file).is_file() for layout in LAYOUTS):
            return root / below
    return root


def read_source_table(root: Path, layout: Layout) -> SourceTable:
    """Read a table and check each of its cells.

    Args:
        root: the folder that holds the tables.
        layout: which table.

    Returns:
        The table with its errors; without columns if it cannot be read.
    """
    path = root / layout.file
    try:
        parsed = parse_csv(read_bytes(path, FIX), file=path)
    except DataError as error:
        return _unread(error)
    if parsed.broken_off is not None:
        return _unread(parsed.broken_off)
    header = list(map(str, parsed.cells.columns))
    found = _find_columns(header, layout)
    names = {layout.renamed.get(column, column): name for column, name in found.items()}
    written = {new: _written(parsed.cells[name]) for new, name in names.items()}
    rows = parsed.cells.index.to_numpy()
    table = SourceTable(path, rows, pa.table(written), names)
    _check_header(table, header, layout, found)
    if not len(rows):
        table.fatal.append(no_rows(path, FIX))
    table.faults.extend(map(_ragged, parsed.faults))
    for column in found:
        _convert_column(table, layout, column)
    return table


def _unread(error: DataError) -> SourceTable:
    path = Path(str(error.file))
    return SourceTable(path, np.zeros(0, dtype=np.int64), pa.table({}), {}, fatal=[error])


def _ragged(error: DataError) -> RowFault:
    fix = "Correct the row, or skip its ECGs with --on-error skip"
    return RowFault(
        None,
        DataError(
            error.problem,
            file=error.file,
            row=error.row,
            column=error.column,
            private=error.private,
            fix=fix,
        ),
    )


def _written(column: pd.Series) -> pa.ChunkedArray:
    """The cells of a column, null if empty."""
    cells = pa.chunked_array(pa.array(column), pa.large_string())
    empty = pc.is_in(pc.utf8_lower(cells), value_set=pa.array(sorted(EMPTY_CELLS)))
    return pc.if_else(empty, pa.scalar(None, pa.large_string()), cells)


def _find_columns(header: list[str], layout: Layout) -> dict[str, str]:
    """The header's name of each present column."""
    found = {}
    for column in layout.columns:
        for name in (column, layout.spellings.get(column)):
            if name is not None and name in header:
                found[column] = name
                break
    return found


def _check_header(
    table: SourceTable, header: list[str], layout: Layout, found: dict[str, str]
) -> None:
    if not found:
        problem = f"the table has none of the expected columns; found {len(header)} columns"
        fix = "Is there a header, and is the delimiter a comma? " + FIX
        table.fatal.append(table.error(problem, fix))
        return
    for column in layout.columns:
        other = layout.spellings.get(column)
        if column not in found:
            also = f" (or {other!r})" if other else ""
            problem = f"no column {column!r}{also}; found {len(header)} columns"
            table.fatal.append(DataError(problem, file=table.path, column=column, fix=FIX))
    known = {*layout.columns, *layout.spellings.values()}
    unknown = [n for n in header if n not in known and not n.startswith("Unnamed")]
    if unknown:
        table.notes.append(
            f"{layout.file}: ignored the columns {', '.join(unknown)}, which are not in ed-bwh-ecg"
        )


def _convert_column(table: SourceTable, layout: Layout, column: str) -> None:
    name, kind = layout.renamed.get(column, column), layout.columns[column]
    cells = table.written[name].combine_chunks()
    values, broken = convert(kind, cells)
    if column in layout.lenient and table.is_systematic(name, int(broken.sum())):
        values, broken = convert(Kind.TEXT, cells)
        table.notes.append(f"{layout.file}: {column} has unexpected values and is kept as text")
    if kind in NEVER_EMPTY and column not in layout.may_be_empty:
        broken = broken | ~cells.is_valid().to_numpy(zero_copy_only=False)
    if kind is Kind.AGE and open_classes(pd.Series(cells.to_pandas())).any():
        table.notes.append(OPEN_CLASS_NOTE)
    table.columns[name] = values
    table.check(name, broken, kind.value, CORRECT)
