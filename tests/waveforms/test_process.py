"""Shards: the same bytes whoever makes them, and whatever happens on the way."""

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from acsbench.datasets import open_dataset
from acsbench.datasets.nightingale.reader import open_nightingale
from acsbench.errors import ConfigurationError, DataError, DataErrors
from acsbench.waveforms import process as processing
from acsbench.waveforms import shard as shards
from acsbench.waveforms.process import process
from acsbench.waveforms.shard import make_shard
from acsbench.waveforms.standard import StandardEcgs, standardise
from acsbench.waveforms.store import open_store
from acsbench.waveforms.workers import run_all
from tests.datasets.builders import first_record
from tests.datasets.nightingale.builder import MISSING_LEAD, nightingale_folder
from tests.waveforms.conftest import make, sources_of

ALL = ("study-rows", "study-leads", "hubert", "signs")


def same_bytes(one: Path, two: Path) -> None:
    names = sorted(path.relative_to(one) for path in one.rglob("*"))
    assert names == sorted(path.relative_to(two) for path in two.rglob("*"))
    for name in names:
        if (one / name).is_file():
            assert (one / name).read_bytes() == (two / name).read_bytes(), name


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, tuple[str, ...]]]:
    """Shard and products of each call of `make_shard`."""
    calls: list[tuple[int, tuple[str, ...]]] = []

    def noted(work: shards.Work) -> list[DataError]:
        calls.append((work.shard, tuple(product.name for product in work.products)))
        return make_shard(work)

    monkeypatch.setattr(processing, "make_shard", noted)
    return calls


def test_workers_write_the_same_bytes(records: Path, tmp_path: Path) -> None:
    make(records, tmp_path / "one", *ALL)
    make(records, tmp_path / "two", *ALL, workers=2)
    same_bytes(tmp_path / "one", tmp_path / "two")


def test_the_number_of_blas_threads_changes_no_byte(records: Path, tmp_path: Path) -> None:
    names = ["leads", "hubert", "signs"]
    dataset = open_nightingale(nightingale_folder(tmp_path))
    for threads in (1, 2):
        with threadpool_limits(threads, user_api="blas"):
            out = tmp_path / str(threads)
            process(sources_of(dataset)[:12], dataset.read, out, names, input_hash="x")
            # The caller's setting is its own again.
            assert blas_threads(0) == {threads}
    same_bytes(tmp_path / "1", tmp_path / "2")


def test_blas_has_one_thread_in_workers_and_the_callers_setting_between_items(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "2")  # of the workers
    assert dict(run_all(blas_threads, [1, 2], workers=2)) == {1: {1}, 2: {1}}
    with threadpool_limits(2, user_api="blas"):
        for _, inside in run_all(blas_threads, [1, 2]):
            assert inside == {1}
            assert blas_threads(0) == {2}


def blas_threads(_: int) -> set[object]:
    return {pool["num_threads"] for pool in blas()}


def blas() -> list[dict[str, object]]:
    return [pool for pool in threadpool_info() if pool["user_api"] == "blas"]


@pytest.mark.parametrize("batch", [1, 3])
def test_how_many_are_prepared_together_changes_no_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    dataset = open_nightingale(nightingale_folder(tmp_path))
    sources = sources_of(dataset)[:12]
    names = ["study-rows", "study-leads", "leads", "hubert"]
    monkeypatch.setattr(processing, "SHARD_ECGS", 12)
    process(sources, dataset.read, tmp_path / "together", names, input_hash="x")
    monkeypatch.setattr(shards, "BATCH", batch)
    process(sources, dataset.read, tmp_path / "apart", names, input_hash="x")
    same_bytes(tmp_path / "together", tmp_path / "apart")


def test_each_recording_is_read_once_for_all_products(records: Path, tmp_path: Path) -> None:
    dataset = open_dataset("wfdb_folder", records)
    read: list[str] = []

    def counting(path: Path, ecg_id: str):
        read.append(ecg_id)
        return dataset.read(path, ecg_id)

    process(sources_of(dataset), counting, tmp_path, ALL, input_hash="x")
    assert sorted(read) == sorted(dataset.tables.ecg["ecg_id"])


