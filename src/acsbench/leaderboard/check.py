"""Checking a submission without its labels: every problem at once, in sentences."""

from __future__ import annotations

import shlex
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from acsbench.errors import DataError
from acsbench.leaderboard.cells import id_problems, places_of, value_problems
from acsbench.leaderboard.columns import PROBABILITY, read_columns
from acsbench.tables import to_numbers

TASKS = ("acs", "mace")
MAX_BYTES = 100_000_000
"""Size of a submission, unless a board sets another; three numbers a line take a third of it for a
million ECGs."""

Predictions = dict[str, NDArray[np.float64]]
"""Probabilities by task, each in the order of the holdout's ids, shape (n,)."""

_SPARE_ROWS = 1000


@dataclass(frozen=True)
class Check:
    """What was found in a submission.

    Args:
        problems: what is wrong, in sentences with line numbers as an editor counts them; none if
            the submission can be scored.
        tasks: what it predicts.
        n_rows: rows with a prediction.
    """

    problems: list[str]
    tasks: tuple[str, ...] = ()
    n_rows: int = 0

    @property
    def ok(self) -> bool:
        """Whether it can be scored."""
        return not self.problems


@dataclass(frozen=True)
class _Checked:
    check: Check
    predictions: Predictions = field(default_factory=dict)


def check_options(tasks: Sequence[str]) -> str:
    """Options of `acsbench leaderboard check` for a board's tasks, none for the usual ones.

    >>> check_options(["acs"]), check_options(["ACS", "MACE 30d"])
    ('', " --task ACS --task 'MACE 30d'")
    """
    if set(tasks) <= set(TASKS):
        return ""
    return "".join(f" --task {shlex.quote(task)}" for task in tasks)


def check_submission(
    path: Path | str,
    holdout_ids: Iterable[object] | None,
    *,
    tasks: Sequence[str] = TASKS,
    max_bytes: int = MAX_BYTES,
) -> Check:
    """Check a file of predictions; whatever the path and the file are, nothing is raised.

    A submission is CSV in UTF-8 with a header: `ecg_id` and either `probability`, which counts for
    each of the tasks, or one column per task, some or all. Every ECG of the holdout has one row,
    whose predictions are numbers in [0, 1]. Blank lines are skipped.

    Labels play no part: what the check says, and how long it takes, depends on the file and on
    the ids alone.

    Args:
        path: the file.
        holdout_ids: of the ECGs to be predicted, as text or as whole numbers.
        tasks: what can be predicted.
        max_bytes: size above which the file is not read.

    Examples:
        >>> check_submission("none.csv", ["ecg1"]).problems
        ['the file cannot be read (No such file or directory)']
    """
    content = _content(path, max_bytes)
    if isinstance(content, str):
        return Check([content])
    return check_upload(content, holdout_ids, tasks=tasks, max_bytes=max_bytes)


def check_upload(
    content: bytes,
    holdout_ids: Iterable[object] | None,
    *,
    tasks: Sequence[str] = TASKS,
    max_bytes: int = MAX_BYTES,
) -> Check:
    r"""As `check_submission`, for a file that is in memory already.

    Examples:
        >>> check_upload(b"ecg_id,acs\necg1,0.2\necg2,5%\n", ["ecg1", "ecg2"]).problems
        ["line 3, column acs: '5%' is in per cent; write a number from 0 to 1"]
    """
    return _checked(content, holdout_ids, tasks, max_bytes).check


def read_checked(
    path: Path | str,
    holdout_ids: Iterable[object] | None,
    *,
    tasks: Sequence[str] = TASKS,
    max_bytes: int = MAX_BYTES,
) -> Predictions:
    """Predictions of a file that stands the check; see `check_submission` for the arguments.

    Raises:
        DataError: it does not, for all the reasons that the error gives.
    """
    content = _content(path, max_bytes)
    if isinstance(content, str):
        raise _refusal([content], path)
    checked = _checked(content, holdout_ids, tasks, max_bytes)
    if not checked.check.ok:
        raise _refusal(checked.check.problems, path)
    return checked.predictions


def read_upload(
    content: bytes,
    holdout_ids: Iterable[object] | None,
    *,
    tasks: Sequence[str] = TASKS,
    max_bytes: int = MAX_BYTES,
) -> Predictions:
    """As `read_checked`, for a file that is in memory already."""
    checked = _checked(content, holdout_ids, tasks, max_bytes)
    if not checked.check.ok:
        raise _refusal(checked.check.problems)
    return checked.predictions


def _content(path: Path | str, max_bytes: int) -> bytes | str:
    """The bytes of a file, or why there are none."""
    try:
        # A pipe or a device would be read for ever.
        mode = Path(path).stat().st_mode
        if stat.S_ISDIR(mode):
            return "this is a folder; give the CSV file in it"
        if not stat.S_ISREG(mode):
            return "this is no file"
        with Path(path).open("rb") as file:
            return file.read(max_bytes + 1)
    except OSError as error:
        return f"the file cannot be read ({error.strerror or 'for a reason that is not known'})"
    except (ValueError, TypeError):
        return "the file cannot be read (its path is none)"
    except MemoryError:
        return "the file is too large for the memory of this computer"


def _checked(
    content: bytes, holdout_ids: Iterable[object] | None, tasks: Sequence[str], max_bytes: int
) -> _Checked:
    if len(content) > max_bytes:
        return _refused(f"the file is larger than {max_bytes:,} bytes")
    position = {
        str(ecg_id): place
        for place, ecg_id in enumerate(() if holdout_ids is None else holdout_ids)
    }
    if not position:
        return _refused("no ids of the holdout were given to check it against")
    try:
        return _checked_text(content, position, tasks)
    except MemoryError:
        return _refused("the file is too large for the memory of this computer")


def _checked_text(content: bytes, position: dict[str, int], tasks: Sequence[str]) -> _Checked:
    columns = read_columns(content, tasks, 2 * len(position) + _SPARE_ROWS)
    problems, lines = columns.problems, columns.lines
    if columns.ids == [] and not problems:
        problems.append("the table has a header and no rows; predict every ECG of the holdout")
    places = places_of(columns.ids or [], position)
    if columns.ids:
        problems += id_problems(
            columns.ids, lines, position, places, columns.unread, columns.complete
        )
    values = {name: to_numbers(cells) for name, cells in columns.cells.items()}
    for name, cells in columns.cells.items():
        problems += value_problems(name, cells, values[name], lines)
    given = tuple(tasks) if PROBABILITY in values else tuple(t for t in tasks if t in values)
    check = Check(problems, given, len(lines))
    if problems:
        return _Checked(check)
    # Every ECG has one row, so that the rows' places only need to be turned round.
    order = np.argsort(places)
    of_task = {task: values[task if task in values else PROBABILITY] for task in given}
    return _Checked(check, {task: column[order] for task, column in of_task.items()})


def _refused(problem: str) -> _Checked:
    return _Checked(Check([problem]))


def _refusal(problems: Sequence[str], path: Path | str | None = None) -> DataError:
    found = problems[0]
    if len(problems) > 1:
        found = "\n".join([f"{len(problems)} problems:", *(f"- {each}" for each in problems), ""])
    return DataError(found, file=path, fix="Correct the file and check it again")
