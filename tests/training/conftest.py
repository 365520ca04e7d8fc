from pathlib import Path

import pytest

from acsbench.datasets import open_dataset
from acsbench.waveforms.prepare import prepare
from acsbench.waveforms.prepared import Prepared
from tests.datasets.builders import wfdb_folder


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """A small prepared task on simulated ECGs."""
    folder = tmp_path_factory.mktemp("simulated")
    dataset = open_dataset("wfdb_folder", wfdb_folder(folder / "ecgs", 150))
    return prepare(dataset, folder / "prepared", tasks=["simulated-acs"])


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return tmp_path / "runs"
