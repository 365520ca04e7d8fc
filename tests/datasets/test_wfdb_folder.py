from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import wfdb

from acsbench.datasets import open_dataset
from acsbench.datasets.wfdb_file import read_wfdb, says_simulated
from acsbench.datasets.wfdb_folder import open_unlabelled_folder, open_wfdb_folder
from acsbench.errors import DataError
from tests.datasets.builders import edit_labels, first_record, wfdb_folder
from tests.datasets.wfdb_writers import write_record


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return wfdb_folder(tmp_path / "ecgs", 10)


def test_tables_and_recordings(folder: Path) -> None:
    dataset = open_wfdb_folder(folder)
    assert dataset.simulated
    assert dataset.notes == ()
    assert len(dataset.tables.ecg) == 10
    assert dataset.tables.ecg["acs"].dtype == "boolean"
    assert set(dataset.tables.patient["sex"]) <= {"female", "male"}
    path = first_record(folder)
    recording = dataset.read(path, "a")
    assert says_simulated(path)
    np.testing.assert_allclose(
        recording.signal, wfdb.rdrecord(str(path)).p_signal.T.astype(np.float32), atol=1e-6
    )


def test_records_that_no_row_names_are_mentioned(folder: Path) -> None:
    lines = (folder / "labels.csv").read_text().splitlines()
    (folder / "labels.csv").write_text("\n".join(lines[:-2]) + "\n")
    assert open_wfdb_folder(folder).notes == ("ECG files that labels.csv does not name: 2",)


def test_two_columns_are_enough(folder: Path) -> None:
    record = first_record(folder).relative_to(folder).as_posix()
    (folder / "labels.csv").write_text(f"record,patient_id\n{record}.hea,7\n")
    dataset = open_wfdb_folder(folder)
    assert dataset.tables.ecg["ecg_id"].tolist() == [record]
    assert set(dataset.tables.unfilled) == {"age", "sex"}


def test_a_byte_order_mark_and_blanks_in_the_header_are_no_problem(folder: Path) -> None:
    text = (folder / "labels.csv").read_text().replace("patient_id", " patient_id ", 1)
    (folder / "labels.csv").write_text(text, encoding="utf-8-sig")
    assert open_wfdb_folder(folder).rejected == ()


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ({"record": ""}, "record is missing"),
        ({"patient_id": " "}, "patient is missing"),
        ({"age": "121"}, "not a number from 0 to 120"),
        ({"sex": "x"}, "neither female nor male"),
        ({"ecg_id": ""}, "id is missing"),
    ],
)
def test_each_faulty_row_is_rejected_by_name(
    folder: Path, cells: dict[str, str], words: str
) -> None:
    edit_labels(folder, 5, **cells)
    (rejected,) = open_wfdb_folder(folder).rejected
    assert rejected.error.row == 5
    assert words in rejected.error.problem


@pytest.mark.parametrize("scale", [("uV", 1e3), ("V", 1e-3), ("mV", 1.0)])
def test_units_become_millivolts(tmp_path: Path, scale: tuple[str, float]) -> None:
    unit, factor = scale
    signal = np.random.default_rng(0).normal(0, 0.3, (5000, 12))
    names = ["v6", "v5", "v4", "v3", "v2", "v1", "AVF", "AVL", "AVR", "III", "ii", "i"]
    wfdb.wrsamp("r", 500, [unit] * 12, names, signal * factor, fmt=["16"] * 12,
                write_dir=str(tmp_path))  # fmt: skip
    recording = read_wfdb(tmp_path / "r.dat", "r")
    np.testing.assert_allclose(recording.signal, signal.T[::-1].astype(np.float32)[
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]], atol=1e-3)  # fmt: skip


def test_real_records_of_other_makes(vectors: Path, ludb_dir: Path) -> None:
    ptb = read_wfdb(vectors.parents[1] / "data" / "formats" / "ptb" / "s0010_re", "ptb")
    assert (ptb.fs, ptb.signal.shape) == (1000, (12, 38400))
    ludb = read_wfdb(ludb_dir / "data" / "1", "ludb")
    assert ludb.leads[3] == "aVR"


