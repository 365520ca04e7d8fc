"""The errors that acsbench raises on purpose."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path


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
        place = [] if self.file is None else [self.file]
        if self.row is not None:
            place.append(f"row {self.row}")
        if self.column is not None:
            place.append(f"column {self.column!r}")
        where = ", ".join(place)
        text = f"{where}: {self.problem}" if where else self.problem
        if self.private and show_ids:
            text += f" [{self.private}]"
        elif self.private:
            text += " [repeat with --show-ids to see which]"
        return f"{text}. {self.fix}"

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
        """The first of them, a line each, and how many there are."""
        lines = [error.message(show_ids) for error in self.errors[: self.SHOWN]]
        if len(self.errors) > 1:
            lines = [f"{len(self.errors)} problems:", *(f"- {line}" for line in lines)]
        if len(self.errors) > self.SHOWN:
            lines.append(f"- and {len(self.errors) - self.SHOWN} more")
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.message()


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
