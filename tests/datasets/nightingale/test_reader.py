import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from acsbench.cohort.build import build_cohort
from acsbench.cohort.task import load_task
from acsbench.datasets import open_dataset
from acsbench.datasets.dataset import Dataset
from acsbench.datasets.nightingale.reader import open_nightingale
from acsbench.ecg.printed import PrintedPage
from acsbench.errors import DataError, DataErrors
from tests.datasets.nightingale.builder import (
    ECGS,
    ECGS_WITHOUT_VISIT,
    EXCLUDED_VISITS,
    GAPS,
    JITTER,
    MISSING_LEAD,
    PATIENTS,
    VISITS,
    VISITS_WITHOUT_ECG,
    cell,
    drop_column,
    edit,
    nightingale_folder,
    repeat_row,
    waveform_of_row,
    write_page,
)
from tests.datasets.nightingale.damage import (
    DAMAGES,
    FILE_DAMAGES,
    ROW_DAMAGES,
    STRUCTURE_DAMAGES,
)

IDS = re.compile(r"pat[0-9a-f]{8}|ecg[0-9a-f]{10}|enc[0-9a-f]{6}|[0-9a-f]{10}\.npz")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return nightingale_folder(tmp_path_factory.mktemp("whole"))


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "data"))


def read_all(dataset: Dataset) -> list[DataError]:
    """What is wrong with the waveforms, as preparing them finds it."""
    found = []
    for ecg_id, path in zip(dataset.tables.ecg["ecg_id"], dataset.tables.ecg["path"], strict=True):
        try:
            dataset.read(dataset.root / path, ecg_id)
        except DataError as error:
            found.append(error)
    return found


def test_tables(whole: Path) -> None:
    dataset = open_dataset("nightingale", whole)
    tables = dataset.tables
    assert tables.encounter is not None
    assert (len(tables.patient), len(tables.encounter), len(tables.ecg)) == (PATIENTS, VISITS, ECGS)
    assert dataset.rejected == ()
    assert dataset.problems == []
    assert dataset.notes == ()
    assert not dataset.simulated
    assert dataset.tasks == ("acs", "mace")
    assert tables.ecg["encounter_id"].isna().sum() == ECGS_WITHOUT_VISIT
    without = ~tables.encounter["encounter_id"].isin(tables.ecg["encounter_id"])
    assert without.sum() == VISITS_WITHOUT_ECG
    assert tables.ecg["source_row"].tolist() == list(range(2, ECGS + 2))
    assert set(tables.patient["sex"]) == {"female", "male"}
    assert tables.patient["race_black"].dtype == "boolean"
    assert tables.ecg["has_afib"].dtype == "boolean"
    assert tables.encounter["age"].between(20, 95).all()
    assert tables.encounter["start_datetime"].dt.hour.nunique() > 5
    assert tables.encounter["maxtrop_sameday"].isna().sum() > VISITS / 2
    assert tables.encounter["first_test"].isna().any()


def test_the_folder_above_will_do(whole: Path) -> None:
    for root in (whole.parent, whole.parents[1]):
        dataset = open_nightingale(root)
        assert dataset.root == whole
        assert (dataset.root / dataset.tables.ecg["path"].iloc[0]).is_file()


def test_tasks_find_their_populations(whole: Path) -> None:
    joined = open_nightingale(whole).tables.joined()
    acs, mace = (build_cohort(joined, load_task(name), "test") for name in ("acs", "mace"))
    assert not set(acs.table["ecg_id"]) & set(mace.table["ecg_id"])
    assert acs.flow[2].ecgs == ECGS - ECGS_WITHOUT_VISIT - EXCLUDED_VISITS
    assert len(acs.table) + len(mace.table) == acs.flow[2].ecgs
    assert 0.3 < acs.table["label"].mean() < 0.7


def test_pages(whole: Path) -> None:
    dataset = open_nightingale(whole)
    ecg = dataset.tables.ecg.set_index("source_row")
    pages = {
        row: dataset.read(whole / ecg["path"][row], ecg["ecg_id"][row])
        for row in (2, MISSING_LEAD, GAPS, JITTER)
    }
    for page in pages.values():
        assert isinstance(page, PrintedPage)
        assert (page.raw.shape, page.raw.dtype, page.fs) == ((15, 5000), np.float64, 500)
    assert pages[2].completeness == 1
    assert pages[MISSING_LEAD].completeness == pytest.approx(1 - 1250 / 30000)
    assert pages[GAPS].completeness == pytest.approx(1 - 30 / 30000)
    assert pages[JITTER].completeness == pytest.approx(1 - 3 / 30000)


