"""Columns of yes and no, however they are written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from acsbench.errors import DataError
from acsbench.tables import MISSING

WORDS = {
    **dict.fromkeys(("1", "1.0", "true", "t", "yes", "y"), 1.0),
    **dict.fromkeys(("0", "0.0", "false", "f", "no", "n"), 0.0),
    **dict.fromkeys((*MISSING, "<na>"), np.nan),
}
"""Cells of a flag in lower case, and what they mean."""


def read_flags(
    column: pd.Series, file: Path | str | None = None, rows: pd.Series | None = None
) -> NDArray[np.float64]:
    """A column of yes and no as 1 and 0, NaN where missing, shape (n,).

    Booleans, numbers and text mean the same: True, 1, 1.0, "TRUE", "yes" and " 1 " are 1.

    Args:
        column: of any type.
        file: that errors name.
        rows: line of each row in the file, by the column's index; by default the header is line 1
            and rows follow it one by one.

    Raises:
        DataError: a value is neither yes nor no.
    """
    cells, places = np.unique(
        np.where(column.isna(), "", column.astype(object).astype(str)).astype(str),
        return_inverse=True,
    )
    known = [_meaning(cell.strip().casefold()) for cell in cells.tolist()]
    wrong = np.array([value is None for value in known], dtype=bool)[places]
    if wrong.any():
        first = int(np.flatnonzero(wrong)[0])
        raise DataError(
            "the value is neither yes nor no",
            file=file,
            row=first + 2 if rows is None else int(rows.iloc[first]),
            column=str(column.name),
            private=f"found {column.iloc[first]!r}",
            fix="Write 1 or 0, yes or no, true or false, and leave an unknown value empty",
        )
    values = np.array([np.nan if value is None else value for value in known], dtype=np.float64)
    return values[places]


def _meaning(cell: str) -> float | None:
    """What a cell in lower case means; None if it is neither yes nor no, nor missing."""
    if cell in WORDS:
        return WORDS[cell]
    try:
        number = float(cell)
    except ValueError:
        return None
    return number if number in (0, 1) else None
