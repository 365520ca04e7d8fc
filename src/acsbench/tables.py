"""Reading CSV files from outside: every cell as text, every row accountable.

One set of rules holds for labels, cohorts, id lists, predictions and submissions:

- UTF-8, commas, a header; a byte-order mark, any line ends and blank lines are accepted.
- Cells are text without the blanks around them: `NA`, `001` and `1e5` stay what they are.
- Each row has one cell for each column, and each column a name of its own.
- Only where a column is read as numbers, flags or times do the words of `MISSING` mean that a
  value is missing; any other word is refused.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NoReturn

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import csv as pa_csv

from acsbench.errors import DataError, one_or_many
from acsbench.file_kind import LONGEST_LINE, check_csv_text, empty_file

MISSING = frozenset({"", "na", "nan", "null", "n/a", "."})
"""Words, in lower case, that mean a missing value in a column of numbers, flags or times."""

LONGEST_NUMBER = 64
"""Characters; the shortest text of any number has fewer."""

_OTHER_DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "bars"}
_MOST_LINES_OF_A_CELL = 100
_SAMPLE = 65_536
_SHOWN = 500
"""Characters of a row with too few or too many cells."""
# Fewer than make the garbage collector look at them, which would take most of the time.
_AT_A_TIME = 256
_ROWS_OF_A_CHUNK = 65_536

_QUOTED = re.compile(rb'(?<![^,\r\n])"(?:[^"\r\n]++|"")*+"(?![^,\r\n])')

# A digit can be matched in one way only, or a long text that is no number would take minutes.
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_INFINITE = re.compile(r"[+-]?inf(inity)?", re.ASCII | re.IGNORECASE)
_DIGITS = re.compile(r"[+-]?\d+", re.ASCII)
_WITH_COMMA = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?", re.ASCII)

POINTS = "Write decimals with a point (0.5, not 0,5)"

Row = tuple[int, list[str]]
"""The line on which a row begins, and its cells."""


@dataclass(frozen=True, eq=False)
class CsvTable:
    """A CSV file as far as it can be read.

    Args:
        header_row: line of the header.
        cells: text; the index holds the line on which each row begins.
        wrong: rows with too few or too many cells, which are not in `cells`.
        faults: what is wrong with them.
        broken_off: why the rest of the file was not read, if it was not.
        unnamed_first: whether a first column without a name was left out.
    """

    header_row: int
    cells: pd.DataFrame
    wrong: tuple[Row, ...] = ()
    faults: tuple[DataError, ...] = ()
    broken_off: DataError | None = None
    unnamed_first: bool = False


def read_csv(
    path: Path, required: Sequence[str] = (), *, fix: str, row_names: str | None = None
) -> pd.DataFrame:
    """Read a CSV file from outside.

    Args:
        path: the file.
        required: columns that must be there.
        fix: what to do where the file, its rows or a column are missing.
        row_names: name of the first column where the header leaves it empty, as R and pandas do
            with row names; it is left out unless this is given.

    Returns:
        Text; the index holds the line on which each row begins, as an editor counts them.

    Raises:
        DataError: the file cannot be read, is no CSV in UTF-8, has no rows, has a wrong row, or
            lacks a column.
        DataErrors: several rows have too few or too many cells.
    """
    table = parse_csv(read_bytes(path, fix), file=path, row_names=row_names)
    problems = [*table.faults, *([table.broken_off] if table.broken_off else [])]
    if problems:
        raise one_or_many(problems)
    require_columns(table, required, path, fix)
    if table.cells.empty:
        raise no_rows(path, fix)
    return table.cells


def read_bytes(path: Path, fix: str) -> bytes:
    """The content of a file.

    Raises:
        DataError: it is missing, a folder, or may not be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        problem = f"the file cannot be read ({error.strerror or 'for an unknown reason'})"
        if isinstance(error, FileNotFoundError):
            problem = "the file does not exist"
        raise DataError(problem, file=path, fix=fix) from error


