"""Ages as hospitals and devices write them: `63`, `>89`, `18 months`, DICOM's `054Y`."""

from __future__ import annotations

import re
import unicodedata

import numpy as np
import pandas as pd

from acsbench.tables import to_numbers

YOUNGEST_OPEN_CLASS = 75.0
"""Lowest open class that is read; "over 50" is too vague to stand for an age."""

AGE_PROBLEM = "the age is not a number from 0 to 120, nor a class such as >89"
AGE_FIX = "Write years, such as 63, or a class such as >89 or 90+"
OPEN_CLASS_NOTE = (
    "age: an open class counts as its lowest age, such as 90 for >89 and for 90+; mean ages are "
    "therefore slightly too low"
)

_YEARS_IN = {"y": 1.0, "m": 1 / 12, "w": 7 / 365.25, "d": 1 / 365.25}
_AGE = re.compile(
    r"""
    (?P<above> > | over | above | older\ than )?
    (?P<from> >= | => | ≥ | ⩾ | at\ least | from )?
    \ ?(?P<number> \d+(\.\d+)? )
    \ ?(?P<plus> \+ )?
    \ ?(?P<unit> y | yo | y/o | yrs? | years? | mos? | mths? | months?
        | w | wks? | weeks? | d | days? )?
    (\ old | \ of\ age )?
    \ ?(?P<or_more> \+ | (and|or|&)\ (over|older|more|above|up) )?
    """,
    re.VERBOSE,
)
_DICOM = re.compile(r"(?P<number>\d{3})(?P<unit>[dwmy])")


def read_ages(text: pd.Series) -> pd.Series:
    """Ages in years from a column of text.

    Numbers are years. Units (`18 months`, `10 days`) and DICOM age strings (`054Y`) are
    converted. Open classes from 75 years (`>89`, `90+`, `≥90`, `90 or older`) count as their
    lowest age in whole years.

    Args:
        text: ages as written, shape (n,).

    Returns:
        Shape (n,), float: NaN where a cell is empty or not an age.

    Examples:
        >>> read_ages(pd.Series(["63", ">89", "90+", "054Y", "6 months", "old"])).tolist()
        [63.0, 90.0, 90.0, 54.0, 0.5, nan]
    """
    cells = text.astype(object).where(text.notna(), "").astype(str)
    numbers = pd.Series(to_numbers(cells), index=text.index, name=text.name)
    for written in text[numbers.isna()].dropna().unique():
        numbers = numbers.mask(text == written, _years(str(written))[0])
    return numbers


def open_classes(text: pd.Series) -> pd.Series:
    """Which cells are open classes that `read_ages` reads, shape (n,), boolean."""
    is_open = {
        written: _years(written)[1]
        for written in text.dropna().astype(str).unique()
        # Most cells are plain numbers: skip them.
        if not written.strip().isdecimal()
    }
    return text.astype(object).map(lambda cell: is_open.get(str(cell), False)).astype(bool)


def _years(written: str) -> tuple[float, bool]:
    """Years, NaN if the text is not an age; and whether it is an open class."""
    text = " ".join(unicodedata.normalize("NFKC", written).casefold().split())
    text = re.sub(r"(?<=[<>=≥⩾+]) (?=\d)", "", text)
    dicom = _DICOM.fullmatch(text)
    if dicom:
        return int(dicom["number"]) * _YEARS_IN[dicom["unit"]], False
    found = _AGE.fullmatch(text)
    if found is None:
        return np.nan, False
    number, unit = float(found["number"]), (found["unit"] or "y")[0]
    is_open = any(found[name] for name in ("above", "from", "plus", "or_more"))
    if not is_open:
        return number * _YEARS_IN[unit], False
    # >89 begins at the next whole year, 90.
    lowest = np.floor(number) + 1 if found["above"] else number
    if unit != "y" or lowest < YOUNGEST_OPEN_CLASS:
        return np.nan, False
    return lowest, True