@pytest.mark.parametrize("kind", DAMAGES)
def test_damage_is_told_with_file_and_row_and_without_ids(folder: Path, kind: str) -> None:
    damage, words = DAMAGES[kind]
    damage(folder)
    try:
        dataset = open_nightingale(folder)
    except DataErrors as errors:
        told = list(errors.errors)
        assert kind in STRUCTURE_DAMAGES
    else:
        told = dataset.problems
        assert kind not in STRUCTURE_DAMAGES
        if kind in FILE_DAMAGES and not told:
            problem = words.rpartition(": ")[2]
            assert any(problem in error.problem for error in read_all(dataset))
            # Where it lies is added when it is prepared; here by a second fault.
            drop_column(folder / "patient.csv", "sex")
            with pytest.raises(DataErrors) as raised:
                open_nightingale(folder)
            told = list(raised.value.errors)
    messages = [str(error) for error in told]
    assert any(words in message for message in messages), messages
    for error in told:
        assert error.file is not None
        assert error.fix
        assert not IDS.search(str(error).replace(str(folder), "")), str(error)


def test_words_differ() -> None:
    assert len({words for _, words in DAMAGES.values()}) == len(DAMAGES) >= 20


def test_all_damages_are_told_in_one_run(folder: Path) -> None:
    together = ROW_DAMAGES | FILE_DAMAGES
    # A row that is cut off cannot be edited any more.
    for kind in sorted(together, key=lambda kind: kind == "a row cut off"):
        together[kind][0](folder)
    words = {kind: words for kind, (_, words) in together.items()}
    for kind in ("a column is missing", "the description is no YAML"):
        damage, words[kind] = STRUCTURE_DAMAGES[kind]
        damage(folder)
    with pytest.raises(DataErrors) as raised:
        open_nightingale(folder)
    messages = [str(error) for error in raised.value.errors]
    missing = [kind for kind, text in words.items() if not any(text in m for m in messages)]
    assert missing == []
    assert "cath_010_day" in messages[0]
    assert len(messages) < 2 * len(words)


def test_ids_are_shown_on_request(folder: Path) -> None:
    edit(folder / "ecg-metadata.csv", 6, has_afib="x")
    (error,) = open_nightingale(folder).problems
    ecg_id = cell(folder / "ecg-metadata.csv", 6, "ecg_id")
    assert ecg_id in error.message(show_ids=True)
    assert "found 'x'" in error.message(show_ids=True)


@pytest.mark.parametrize("table", ["patient.csv", "ed-encounter.csv"])
def test_a_faulty_row_takes_its_ecgs_along(folder: Path, table: str) -> None:
    # The first patient has several ECGs of one visit.
    edit(folder / table, 2, **{"sex": "x"} if table == "patient.csv" else {"age_at_admit": "x"})
    dataset = open_nightingale(folder)
    (error,) = dataset.problems
    ecg_ids = {item.ecg_id for item in dataset.rejected}
    assert len(ecg_ids) == len(dataset.rejected) > 1
    assert error.file is not None
    assert error.file.endswith(table)
    assert len(dataset.tables.ecg) == ECGS - len(ecg_ids)
    assert not set(dataset.tables.ecg["ecg_id"]) & ecg_ids
    assert dataset.tables.encounter is not None
    left = PATIENTS - 1 if table == "patient.csv" else PATIENTS
    assert len(dataset.tables.patient) == left
    assert len(dataset.tables.encounter) < VISITS


def test_a_faulty_visit_without_ecg_is_told(folder: Path) -> None:
    row = PATIENTS + 2
    edit(folder / "ed-encounter.csv", row, age_at_admit="-1")
    dataset = open_nightingale(folder)
    assert [(item.ecg_id, item.error.row) for item in dataset.rejected] == [(None, row)]
    assert len(dataset.tables.ecg) == ECGS


