from __future__ import annotations

from pathlib import Path

import pytest

from acsbench.datasets import open_dataset
from acsbench.training.pretraining.config import PretrainingConfig
from acsbench.training.pretraining.pretrain import pretrain
from acsbench.waveforms.prepare import prepare
from acsbench.waveforms.prepared import Prepared
from tests.contract.test_models import HUBERT
from tests.datasets.builders import wfdb_folder

OLDER = "name: older\nversion: 1\npopulation: age > 55\nlabel: acs\nunit: ecg\ndescription: x\n"
QUICK = PretrainingConfig(
    size="tiny",
    options=HUBERT | {"front_widths": [16] * 5, "dropout": 0.1},
    crops=2,
    valid_share=0.2,
    codebooks=(5, 8),
    cluster_batches=6,
    projection=16,
    epochs=3,
    steps_per_epoch=3,
    batch_size=8,
    accumulate=2,
)


def two_tasks(folder: Path, split: str) -> Prepared:
    """Simulated ECGs of 60 patients with two tasks, the second over the older ones."""
    ecgs = folder / "ecgs"
    if not ecgs.is_dir():
        wfdb_folder(ecgs, 70)
        (folder / "older.yaml").write_text(OLDER)
    return prepare(
        open_dataset("wfdb_folder", ecgs),
        folder / split,
        tasks=["simulated-acs", str(folder / "older.yaml")],
        split=split,
        profiles=["hubert"],
        signs=False,
    )


@pytest.fixture(scope="session")
def ecgs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pretraining")


@pytest.fixture(scope="session")
def prepared(ecgs: Path) -> Prepared:
    return two_tasks(ecgs, "patients")


@pytest.fixture(scope="session")
def first(prepared: Prepared, ecgs: Path) -> Path:
    """A finished pre-training of the first iteration."""
    return pretrain(prepared, QUICK, ecgs / "first").path
