"""A small place of work in which the documentation's commands are run."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest
from filelock import FileLock

from tests.datasets.builders import ptbxl_folder, wfdb_folder
from tests.docs.runner import acsbench

TASK = """\
name: mine
version: 1
population: age >= 18
label: stent_within_10_days
unit: ecg
description: Stent within 10 days of the visit.
"""


def _make(folder: Path) -> None:
    """ECG folders under the names that the pages use, prepared, and two models trained."""
    ptbxl_folder(folder / "PTB-XL", 80)
    labels = wfdb_folder(folder / "ECGS", 80) / "labels.csv"
    table = pd.read_csv(labels).rename(columns={"acs": "stent_within_10_days"})
    table.to_csv(labels, index=False)
    (wfdb_folder(folder / "NEW", 8) / "labels.csv").unlink()
    (folder / "mine.yaml").write_text(TASK)
    acsbench(folder, "acsbench prepare wfdb_folder ECGS --task mine.yaml --out work/mine")
    for model in ("resnet18_1d", "logistic"):
        acsbench(folder, f"acsbench train {model} --data work/mine")


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The place of work, made once for all processes of the tests."""
    base = tmp_path_factory.getbasetemp()
    if worker_id != "master":
        base = base.parent
    folder = base / "docs"
    with FileLock(base / "docs.lock"):
        if not (folder / "finished").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            _make(folder)
            (folder / "finished").touch()
    return folder


@pytest.fixture
def workplace(made_once: Path, tmp_path: Path) -> Path:
    """A copy of it, for one page."""
    folder = tmp_path / "here"
    shutil.copytree(made_once, folder)
    return folder
