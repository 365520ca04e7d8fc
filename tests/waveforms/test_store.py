import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from acsbench.datasets import open_dataset
from acsbench.errors import ConfigurationError, DataError, DataErrors
from acsbench.waveforms import process as processing
from acsbench.waveforms.prepare import Prepared, open_prepared, prepare
from acsbench.waveforms.process import Source, process
from acsbench.waveforms.profiles import get_profile, standardise, study_rows
from acsbench.waveforms.store import WaveformStore, open_store
from tests.datasets.builders import first_record, wfdb_folder

PROFILE = get_profile("study-rows")


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processing, "SHARD_ECGS", 8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return wfdb_folder(tmp_path / "ecgs", 20)


def make(folder: Path, out: Path, **options) -> WaveformStore:
    dataset = open_dataset("wfdb_folder", folder)
    ecg = dataset.tables.ecg
    sources = [
        Source(i, folder / p, "labels.csv", r, "record")
        for i, p, r in zip(ecg["ecg_id"], ecg["path"], ecg["source_row"], strict=True)
    ]
    options = {"input_hash": "x"} | options
    process(sources, dataset.read, out, PROFILE, **options)
    return open_store(out)


def test_a_store_holds_what_was_read(folder: Path, tmp_path: Path) -> None:
    store = make(folder, tmp_path / "store")
    dataset = open_dataset("wfdb_folder", folder)
    assert (len(store), store.shape) == (20, (3, 5000))
    assert [len(shard) for shard in store.shards] == [8, 8, 4]
    assert store.processing["bandpass"] == {"low": 0.5, "high": 50.0, "order": 5}
    order = np.random.default_rng(0).permutation(20)
    ids = dataset.tables.ecg["ecg_id"].to_numpy()[order]
    waveforms = store.read(store.positions(list(ids)))
    assert waveforms.dtype == np.float32
    for ecg_id, waveform in zip(ids, waveforms, strict=True):
        path = folder / dataset.tables.ecg.set_index("ecg_id").loc[ecg_id, "path"]
        expected = study_rows(standardise(dataset.read(path, ecg_id)))
        np.testing.assert_allclose(waveform, expected, atol=0.51e-3)
    store.verify()


def test_workers_write_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    one, two = make(folder, tmp_path / "one"), make(folder, tmp_path / "two", workers=2)
    names = {path.name for path in one.path.iterdir()}
    assert names == {path.name for path in two.path.iterdir()}
    for name in names:
        assert (one.path / name).read_bytes() == (two.path / name).read_bytes(), name


def test_an_interrupted_run_resumes_at_the_next_shard(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = make(folder, tmp_path / "whole")
    made: list[int] = []
    original = processing._make_shard

    def interrupted(work):
        if work.number == 2 and len(made) == 2:
            raise KeyboardInterrupt
        made.append(work.number)
        return original(work)

    monkeypatch.setattr(processing, "_make_shard", interrupted)
    with pytest.raises(KeyboardInterrupt):
        make(folder, tmp_path / "store")
    with pytest.raises(DataError, match="no finished store"):
        open_store(tmp_path / "store")
    (tmp_path / "store" / ".shard-00002.npy.abcd.partial").write_bytes(b"left by a kill")
    made.append(-1)
    resumed = make(folder, tmp_path / "store")
    assert made == [0, 1, -1, 2]
    assert sorted(p.name for p in resumed.path.iterdir()) == sorted(
        p.name for p in expected.path.iterdir()
    )
    np.testing.assert_array_equal(resumed.read(np.arange(20)), expected.read(np.arange(20)))


def test_a_store_of_another_preparation_is_not_touched(folder: Path, tmp_path: Path) -> None:
    make(folder, tmp_path / "store")
    with pytest.raises(ConfigurationError, match="input_hash differ"):
        make(folder, tmp_path / "store", input_hash="y")


def test_stop_names_every_faulty_record_of_the_shard(folder: Path, tmp_path: Path) -> None:
    first_record(folder).with_suffix(".dat").unlink()
    with pytest.raises(
        DataErrors, match=r"labels\.csv, row 2, column 'record': the signal file .* missing"
    ):
        make(folder, tmp_path / "store")
    # The two shards without a fault are kept for the next run.
    assert {p.name[:11] for p in (tmp_path / "store").iterdir()} == {"shard-00001", "shard-00002"}


def test_after_a_file_is_mended_only_its_shard_is_made(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = sorted((folder / "records").rglob("*.dat"))[-1]
    content = last.read_bytes()
    last.write_bytes(content[:1000])
    with pytest.raises(DataErrors, match="truncated"):
        make(folder, tmp_path / "store")
    last.write_bytes(content)
    made: list[int] = []
    original = processing._make_shard
    monkeypatch.setattr(
        processing, "_make_shard", lambda work: made.append(work.number) or original(work)
    )
    make(folder, tmp_path / "store", input_hash="of the mended folder")
    assert made == [2]


def test_skip_leaves_faulty_records_out_and_lists_them(tmp_path: Path) -> None:
    folder = wfdb_folder(tmp_path / "ecgs", 120)
    first_record(folder).with_suffix(".dat").unlink()
    prepared = _prepare(folder, tmp_path, skip_faulty=True)
    assert len(prepared.store("study-rows")) == 119
    left_out = pd.read_csv(prepared.path / "left-out.csv")
    assert len(left_out) == 1
    assert "missing" in left_out["reason"][0]
    assert prepared.flow(prepared.task())[-1].ecgs == 119
    # A second call takes over what the first found.
    assert _prepare(folder, tmp_path, skip_faulty=True).meta == prepared.meta


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda s: (s / "shard-00001.npy").unlink(), "missing or truncated"),
        (lambda s: (s / "shard-00001.npy").write_bytes(b"x"), "missing or truncated"),
        (lambda s: _cut(s / "shard-00001.npy"), "missing or truncated"),
        (lambda s: np.save(s / "shard-00001.npy", np.zeros((8, 3, 4), np.int16)), "has shape"),
        (lambda s: (s / "index.parquet").write_bytes(b"x"), "index cannot be read"),
        (lambda s: (s / "store.json").write_text("{"), "cannot be read"),
        (lambda s: _shorten_index(s / "index.parquet"), "do not fit"),
    ],
)
def test_damage_is_found_on_opening(folder: Path, tmp_path: Path, damage, words) -> None:
    store = make(folder, tmp_path / "store")
    damage(store.path)
    with pytest.raises(DataError, match=words):
        open_store(store.path)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def _shorten_index(path: Path) -> None:
    pd.read_parquet(path).iloc[:-1].to_parquet(path)


