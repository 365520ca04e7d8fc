from collections.abc import Callable
from pathlib import Path

import pytest

from acsbench.datasets import open_dataset
from acsbench.datasets.dataset import Dataset
from acsbench.waveforms import process as processing
from acsbench.waveforms.process import process
from acsbench.waveforms.shard import Source
from acsbench.waveforms.store import WaveformStore, open_store
from tests.datasets.builders import wfdb_folder

MakeStore = Callable[..., WaveformStore]


def sources_of(dataset: Dataset) -> list[Source]:
    ecg = dataset.tables.ecg
    return [
        Source(ecg_id, dataset.root / path, "labels.csv", int(row), "record")
        for ecg_id, path, row in zip(ecg["ecg_id"], ecg["path"], ecg["source_row"], strict=True)
    ]


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processing, "SHARD_ECGS", 8)


@pytest.fixture(scope="session")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty simulated records that no test changes."""
    return wfdb_folder(tmp_path_factory.mktemp("records") / "ecgs", 20)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twenty simulated records to damage."""
    return wfdb_folder(tmp_path / "ecgs", 20)


def make(folder: Path, out: Path, *names: str, **options) -> WaveformStore:
    """Prepare all records of a folder below `out`; the store of the first profile."""
    names = names or ("study-rows",)
    dataset = open_dataset("wfdb_folder", folder)
    process(sources_of(dataset), dataset.read, out, names, **{"input_hash": "x"} | options)
    return open_store(out / names[0])