def require_columns(table: CsvTable, required: Iterable[str], file: Path | None, fix: str) -> None:
    """Make sure that columns are there.

    Raises:
        DataError: one is not.
    """
    for column in required:
        if column not in table.cells:
            # The names may be a patient's cells, where there is no header.
            count = len(table.cells.columns)
            hint = "; is the delimiter a comma?" if count == 1 else ""
            hint = "; the first column has no name" if table.unnamed_first else hint
            raise DataError(
                f"no column {column!r}; found {count} column{'s' * (count != 1)}{hint}",
                file=file,
                row=table.header_row,
                column=column,
                fix=fix,
            )


def no_rows(file: Path | None, fix: str) -> DataError:
    """The error of a table without rows."""
    return DataError("the table has a header and no rows", file=file, fix=fix)


def parse_csv(
    content: bytes,
    *,
    file: Path | None = None,
    row_names: str | None = None,
    longest_line: int = LONGEST_LINE,
    most_rows: int | None = None,
) -> CsvTable:
    """Read CSV text; rows with too few or too many cells are set aside.

    Args:
        content: the whole file.
        file: named in errors.
        row_names: name of the first column where the header leaves it empty; it is left out
            unless this is given.
        longest_line: bytes of a line.
        most_rows: rows after which reading stops.

    Raises:
        DataError: the text is no CSV in UTF-8, or its header cannot be used.
    """
    check_csv_text(content, file=file, longest_line=longest_line)
    rows = _rows(content, file)
    header_row, header = next(rows, (0, []))
    if not header:
        raise empty_file(file)
    names = _names(header, header_row, file, rows, row_names)
    cells = None
    lines_at_most = content.count(b"\n") + content.count(b"\r")
    if (most_rows is None or lines_at_most <= most_rows) and _is_plain(content):
        cells = _regular(content, header_row, len(names))
    if cells is not None:
        frame = _frame(cells, names, header_row + 1)
        return CsvTable(header_row, frame, unnamed_first=not names[0])
    return _irregular(rows, names, header_row, file, most_rows)


def _is_plain(content: bytes) -> bool:
    """Whether all quotation marks come in pairs around cells of one line."""
    # A file that is not plain shows it near its beginning, as a rule.
    beginning = content[: content.rfind(b"\n", 0, _SAMPLE) + 1]
    return all(
        b'"' not in text or b'"' not in _QUOTED.sub(b"", text) for text in (beginning, content)
    )


