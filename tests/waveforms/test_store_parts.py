"""A store of shards written by hand: each ECG is read from its own, and all are verified."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from acsbench.errors import DataError
from acsbench.files import sha256
from acsbench.waveforms.store import AGAIN, WaveformStore, open_store

SIZES, ROWS, SAMPLES, SCALE = (3, 1, 4), 2, 21, 0.0005
IDS = [f"ecg{number}" for number in range(sum(SIZES))]


def content() -> tuple[NDArray[np.int16], NDArray[np.bool_]]:
    """Integers and known samples of all ECGs, each ECG with its own."""
    rng = np.random.default_rng(0)
    shape = (sum(SIZES), ROWS, SAMPLES)
    known = rng.random(shape) < 0.7
    return np.where(known, rng.integers(-32768, 32767, shape, np.int16), 0), known


def write(folder: Path, masked: bool) -> Path:
    """Write a store as its format is documented."""
    folder.mkdir()
    integers, known = content()
    shards, index, first = [], [], 0
    for shard, size in enumerate(SIZES):
        rows = slice(first, first + size)
        first += size
        arrays = {f"shard-{shard:05d}.npy": integers[rows]}
        if masked:
            arrays[f"shard-{shard:05d}.valid.npy"] = np.packbits(known[rows], axis=-1)
        for name, array in arrays.items():
            np.save(folder / name, array)
        shards.append({"rows": size, "files": {name: sha256(folder / name) for name in arrays}})
        index += [{"shard": shard, "row": row} for row in range(size)]
    table = pd.DataFrame(index).assign(ecg_id=IDS, quality=1.0, reasons="")
    table.to_parquet(folder / "index.parquet")
    meta = {
        "schema_version": 2,
        "shape": [ROWS, SAMPLES],
        "fs": 500.0,
        "leads": ["I", "II"],
        "unit": "mV",
        "scale": SCALE,
        "masked": masked,
        "processing": {"profile": "leads"},
        "plan": {},
        "shards": shards,
    }
    (folder / "store.json").write_text(json.dumps(meta))
    return folder


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, WaveformStore]:
    """A store with masks and one without; no test changes them."""
    folder = tmp_path_factory.mktemp("stores")
    return {masked: open_store(write(folder / str(masked), masked)) for masked in (True, False)}


@pytest.mark.parametrize("masked", [True, False])
def test_every_ecg_is_read_from_its_own_shard_and_row(
    stores: dict[bool, WaveformStore], masked: bool
) -> None:
    store = stores[masked]
    integers, known = content()

    @settings(deadline=None)
    @given(st.lists(st.integers(0, len(IDS) - 1), min_size=1, max_size=12))
    def check(numbers: list[int]) -> None:
        positions = store.positions([IDS[number] for number in numbers])
        assert positions.tolist() == numbers
        np.testing.assert_allclose(
            store.read(positions), integers[numbers] * np.float32(SCALE), rtol=1e-6
        )
        valid = store.valid(positions)
        expected = known[numbers] if masked else np.ones((len(numbers), ROWS, SAMPLES), bool)
        assert valid.dtype == bool
        np.testing.assert_array_equal(valid, expected)

    check()


def test_a_store_says_what_it_holds(stores: dict[bool, WaveformStore]) -> None:
    store = stores[True]
    assert (len(store), store.shape) == (len(IDS), (ROWS, SAMPLES))
    assert store.processing == {"profile": "leads"}
    assert [len(shard) for shard in store.shards] == list(SIZES)
    assert [mask.shape for mask in store.masks] == [(size, ROWS, 3) for size in SIZES]
    assert stores[False].masks == ()
    for each in (*store.shards, *store.masks):
        assert not each.flags.writeable


def test_ecgs_that_are_not_there_are_counted(stores: dict[bool, WaveformStore]) -> None:
    with pytest.raises(DataError, match=": 2 of 3 ECGs are not in the store") as error:
        stores[True].positions(["ecg2", "nobody", "ecg"])
    assert error.value.file == str(stores[True].path)
    assert error.value.fix == "Prepare the dataset again"


@pytest.mark.parametrize("shard", range(len(SIZES)))
@pytest.mark.parametrize("kind", ["npy", "valid.npy"])
@pytest.mark.parametrize("damage", ["a bit", "removed"])
def test_every_file_of_every_shard_is_verified(
    tmp_path: Path, shard: int, kind: str, damage: str
) -> None:
    store = open_store(write(tmp_path / "store", masked=True))
    store.verify()
    file = store.path / f"shard-{shard:05d}.{kind}"
    if damage == "removed":
        file.unlink()
    else:
        changed = bytearray(file.read_bytes())
        changed[-1] ^= 1
        file.write_bytes(changed)
    with pytest.raises(DataError, match=r": the shard has changed since it was written\.") as error:
        store.verify()
    assert error.value.file == str(file)
    assert error.value.fix == AGAIN


@pytest.mark.parametrize("shard", range(len(SIZES)))
@pytest.mark.parametrize("kind", ["npy", "valid.npy"])
def test_a_mask_or_an_array_of_another_shape_or_type_is_refused(
    tmp_path: Path, shard: int, kind: str
) -> None:
    folder = write(tmp_path / "store", masked=True)
    file = folder / f"shard-{shard:05d}.{kind}"
    right = np.load(file)
    for wrong in (right[..., :-1], right[:, :1], right[:-1], right.astype(np.int32)):
        np.save(file, wrong)
        with pytest.raises(DataError, match="the shard has shape") as error:
            open_store(folder)
        assert error.value.file == str(file)
    file.unlink()
    with pytest.raises(DataError, match=": the shard is missing or truncated") as error:
        open_store(folder)
    assert (error.value.file, error.value.fix) == (str(file), AGAIN)
