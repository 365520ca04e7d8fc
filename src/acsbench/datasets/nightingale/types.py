"""From columns of text to numbers, dates and flags; invalid cells are marked."""

from __future__ import annotations

from collections.abc import Callable, Collection

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from acsbench.datasets.ages import read_ages
from acsbench.datasets.flags import flag_of
from acsbench.datasets.nightingale.columns import Kind
from acsbench.datasets.schema import OLDEST, sex_of
from acsbench.tables import to_numbers

PATTERNS = {Kind.PATIENT_ID: "^pat[0-9a-fA-F]{8}$", Kind.ECG_ID: "^ecg[0-9a-fA-F]{10}$"}
DATE_FORMATS = ("ISO8601", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%m/%d/%Y")
LOOKS_LIKE_A_DATE = r"^\d{4}-\d{2}-\d{2}|^\d{1,2}/\d{1,2}/\d{4}"
ROUNDING = 1e-3
"""How far a share may be outside the range from 0 to 1."""

Column = tuple[pd.Series, NDArray[np.bool_]]
"""Values, missing where a cell is empty or invalid; and which cells are invalid."""


def convert(kind: Kind, cells: pa.Array) -> Column:
    """Give a column its type.

    Args:
        kind: what it should hold.
        cells: text, null where a cell is empty; shape (rows,).

    Returns:
        Values of type str, boolean, Int64 (`Kind.INDEX`), float or datetime; and which cells are
        invalid, shape (rows,). Empty cells are valid.
    """
    match kind:
        case Kind.TEXT:
            return _as_text(cells), np.zeros(len(cells), dtype=bool)
        case Kind.PATIENT_ID | Kind.ECG_ID:
            return _ids(cells, PATTERNS[kind])
        case Kind.ENCOUNTER_ID:
            # pandas writes integers as 123.0 if the column has empty cells.
            plain = pc.replace_substring_regex(_trimmed(cells), r"^(\d+)\.0$", r"\1")
            return _as_text(plain), np.zeros(len(cells), dtype=bool)
        case Kind.FLAG:
            return _recoded(cells, flag_of, pa.bool_(), "boolean")
        case Kind.SEX:
            return _recoded(cells, sex_of, pa.large_string(), "str")
        case Kind.DATE:
            return _dates(cells)
        case Kind.INDEX:
            values, broken = _numbers(cells, 0, 2**53)
            fraction = (values % 1 > 0).to_numpy()
            return values.mask(fraction).astype("Int64"), broken | fraction
        case Kind.AGE:
            return _ages(cells)
        case Kind.SHARE:
            return _numbers(cells, -ROUNDING, 1 + ROUNDING)
        case Kind.NUMBER:
            return _numbers(cells, -np.inf, np.inf)


def is_among(ids: pd.Series, known: pd.Series | Collection[str]) -> NDArray[np.bool_]:
    """Which ids are among others, shape (len(ids),); a missing id is not.

    As `Series.isin`, which takes a second for 100,000 strings.
    """
    value_set = pa.array(known if isinstance(known, pd.Series) else list(known), pa.large_string())
    found = pc.is_in(pa.array(ids, pa.large_string()), value_set=value_set, skip_nulls=True)
    return found.to_numpy(zero_copy_only=False)


def _trimmed(cells: pa.Array) -> pa.Array:
    return pc.utf8_trim_whitespace(cells)


def _as_text(cells: pa.Array) -> pd.Series:
    return pd.Series(pd.array(cells, dtype="str"))


def _is_filled(cells: pa.Array) -> NDArray[np.bool_]:
    return cells.is_valid().to_numpy(zero_copy_only=False)


def _ids(cells: pa.Array, pattern: str) -> Column:
    ids = _trimmed(cells)
    right = pc.fill_null(pc.match_substring_regex(ids, pattern), False)
    broken = ~right.to_numpy(zero_copy_only=False) & _is_filled(cells)
    return _as_text(pc.if_else(right, ids, None)), broken


def _recoded(
    cells: pa.Array, meaning: Callable[[str], object], kind: pa.DataType, dtype: str
) -> Column:
    """What cells mean; each distinct cell is looked up once."""
    encoded = cells.dictionary_encode()
    known = pa.array([meaning(text) for text in encoded.dictionary.to_pylist()], kind)
    values = known.take(encoded.indices)
    return pd.Series(pd.array(values, dtype=dtype)), _is_filled(cells) & ~_is_filled(values)


def _numbers(cells: pa.Array, low: float, high: float) -> Column:
    try:
        values = pc.cast(cells, pa.float64()).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:
        values = to_numbers(cells.fill_null("").to_pylist())
    with np.errstate(invalid="ignore"):
        inside = np.isfinite(values) & (values >= low) & (values <= high)
    return pd.Series(np.where(inside, values, np.nan)), _is_filled(cells) & ~inside


def _ages(cells: pa.Array) -> Column:
    values, broken = _numbers(cells, 0, OLDEST)
    if not broken.any():
        return values, broken
    written = read_ages(_as_text(_trimmed(cells))[broken]).reindex(values.index)
    values = values.fillna(written.where(written.between(0, OLDEST)))
    return values, broken & values.isna().to_numpy()


def _dates(cells: pa.Array) -> Column:
    try:
        values = pd.Series(pc.cast(cells, pa.timestamp("us")).to_pandas())
    except pa.ArrowInvalid:
        text = _as_text(_trimmed(cells))
        left = text.where(text.str.contains(LOOKS_LIKE_A_DATE, na=False))
        values = pd.Series(pd.NaT, index=text.index, dtype="datetime64[us]")
        for form in DATE_FORMATS:
            values = values.fillna(pd.to_datetime(left, format=form, errors="coerce"))
            left = left.where(values.isna())
    return values, _is_filled(cells) & values.isna().to_numpy()
