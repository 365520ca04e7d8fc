"""Further columns of a user's table: their types follow from their cells."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd

from acsbench.datasets.flags import flag_of
from acsbench.datasets.source_table import RowCheck
from acsbench.tables import MISSING, POINTS, has_decimal_comma, is_missing, to_numbers

_LETTERS = ({"t", "f"}, {"y", "n"})
_DATE = r"\d{4}-\d{2}-\d{2}|\d{1,2}([./-])\d{1,2}\1\d{4}"
_FIX = (
    "Correct the cell, or leave it empty if unknown. Or add the word to missing_values, or the "
    "column to text_columns, in dataset.yaml"
)


@dataclass(frozen=True, eq=False)
class OwnColumn:
    """A column that is not part of the common schema.

    Args:
        typed: nullable booleans, numbers or text; missing where a cell is.
        checks: rules for its rows.
        note: what a user should know, if anything.
    """

    typed: pd.Series
    checks: tuple[RowCheck, ...] = ()
    note: str | None = None


def own_column(
    text: pd.Series, missing: Collection[str] = MISSING, *, as_text: bool = False
) -> OwnColumn:
    """Give a column its type.

    A column has a type if at least half of its distinct values are numbers, flags or dates
    (which remain text). Any other word in it is invalid: as text, it would make every query of
    the column wrong.

    Args:
        text: its cells.
        missing: words, in lower case, that mean a missing value in a typed column.
        as_text: keep the column as text.
    """
    as_written = OwnColumn(text.where(text != "", None))
    if as_text:
        return as_written
    name = str(text.name)
    lower = text.str.casefold().str.removesuffix(".0")
    filled = ~is_missing(text, missing)
    values = pd.Series(to_numbers(text), index=text.index)
    is_number = pd.Series(np.isfinite(values), index=text.index)
    comma = filled & ~is_number & text.map(has_decimal_comma)
    other_numbers = filled & ~is_number & ~comma
    meaning = _flag_words(set(lower[filled]))
    other_flags = filled & ~lower.isin(list(meaning))
    strange_numbers, strange_flags = (
        lower[other].nunique() for other in (other_numbers, other_flags)
    )
    distinct = lower[filled].nunique()
    if not other_flags.any() or (
        strange_flags <= strange_numbers and 2 * strange_flags <= distinct
    ):
        flags = lower.mask(other_flags | ~filled).map(meaning).astype("boolean")
        problem = "the column holds yes and no, or 1 and 0, but this cell does not"
        return OwnColumn(flags, (RowCheck(name, other_flags, problem, _FIX),))
    if 2 * strange_numbers <= distinct:
        problem = "the column holds numbers, but this cell does not"
        checks = (
            RowCheck(name, comma, "the number has a decimal comma", POINTS),
            RowCheck(name, other_numbers, problem, _FIX),
        )
        return OwnColumn(values.where(is_number & filled), checks)
    other_dates = filled & ~text.str.match(_DATE)
    if 2 * lower[other_dates].nunique() <= distinct:
        problem = "the column holds dates, but this cell does not"
        dates = text.where(filled & ~other_dates, None)
        return OwnColumn(dates, (RowCheck(name, other_dates, problem, _FIX),))
    if (filled & is_number).any():
        note = f"column {name} is kept as text: some of its values are numbers, but most are not"
        return OwnColumn(as_written.typed, note=note)
    return as_written


def _flag_words(words: set[str]) -> dict[str, bool]:
    """The words that are flags.

    A single letter may be another code, such as F for female. It is a flag only in a column of
    flags that holds both letters of a pair.
    """
    flags = {word: flag for word in words if (flag := flag_of(word)) is not None}
    if len(flags) == len(words) and any(pair <= words for pair in _LETTERS):
        return flags
    return {word: flag for word, flag in flags.items() if word not in set().union(*_LETTERS)}
