"""Each fault of a CSV file is refused at each place where one enters, in the same words."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from acsbench.datasets.nightingale import columns as layouts
from acsbench.datasets.nightingale.tables import read_source_table
from acsbench.datasets.ptbxl import open_ptbxl
from acsbench.datasets.wfdb_folder import open_unlabelled_folder, open_wfdb_folder
from acsbench.errors import AcsBenchError, DataError, DataErrors
from acsbench.evaluation import EvaluationCohort, read_predictions
from acsbench.leaderboard import check_upload
from acsbench.leaderboard.check import read_upload
from acsbench.leaderboard.holdout import read_holdout, read_ids
from acsbench.leaderboard.wording import sentence
from acsbench.runs import read_probabilities
from tests.datasets.builders import ptbxl_folder

Table = list[list[str]]
IDS = [f"e{number}" for number in range(8)]
PATIENTS = [f"p{number // 2}" for number in range(8)]
LABELS = ["0", "1", "0", "1", "1", "0", "0", "1"]
SCORES = [f"0.{number}" for number in range(8)]


def rendered(table: Table, delimiter: str = ",", quoting: int = csv.QUOTE_MINIMAL) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator="\n", quoting=quoting).writerows(table)
    return text.getvalue().encode()


def table_of(**columns: list[str]) -> Table:
    rows = zip(*columns.values(), strict=True)
    return [list(columns), *map(list, rows)]


@dataclass(frozen=True)
class Entry:
    """A place where a CSV file enters.

    Args:
        table: what is right there.
        read: reads it from a folder; raises what is wrong.
        file: its name in the folder.
    """

    table: Table
    read: Callable[[Path], object]
    file: str = "table.csv"


def _read_predictions(path: Path) -> pd.Series:
    table = pd.DataFrame(
        {"ecg_id": IDS, "patient_id": PATIENTS, "label": map(int, LABELS), "split": "test"}
    )
    cohort = EvaluationCohort(table, "t", 1, "hash", "note", "ecg", "d", False)
    return read_predictions(path, cohort)


def _check(path: Path) -> object:
    content = path.read_bytes()
    problems = check_upload(content, IDS).problems
    if problems:
        # As the sentences name lines where errors name rows.
        raise DataError(re.sub(r"^line (?=\d)", "row ", "\n".join(problems), flags=re.M), fix="")
    return read_upload(content, IDS)


def _nightingale(path: Path) -> object:
    table = read_source_table(path.parent, layouts.VISIT_OF_ECG)
    if table.fatal or table.faults:
        raise DataErrors([*table.fatal, *(fault.error for fault in table.faults)])
    return table


LABELS_CSV = table_of(record=[f"r/{i}" for i in IDS], patient_id=PATIENTS, acs=LABELS)
ENTRIES = {
    "a cohort": Entry(LABELS_CSV, lambda p: open_wfdb_folder(p.parent), "labels.csv"),
    "an unlabelled cohort": Entry(
        LABELS_CSV, lambda p: open_unlabelled_folder(p.parent), "labels.csv"
    ),
    "visits": Entry(
        table_of(
            ecg_id=[f"ecg{n:010d}" for n in range(8)], ed_enc_id=[f"enc{n}" for n in range(8)]
        ),
        _nightingale,
        "ecg-ed-enc.csv",
    ),
    "holdout labels": Entry(table_of(ecg_id=IDS, patient_id=PATIENTS, acs=LABELS), read_holdout),
    "holdout ids": Entry(table_of(ecg_id=IDS, site=["A"] * 8), read_ids),
    "predictions": Entry(table_of(ecg_id=IDS, probability=SCORES), _read_predictions),
    "a run": Entry(table_of(ecg_id=IDS, probability=SCORES), read_probabilities),
    "a submission": Entry(table_of(ecg_id=IDS, acs=SCORES), _check),
}


@pytest.fixture(params=ENTRIES)
def entry(request: pytest.FixtureRequest) -> Entry:
    return ENTRIES[request.param]


def message(entry: Entry, folder: Path, content: bytes) -> str:
    """What is said about a file; empty if it is read."""
    path = folder / entry.file
    path.write_bytes(content)
    try:
        entry.read(path)
    except AcsBenchError as error:
        return str(error)
    return ""


def with_row(table: Table, row: int, change: Callable[[list[str]], list[str]]) -> Table:
    return [change(cells) if number == row else cells for number, cells in enumerate(table, 1)]


def broken(table: Table, row: int, new: bytes) -> bytes:
    """The text with bytes put before the first cell of a row."""
    lines = rendered(table).split(b"\n")
    lines[row - 1] = new + lines[row - 1]
    return b"\n".join(lines)


Fault = tuple[Callable[[Table], bytes], str]
FAULTS: dict[str, Fault] = {
    "a short row": (
        lambda t: rendered(with_row(t, 4, lambda cells: cells[:-1])),
        "row 4, column {last}: the row has {fewer}, and the header {width}",
    ),
    "a row that was cut off": (
        lambda t: rendered(t).rsplit(b",", 1)[0],
        "row 9, column {last}: the row has {fewer}, and the header {width}",
    ),
    "a long row": (
        lambda t: rendered(with_row(t, 4, lambda cells: [*cells, "x"])),
        "row 4, column {last}: the row has {more} cells, and the header {width}",
    ),
    "a short row after a line break in a cell": (
        lambda t: rendered(
            with_row(with_row(t, 4, lambda cells: cells[:-1]), 3, lambda c: [c[0] + "\n", *c[1:]])
        ),
        "row 5, column {last}: the row has {fewer}, and the header {width}",
    ),
    "a short row after blank lines": (
        lambda t: rendered([t[0], [], [], *with_row(t, 4, lambda cells: cells[:-1])[1:]]),
        "row 6, column {last}: the row has {fewer}, and the header {width}",
    ),
    "row names that the header lacks": (
        lambda t: rendered([t[0], *(["7", *cells] for cells in t[1:])]),
        "row 2: the row has {more} cells, and the header {width}",
    ),
    "a column twice": (
        lambda t: rendered([[*cells, cells[-1]] for cells in t]),
        "row 1, column {last}: the column is there twice",
    ),
    "a column twice but for blanks": (
        lambda t: rendered([[*t[0], f" {t[0][-1]} "], *([*cells, cells[-1]] for cells in t[1:])]),
        "row 1, column {last}: the column is there twice",
    ),
    "a column twice but for a mark": (
        lambda t: rendered([["\ufeff" + t[0][0], *t[0]], *([c[0], *c] for c in t[1:])]),
        "row 1, column {first}: the column is there twice",
    ),
    "a column without a name": (
        lambda t: rendered([[*t[0], " "], *([*cells, "x"] for cells in t[1:])]),
        "row 1: column {more} has no name",
    ),
    "semicolons": (
        lambda t: rendered(t, ";"),
        "row 1: the columns are separated by semicolons",
    ),
    "tabs": (lambda t: rendered(t, "\t"), "row 1: the columns are separated by tabs"),
    "bars": (lambda t: rendered(t, "|"), "row 1: the columns are separated by bars"),
    "a spreadsheet's first line": (
        lambda t: b"sep=,\n" + rendered(t),
        "row 1: the first line is a spreadsheet's note on the delimiter",
    ),
    "UTF-16": (
        lambda t: rendered(t).decode().encode("utf-16"),
        "the text is not UTF-8 but UTF-16 or UTF-32",
    ),
    "UTF-16 without a mark": (
        lambda t: rendered(t).decode().encode("utf-16-le"),
        "the text is not UTF-8 but UTF-16 or UTF-32",
    ),
    "UTF-32": (
        lambda t: rendered(t).decode().encode("utf-32-be"),
        "the text is not UTF-8 but UTF-16 or UTF-32",
    ),
    "Latin-1": (
        lambda t: broken(t, 5, b"\xe9"),
        "row 5, column {first}: the text is not UTF-8 (byte 0xe9)",
    ),
    "a zero byte": (
        lambda t: broken(t, 5, b"\0"),
        "row 5, column {first}: the line has a zero byte",
    ),
    "a quotation mark without a partner": (
        lambda t: broken(t, 5, b'"'),
        "row 5: the text is no CSV from here on",
    ),
    "text after a quotation mark": (
        lambda t: broken(t, 5, b'"a"b'),
        "row 5: the text is no CSV from here on",
    ),
    "a header and no rows": (lambda t: rendered(t[:1]), "the table has a header and no rows"),
    "no text": (lambda _: b"\n \n", "the file is empty"),
    "a workbook": (lambda _: b"PK\x03\x04....xl/workbook.xml", "the file is an Excel workbook"),
    "gzip": (lambda _: b"\x1f\x8b\x08\x00", "the file is compressed (gzip)"),
    "Parquet": (lambda _: b"PAR1\x15\x04", "the file is a Parquet table"),
    "JSON": (lambda _: b'[{"ecg_id": 1}]', "the file looks like JSON"),
    "a cell of a million characters": (
        lambda t: broken(t, 5, b"x" * 1_100_000),
        "row 5: the line has more than",
    ),
    "a missing column": (
        lambda t: rendered([["x", *t[0][1:]], *t[1:]]),
        "no column {first}",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_refused_in_the_same_words(entry: Entry, fault: str, tmp_path: Path) -> None:
    damage, words = FAULTS[fault]
    said = message(entry, tmp_path, damage(entry.table))
    width, names = len(entry.table[0]), entry.table[0]
    fewer = f"{width - 1} cell{'s' * (width != 2)}"
    expected = words.format(
        first=repr(names[0]), last=repr(names[-1]), width=width, fewer=fewer, more=width + 1
    )
    assert expected in said
    # A submission belongs to whoever reads what is wrong with it.
    assert "e3" not in said.replace(str(tmp_path), "") or entry is ENTRIES["a submission"]


HARMLESS: dict[str, Callable[[Table], bytes]] = {
    "nothing": rendered,
    "a byte-order mark": lambda t: b"\xef\xbb\xbf" + rendered(t),
    "lines of Windows": lambda t: rendered(t).replace(b"\n", b"\r\n"),
    "lines of old Macs": lambda t: rendered(t).replace(b"\n", b"\r"),
    "no last end of line": lambda t: rendered(t)[:-1],
    "blank lines": lambda t: rendered([[], *t[:3], [" "], [], *t[3:], []]),
    "rows of commas": lambda t: rendered([*t, [""] * len(t[0])]),
    "quotation marks": lambda t: rendered(t, quoting=csv.QUOTE_ALL),
    "blanks": lambda t: rendered([[f" {cell}\t" for cell in cells] for cells in t]),
    "row names": lambda t: rendered([[str(n) * bool(n), *cells] for n, cells in enumerate(t)]),
}


@pytest.mark.parametrize("form", HARMLESS)
def test_what_is_harmless_is_read(entry: Entry, form: str, tmp_path: Path) -> None:
    assert message(entry, tmp_path, HARMLESS[form](entry.table)) == ""


@pytest.mark.parametrize("column", ["an unlabelled cohort", "holdout labels", "a cohort"])
@pytest.mark.parametrize("word", ["", "NA", "nan", "N/A", "NULL", ".", "unknown", "?", "None"])
def test_no_word_for_a_missing_value_is_a_patient(column: str, word: str, tmp_path: Path) -> None:
    entry = ENTRIES[column]
    place = entry.table[0].index("patient_id")
    table = with_row(entry.table, 4, lambda c: [*c[:place], word, *c[place + 1 :]])
    path = tmp_path / entry.file
    path.write_bytes(rendered(table))
    try:
        errors = [item.error for item in entry.read(path).rejected]
    except DataError as error:
        errors = [error]
    assert [(e.row, e.column, e.problem) for e in errors] == [
        (4, "patient_id", "the patient is missing")
    ]


@pytest.mark.parametrize("other", ["p1.0", "P1", " p 1", "p01", "p001.00"])
@pytest.mark.parametrize("where", ["a cohort", "holdout labels"])
def test_a_patient_is_spelt_in_one_way(where: str, other: str, tmp_path: Path) -> None:
    entry = ENTRIES[where]
    place = entry.table[0].index("patient_id")
    table = with_row(entry.table, 7, lambda c: [*c[:place], other, *c[place + 1 :]])
    said = message(entry, tmp_path, rendered(table))
    assert "row 7, column 'patient_id': the patient's id differs from the one in row 4 only" in said
    assert "p1" not in said.lower()


@pytest.mark.parametrize(
    "ids",
    [
        ["NA", "nan", "None", "null", "001", "1e5", "TRUE", "."],
        ["1", "01", "1.0", "N/A", "inf", "1_0", "-", "é"],
    ],
)
def test_ids_stay_text(ids: list[str], tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    labels = table_of(ecg_id=ids, patient_id=PATIENTS, acs=LABELS)
    path.write_bytes(rendered(labels))
    assert list(read_holdout(path).ecg_ids) == ids
    assert list(read_ids(path)) == ids
    scores = rendered(table_of(ecg_id=ids, probability=SCORES))
    path.write_bytes(scores)
    assert list(read_probabilities(path).index) == ids
    assert check_upload(scores, ids).problems == []
    cohort = table_of(record=[f"r/{n}" for n in range(8)], patient_id=PATIENTS, ecg_id=ids)
    (tmp_path / "labels.csv").write_bytes(rendered(cohort))
    assert open_wfdb_folder(tmp_path).tables.ecg["ecg_id"].tolist() == ids


def test_the_tables_of_ptb_xl_are_read_by_the_same_rules(tmp_path: Path) -> None:
    path = ptbxl_folder(tmp_path, 4) / "ptbxl_database.csv"
    good = path.read_text()
    head, rows = good.split("\n", 1)
    for text, words in (
        (good[:-20].rsplit(",", 1)[0], "row 5, column 'filename_hr': the row has"),
        (f"{head},sex\n" + rows.replace("\n", ",0\n"), "column 'sex': the column is there twice"),
        (good.replace(",", ";"), "separated by semicolons"),
    ):
        path.write_text(text)
        with pytest.raises(AcsBenchError) as caught:
            open_ptbxl(tmp_path)
        assert words in str(caught.value)


def test_a_sentence_is_an_error_in_other_words() -> None:
    error = DataError("it is wrong", row=3, column="a", fix="Correct it")
    assert sentence(error) == "line 3, column 'a': it is wrong; correct it"