def test_a_product_added_later_has_the_same_bytes(records: Path, tmp_path: Path, made) -> None:
    make(records, tmp_path / "together", *ALL)
    made.clear()
    make(records, tmp_path / "apart", *ALL[:2])
    make(records, tmp_path / "apart", *ALL)
    assert made == [(n, ALL[:2]) for n in range(3)] + [(n, ALL[2:]) for n in range(3)]
    same_bytes(tmp_path / "together", tmp_path / "apart")


def test_an_interrupted_run_resumes_at_the_next_shard(
    records: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(records, tmp_path / "whole")
    made: list[int] = []

    def interrupted(work: shards.Work) -> list[DataError]:
        if work.shard == 2 and len(made) == 2:
            raise KeyboardInterrupt
        made.append(work.shard)
        return make_shard(work)

    monkeypatch.setattr(processing, "make_shard", interrupted)
    out = tmp_path / "store"
    with pytest.raises(KeyboardInterrupt):
        make(records, out)
    with pytest.raises(DataError, match="not a finished store"):
        open_store(out / "study-rows")
    (out / "study-rows" / ".shard-00002.npy.abcd.partial").write_bytes(b"left by a kill")
    (out / "study-rows" / "shard-00001.json").write_text("junk: the shard is made again")
    made.append(-1)
    make(records, out)
    assert made == [0, 1, -1, 1, 2]
    same_bytes(tmp_path / "whole", out)


KILLED = """
import sys
from pathlib import Path
from acsbench.waveforms import process as processing
from tests.waveforms.conftest import make
processing.SHARD_ECGS = 8
make(Path(sys.argv[1]), Path(sys.argv[2]), "study-rows", "hubert")
"""


def test_sigkill_loses_nothing_that_was_finished(records: Path, tmp_path: Path) -> None:
    whole, out = tmp_path / "whole", tmp_path / "killed"
    make(records, whole, "study-rows", "hubert")
    root = Path(__file__).resolve().parents[2]
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED, records, out],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root)},
    )
    first = out / "hubert" / "shard-00000.json"
    try:
        while not first.exists() and child.poll() is None:
            time.sleep(0.001)
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    assert first.exists()
    kept = first.stat().st_mtime_ns
    finished = (out / "hubert" / "store.json").exists()
    make(records, out, "study-rows", "hubert")
    same_bytes(whole, out)
    assert finished or (out / "hubert" / "shard-00000.npy").stat().st_mtime_ns <= kept


