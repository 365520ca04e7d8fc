import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from acsbench.datasets import open_dataset
from acsbench.errors import ConfigurationError, DataError
from acsbench.waveforms import process as processing
from acsbench.waveforms.profiles import get_profile
from acsbench.waveforms.standard import StandardEcgs, standardise
from acsbench.waveforms.store import WaveformStore, open_store
from tests.waveforms.conftest import make


@pytest.fixture(scope="module")
def whole(records: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(processing, "SHARD_ECGS", 8)
        return make(records, tmp_path_factory.mktemp("store")).path


@pytest.fixture
def store(whole: Path, tmp_path: Path) -> WaveformStore:
    """A copy to damage."""
    return open_store(Path(shutil.copytree(whole, tmp_path / "store")))


def test_a_store_holds_what_was_read(records: Path, store: WaveformStore) -> None:
    dataset = open_dataset("wfdb_folder", records)
    assert (len(store), store.shape) == (20, (3, 5000))
    assert [len(shard) for shard in store.shards] == [8, 8, 4]
    assert store.processing["bandpass"] == {"low": 0.5, "high": 50.0, "order": 5}
    order = np.random.default_rng(0).permutation(20)
    ids = dataset.tables.ecg["ecg_id"].to_numpy()[order]
    waveforms = store.read(store.positions(list(ids)))
    assert (waveforms.dtype, waveforms.flags.writeable) == (np.float32, True)
    for ecg_id, waveform in zip(ids, waveforms, strict=True):
        path = records / dataset.tables.ecg.set_index("ecg_id").loc[ecg_id, "path"]
        ecg = standardise(dataset.read(path, ecg_id))
        expected = get_profile("study-rows").prepare(StandardEcgs([ecg]))[0]
        np.testing.assert_allclose(waveform, expected, atol=0.51e-3)
    assert store.valid(np.array([0, 19])).all()
    store.verify()


def test_shards_are_mapped_not_read(store: WaveformStore) -> None:
    for shard in store.shards:
        assert isinstance(shard.base, np.memmap)
        assert not shard.flags.writeable
    assert store.read(np.array([], dtype=np.int64)).shape == (0, 3, 5000)


def test_quality_is_in_the_index(store: WaveformStore) -> None:
    assert store.index.columns.tolist() == ["ecg_id", "shard", "row", "quality", "reasons"]
    assert store.index["quality"].between(0, 1).all()


def test_what_is_missing_is_masked(folder: Path, tmp_path: Path) -> None:
    """A record's gaps are coded as WFDB codes them: the smallest 16-bit integer."""
    signal = sorted((folder / "records").rglob("*.dat"))[0]
    samples = np.fromfile(signal, dtype="<i2").reshape(-1, 12)
    samples[100:200, 3] = -32768
    samples.tofile(signal)
    store = make(folder, tmp_path / "waveforms", "leads", "hubert")
    names = open_dataset("wfdb_folder", folder).tables.ecg["path"].str.endswith(signal.stem)
    first = np.flatnonzero(names)
    unknown = ~store.valid(first)[0]
    assert unknown.sum() == unknown[3].sum() > 0
    assert not store.read(first)[0][unknown].any()
    np.testing.assert_array_equal(
        open_store(tmp_path / "waveforms" / "hubert").valid(first)[0], ~unknown[:, ::5]
    )
    store.verify()


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def _edit(path: Path, **entries: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | entries))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda s: (s / "shard-00001.npy").unlink(), "missing or truncated"),
        (lambda s: (s / "shard-00001.npy").write_bytes(b"x"), "missing or truncated"),
        (lambda s: _cut(s / "shard-00001.npy"), "missing or truncated"),
        (lambda s: np.save(s / "shard-00001.npy", np.zeros((8, 3, 4), np.int16)), "has shape"),
        (lambda s: (s / "index.parquet").write_bytes(b"x"), "table cannot be read"),
        (lambda s: (s / "index.parquet").unlink(), "table cannot be read"),
        (lambda s: pd.DataFrame({"a": [1]}).to_parquet(s / "index.parquet"), "has no ecg_id"),
        (lambda s: _shorten(s / "index.parquet"), "inconsistent"),
        (lambda s: _shuffle(s / "index.parquet"), "inconsistent"),
        (lambda s: (s / "store.json").write_text("{"), "cannot be read"),
        (lambda s: (s / "store.json").write_text("[1]"), "something else"),
        (lambda s: (s / "store.json").write_text('{"schema_version": 2}'), "has no shape"),
        (lambda s: _edit(s / "store.json", shape=5), "has no shape"),
        (lambda s: _edit(s / "store.json", shape=[3]), "cannot be read"),
        (lambda s: _edit(s / "store.json", shards=[{"rows": "x"}]), "cannot be read"),
        (lambda s: _edit(s / "store.json", shards=[]), "inconsistent"),
        (lambda s: _edit(s / "store.json", processing=None), "has no processing"),
    ],
)
def test_damage_is_found_on_opening(
    store: WaveformStore, damage: Callable[[Path], object], words: str
) -> None:
    damage(store.path)
    with pytest.raises(DataError, match=words):
        open_store(store.path)


def _shorten(path: Path) -> None:
    pd.read_parquet(path).iloc[:-1].to_parquet(path)


def _shuffle(path: Path) -> None:
    index = pd.read_parquet(path)
    index.assign(row=index["row"].to_numpy()[::-1]).to_parquet(path)


def test_a_changed_byte_is_found_by_verify(store: WaveformStore) -> None:
    shard = store.path / "shard-00000.npy"
    content = bytearray(shard.read_bytes())
    content[-1] ^= 1
    shard.write_bytes(content)
    with pytest.raises(DataError, match="has changed since"):
        open_store(store.path).verify()


def test_another_schema_is_refused(store: WaveformStore) -> None:
    _edit(store.path / "store.json", schema_version=99)
    with pytest.raises(ConfigurationError, match="schema 99"):
        open_store(store.path)


def test_an_unfinished_store_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not a finished store"):
        open_store(tmp_path)


def test_an_ecg_that_is_not_there(store: WaveformStore) -> None:
    with pytest.raises(DataError, match="1 of 1 ECGs are not in the store"):
        store.positions(["nobody"])
