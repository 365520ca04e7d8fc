"""Names of tasks: what a column of labels may be called to be ranked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from acsbench.errors import DataError

LONGEST = 16
"""Characters, as many as the database keeps."""

_NAME = re.compile(r"[A-Za-z]([A-Za-z0-9 ._-]*[A-Za-z0-9])?")
_RESERVED = ("ecg_id", "patient_id", "probability", "sex", "race", "age", "split")
_RULE = (
    f"a task's name has 1 to {LONGEST} characters (A to Z in either case, 0 to 9, blank, dot, "
    "hyphen, underscore), begins with a letter and ends with a letter or a digit"
)


def task_key(task: str) -> str:
    """A form in which names that are easily confused are equal, for engines that want plain words.

    >>> task_key("MACE 30d"), task_key("mace-30D")
    ('mace_30d', 'mace_30d')
    """
    return re.sub("[ ._-]+", "_", task).lower()


def problem_of(tasks: Sequence[str]) -> tuple[str, str, str] | None:
    """The first name that cannot be used, what is wrong with it and what to do; None if all can.

    >>> problem_of(["ACS", "MACE 30d"])
    >>> problem_of(["acs", "ACS"])
    ('ACS', "it is hard to tell from 'acs'", 'Rename one of the two')
    """
    seen: dict[str, str] = {}
    for task in tasks:
        key = task_key(task)
        if len(task) > LONGEST or not _NAME.fullmatch(task):
            return task, "the name cannot be used for a task", f"Rename it: {_RULE}"
        if key in _RESERVED or key.startswith("has_"):
            fix = f"Rename it, or write {key} if it is no task"
            return task, f"a task cannot be called {key}, in any spelling", fix
        if key in seen:
            return task, f"it is hard to tell from {seen[key]!r}", "Rename one of the two"
        seen[key] = task
    return None


def check_task_names(tasks: Sequence[str], file: Path | str | None = None) -> None:
    """Make sure that names of tasks can be used in addresses, file names and columns.

    Raises:
        DataError: one cannot be used, or two differ only in case, blanks, dots, hyphens and
            underscores.
    """
    problem = problem_of(tasks)
    if problem is not None:
        column, what, fix = problem
        raise DataError(what, file=file, column=column, fix=fix)
