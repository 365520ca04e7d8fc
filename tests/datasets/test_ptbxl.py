from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from acsbench.datasets import open_dataset
from acsbench.datasets.ptbxl import open_ptbxl
from acsbench.errors import DataError
from tests.datasets.builders import edit_csv, ptbxl_folder


def test_real_folder(ptbxl_dir: Path) -> None:
    dataset = open_dataset("ptbxl", ptbxl_dir)
    ecg = dataset.tables.ecg
    assert dataset.rejected == ()
    assert (len(ecg), ecg["patient_id"].nunique()) == (2331, 2271)
    assert (ecg["mi"].eq(True).sum(), ecg["mi"].isna().sum()) == (391, 127)
    assert ecg["age"].max() < 100
    recording = dataset.read(ptbxl_dir / ecg["path"].iloc[0], ecg["ecg_id"].iloc[0])
    assert recording.signal.shape == (12, 5000)
    assert 0.5 < np.ptp(recording.signal) < 10


def test_ages_sexes_and_patients(tmp_path: Path) -> None:
    tables = open_ptbxl(ptbxl_folder(tmp_path)).tables
    assert tables.ecg["age"].iloc[0] == 90
    assert tables.ecg["patient_id"].iloc[0] == "100"
    assert tables.patient["sex"].iloc[:2].tolist() == ["male", "female"]
    assert len(tables.patient) == 20
    assert "encounter_id" in tables.unfilled


@pytest.mark.parametrize("written", ["300", "300.0", ">89", "90+", "≥90"])
def test_the_oldest_class_is_ninety(tmp_path: Path, written: str) -> None:
    folder = ptbxl_folder(tmp_path)
    edit_csv(folder / "ptbxl_database.csv", 3, age=written)
    dataset = open_ptbxl(folder)
    assert dataset.tables.ecg["age"].iloc[1] == 90
    assert any("open class" in note for note in dataset.notes)


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ({"IMI": 100.0, "NORM": 0.0}, {"mi": True, "scp_IMI": True, "scp_NORM": None}),
        ({"IMI": 35.0}, {"mi": None, "scp_IMI": None, "scp_AMI": False}),
        ({"IMI": 0.0}, {"mi": None}),
        ({"IMI": 15.0, "AMI": 50.0}, {"mi": True, "scp_IMI": None, "scp_AMI": True}),
        ({"AMI": 50.0, "IMI": 15.0}, {"mi": True}),
        ({"STD_": 0.0, "AFIB": 0.0}, {"scp_STD_": True, "scp_AFIB": True, "mi": False}),
        ({"NDT": 0.0}, {"scp_NDT": True, "sttc": True}),
        ({"NDT": 35.0}, {"scp_NDT": None, "sttc": None}),
    ],
)
def test_statements_become_labels(tmp_path: Path, statements: dict, expected: dict) -> None:
    ptbxl_folder(tmp_path, ecgs=4)
    edit_csv(tmp_path / "ptbxl_database.csv", 2, scp_codes=str(statements))
    row = open_ptbxl(tmp_path).tables.ecg.iloc[0]
    for column, value in expected.items():
        assert (pd.isna(row[column]) and value is None) or row[column] == value, column


def test_records_at_100_hz(tmp_path: Path) -> None:
    dataset = open_ptbxl(ptbxl_folder(tmp_path, ecgs=4, fs=100))
    assert dataset.read(tmp_path / dataset.tables.ecg["path"].iloc[0], "1").fs == 100
    with pytest.raises(DataError, match="the folder records500 is missing"):
        open_ptbxl(tmp_path, rate=500)


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("ecg_id", "2", "same id"),
        ("ecg_id", "", "no id"),
        ("patient_id", "", "patient is missing"),
        ("age", "old", "age is not a number"),
        ("age", "-3", "age is not a number"),
        ("sex", "2", "neither 0"),
        ("strat_fold", "11", "integer from 1 to 10"),
        ("scp_codes", "{'IMI'", "not a dictionary"),
        ("scp_codes", "{'XYZ': 100.0}", "not a dictionary"),
    ],
)
def test_each_faulty_row_is_rejected_by_name(
    tmp_path: Path, column: str, value: str, words: str
) -> None:
    ptbxl_folder(tmp_path, ecgs=6)
    edit_csv(tmp_path / "ptbxl_database.csv", 4, **{column: value})
    dataset = open_ptbxl(tmp_path)
    (rejected,) = dataset.rejected
    assert len(dataset.tables.ecg) == 5
    assert rejected.error.row == 4
    assert rejected.error.column == column
    assert words in rejected.error.problem
    assert "--show-ids" in str(rejected.error)
    assert "ecg_id" in rejected.error.message(show_ids=True)


def test_a_patient_without_sex_or_age_is_kept(tmp_path: Path) -> None:
    ptbxl_folder(tmp_path, ecgs=2)
    for row in (2, 3):
        edit_csv(tmp_path / "ptbxl_database.csv", row, sex="", age="")
    tables = open_ptbxl(tmp_path).tables
    assert tables.ecg["age"].isna().all()
    assert tables.patient["sex"].isna().all()
