import csv
import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acsbench.errors import DataError, DataErrors
from acsbench.tables import (
    has_decimal_comma,
    is_missing,
    not_a_number,
    number_column,
    parse_csv,
    read_csv,
    to_numbers,
)


def test_rows_have_the_lines_of_an_editor() -> None:
    text = b'\n\na,b\n1,2\n\n"x\ny",4\r\n"p\r\nq",5\n6,7'
    table = parse_csv(text)
    assert table.header_row == 3
    assert table.cells.index.tolist() == [4, 6, 8, 10]
    assert table.cells["a"].tolist() == ["1", "x\ny", "p\r\nq", "6"]


def test_all_wrong_rows_are_named_and_the_right_ones_kept() -> None:
    table = parse_csv(b"a,b\n1\n2,3\n4,5,6\n7,8\n")
    assert table.cells.index.tolist() == [3, 5]
    assert [(fault.row, fault.column) for fault in table.faults] == [(2, "b"), (4, "b")]
    assert table.wrong == ((2, ["1"]), (4, ["4", "5", "6"]))


def test_several_wrong_rows_are_told_together(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b\n1\n2,3\n4\n")
    with pytest.raises(DataErrors, match="rows 2, 4, column 'b'") as caught:
        read_csv(path, fix="")
    assert "found '1'" in caught.value.message(show_ids=True)
    assert "found" not in str(caught.value)


@pytest.mark.parametrize("row", ["e1,0,5,3", "e1,0,5,0,5"])
def test_a_decimal_comma_without_quotation_marks(row: str) -> None:
    [fault] = parse_csv(f"id,x,y\ne0,1,2\n{row}\n".encode()).faults
    assert (fault.row, fault.column) == (3, "x")
    assert "0.5, not 0,5" in fault.fix


def test_row_names_can_be_kept() -> None:
    text = b'"","a"\n"r1",2\n'
    assert list(parse_csv(text).cells) == ["a"]
    assert parse_csv(text, row_names="name").cells["name"].tolist() == ["r1"]


def test_a_header_without_the_name_that_is_needed(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(",probability\ne1,0.5\n")  # as a pandas Series writes itself
    with pytest.raises(DataError, match=r"no column 'ecg_id'.*the first column has no name"):
        read_csv(path, ("ecg_id",), fix="")


@pytest.mark.parametrize("most", [2, 3])
def test_reading_stops_where_it_should(most: int) -> None:
    table = parse_csv(b"a,b\n1,2\n3\n4,5\n", most_rows=most)
    assert (table.broken_off is None) == (most == 3)


cells = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\n\ufeff"), max_size=6
) | st.sampled_from(["NA", "001", "1e5", 'a"b', "a,b", "TRUE", "nan", "x\ny", '"'])


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(cells, min_size=3, max_size=3), min_size=1, max_size=6), st.booleans())
def test_what_is_written_is_read(rows: list[list[str]], quoted: bool) -> None:
    """Any text, by both ways of reading it, as Python's own csv module has it."""
    text = io.StringIO(newline="")
    quoting = csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL
    csv.writer(text, lineterminator="\n", quoting=quoting).writerows([["a", "b", "c"], *rows])
    table = parse_csv(text.getvalue().encode())
    blank = " \t\x0b\x0c\x1c\x1d\x1e\x1f\x85\xa0"
    expected = [[cell.strip().strip(blank).strip() for cell in row] for row in rows]
    found = [[cell.strip().strip(blank).strip() for cell in row] for row in table.cells.to_numpy()]
    assert found == [row for row in expected if any(row)]
    assert not table.faults


def test_numbers_are_written_in_one_way() -> None:
    texts = ["1", "-.5", "1e-3", " 2 ", "1_0", "٣", "0x1", "0,5", "NA", "", "inf", "1" * 65, "TRUE"]
    nan = float("nan")
    expected = [1, -0.5, 1e-3, 2, nan, nan, nan, nan, nan, nan, np.inf, nan, nan]
    np.testing.assert_array_equal(to_numbers(texts), expected)
    np.testing.assert_array_equal(to_numbers(pd.Series(["1", "nan"])), [1, nan])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0,5", "decimal comma"),
        (",5", "decimal comma"),
        ("5 %", "per cent"),
        ("-Inf", "infinite"),
        ("high", "not a number"),
        ("1,234,567", "not a number"),
    ],
)
def test_what_is_no_number_is_told_apart(text: str, words: str) -> None:
    assert words in not_a_number(text)[0]
    assert has_decimal_comma(text) == (words == "decimal comma")


def test_only_listed_words_are_missing_values() -> None:
    words = pd.Series(["", "NA", "na", "NaN", "null", "N/A", ".", " . ", "None", "x", "-", "0"])
    assert is_missing(words).tolist() == [True] * 8 + [False] * 4
    assert is_missing(words, {"-"}).tolist() == [False] * 10 + [True, False]


def test_a_stray_word_in_a_column_of_numbers(tmp_path: Path) -> None:
    table = parse_csv(b"a,b\n1,x\nNA,x\n.,x\n<0.01,x\n").cells
    with pytest.raises(DataError, match="row 5, column 'a': this is not a number") as caught:
        number_column(table, "a", tmp_path)
    assert "<0.01" not in str(caught.value)
    assert "<0.01" in caught.value.message(show_ids=True)
    np.testing.assert_array_equal(number_column(table[:3], "a", None), [1, np.nan, np.nan])


def test_files_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        read_csv(tmp_path / "none.csv", fix="")
    with pytest.raises(DataError, match="cannot be read"):
        read_csv(tmp_path, fix="")


def test_the_case_of_short_rows(cases: Path) -> None:
    with pytest.raises(DataErrors) as caught:
        read_csv(cases / "board-short-rows" / "labels.csv", fix="")
    found = [(error.row, error.column) for error in caught.value.errors]
    assert found == [(12, "acs"), (13, "acs"), (59, "acs"), (201, "sex")]


@pytest.mark.parametrize(
    "name", ["board-labels", "norm-twice", "norm-twice-space", "patient-twice"]
)
def test_the_case_of_a_column_twice(cases: Path, name: str) -> None:
    column = {"board-labels": "acs", "patient-twice": "patient_id"}.get(name, "norm")
    words = f"row 1, column '{column}': the column is there twice"
    with pytest.raises(DataError, match=words):
        read_csv(cases / "column-twice" / f"{name}.csv", fix="")


@pytest.mark.parametrize("rows", ["a,1,\nb,2,\n", "a,1\nb,2,\n"])
def test_commas_at_the_end_of_rows(tmp_path: Path, rows: str) -> None:
    path = tmp_path / "f.csv"
    path.write_text("ecg_id,x\n" + rows)
    with pytest.raises(DataError, match="Remove the commas at the end of the row"):
        read_csv(path, fix="")
