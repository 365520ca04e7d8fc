"""The errors that acsbench raises on purpose."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path

ROWS_NAMED = 10
"""Of the rows that have the same problem, so many are named."""


class AcsBenchError(Exception):
    """Base of every error of acsbench; the command line prints it and exits with 2."""

    def message(self, show_ids: bool = False) -> str:
        """The error in one paragraph; `show_ids` adds values that name a patient or a record."""
        return str(self)


class ConfigurationError(AcsBenchError):
    """A wrong name, option or combination of options."""


class DataError(AcsBenchError):
    """Something is wrong with a file.

    Args:
        problem: what is wrong, without ids or values of patients.
        fix: what to do about it.
        file: the file that is wrong, or the table that points to it.
        row: its line in the table, counted as a spreadsheet does (the header is row 1).
        column: the column's name.
        private: ids, values or record paths, printed only with `--show-ids`.
    """

    def __init__(
        self,
        problem: str,
        *,
        fix: str,
        file: Path | str | None = None,
        row: int | None = None,
        column: str | None = None,
        private: str | None = None,
    ):
        super().__init__(problem)
        self.problem = problem
        self.fix = fix
        self.file = None if file is None else str(file)
        self.row = row
        self.column = column
        self.private = private

    def message(self, show_ids: bool = False) -> str:
        """Place, problem and what to do, in one paragraph."""
        rows = "" if self.row is None else f"row {self.row}"
        hint = "repeat with --show-ids to see which" if self.private else ""
        return self.told(rows, (self.private or "") if show_ids else hint)

    def told(self, rows: str, remark: str = "") -> str:
        """The message with other words for the row, and a remark in brackets."""
        column = "" if self.column is None else f"column {self.column!r}"
        where = ", ".join(part for part in (self.file, rows, column) if part)
        text = f"{where}: {self.problem}" if where else self.problem
        return f"{text} [{remark}]. {self.fix}" if remark else f"{text}. {self.fix}"

    def __str__(self) -> str:
        return self.message()

    def __reduce__(self) -> tuple[object, ...]:
        # Worker processes send errors home pickled; the default would drop the keywords.
        return _rebuild, (self.problem, self.fix, self.file, self.row, self.column, self.private)


def _rebuild(
    problem: str,
    fix: str,
    file: str | None,
    row: int | None,
    column: str | None,
    private: str | None,
) -> DataError:
    return DataError(problem, fix=fix, file=file, row=row, column=column, private=private)


class DataErrors(AcsBenchError):  # noqa: N818 - several of them
    """Several things are wrong; each has its own `DataError`."""

    SHOWN = 100

    def __init__(self, errors: Sequence[DataError]):
        super().__init__(errors)
        self.errors = tuple(errors)

    def message(self, show_ids: bool = False) -> str:
        """The first of them, and how many there are; those that are alike share a line."""
        if len(self.errors) == 1:
            return self.errors[0].message(show_ids)
        alike: dict[object, list[DataError]] = {}
        for number, error in enumerate(self.errors):
            # With ids each is told by itself: no two concern the same.
            place = number if show_ids else (error.file, error.column)
            alike.setdefault((place, error.problem, error.fix), []).append(error)
        lines = [f"{len(self.errors)} problems:"]
        lines += [f"- {_together(group, show_ids)}" for group in list(alike.values())[: self.SHOWN]]
        if len(alike) > self.SHOWN:
            lines.append(f"- and {sum(map(len, list(alike.values())[self.SHOWN :]))} more")
        if not show_ids and any(error.private for error in self.errors):
            lines.append("Repeat with --show-ids to see which ECGs and values they are.")
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.message()


def one_or_many(errors: Sequence[DataError]) -> AcsBenchError:
    """The only error, or all of them in the order of their rows; those of the file come last."""
    if len(errors) == 1:
        return errors[0]
    return DataErrors(sorted(errors, key=lambda error: (error.row is None, error.row or 0)))


def _together(errors: Sequence[DataError], show_ids: bool) -> str:
    """Errors that differ in nothing but their rows."""
    first = errors[0]
    if show_ids:
        return first.message(show_ids)
    rows = [str(error.row) for error in errors if error.row is not None]
    if len(errors) == 1 or not rows:
        return first.told(f"row {rows[0]}" if rows else "")
    more = f" and {len(rows) - ROWS_NAMED} more" if len(rows) > ROWS_NAMED else ""
    return first.told(f"rows {', '.join(rows[:ROWS_NAMED])}{more}")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A half-sentence that names the closest known name, or all of them.

    >>> did_you_mean("resnet18", ["logistic", "resnet18_1d"])
    "did you mean 'resnet18_1d'?"
    """
    known = sorted(known)
    close = get_close_matches(name, known, n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"known are {', '.join(known) or 'none'}"
