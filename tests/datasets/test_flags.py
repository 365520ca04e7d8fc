from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acsbench.datasets.flags import read_flags
from acsbench.errors import DataError

YES = [True, np.True_, 1, 1.0, "1", "1.0", "1.00", "True", "TRUE", "true", " yes ", "Yes", "y", "T"]
NO = [False, np.False_, 0, 0.0, "0", "0.0", "-0", "False", "FALSE", "no", "NO", "n", "f"]
MISSING = [None, np.nan, pd.NA, "", "  ", "NA", "NaN", "null", "N/A", "."]


@settings(deadline=None)
@given(st.lists(st.sampled_from([(v, 1.0) for v in YES] + [(v, 0.0) for v in NO]), min_size=1))
def test_however_it_is_written_yes_is_one_and_no_is_zero(cells: list[tuple[object, float]]) -> None:
    column = pd.Series([cell for cell, _ in cells], dtype=object)
    assert read_flags(column).tolist() == [value for _, value in cells]


@pytest.mark.parametrize("dtype", ["bool", "boolean", "int8", "Int8", "float32", "Float64", "str"])
def test_the_type_of_the_column_does_not_matter(dtype: str) -> None:
    column = pd.Series([1, 0, 0, 1]).astype(dtype)
    assert read_flags(column).tolist() == [1, 0, 0, 1]


def test_missing_values_are_neither() -> None:
    assert np.isnan(read_flags(pd.Series(MISSING, dtype=object))).all()
    found = read_flags(pd.Series([True, None, False], dtype="boolean"))
    np.testing.assert_array_equal(found, [1, np.nan, 0])
    assert read_flags(pd.Series([], dtype=object)).shape == (0,)


@pytest.mark.parametrize("cell", ["2", 2, 0.5, -1, "seen", "ja", "none", "inf", "1,0", "√", "0x1"])
def test_anything_else_is_refused_by_row_and_column_without_the_value(cell: object) -> None:
    column = pd.Series([1, 0, cell], dtype=object, name="has_depress")
    with pytest.raises(DataError, match="neither yes nor no") as error:
        read_flags(column, "labels.csv")
    assert (error.value.file, error.value.row, error.value.column) == (
        "labels.csv",
        4,
        "has_depress",
    )
    assert repr(cell) not in error.value.message()
    assert repr(cell) in error.value.message(show_ids=True)


def test_the_row_is_that_of_the_file_if_it_is_known() -> None:
    column = pd.Series(["yes", "maybe"], name="has_lvh", index=[7, 9])
    with pytest.raises(DataError) as error:
        read_flags(column, rows=pd.Series([12, 44], index=[7, 9]))
    assert error.value.row == 44
