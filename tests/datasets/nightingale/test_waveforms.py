"""Reading one waveform file; `test_nightingale.py` damages whole datasets."""

from pathlib import Path

import numpy as np
import pytest

from acsbench.datasets.nightingale.waveforms import read_npz
from acsbench.errors import DataError


@pytest.mark.parametrize("dtype", ["<f8", "<f4", ">f8", "<f2", "<i2"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_any_array_of_numbers_will_do(tmp_path: Path, dtype: str, order: str) -> None:
    array = np.arange(75000).reshape(15, 5000) % 90
    path = tmp_path / "a.npz"
    np.savez(path, waveform=array.astype(dtype, order=order), later=np.zeros(3))
    np.testing.assert_array_equal(read_npz(path, "a").raw, array)


def test_a_waveform_that_is_no_longer_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="missing"):
        read_npz(tmp_path / "a.npz", "a")


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "exploded",))

    path = tmp_path / "a.npz"
    np.savez(path, np.full((15, 5000), Bomb()), allow_pickle=True)
    with pytest.raises(DataError, match="pickled"):
        read_npz(path, "a")
    assert not (tmp_path / "exploded").exists()