def test_description_that_is_no_mapping(folder: Path) -> None:
    (folder / "dataset.yaml").write_text("- a\n")
    with pytest.raises(DataError, match="not a mapping"):
        open_wfdb_folder(folder)


def test_columns_of_ones_own_keep_their_kind(folder: Path) -> None:
    table = pd.read_csv(folder / "labels.csv")
    table["troponin"] = [0.0, 1.0, 2.35, *[None] * 7]
    table["ward"] = ["A", *["B"] * 9]
    table.to_csv(folder / "labels.csv", index=False)
    dataset = open_wfdb_folder(folder)
    assert dataset.rejected == ()
    ecg = dataset.tables.ecg
    assert ecg["troponin"].dtype == float
    assert ecg["troponin"].notna().sum() == 3
    assert ecg["ward"].tolist() == ["A", *["B"] * 9]


def test_the_same_record_of_two_patients_is_refused(folder: Path) -> None:
    first = pd.read_csv(folder / "labels.csv")["record"].iloc[0]
    edit_labels(folder, 4, record=first, patient_id="another")
    (rejected,) = open_wfdb_folder(folder).rejected
    assert rejected.error.row == 4


def test_blank_lines_do_not_shift_the_rows(folder: Path) -> None:
    lines = (folder / "labels.csv").read_text().splitlines()
    lines[3:3] = ["", ""]
    lines[6] = lines[6].replace(lines[6].split(",")[1], "", 1)
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")
    (rejected,) = open_wfdb_folder(folder).rejected
    assert rejected.error.row == 7


def test_a_row_with_too_few_cells_is_told(folder: Path) -> None:
    lines = (folder / "labels.csv").read_text().splitlines()
    lines[4] = lines[4].rpartition(",")[0]
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")
    with pytest.raises(
        DataError, match="row 5, column 'acs': the row has 5 cells, and the header 6"
    ):
        open_wfdb_folder(folder)


def test_simulated_ecgs_stay_simulated_without_the_description(folder: Path) -> None:
    (folder / "dataset.yaml").unlink()
    assert open_wfdb_folder(folder).simulated


def test_a_visit_may_be_named(folder: Path) -> None:
    table = pd.read_csv(folder / "labels.csv").assign(encounter_id=[None, *range(1, 10)])
    table["encounter_id"] = table["encounter_id"].astype("Int64")
    table.to_csv(folder / "labels.csv", index=False)
    visits = open_wfdb_folder(folder).tables.ecg["encounter_id"]
    assert visits.isna().tolist() == [True] + [False] * 9
    assert visits[1] == "1"


def test_few_files_that_no_row_names_are_not_counted(folder: Path) -> None:
    lines = (folder / "labels.csv").read_text().splitlines()
    (folder / "labels.csv").write_text("\n".join(lines[:-2]) + "\n")
    (folder / "dataset.yaml").unlink()
    for header in folder.rglob("*.hea"):
        kept = [line for line in header.read_text().splitlines() if not line.startswith("#")]
        header.write_text("\n".join(kept) + "\n")
    assert open_wfdb_folder(folder).notes == ("ECG files that labels.csv does not name: <11",)


def test_unlabelled_ecgs_need_no_table(folder: Path) -> None:
    records = pd.read_csv(folder / "labels.csv")["record"]
    (folder / "labels.csv").unlink()
    dataset = open_dataset("wfdb_folder", folder, labelled=False)
    assert not dataset.labelled
    assert dataset.tables.ecg["ecg_id"].tolist() == sorted(records)
    assert dataset.tables.ecg["patient_id"].is_unique
    assert {"patient_id", "age", "sex"} == set(dataset.tables.unfilled)
    with pytest.raises(DataError, match="use --unlabelled"):
        open_wfdb_folder(folder)


