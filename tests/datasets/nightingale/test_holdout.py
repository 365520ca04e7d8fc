import shutil
from pathlib import Path

import numpy as np
import pytest

from acsbench.datasets import open_dataset
from acsbench.datasets.nightingale.holdout import open_nightingale_holdout
from acsbench.ecg.printed import PrintedPage
from acsbench.errors import DataError, DataErrors
from tests.datasets.nightingale.builder import ECGS, nightingale_folder, write_page

IDS = ["ecg0000000003", "ecg0000000001", "ecgff00000002"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number, ecg_id in enumerate(IDS):
        write_page(tmp_path / "holdout", ecg_id, np.full((15, 5000), float(number)))
    return tmp_path / "holdout"


def test_every_file_is_an_ecg_of_a_patient_of_its_own(folder: Path) -> None:
    dataset = open_dataset("nightingale_holdout", folder)
    ecg = dataset.tables.ecg
    assert ecg["ecg_id"].tolist() == sorted(IDS)
    assert ecg["patient_id"].tolist() == [f"holdout-{ecg_id}" for ecg_id in sorted(IDS)]
    assert ecg["source_row"].tolist() == [1, 2, 3]
    assert dataset.tasks == ()
    assert "patient of its own" in dataset.tables.unfilled["patient_id"]
    page = dataset.read(folder / ecg["path"][0], ecg["ecg_id"][0])
    assert isinstance(page, PrintedPage)
    assert (page.raw == IDS.index("ecg0000000001")).all()


def test_any_layout_of_folders_will_do(folder: Path) -> None:
    flat = folder.parent / "flat"
    flat.mkdir()
    for file in folder.rglob("*.npz"):
        shutil.copy(file, flat / f"ecg{file.name}" if "ff" in file.name else flat)
    assert open_nightingale_holdout(flat).tables.ecg["ecg_id"].tolist() == sorted(IDS)


def test_ecgs_of_the_tables_are_not_the_holdout(folder: Path) -> None:
    nightingale_folder(folder.parent)
    assert len(list(folder.parent.rglob("*.npz"))) == ECGS + len(IDS)
    dataset = open_nightingale_holdout(folder.parent)
    assert dataset.tables.ecg["ecg_id"].tolist() == sorted(IDS)
    shutil.rmtree(folder)
    with pytest.raises(DataError, match="every npz file belongs to an ECG of the tables"):
        open_nightingale_holdout(folder.parent)


def test_files_with_other_names(folder: Path) -> None:
    file = next(folder.rglob("*.npz"))
    shutil.copy(file, folder / "page.npz")
    shutil.copy(file, folder / file.name)
    dataset = open_nightingale_holdout(folder)
    assert len(dataset.tables.ecg) == len(IDS) - 1
    assert [error.problem for error in dataset.problems] == [
        "the name of an npz file is not 10 hexadecimal digits",
        "several npz files have the same name",
        "several npz files have the same name",
    ]
    assert all(file.stem not in str(error) for error in dataset.problems)
    assert file.stem in dataset.problems[-1].message(show_ids=True)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no npz file"):
        open_nightingale_holdout(tmp_path)
    np.savez(tmp_path / "page.npz", np.zeros((15, 5000)))
    with pytest.raises(DataErrors, match="hexadecimal"):
        open_nightingale_holdout(tmp_path)


def test_a_description_marks_it_as_simulated(folder: Path) -> None:
    (folder / "dataset.yaml").write_text("name: Twin\nsimulated: true\n")
    dataset = open_nightingale_holdout(folder)
    assert (dataset.name, dataset.simulated) == ("Twin", True)
