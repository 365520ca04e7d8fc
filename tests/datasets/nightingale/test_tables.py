"""The many ways in which the same tables may be written."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from acsbench.datasets.nightingale.reader import open_nightingale
from tests.datasets.nightingale.builder import (
    ECGS,
    ECGS_WITHOUT_VISIT,
    PATIENTS,
    cell,
    edit,
    edit_column,
    nightingale_folder,
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return nightingale_folder(tmp_path_factory.mktemp("whole"), waveforms=False)


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "data"))


def test_both_spellings_of_races(whole: Path, tmp_path: Path) -> None:
    short = nightingale_folder(tmp_path, races="", waveforms=False)
    assert "race" not in (short / "patient.csv").read_text()
    pd.testing.assert_frame_equal(
        open_nightingale(short).tables.patient, open_nightingale(whole).tables.patient
    )


def test_what_editors_do_to_a_file_is_no_problem(folder: Path, whole: Path) -> None:
    for path in folder.glob("*.csv"):
        lines = path.read_text().splitlines()
        text = "\r\n".join([lines[0].replace(",", " , "), *lines[1:], "", ""])
        path.write_text(text, encoding="utf-8-sig", newline="")
    dataset = open_nightingale(folder)
    assert dataset.problems == []
    pd.testing.assert_frame_equal(dataset.tables.joined(), open_nightingale(whole).tables.joined())


def test_lines_are_counted_past_empty_ones(folder: Path) -> None:
    path = folder / "ecg-metadata.csv"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:5], "", *lines[5:]]) + "\n")
    edit(path, 7, has_afib="x")
    (error,) = open_nightingale(folder).problems
    assert error.row == 7


def test_lines_are_counted_in_large_files(folder: Path) -> None:
    path = folder / "patient.csv"
    text = path.read_text()
    tail = text.splitlines()[1][11:]
    more = [f"pat{number:08x}{tail}" for number in range(30_000)]
    more[20_000] += ",1"
    more[25_000] = more[25_000].replace("pat", "pot")
    path.write_text(text + "\n".join(more) + "\n")
    rows = [error.row for error in open_nightingale(folder).problems]
    assert rows == [PATIENTS + 2 + 20_000, PATIENTS + 2 + 25_000]


def test_columns_that_are_not_part_of_the_dataset(folder: Path) -> None:
    path = folder / "patient.csv"
    lines = path.read_text().splitlines()
    numbered = [f"{'' if n == 0 else n},{line},{'mine' if n == 0 else n}"
                for n, line in enumerate(lines)]  # fmt: skip
    path.write_text("\n".join(numbered) + "\n")
    dataset = open_nightingale(folder)
    words = "patient.csv: ignored the columns mine, which are not in ed-bwh-ecg"
    assert dataset.notes[0] == words
    assert "mine" not in dataset.tables.patient


def test_ids_of_visits_that_pandas_took_for_numbers(folder: Path) -> None:
    edit_column(folder / "ed-encounter.csv", "ed_enc_id", lambda old: str(int(old[3:], 16)))
    edit_column(folder / "ecg-ed-enc.csv", "ed_enc_id", lambda old: f"{int(old[3:], 16)}.0")
    path = folder / "ecg-ed-enc.csv"
    ecg_id = cell(folder / "ecg-metadata.csv", ECGS + 1, "ecg_id")
    path.write_text(path.read_text() + f"{ecg_id},\n")
    dataset = open_nightingale(folder)
    assert dataset.problems == []
    assert dataset.tables.ecg["encounter_id"].isna().sum() == ECGS_WITHOUT_VISIT


@pytest.mark.parametrize(
    ("column", "change"),
    [
        ("start_datetime", lambda old: pd.Timestamp(old).strftime("%m/%d/%Y %H:%M:%S")),
        ("start_datetime", lambda old: old.replace(" ", "T") + ".000000000"),
        ("cath_010_day", lambda old: {"True": "1", "False": "0"}[old]),
        ("cath_010_day", str.upper),
        ("age_at_admit", lambda old: f" {old}.0 "),
    ],
)
def test_other_ways_to_write_the_same(folder: Path, whole: Path, column: str, change) -> None:
    edit_column(folder / "ed-encounter.csv", column, change)
    changed, original = (open_nightingale(f).tables.encounter for f in (folder, whole))
    pd.testing.assert_frame_equal(changed, original)


def test_undocumented_columns_may_hold_something_else(folder: Path) -> None:
    edit_column(folder / "ed-encounter.csv", "days_to_cath", lambda _: "3 days")
    dataset = open_nightingale(folder)
    assert dataset.tables.encounter is not None
    assert set(dataset.tables.encounter["days_to_cath"]) == {"3 days"}
    words = "ed-encounter.csv: days_to_cath has unexpected values and is kept as text"
    assert dataset.notes[0] == words


def test_open_classes_of_age_are_read(folder: Path, whole: Path) -> None:
    written = iter([">89", "90+", "89 or older", "054Y"])
    edit_column(folder / "ed-encounter.csv", "age_at_admit", lambda old: next(written, old))
    dataset, before = open_nightingale(folder), open_nightingale(whole)
    assert dataset.rejected == before.rejected
    assert dataset.tables.encounter is not None
    assert before.tables.encounter is not None
    ages = dataset.tables.encounter["age"].tolist()
    assert ages[:4] == [90, 90, 89, 54]
    assert ages[4:] == before.tables.encounter["age"].tolist()[4:]
    assert any("open class" in note for note in dataset.notes)
    assert not any("open class" in note for note in before.notes)


@pytest.mark.parametrize("words", [("yes", "no"), ("T", "F"), ("1.0", "0.0"), ("TRUE", "FALSE")])
def test_flags_may_be_any_words_for_true_and_false(
    folder: Path, whole: Path, words: tuple[str, str]
) -> None:
    true, false = words
    path = folder / "ed-encounter.csv"
    meaning = {"1": true, "true": true, "0": false, "false": false}
    edit_column(path, "cath_010_day", lambda old: meaning[old.casefold().removesuffix(".0")])
    before, after = (open_nightingale(f).tables.encounter for f in (whole, folder))
    pd.testing.assert_series_equal(after["cath_010_day"], before["cath_010_day"])
