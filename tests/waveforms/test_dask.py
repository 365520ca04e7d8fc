"""A real scheduler and workers: the same bytes, and a killed worker loses nothing."""

import os
import signal
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from acsbench.datasets import open_dataset
from acsbench.errors import ConfigurationError
from acsbench.waveforms.process import process
from acsbench.waveforms.workers import run_all
from tests.waveforms.conftest import make, sources_of
from tests.waveforms.test_process import same_bytes

distributed = pytest.importorskip("distributed", reason="needs acsbench[dask]")


@pytest.fixture(scope="module")
def cluster() -> Iterator["distributed.LocalCluster"]:
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as running:
        yield running


def test_a_cluster_writes_the_same_bytes(records: Path, tmp_path: Path, cluster) -> None:
    make(records, tmp_path / "here", "study-rows", "hubert")
    make(records, tmp_path / "there", "study-rows", "hubert", dask=cluster.scheduler_address)
    same_bytes(tmp_path / "here", tmp_path / "there")


def kill_once(flag: Path, path: Path, ecg_id: str):
    """Read a record; the first worker to come here dies."""
    try:
        flag.touch(exist_ok=False)
    except FileExistsError:
        return open_wfdb(path, ecg_id)
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def open_wfdb(path: Path, ecg_id: str):
    from acsbench.datasets.wfdb_file import read_wfdb

    return read_wfdb(path, ecg_id)


def test_a_killed_worker_loses_nothing(records: Path, tmp_path: Path, cluster) -> None:
    make(records, tmp_path / "here")
    sources = sources_of(open_dataset("wfdb_folder", records))
    read = partial(kill_once, tmp_path / "killed")
    process(
        sources,
        read,
        tmp_path / "there",
        ["study-rows"],
        input_hash="x",
        dask=cluster.scheduler_address,
    )
    assert (tmp_path / "killed").exists()
    same_bytes(tmp_path / "here", tmp_path / "there")


def fail(number: int) -> int:
    if number == 2:
        raise ZeroDivisionError
    time.sleep(0.01)
    return -number


def test_results_and_errors_come_home(cluster) -> None:
    address = cluster.scheduler_address
    assert dict(run_all(fail, [1, 3], dask=address)) == {1: -1, 3: -3}
    with pytest.raises(ZeroDivisionError):
        list(run_all(fail, [1, 2, 3], dask=address))


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nonsense://x"])
def test_no_scheduler(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("acsbench.waveforms.workers.CONNECT", 0.2)
    with pytest.raises(ConfigurationError, match="no Dask scheduler answers"):
        list(run_all(fail, [1], dask=address))