def test_a_table_may_say_what_models_use_of_unlabelled_ecgs(folder: Path) -> None:
    table = pd.read_csv(folder / "labels.csv")
    table[["record", "age", "sex"]][:4].to_csv(folder / "labels.csv", index=False)
    dataset = open_unlabelled_folder(folder)
    assert len(dataset.tables.ecg) == 4
    assert dataset.tables.joined()[["age", "sex"]].notna().all(axis=None)
    with pytest.raises(DataError, match="no column 'patient_id'"):
        open_wfdb_folder(folder)


def test_an_unlabelled_folder_without_ecgs(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no ECG file"):
        open_unlabelled_folder(tmp_path)


@pytest.fixture
def counts() -> np.ndarray:
    """Ten seconds of noise on twelve leads at 500 Hz, in µV."""
    return np.random.default_rng(0).integers(-900, 900, (12, 5000))


def test_records_are_found_by_their_headers(tmp_path: Path, counts: np.ndarray) -> None:
    for name in ("r1.v2", "sub/Größe", "two words", "x.y.z"):
        write_record(tmp_path, counts, name)
    write_record(tmp_path, counts, "matlab", file="matlab.mat")
    (tmp_path / "RECORDS").write_text("r1.v2\nmatlab\n")
    (tmp_path / "._r1.v2.hea").write_bytes(b"\0\5\x16\7")  # of macOS
    dataset = open_unlabelled_folder(tmp_path)
    found = dataset.tables.ecg["ecg_id"].tolist()
    assert found == ["matlab", "r1.v2", "sub/Größe", "two words", "x.y.z"]
    for record in found:
        assert dataset.read(tmp_path / record, record).fs == 500
    assert dataset.read(tmp_path / "matlab.mat", "a").fs == 500


@pytest.mark.parametrize("folder", ["", "p1/"])
def test_segments_are_no_records_of_their_own(
    tmp_path: Path, counts: np.ndarray, folder: str
) -> None:
    write_record(tmp_path, counts, f"{folder}other")
    write_record(tmp_path, counts[:, :2500], f"{folder}r_1")
    (tmp_path / f"{folder}r_layout.hea").write_text("r_layout 1 500 0\n~ 0 200 16 0 0 0 0 I\n")
    (tmp_path / f"{folder}r.hea").write_text("r/4 12 500\nr_layout 0\nr_1 2500\n~ 10\nr_1 2500\n")
    dataset = open_unlabelled_folder(tmp_path)
    assert dataset.tables.ecg["ecg_id"].tolist() == [f"{folder}other", f"{folder}r"]
    assert dataset.read(tmp_path / f"{folder}r", "a").signal.shape == (12, 5010)


def test_the_description_may_state_the_gain(tmp_path: Path, counts: np.ndarray) -> None:
    write_record(tmp_path, counts, gain="0")
    (tmp_path / "labels.csv").write_text("record,patient_id\nr,1\n")
    with pytest.raises(DataError, match=r"states no gain for lead I .*dataset.yaml"):
        open_wfdb_folder(tmp_path).read(tmp_path / "r", "r")
    (tmp_path / "dataset.yaml").write_text("gain: 1000\n")
    dataset = open_wfdb_folder(tmp_path)
    np.testing.assert_allclose(dataset.read(tmp_path / "r", "r").signal, counts / 1000, atol=1e-6)
    for gain in ("0", "-5", "yes", "high", "[1]", ".inf", ".nan"):
        (tmp_path / "dataset.yaml").write_text(f"gain: {gain}\n")
        with pytest.raises(DataError, match="not a positive number"):
            open_wfdb_folder(tmp_path)


def test_open_classes_of_age_are_read_and_noted(folder: Path) -> None:
    table = pd.read_csv(folder / "labels.csv", dtype=str)
    table["age"] = [">89", "90+", "054Y", "18 months", "≥90", *["63"] * (len(table) - 5)]
    table.to_csv(folder / "labels.csv", index=False)
    dataset = open_wfdb_folder(folder)
    assert dataset.rejected == ()
    assert dataset.tables.ecg["age"].tolist()[:6] == [90, 90, 54, 1.5, 90, 63]
    assert any("an open class counts as its lowest age" in note for note in dataset.notes)
