"""Every registered reader keeps the same contract; a reader without a test cannot exist."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from acsbench.datasets import Dataset, list_readers, open_dataset, reader_info
from acsbench.ecg.leads import LEADS
from acsbench.ecg.recording import Recording
from acsbench.errors import AcsBenchError, DataError
from tests.datasets.builders import ptbxl_folder, wfdb_folder
from tests.datasets.nightingale.builder import nightingale_folder


def holdout_folder(folder: Path) -> Path:
    (nightingale_folder(folder) / "ecg-waveforms-npz").rename(folder / "holdout")
    return folder / "holdout"


FOLDERS: dict[str, Callable[[Path], Path]] = {
    "nightingale": nightingale_folder,
    "nightingale_holdout": holdout_folder,
    "ptbxl": ptbxl_folder,
    "wfdb_folder": wfdb_folder,
}
"""A small folder for each reader."""


@pytest.fixture(scope="module", params=list_readers())
def opened(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Dataset]:
    name = request.param
    folder = FOLDERS[name](tmp_path_factory.mktemp(name) / "data")
    return name, open_dataset(name, folder)


def test_metadata(opened: tuple[str, Dataset]) -> None:
    info = reader_info(opened[0])
    assert info.name == opened[0]
    assert info.summary
    assert info.summary == info.summary.strip()


def test_tables(opened: tuple[str, Dataset]) -> None:
    _, dataset = opened
    joined = dataset.tables.joined()
    assert len(joined) == len(dataset.tables.ecg) > 0
    assert joined["ecg_id"].is_unique
    assert joined["patient_id"].notna().all()
    absent = {"encounter_id", "age", "sex"} - set(joined)
    assert absent - {"encounter_id"} <= set(dataset.tables.unfilled)
    assert all(source.is_file() for source in dataset.sources)
    if dataset.labelled:
        assert joined.groupby("patient_id").size().max() > 1


def test_recordings(opened: tuple[str, Dataset]) -> None:
    _, dataset = opened
    read = pickle.loads(pickle.dumps(dataset.read))  # as a worker process receives it
    for row in dataset.tables.ecg.head(3).itertuples():
        ecg = read(dataset.root / row.path, row.ecg_id)
        assert ecg.ecg_id == row.ecg_id
        if isinstance(ecg, Recording):
            assert ecg.leads == LEADS
            assert ecg.signal.dtype == np.float32
            values = ecg.signal
        else:
            assert ecg.raw.shape == (15, 5000)
            values = ecg.raw
        assert 0.01 < np.nanmax(np.abs(values)) < 20  # millivolts


def test_a_missing_recording_is_an_error_without_its_id(opened: tuple[str, Dataset]) -> None:
    _, dataset = opened
    row = dataset.tables.ecg.iloc[0]
    with pytest.raises(DataError) as caught:
        dataset.read(dataset.root / f"{row['path']}-none", row["ecg_id"])
    assert row["path"] not in caught.value.message()
    assert caught.value.fix


def test_the_same_files_give_the_same_hash_and_others_another(
    opened: tuple[str, Dataset],
) -> None:
    name, dataset = opened
    before = dataset.input_hash()
    assert open_dataset(name, dataset.root).input_hash() == before
    file = max(dataset.root.glob(f"{dataset.tables.ecg['path'].iloc[0]}*"))
    content = file.read_bytes()
    file.write_bytes(content + b" ")
    try:
        assert dataset.input_hash() != before
    finally:
        file.write_bytes(content)


def test_ecgs_to_predict_need_no_task(opened: tuple[str, Dataset]) -> None:
    name, dataset = opened
    if name == "nightingale":
        pytest.skip("without labels it reads the holdout, not the ECGs of the tables")
    unlabelled = open_dataset(name, dataset.root, labelled=False)
    assert not unlabelled.labelled
    assert unlabelled.tasks == ()
    assert unlabelled.tables.ecg["ecg_id"].tolist() == dataset.tables.ecg["ecg_id"].tolist()


@pytest.mark.parametrize("name", list_readers())
@pytest.mark.parametrize("labelled", [True, False])
def test_an_empty_folder_is_an_error(name: str, labelled: bool, tmp_path: Path) -> None:
    with pytest.raises(AcsBenchError) as caught:
        open_dataset(name, tmp_path, labelled=labelled)
    assert str(tmp_path) in caught.value.message()
