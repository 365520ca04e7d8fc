"""The columns of an upload, and what is wrong with its header and its lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from acsbench.errors import DataError, did_you_mean
from acsbench.leaderboard.task_names import task_key
from acsbench.leaderboard.wording import listed, quoted, sentence
from acsbench.tables import parse_csv

ID, PROBABILITY = "ecg_id", "probability"

LONGEST_LINE = 10_000
"""Bytes; an id and two numbers take a hundredth of it."""


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
        content: the whole file.
        tasks: columns that predictions may have, besides `probability`.
        most_rows: rows after which reading stops.
    """
    try:
        table = parse_csv(content, longest_line=LONGEST_LINE, most_rows=most_rows)
    except DataError as error:
        return Columns([sentence(error)])
    names = list(map(str, table.cells.columns))
    known = [name for name in (ID, PROBABILITY, *tasks) if name in names]
    problems = _header_problems(table.header_row, names, tasks)
    if not known:
        return Columns(problems)
    problems += listed(table.faults, sentence, "further lines have too few or too many cells")
    if table.broken_off is not None:
        problems.append(sentence(table.broken_off))
    cells = {name: table.cells[name].tolist() for name in known}
    place = names.index(ID) if ID in names else 0
    return Columns(
        problems,
        lines=table.cells.index.tolist(),
        ids=cells.pop(ID, None),
        cells=cells,
        unread={row[place].strip() for _, row in table.wrong if place < len(row)},
        complete=table.broken_off is None,
    )


def _header_problems(line: int, names: Sequence[str], tasks: Sequence[str]) -> list[str]:
    """What is wrong with the names of the columns."""
    expected = f"the header must be one of {'; '.join(headers(tasks))}"
    if ID not in names and any(map(_is_number, names)):
        return [f"line {line}: there is no header; {expected}"]
    known = (ID, PROBABILITY, *tasks)
    unknown = [name for name in names if name not in known]
    problems = listed(
        unknown,
        lambda name: f"line {line}: the column {quoted(name)} is not wanted; {_meant(name, known)}",
        "further columns are not wanted",
    )
    if ID not in names:
        problems.append(f"line {line}: no column {ID!r}; {expected}")
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


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
