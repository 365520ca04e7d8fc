import builtins
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from acsbench.datasets.nightingale.strips import open_strips
from acsbench.errors import ConfigurationError, DataError, DataErrors
from tests.datasets.nightingale.builder import ECGS, edit, nightingale_folder, strips


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = nightingale_folder(tmp_path, waveforms=False)
    strips(folder)
    return folder


def to_hdf5(folder: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(folder / "ecg-waveform.h5", "w") as file:
        file["waveforms"] = np.load(folder / "ecg-waveform.npy")
    (folder / "ecg-waveform.npy").unlink()


@pytest.mark.parametrize("kind", ["npy", "h5"])
def test_strips_come_in_the_order_asked_for(folder: Path, kind: str) -> None:
    if kind == "h5":
        to_hdf5(folder)
    index = pd.read_csv(folder / "ecg-npy-index.csv")
    store = open_strips(folder.parents[1])
    assert len(store) == ECGS
    assert store.path.suffix == f".{kind}"
    asked = index.sample(20, random_state=1)
    asked = pd.concat([asked, asked.iloc[:2]])
    read = store.read(asked["ecg_id"].tolist())
    assert (read.shape, read.dtype) == ((22, 3, 1000), np.float32)
    np.testing.assert_array_equal(read[:, 0, 0], asked["npy_index"])
    np.testing.assert_allclose(read[0, :, 500] - read[0, 0, 500], [0, 0.1, 0.2], atol=1e-5)
    assert store.read([]).shape == (0, 3, 1000)


def test_the_file_is_mapped(folder: Path) -> None:
    assert isinstance(open_strips(folder).array, np.memmap)


def test_an_ecg_without_strips(folder: Path) -> None:
    store = open_strips(folder)
    with pytest.raises(DataError, match="1 of 2 ECGs have no strips") as raised:
        store.read([store.index.index[0], "ecg0123456789"])
    assert "ecg0123456789" not in str(raised.value)


def test_everything_wrong_with_the_index_is_told_at_once(folder: Path) -> None:
    path = folder / "ecg-npy-index.csv"
    lines = path.read_text().splitlines()
    edit(path, 3, npy_index=str(ECGS))
    edit(path, 4, npy_index="x")
    edit(path, 5, ecg_id=lines[5].split(",")[0])
    edit(path, 7, npy_index=lines[7].split(",")[1])
    with pytest.raises(DataErrors) as raised:
        open_strips(folder)
    told = {(error.row, error.column): error.problem for error in raised.value.errors}
    assert set(told) == {(3, "npy_index"), (4, "npy_index"), (6, "ecg_id"), (8, "npy_index")}
    assert f"has {ECGS} rows, numbered from 0" in told[3, "npy_index"]
    assert "same id" in told[6, "ecg_id"]
    assert "same index" in told[8, "npy_index"]


def _objects(path: Path) -> None:
    np.save(path, np.full((ECGS, 3, 1000), None), allow_pickle=True)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda f: (f / "ecg-waveform.npy").unlink(), "neither ecg-waveform.npy nor ecg-wave"),
        (lambda f: (f / "ecg-npy-index.csv").unlink(), "the file does not exist"),
        (lambda f: (f / "ecg-waveform.npy").write_bytes(b"x"), "not an npy file of numbers"),
        (lambda f: _objects(f / "ecg-waveform.npy"), "not an npy file of numbers"),
        (lambda f: np.save(f / "ecg-waveform.npy", np.zeros((ECGS, 1000, 3))), "has shape"),
        (lambda f: np.save(f / "ecg-waveform.npy", np.full((ECGS, 3, 1000), "a")), "not a number"),
        (lambda f: np.save(f / "ecg-waveform.npy", np.zeros((2, 3, 1000))), "has 2 rows"),
    ],
)
def test_damage(folder: Path, damage, words: str) -> None:
    damage(folder)
    with pytest.raises(DataErrors, match=words):
        open_strips(folder)


def test_the_missing_file_and_a_faulty_index_are_told_together(folder: Path) -> None:
    edit(folder / "ecg-npy-index.csv", 4, npy_index="x")
    (folder / "ecg-waveform.npy").unlink()
    with pytest.raises(DataErrors) as raised:
        open_strips(folder)
    assert len(raised.value.errors) == 2


def test_hdf5_that_is_none(folder: Path) -> None:
    pytest.importorskip("h5py")
    shutil.move(folder / "ecg-waveform.npy", folder / "ecg-waveform.h5")
    with pytest.raises(DataErrors, match="not an HDF5"):
        open_strips(folder)


def test_hdf5_needs_h5py(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.move(folder / "ecg-waveform.npy", folder / "ecg-waveform.h5")
    original = builtins.__import__

    def without_h5py(name: str, *args, **options):
        if name == "h5py":
            raise ImportError(name)
        return original(name, *args, **options)

    monkeypatch.setattr(builtins, "__import__", without_h5py)
    with pytest.raises(ConfigurationError, match=r"acsbench\[hdf5\]"):
        open_strips(folder)
