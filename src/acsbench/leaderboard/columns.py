"""An upload's text as columns: header, delimiter, quotation marks, and the number of each line."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from operator import itemgetter
from typing import NamedTuple

from acsbench.errors import did_you_mean
from acsbench.leaderboard.task_names import task_key
from acsbench.leaderboard.wording import listed, quoted

ID, PROBABILITY = "ecg_id", "probability"

_OTHER_DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "bars"}
# Fewer than make the garbage collector look at them, which would take most of the time.
_AT_A_TIME = 256
_DECIMAL_COMMA = re.compile(r"\d,\d")
_MOST_LINES_OF_A_VALUE = 10


@dataclass
class Columns:
    """What was read of an upload.

    Args:
        problems: what is wrong with header and lines, in sentences.
        lines: number of the first line of each row; the file begins with line 1.
        ids: `ecg_id` of each row; None without such a column.
        cells: texts of each column with predictions, by name.
        unread: ids on lines that have too few or too many values.
        complete: whether the file was read to its end.
    """

    problems: list[str] = field(default_factory=list)
    lines: Sequence[int] = ()
    ids: list[str] | None = None
    cells: dict[str, list[str]] = field(default_factory=dict)
    unread: set[str] = field(default_factory=set)
    complete: bool = True


class Record(NamedTuple):
    """The values between two ends of line, and the number of the line."""

    line: int
    values: list[str]


def headers(tasks: Sequence[str]) -> list[str]:
    """The headers that an upload may have; its columns may stand in any order.

    Examples:
        >>> headers(["acs", "mace"])
        ['ecg_id,probability', 'ecg_id,acs', 'ecg_id,mace', 'ecg_id,acs,mace']
    """
    several = [f"{ID},{','.join(tasks)}"] if len(tasks) > 1 else []
    return [f"{ID},{name}" for name in (PROBABILITY, *tasks)] + several


def read_columns(content: bytes, tasks: Sequence[str], most_rows: int) -> Columns:
    """Read an upload as far as it can be read.

    Args:
        content: text in UTF-8, with or without a byte order mark.
        tasks: columns that predictions may have, besides `probability`.
        most_rows: rows after which reading stops.
    """
    columns = Columns()
    with _text(content) as text:
        records = _records(text)
        try:
            header = next(records, None)
            if header is None:
                columns.problems.append("the file is empty")
                return columns
            columns.problems += _header_problems(header, records, tasks)
        except csv.Error as error:
            columns.problems.append(str(error))
            return columns
    names = header.values
    places = {name: names.index(name) for name in (ID, PROBABILITY, *tasks) if name in names}
    if places and not _read_regular(content, names, places, most_rows, columns):
        with _text(content) as text:
            _read_any(_records(text), len(names), places, most_rows, columns)
    return columns


def _text(content: bytes) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig", newline="")


def _records(text: Iterable[str]) -> Iterator[Record]:
    """Records that are not blank.

    Raises:
        csv.Error: with the line from which on the text is no CSV.
    """
    line = 1
    reader = csv.reader(_short_values(text), strict=True)
    try:
        for values in reader:
            if len(values) > 1 or (values and values[0].strip()):
                yield Record(line, values)
            line = reader.line_num + 1
    except csv.Error as error:
        raise csv.Error(
            f"line {line}: this is no CSV from here on ({error}); every quotation mark needs a "
            "partner"
        ) from error


def _short_values(text: Iterable[str]) -> Iterator[str]:
    """Lines, of which no value in quotation marks goes over many.

    Raises:
        csv.Error: one does; a single row could hold the whole file.
    """
    inside, lines = False, 0
    for line in text:
        inside ^= line.count('"') % 2 == 1
        lines = lines + 1 if inside else 0
        if lines > _MOST_LINES_OF_A_VALUE:
            raise csv.Error(f"a value goes over more than {_MOST_LINES_OF_A_VALUE} lines")
        yield line


def _header_problems(header: Record, records: Iterator[Record], tasks: Sequence[str]) -> list[str]:
    """What is wrong with the names of the columns."""
    line, names = header
    if len(names) == 1:
        for sign, separator in _OTHER_DELIMITERS.items():
            if sign in names[0]:
                return [_wrong_delimiter(line, separator, next(records, None))]
    expected = f"the header must be one of {'; '.join(headers(tasks))}"
    if ID not in names and any(_is_number(name) for name in names):
        return [f"line {line}: there is no header; {expected}"]
    known = (ID, PROBABILITY, *tasks)
    problems = [
        f"line {line}: there are {names.count(name)} columns {name}; keep one"
        for name in known
        if names.count(name) > 1
    ]
    unknown = [name for name in dict.fromkeys(names) if name not in known]
    problems += listed(
        unknown,
        lambda name: f"line {line}: the column {quoted(name)} is not wanted; {_meant(name, known)}",
        "further columns are not wanted",
    )
    if ID not in names:
        problems.append(f"line {line}: there is no column {ID}; {expected}")
    given = [name for name in (PROBABILITY, *tasks) if name in names]
    if not given:
        problems.append(f"line {line}: there is no column with predictions; {expected}")
    if PROBABILITY in given and len(given) > 1:
        others = " and ".join(given[1:])
        problems.append(f"line {line}: give either {PROBABILITY} or {others}, not both")
    return problems


def _meant(name: str, known: Sequence[str]) -> str:
    """Which column a name may stand for, in half a sentence."""
    same = [each for each in known if task_key(each) == task_key(name.strip())]
    return did_you_mean(same[0] if same else name.strip(), known)


def _wrong_delimiter(line: int, separator: str, first_row: Record | None) -> str:
    sentence = f"line {line}: columns are separated by {separator}; separate them by commas"
    if first_row is not None and _DECIMAL_COMMA.search(",".join(first_row.values)):
        sentence += ", and write decimals with a point (0.5, not 0,5)"
    return sentence


def _read_regular(
    content: bytes,
    names: list[str],
    places: Mapping[str, int],
    most_rows: int,
    columns: Columns,
) -> bool:
    """Fill the columns of a file of which every line is a row, many rows at a time.

    Returns:
        False if it is not such a file; nothing was filled then.
    """
    texts: dict[str, list[str]] = {name: [] for name in places}
    with _text(content) as text:
        lines = _short_values(text) if b'"' in content else text
        reader = csv.reader(lines, strict=True)
        rows = 0
        try:
            if next(reader) != names:
                return False
            while records := list(islice(reader, _AT_A_TIME)):
                rows += len(records)
                if reader.line_num != rows + 1 or set(map(len, records)) != {len(names)}:
                    return False
                for name, place in places.items():
                    texts[name].extend(map(itemgetter(place), records))
                if rows > most_rows:
                    return False
        except csv.Error:
            return False
    columns.lines = range(2, rows + 2)
    columns.ids = texts.pop(ID, None)
    columns.cells = texts
    return True


def _read_any(
    records: Iterator[Record],
    width: int,
    places: Mapping[str, int],
    most_rows: int,
    columns: Columns,
) -> None:
    """Fill the columns row by row, telling what is wrong with lines."""
    texts: dict[str, list[str]] = {name: [] for name in places}
    lines: list[int] = []
    wrong: list[tuple[int, int, bool]] = []
    try:
        next(records)
        for line, values in records:
            if len(lines) + len(wrong) == most_rows:
                columns.complete = False
                columns.problems.append(
                    f"line {line}: reading stopped here, after {most_rows:,} rows"
                )
                break
            if len(values) == width:
                lines.append(line)
                for name, place in places.items():
                    texts[name].append(values[place])
            else:
                wrong.append((line, len(values), _has_decimal_comma(values, width)))
                columns.unread.update(values[places.get(ID, 0) :][:1])
    except csv.Error as error:
        columns.complete = False
        columns.problems.append(str(error))
    columns.lines = lines
    columns.ids = texts.pop(ID, None)
    columns.cells = texts
    columns.problems += listed(
        wrong,
        lambda found: (
            f"line {found[0]} has {found[1]} values, and the header {width}"
            + ("; write decimals with a point (0.5, not 0,5)" if found[2] else "")
        ),
        "further lines have too few or too many values",
    )


def _has_decimal_comma(values: list[str], width: int) -> bool:
    return len(values) == 2 * width - 1 and all(value.strip().isdigit() for value in values[1:])


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