def _regular(content: bytes, header_row: int, width: int) -> pa.Table | None:
    """All cells of a text each of whose lines is a row; None if one has another width."""
    numbers = [str(number) for number in range(width)]
    try:
        return pa_csv.read_csv(
            io.BytesIO(content),
            read_options=pa_csv.ReadOptions(column_names=numbers, skip_rows=header_row),
            parse_options=pa_csv.ParseOptions(ignore_empty_lines=False),
            convert_options=pa_csv.ConvertOptions(
                column_types=dict.fromkeys(numbers, pa.large_string()), strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid:
        return None


def _irregular(
    rows: Iterator[Row],
    names: list[str],
    header_row: int,
    file: Path | None,
    most_rows: int | None,
) -> CsvTable:
    width = len(names)
    lines: list[int] = []
    chunks: list[list[pa.Array]] = [[] for _ in names]
    texts: list[list[str]] = [[] for _ in names]
    wrong: list[Row] = []
    broken_off = None
    limited = rows if most_rows is None else islice(rows, most_rows)
    try:
        while batch := list(islice(limited, _AT_A_TIME)):
            if any(len(cells) != width for _, cells in batch):
                wrong += [row for row in batch if len(row[1]) != width]
                batch = [row for row in batch if len(row[1]) == width]
            lines += [line for line, _ in batch]
            for column, cells in zip(texts, zip(*(c for _, c in batch), strict=True), strict=False):
                column += cells
            if len(texts[0]) >= _ROWS_OF_A_CHUNK:
                _move(texts, chunks)
        if most_rows is not None and (further := next(rows, None)) is not None:
            broken_off = DataError(
                f"reading stopped here, after {most_rows:,} rows",
                file=file,
                row=further[0],
                fix="Keep one row for each ECG",
            )
    except DataError as error:
        broken_off = error
    _move(texts, chunks)
    arrays = [pa.chunked_array(column, pa.large_string()) for column in chunks]
    cells = pa.table(dict(zip(map(str, range(width)), arrays, strict=True)))
    # If no row is right and all have one cell more, it is the header that is wrong.
    shifted = not lines and all(len(row) == width + 1 for _, row in wrong)
    faults = [_wrong_width(row, names, file, shifted) for row in wrong[: 1 if shifted else None]]
    return CsvTable(
        header_row,
        _frame(cells, names, lines),
        tuple(wrong),
        tuple(faults),
        broken_off,
        unnamed_first=not names[0],
    )


def _move(texts: list[list[str]], chunks: list[list[pa.Array]]) -> None:
    """From lists, which take much memory, to arrays."""
    for column, arrays in zip(texts, chunks, strict=True):
        arrays.append(pa.array(column, pa.large_string()))
        column.clear()


def _frame(cells: pa.Table, names: list[str], lines: int | list[int]) -> pd.DataFrame:
    """The columns that have names, without blank rows and without blanks around cells.

    Args:
        cells: text, a column for each name.
        names: of the columns, empty for row names.
        lines: of the rows, or of the first where every line is a row.
    """
    trimmed = [pc.utf8_trim_whitespace(column) for column in cells.columns]
    numbers = (
        np.arange(lines, lines + len(cells)) if isinstance(lines, int) else np.array(lines, int)
    )
    filled = np.zeros(len(cells), dtype=bool)
    for column in trimmed:
        filled |= pc.not_equal(column, "").to_numpy()
        if filled.all():
            break
    if not filled.all():
        kept = pa.array(filled)
        trimmed, numbers = [column.filter(kept) for column in trimmed], numbers[filled]
    columns = {
        name: pd.array(column, dtype="str")
        for name, column in zip(names, trimmed, strict=True)
        if name
    }
    return pd.DataFrame(columns, index=pd.Index(numbers))


def _rows(content: bytes, file: Path | None) -> Iterator[Row]:
    """Rows that are not blank, each with the line on which it begins.

    Raises:
        DataError: with the line from which on the text is no CSV.
    """
    line = 1
    with io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig", newline="") as text:
        reader = csv.reader(_short_cells(text) if b'"' in content else text, strict=True)
        try:
            for cells in reader:
                if cells and (cells[0].strip() or any(map(str.strip, cells))):
                    yield line, cells
                line = reader.line_num + 1
        except csv.Error as error:
            raise DataError(
                f"the text is no CSV from here on ({error})",
                file=file,
                row=line,
                fix="Every quotation mark needs a partner; write one that is part of a cell twice",
            ) from error


def _short_cells(text: Iterable[str]) -> Iterator[str]:
    """Lines, of which no cell in quotation marks goes over many.

    Raises:
        csv.Error: one does; a single row could hold the whole file.
    """
    inside, lines = False, 0
    for line in text:
        if line.count('"') % 2:
            inside, lines = not inside, 0
        elif inside:
            lines += 1
            if lines == _MOST_LINES_OF_A_CELL:
                raise csv.Error(f"a cell goes over more than {_MOST_LINES_OF_A_CELL} lines")
        yield line


def _names(
    header: list[str], row: int, file: Path | None, rows: Iterator[Row], row_names: str | None
) -> list[str]:
    """The names of the columns; empty for row names that are left out."""

    def refuse(problem: str, fix: str, column: str | None = None) -> NoReturn:
        raise DataError(problem, file=file, row=row, column=column, fix=fix)

    names = [name.strip().strip("\ufeff").strip() for name in header]
    if names[0].lower().startswith("sep="):
        refuse("the first line is a spreadsheet's note on the delimiter", "Remove that line")
    if len(names) == 1:
        for sign, separator in _OTHER_DELIMITERS.items():
            if sign in header[0]:
                fix = "Separate columns by commas"
                _, first = next(rows, (0, [""]))
                if re.search(r"\d,\d", ",".join(first)):
                    fix += ", and write decimals with a point (0.5, not 0,5)"
                refuse(f"the columns are separated by {separator}", fix)
    for number, name in enumerate(names[1:], start=2):
        if not name:
            refuse(f"column {number} has no name", "Name each column, or remove those without")
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            refuse("the column is there twice", "Keep one of them", name)
    return [names[0] or row_names or "", *names[1:]]


def _wrong_width(row: Row, names: list[str], file: Path | None, shifted: bool) -> DataError:
    """The error of a row with too few or too many cells."""
    (line, cells), width = row, len(names)
    fix = "Give each row one cell for each column"
    column: str | None = names[min(len(cells), width - 1)]
    if len(cells) > width:
        split = [n for n in range(1, width) if _is_split(cells, n, width)]
        if split:
            column, fix = names[split[0]], POINTS
        elif shifted:
            column = None
            fix = "Name each column in the header; is the one of the row names missing?"
        if not any(map(str.strip, cells[width:])):
            fix = "Remove the commas at the end of the row"
    return DataError(
        f"the row has {len(cells)} cell{'s' * (len(cells) != 1)}, and the header {width}",
        file=file,
        row=line,
        column=column or None,
        private=f"found {','.join(cells)[:_SHOWN]!r}",
        fix=fix,
    )


def _is_split(cells: list[str], place: int, width: int) -> bool:
    """Whether a cell and the next look like a number that a decimal comma has divided."""
    left, right = cells[place].strip(), cells[place + 1].strip()
    many = len(cells) == 2 * width - 1
    return bool(_DIGITS.fullmatch(left) and right.isdigit()) and (many or len(cells) == width + 1)


def is_missing(column: pd.Series, words: Collection[str] = MISSING) -> pd.Series:
    """Which cells of a typed column are missing values."""
    return column.isna() | column.str.strip().str.casefold().isin(list(words))


def to_numbers(texts: Sequence[str] | pd.Series) -> NDArray[np.float64]:
    """Texts as numbers; NaN where one is none, shape (n,).

    Decimals with a point, and exponents; no digit groups, no digits of other scripts, and no more
    than `LONGEST_NUMBER` characters. Infinite numbers stay infinite.

    Examples:
        >>> to_numbers(["0.5", "1e-3", "NA", "0,5", "1_000"])
        array([0.5  , 0.001,   nan,   nan,   nan])
    """
    cells = list(texts)
    together = "".join(cells)
    # float() takes 1_000 and digits of all scripts as well.
    plain = together.isascii() and "_" not in together
    if plain and max(map(len, cells), default=0) <= LONGEST_NUMBER:
        try:
            return np.fromiter(map(float, cells), np.float64, len(cells))
        except ValueError:
            pass
    return np.array([_number(cell) for cell in cells], dtype=np.float64)


def _number(cell: str) -> float:
    cell = cell.strip()
    if len(cell) > LONGEST_NUMBER:
        return float("nan")
    if _NUMBER.fullmatch(cell):
        return float(cell)
    if _INFINITE.fullmatch(cell):
        return float(cell)
    return float("nan")


def has_decimal_comma(text: str) -> bool:
    """Whether a text is a number that is written with a comma."""
    return len(text) <= LONGEST_NUMBER and bool(_WITH_COMMA.fullmatch(text.strip()))


def not_a_number(text: str) -> tuple[str, str]:
    """What is wrong with a cell that should hold a number, and what to do.

    Examples:
        >>> not_a_number("0,5")
        ('the number has a decimal comma', 'Write decimals with a point (0.5, not 0,5)')
    """
    text = text.strip()
    if has_decimal_comma(text):
        return "the number has a decimal comma", POINTS
    if text.endswith("%") and _NUMBER.fullmatch(text[:-1].strip()):
        return "the number is in per cent", "Write it without a sign, as a share of 1"
    if _INFINITE.fullmatch(text):
        return "the number is infinite", "Correct the cell, or leave it empty if unknown"
    return "this is not a number", "Correct the cell, or leave it empty if unknown"


def number_column(table: pd.DataFrame, column: str, file: Path | None) -> pd.Series:
    """A column as finite numbers, NaN where a value is missing.

    Args:
        table: as `read_csv` gives it.
        column: its name.
        file: named in errors.

    Raises:
        DataError: a cell is neither a number nor one of `MISSING`.
    """
    texts = table[column]
    values = pd.Series(to_numbers(texts), index=texts.index, name=column)
    wrong = ~np.isfinite(values) & ~is_missing(texts)
    if wrong.any():
        row = int(texts.index[wrong][0])
        problem, fix = not_a_number(texts[row])
        raise DataError(
            problem, file=file, row=row, column=column, private=f"found {texts[row]!r}", fix=fix
        )
    return values
