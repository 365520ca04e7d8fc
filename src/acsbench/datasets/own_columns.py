"""Columns of one's own: numbers, yes and no, dates, or text, as the cells say."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd

from acsbench.datasets.source_table import RowCheck, to_numbers
from acsbench.tables import MISSING, POINTS, has_decimal_comma, is_missing

BOOLEAN = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
_DATE = r"\d{4}-\d{2}-\d{2}|\d{1,2}([./-])\d{1,2}\1\d{4}"
_FIX = (
    "Correct the cell, or leave it empty if unknown; or name the word under missing_values, or the "
    "column under text_columns, in dataset.yaml"
)


@dataclass(frozen=True, eq=False)
class OwnColumn:
    """A column that means something to the owner of the files alone.

    Args:
        typed: nullable booleans, numbers or text; missing where a cell is.
        checks: rules that its rows must keep.
        note: what a user should know, if anything.
    """

    typed: pd.Series
    checks: tuple[RowCheck, ...] = ()
    note: str | None = None


def own_column(
    text: pd.Series, missing: Collection[str] = MISSING, *, as_text: bool = False
) -> OwnColumn:
    """Give a column its type.

    A column is typed if at least half of its different values are numbers, yes and no, or dates
    (which stay text). Any other word in it is refused: as text it would make every query of the
    column wrong.

    Args:
        text: its cells.
        missing: words, in lower case, that mean a missing value in a typed column.
        as_text: whether it is text, whatever the cells say.
    """
    as_written = OwnColumn(text.where(text != "", None))
    if as_text:
        return as_written
    name = str(text.name)
    lower = text.str.casefold().str.removesuffix(".0")
    filled = ~is_missing(text, missing)
    values = to_numbers(text)
    is_number = pd.Series(np.isfinite(values), index=text.index)
    comma = filled & ~is_number & text.map(has_decimal_comma)
    other_numbers = filled & ~is_number & ~comma
    other_flags = filled & ~lower.isin(list(BOOLEAN))
    strange_numbers, strange_flags = (
        lower[other].nunique() for other in (other_numbers, other_flags)
    )
    different = lower[filled].nunique()
    if not other_flags.any() or (
        strange_flags <= strange_numbers and 2 * strange_flags <= different
    ):
        flags = lower.mask(other_flags | ~filled).map(BOOLEAN).astype("boolean")
        problem = "the column holds 0 and 1, or yes and no, and this cell something else"
        return OwnColumn(flags, (RowCheck(name, other_flags, problem, _FIX),))
    if 2 * strange_numbers <= different:
        problem = "the column holds numbers, and this cell something else"
        checks = (
            RowCheck(name, comma, "the number has a decimal comma", POINTS),
            RowCheck(name, other_numbers, problem, _FIX),
        )
        return OwnColumn(values.where(is_number & filled), checks)
    other_dates = filled & ~text.str.match(_DATE)
    if 2 * lower[other_dates].nunique() <= different:
        problem = "the column holds dates, and this cell something else"
        dates = text.where(filled & ~other_dates, None)
        return OwnColumn(dates, (RowCheck(name, other_dates, problem, _FIX),))
    if (filled & is_number).any():
        note = f"column {name} is kept as text: most of its values are no numbers, but some are"
        return OwnColumn(as_written.typed, note=note)
    return as_written
