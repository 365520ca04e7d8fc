"""Reading one waveform file; `test_nightingale.py` damages whole datasets."""

from pathlib import Path

import numpy as np
import pytest

from acsbench.datasets.nightingale import waveforms
from acsbench.datasets.nightingale.waveforms import read_npz
from acsbench.errors import DataError


@pytest.mark.parametrize("dtype", ["<f8", "<f4", ">f8", "<f2", "<i2"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_any_array_of_numbers_will_do(tmp_path: Path, dtype: str, order: str) -> None:
    array = np.arange(75000).reshape(15, 5000) % 30
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


def _result(path: Path) -> str | bytes:
    try:
        return read_npz(path, "a").raw.tobytes()
    except DataError as error:
        return error.problem


@pytest.mark.parametrize("dtype", ["<f4", "<f8"])
def test_the_short_way_reads_what_zipfile_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dtype: str
) -> None:
    path = tmp_path / "a.npz"
    page = np.random.default_rng(0).normal(size=(15, 5000)).astype(dtype)
    np.savez(path, page)
    assert waveforms._read_plain(path) is not None
    whole = path.read_bytes()
    # Headers, the array's first and last byte, directory and end of the archive.
    places = [*range(0, 190), len(whole) // 2, *range(len(whole) - 160, len(whole))]
    for place in places[::9]:
        for content in (
            whole[:place] + bytes([whole[place] ^ 0x41]) + whole[place + 1 :],
            whole[:place],
        ):
            path.write_bytes(content)
            short = _result(path)
            with monkeypatch.context() as patch:
                patch.setattr(waveforms, "_read_plain", lambda path: None)
                thorough = _result(path)
            # What zipfile reads is read; a damaged directory may keep zipfile from sound data.
            assert short == thorough or short == page.astype(np.float64).tobytes(), place


@pytest.mark.parametrize("place", [200, 300_000, 600_100])
def test_a_changed_byte_of_the_array_is_noticed(tmp_path: Path, place: int) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, np.zeros((15, 5000)))
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match="damaged"):
        read_npz(path, "a")
