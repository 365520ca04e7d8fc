"""True and false in tables, however they are written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from acsbench.errors import DataError
from acsbench.tables import MISSING, to_numbers

FLAG_WORDS = {
    **dict.fromkeys(("true", "t", "yes", "y"), True),
    **dict.fromkeys(("false", "f", "no", "n"), False),
}
"""Words for true and false, in lower case; the numbers 1 and 0 mean the same."""


def flag_of(cell: str) -> bool | None:
    """What a cell means: True, False, or None if it is not a flag.

    >>> [flag_of(cell) for cell in ("Yes", " 1.0", "f", "0", "2", "maybe", "")]
    [True, True, False, False, None, None, None]
    """
    word = cell.strip().casefold()
    return FLAG_WORDS.get(word, {1.0: True, 0.0: False}.get(float(to_numbers([word])[0])))


def read_flags(
    column: pd.Series, file: Path | str | None = None, rows: pd.Series | None = None
) -> NDArray[np.float64]:
    """A column of flags as 1 and 0, NaN where missing, shape (n,).

    Args:
        column: of booleans, numbers or text.
        file: for errors.
        rows: line of each row in the file; by default, rows follow a header in line 1.

    Raises:
        DataError: a value is not a flag.
    """
    cells, places = np.unique(
        np.where(column.isna(), "", column.astype(object).astype(str)).astype(str),
        return_inverse=True,
    )
    flags = np.array([flag_of(cell) for cell in cells], dtype=float)  # None becomes NaN
    missing = np.array([cell.strip().casefold() in MISSING | {"<na>"} for cell in cells], bool)
    wrong = (np.isnan(flags) & ~missing)[places]
    if wrong.any():
        first = int(wrong.argmax())
        raise DataError(
            "the value is neither yes nor no",
            file=file,
            row=first + 2 if rows is None else int(rows.iloc[first]),
            column=str(column.name),
            private=f"found {column.iloc[first]!r}",
            fix="Write 1 or 0, yes or no, true or false; leave the cell empty if unknown",
        )
    return flags[places]