def test_a_changed_byte_is_found_by_verify(folder: Path, tmp_path: Path) -> None:
    store = make(folder, tmp_path / "store")
    shard = store.path / "shard-00000.npy"
    content = bytearray(shard.read_bytes())
    content[-1] ^= 1
    shard.write_bytes(content)
    with pytest.raises(DataError, match="not what was written"):
        open_store(store.path).verify()


def test_another_schema_is_refused(folder: Path, tmp_path: Path) -> None:
    path = make(folder, tmp_path / "store").path / "store.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"schema_version": 99}))
    with pytest.raises(ConfigurationError, match="schema 99"):
        open_store(path.parent)


def test_an_ecg_that_is_not_there(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="1 of 1 ECGs are not in the store"):
        make(folder, tmp_path / "store").positions(["nobody"])


def _prepare(folder: Path, tmp_path: Path, **options) -> Prepared:
    return prepare(
        open_dataset("wfdb_folder", folder), tmp_path / "out", tasks=["simulated-acs"], **options
    )


def test_prepared_folder(tmp_path: Path) -> None:
    folder = wfdb_folder(tmp_path / "ecgs", 120)
    prepared = _prepare(folder, tmp_path)
    assert prepared.simulated
    table = prepared.table(prepared.task())
    assert set(table.columns) == {"ecg_id", "patient_id", "age", "sex", "label", "split"}
    assert table.groupby("patient_id")["split"].nunique().max() == 1
    counts = prepared.manifest()["counts"]["simulated-acs"]
    names = {"training": "train", "validation": "valid", "test": "test"}
    assert {names[s]: int(c["ECGs"]) for s, c in counts.items() if s != "all"} == (
        table["split"].value_counts().to_dict()
    )
    signs = prepared.signs()
    assert signs.index.tolist() == table["ecg_id"].tolist()
    assert signs["st60_V2"].abs().median() < 0.3
    assert 30 < signs["heart_rate"].median() < 180
    assert open_prepared(prepared.path).meta == prepared.meta


def test_an_unfinished_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no finished prepared folder"):
        open_prepared(tmp_path)


def test_another_preparation_is_not_written_over(tmp_path: Path) -> None:
    folder = wfdb_folder(tmp_path / "ecgs", 120)
    _prepare(folder, tmp_path)
    with pytest.raises(ConfigurationError, match="seed differ"):
        _prepare(folder, tmp_path, seed=1)
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "thesis.txt").write_text("x")
    with pytest.raises(ConfigurationError, match="holds something else"):
        prepare(open_dataset("wfdb_folder", folder), tmp_path / "foreign", tasks=["simulated-acs"])


def test_a_changed_recording_is_noticed(folder: Path, tmp_path: Path) -> None:
    make(folder, tmp_path / "store")
    header = first_record(folder).with_suffix(".hea")
    header.write_text(header.read_text().replace("1000(0)/mV", "2000(0)/mV"))
    with pytest.raises(ConfigurationError, match="files differ"):
        make(folder, tmp_path / "store")


def test_a_recording_of_another_gain_is_refused(folder: Path, tmp_path: Path) -> None:
    header = first_record(folder).with_suffix(".hea")
    header.write_text(header.read_text().replace("1000(0)/mV", "1(0)/mV"))
    with pytest.raises(DataErrors, match="beyond 30 mV"):
        make(folder, tmp_path / "store")


def test_a_link_to_nowhere_can_be_skipped(tmp_path: Path) -> None:
    folder = wfdb_folder(tmp_path / "ecgs", 120)
    signal = first_record(folder).with_suffix(".dat")
    signal.unlink()
    signal.symlink_to(tmp_path / "nowhere")
    prepared = _prepare(folder, tmp_path, skip_faulty=True)
    assert len(prepared.meta["left_out"]) == 1
