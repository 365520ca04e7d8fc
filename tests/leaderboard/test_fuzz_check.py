"""Two thousand damaged submissions: the checker never raises, and lets none pass that is bad."""

import csv
import io
import re
import string

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from acsbench.errors import DataError
from acsbench.leaderboard import check_upload
from acsbench.leaderboard.check import read_upload

IDS = [f"ecg{number:04x}" for number in range(0, 8000, 700)]
VALUES = [(k + 1) / 16 for k in range(len(IDS))]
GOOD = [
    ["ecg_id", "acs", "mace"],
    *([ecg_id, str(v), str(1 - v)] for ecg_id, v in zip(IDS, VALUES, strict=True)),
]
NUMBER = re.compile(r"[ \t]*[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?[ \t]*")


def truly_valid(content: bytes) -> bool:
    """The rules once more, one by one and without a thought of speed or messages."""
    try:
        text = content.decode("utf-8-sig")
        rows = [
            row for row in csv.reader(io.StringIO(text, newline="")) if any(map(str.strip, row))
        ]
    except (UnicodeDecodeError, csv.Error):
        return False
    if max(map(len, re.split(b"[\r\n]", content))) > 10_000:
        return False
    if not rows or sorted(rows[0]) not in (
        ["acs", "ecg_id"],
        ["ecg_id", "mace"],
        ["ecg_id", "probability"],
        ["acs", "ecg_id", "mace"],
    ):
        return False
    header, *body = rows
    if any(len(row) != len(header) for row in body):
        return False
    columns = dict(zip(header, zip(*body, strict=True), strict=True)) if body else {}
    if sorted(columns.pop("ecg_id", ())) != sorted(IDS):
        return False
    return all(
        all(len(cell) <= 64 and NUMBER.fullmatch(cell) and 0 <= float(cell) <= 1 for cell in cells)
        and len(set(map(float, cells))) > 1
        for cells in columns.values()
    )


def as_csv(rows: list[list[str]], delimiter: str = ",", end: str = "\n") -> str:
    return "".join(delimiter.join(row) + end for row in rows)


cells = st.one_of(
    st.sampled_from(
        [
            *("", "nan", "inf", "-0", "0", "1", "1.0", "5e-1", "1e-400", "-1e-9", "1.5", "0,5"),
            *("5%", "1_0", "٣", "ecg_id", "acs", "mace", "probability", '"', '""', '"a"b', "a\nb"),
            *(IDS[0], IDS[1].upper(), f" {IDS[2]}", f"{IDS[3]}\0", "\ufeff", "\r", "=1+1"),
            *("x" * 200_000, "1" * 9_000 + "x", "0." + "1" * 63, "0." + "1" * 62, "," * 12_000),
            *(".0" * 4_000 + "x", "1e" * 4_000, '"' + "\n" * 50 + '"'),
        ]
    ),
    st.text(max_size=8),
    st.floats().map(str),
    st.text(string.printable, max_size=8).map(lambda text: '"' + text.replace('"', '""') + '"'),
)


@st.composite
def damaged_tables(draw: st.DrawFn) -> bytes:
    """A good table after some changes to its cells, rows, columns, marks and bytes."""
    rows = [list(row) for row in GOOD]
    for _ in range(draw(st.integers(0, 3))):
        kind = draw(st.integers(0, 7))
        row, other = (draw(st.integers(0, len(rows) - 1)) for _ in range(2))
        place = draw(st.integers(0, max(len(rows[row]) - 1, 0)))
        if kind <= 1 and rows[row]:
            rows[row][place] = draw(cells)
        elif kind == 2 and len(rows) > 1:
            del rows[row]
        elif kind == 3:
            rows.insert(row, list(rows[other]))
        elif kind == 4:
            rows[row], rows[other] = rows[other], rows[row]
        elif kind == 5:
            rows[row].insert(place, draw(cells))
        elif kind == 6:
            rows = [row[:place] + row[place + 1 :] for row in rows]
        else:
            rows.insert(row, draw(st.lists(cells, max_size=4)))
    text = as_csv(
        rows, draw(st.sampled_from(",,,,;\t ")), draw(st.sampled_from(["\n", "\r\n", "\r"]))
    )
    content = text.encode(draw(st.sampled_from(["utf-8"] * 6 + ["utf-8-sig", "utf-16"])))
    if draw(st.integers(0, 3)) == 0:
        start = draw(st.integers(0, len(content)))
        content = content[:start] + draw(st.binary(max_size=4)) + content[start + 1 :]
    if draw(st.integers(0, 7)) == 0:
        content = content[: draw(st.integers(0, len(content)))]
    return content


def holds(content: bytes) -> None:
    check = check_upload(content, IDS)
    assert check.ok == (check.problems == [])
    assert all(isinstance(each, str) and each.isprintable() for each in check.problems)
    if check.ok:
        assert truly_valid(content)
        for values in read_upload(content, IDS).values():
            assert values.shape == (len(IDS),)
            assert ((values >= 0) & (values <= 1)).all()
    else:
        with pytest.raises(DataError):
            read_upload(content, IDS)


@pytest.mark.parametrize("examples", [300, pytest.param(2000, marks=pytest.mark.slow)])
def test_damaged_tables_never_raise_and_never_pass(examples):
    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(damaged_tables())
    @example(b"ecg_id,acs\n" + b"\n" * 100)
    @example(as_csv(GOOD).encode() + b'"')
    @example(as_csv(GOOD).replace("ecg0000,", '"ecg00"00,').encode())
    def check(content):
        holds(content)

    check()


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_bytes_without_sense_never_raise(content):
    holds(content)


@settings(max_examples=100, deadline=None)
@given(
    st.permutations(range(len(IDS))),
    st.permutations(range(3)),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.booleans(),
    st.booleans(),
    st.lists(st.integers(0, len(IDS)), max_size=3),
)
def test_good_tables_pass_in_every_order_and_form(rows, columns, end, quoted, mark, blanks):
    table = [GOOD[0], *(GOOD[k + 1] for k in rows)]
    table = [[row[k] for k in columns] for row in table]
    if quoted:
        table = [[f'"{cell}"' for cell in row] for row in table]
    for place in blanks:
        table.insert(place, [""])
    content = as_csv(table, end=end).encode("utf-8-sig" if mark else "utf-8")
    assert truly_valid(content)
    predictions = read_upload(content, IDS)
    np.testing.assert_array_equal(predictions["acs"], VALUES)
    np.testing.assert_array_equal(predictions["mace"], 1 - np.array(VALUES))