def test_a_full_disk_is_told_and_leaves_nothing_half_written(
    records: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = []

    def fills(stream, array) -> None:
        written.append(array)
        if len(written) == 2:
            stream.write(array.tobytes()[:1000])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        save(stream, array)

    save = np.save
    monkeypatch.setattr(shards.np, "save", fills)
    with pytest.raises(ConfigurationError, match=r"disk of .* is full: free some space and repeat"):
        make(records, tmp_path / "out")
    left = {path.name for path in (tmp_path / "out" / "study-rows").iterdir()}
    assert left == {"shard-00000.npy", "shard-00000.parquet", "shard-00000.json"}
    monkeypatch.undo()
    monkeypatch.setattr(processing, "SHARD_ECGS", 8)
    make(records, tmp_path / "out")
    make(records, tmp_path / "whole")
    same_bytes(tmp_path / "whole", tmp_path / "out")


def test_a_file_that_vanishes_midway_is_told_by_its_row(folder: Path, tmp_path: Path) -> None:
    dataset = open_dataset("wfdb_folder", folder)
    sources = sources_of(dataset)

    def vanishing(path: Path, ecg_id: str):
        if ecg_id == sources[11].ecg_id:
            path.with_suffix(".dat").unlink()
        return dataset.read(path, ecg_id)

    with pytest.raises(DataErrors, match=r"labels\.csv, row 13, .*signal file .* missing"):
        process(sources, vanishing, tmp_path, ["study-rows"], input_hash="x")
    left = {path.name[:11] for path in (tmp_path / "study-rows").iterdir()}
    assert left == {"shard-00000", "shard-00002"}


def test_a_store_of_another_preparation_is_not_touched(records: Path, tmp_path: Path) -> None:
    make(records, tmp_path)
    with pytest.raises(ConfigurationError, match="input_hash differ"):
        make(records, tmp_path, input_hash="y")


def test_stop_names_every_faulty_record_of_the_shard(folder: Path, tmp_path: Path) -> None:
    first_record(folder).with_suffix(".dat").unlink()
    with pytest.raises(
        DataErrors, match=r"labels\.csv, row 2, column 'record': the signal file .* missing"
    ):
        make(folder, tmp_path / "out")
    # The two shards without a fault are kept for the next run.
    left = {path.name[:11] for path in (tmp_path / "out" / "study-rows").iterdir()}
    assert left == {"shard-00001", "shard-00002"}


def test_after_a_file_is_mended_only_its_shard_is_made(folder: Path, tmp_path: Path, made) -> None:
    last = sorted((folder / "records").rglob("*.dat"))[-1]
    content = last.read_bytes()
    last.write_bytes(content[:1000])
    with pytest.raises(DataErrors, match="truncated"):
        make(folder, tmp_path / "out")
    last.write_bytes(content)
    made.clear()
    make(folder, tmp_path / "out", input_hash="of the mended folder")
    assert made == [(2, ("study-rows",))]


def test_a_changed_recording_is_noticed(folder: Path, tmp_path: Path) -> None:
    make(folder, tmp_path / "out")
    header = first_record(folder).with_suffix(".hea")
    header.write_text(header.read_text().replace("1000(0)/mV", "2000(0)/mV"))
    with pytest.raises(ConfigurationError, match="files differ"):
        make(folder, tmp_path / "out")


def test_a_recording_of_another_gain_is_refused(folder: Path, tmp_path: Path) -> None:
    header = first_record(folder).with_suffix(".hea")
    header.write_text(header.read_text().replace("1000(0)/mV", "1(0)/mV"))
    with pytest.raises(DataErrors, match="beyond 30 mV"):
        make(folder, tmp_path / "out")


def test_a_shard_of_faulty_recordings_alone_is_empty(folder: Path, tmp_path: Path) -> None:
    dataset = open_dataset("wfdb_folder", folder)
    for path in dataset.tables.ecg["path"][:8]:
        (folder / f"{path}.dat").unlink()
    store = make(folder, tmp_path / "out", "study-rows", "signs", skip_faulty=True)
    assert [len(shard) for shard in store.shards] == [0, 8, 4]
    assert len(store) == 12
    signs = pd.read_parquet(tmp_path / "out" / "signs" / "signs.parquet")
    assert signs["ecg_id"].tolist() == store.index["ecg_id"].tolist()


def test_not_one_recording_that_can_be_read(folder: Path, tmp_path: Path) -> None:
    for path in (folder / "records").rglob("*.dat"):
        path.unlink()
    with pytest.raises(DataError, match="no recording could be read"):
        make(folder, tmp_path / "out", skip_faulty=True)


def test_pages_go_into_a_store(tmp_path: Path) -> None:
    dataset = open_nightingale(nightingale_folder(tmp_path))
    sources = sources_of(dataset)[:24]
    process(sources, dataset.read, tmp_path / "out", ["study-rows", "signs"], input_hash="x")
    store = open_store(tmp_path / "out" / "study-rows")
    page = standardise(dataset.read(sources[3].path, sources[3].ecg_id))
    expected = processing.get_profile("study-rows").prepare(StandardEcgs([page]))[0]
    np.testing.assert_allclose(store.read(np.array([3]))[0], expected, atol=0.51e-3)
    without = store.index.loc[MISSING_LEAD - 2]
    assert without["reasons"].startswith("missing(")
    assert without["quality"] <= 14 / 15