def test_every_fault_of_a_row_is_told(folder: Path) -> None:
    edit(folder / "ed-encounter.csv", 3, age_at_admit="x", cath_010_day="x", end_datetime="x")
    dataset = open_nightingale(folder)
    assert [error.row for error in dataset.problems] == [3, 3, 3]
    assert sum(item.ecg_id is not None for item in dataset.rejected) == 1


def test_an_id_that_is_there_twice_is_not_used(folder: Path) -> None:
    repeat_row(folder / "ecg-metadata.csv", 10)
    dataset = open_nightingale(folder)
    ecg_id = cell(folder / "ecg-metadata.csv", 10, "ecg_id")
    assert [item.ecg_id for item in dataset.rejected] == [ecg_id, ecg_id]
    assert len(dataset.problems) == 1
    assert len(dataset.tables.ecg) == ECGS - 1


def test_a_faulty_index_costs_the_strips_alone(folder: Path) -> None:
    edit(folder / "ecg-npy-index.csv", 3, npy_index="-1")
    dataset = open_nightingale(folder)
    ecg = dataset.tables.ecg.set_index("ecg_id")
    assert len(ecg) == ECGS
    assert ecg["npy_index"].isna().sum() == 1
    assert pd.isna(ecg["npy_index"][cell(folder / "ecg-npy-index.csv", 3, "ecg_id")])


def test_nothing_that_can_be_used(folder: Path) -> None:
    shutil.rmtree(folder / "ecg-waveforms-npz")
    (folder / "ecg-waveforms-npz").mkdir()
    with pytest.raises(DataErrors, match=f"{ECGS} problems"):
        open_nightingale(folder)


def test_tables_only(folder: Path) -> None:
    shutil.rmtree(folder / "ecg-waveforms-npz")
    dataset = open_nightingale(folder)
    assert dataset.rejected == ()
    assert dataset.notes == ("the folder ecg-waveforms-npz is missing: tables only",)


def test_files_of_no_ecg_are_mentioned(folder: Path) -> None:
    write_page(folder, "ecg0123456789", np.zeros((15, 5000)))
    (note,) = open_nightingale(folder).notes
    assert note.startswith("<11 waveform files belong to no ECG")


@pytest.mark.parametrize("below", ["", "ed-bwh-ecg", "ed-bwh-ecg/v1"])
def test_a_description_marks_it_as_simulated(tmp_path: Path, below: str) -> None:
    nightingale_folder(tmp_path, waveforms=False)
    before = open_nightingale(tmp_path / below).input_hash()
    (tmp_path / below / "dataset.yaml").write_text("name: Twin\nsimulated: true\n")
    dataset = open_nightingale(tmp_path / below)
    assert (dataset.name, dataset.simulated) == ("Twin", True)
    assert dataset.tasks == ("acs", "mace")
    assert dataset.input_hash() != before


def test_another_folder(tmp_path: Path) -> None:
    with pytest.raises(DataErrors, match=r"holds none of patient\.csv") as raised:
        open_nightingale(tmp_path)
    assert len(raised.value.errors) == 1


def test_contradictions_are_counted(folder: Path) -> None:
    edit(folder / "ed-encounter.csv", 3, end_datetime="2100-01-01 00:00:00")
    edit(folder / "ed-encounter.csv", 3, stent_010_day="True")
    edit(folder / "patient.csv", 4, **dict.fromkeys(("race_black", "race_white"), "1"))
    edit(folder / "patient.csv", 5, agi_under_25k="0.9", agi_above_200k="0.9")
    notes = open_nightingale(folder).notes
    assert len(notes) == 4
    assert all(note.startswith("<11 ") for note in notes)
    assert "visits end before they start" in notes[0]
    assert "stent_or_cabg_010_day that is not stent_010_day or cabg_010_day" in notes[1]


def test_a_fault_in_one_waveform_does_not_stop_opening(folder: Path) -> None:
    waveform_of_row(folder, 31).write_bytes(b"x")
    dataset = open_nightingale(folder)
    assert dataset.problems == []
    (error,) = read_all(dataset)
    assert not IDS.search(str(error))
    assert waveform_of_row(folder, 31).name in error.message(show_ids=True)
