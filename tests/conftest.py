"""Fixtures that more than one room's tests use."""

from __future__ import annotations

import os
import shutil
import tarfile
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest

from acsbench.ecg.leads import LEADS
from acsbench.ecg.recording import Recording

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("ACSBENCH_SHARED", ROOT.parent / "shared"))
CACHE = ROOT / ".cache"


def _without(path: Path) -> NoReturn:
    reason = f"needs {path}, which is not part of the repository"
    if os.environ.get("ACSBENCH_REQUIRE_SHARED") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def _unpacked(name: str) -> Path:
    """A folder of the shared data, unpacked once into the cache."""
    folder = CACHE / name
    if folder.is_dir():
        return folder
    archive = SHARED / "data" / f"{name}.tar.xz"
    if not archive.is_file():
        _without(archive)
    partial = CACHE / f".{name}.{os.getpid()}"
    with tarfile.open(archive) as tar:
        # Python has the filter from 3.11.4 on.
        tar.extractall(partial, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
    try:
        (partial / name).rename(folder)
    except OSError:  # another process of the tests was faster
        if not folder.is_dir():
            raise
    shutil.rmtree(partial)
    return folder


@pytest.fixture(scope="session")
def vectors() -> Path:
    """Inputs and outputs of the study's code."""
    folder = SHARED / "reference" / "vectors"
    if not folder.is_dir():
        _without(folder)
    return folder


@pytest.fixture(scope="session")
def cases() -> Path:
    """The folder of inputs with right answers."""
    folder = SHARED / "data" / "cases"
    if not folder.is_dir():
        _without(folder)
    return folder


@pytest.fixture(scope="session")
def ptbxl_dir() -> Path:
    """Real ECGs of PTB-XL."""
    return _unpacked("ptb-xl")


@pytest.fixture(scope="session")
def ludb_dir() -> Path:
    """Real ECGs of LUDB with marked waves."""
    return _unpacked("ludb")


@pytest.fixture
def noise_recording() -> Recording:
    """Ten seconds of noise on twelve leads at 500 Hz."""
    rng = np.random.default_rng(0)
    return Recording("noise", rng.normal(0, 0.1, (12, 5000)), 500, LEADS)
