"""The waveform files of ed-bwh-ecg: one printed page each, `ecg-waveforms-npz/<aa>/<id>.npz`."""

from __future__ import annotations

import logging
import os
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

import numpy as np
import pandas as pd
from numpy.lib import format as npy
from numpy.typing import NDArray

from acsbench.ecg.printed import PrintedPage
from acsbench.errors import DataError
from acsbench.files import usable_cores

WAVEFORMS = "ecg-waveforms-npz"
SHAPE = (15, 5000)
RATE = 500.0
LARGEST = 100.0
"""mV; no ECG comes near it, so that larger values are in another unit."""

MISSING = "the waveform file is missing"
DAMAGED = "the waveform file cannot be read: it is damaged, cut off, or no npz file"
COPY = "Copy it to where the table expects it, or leave the ECG out with --on-error skip"
COPY_AGAIN = "Copy the file again from its source, or leave the ECG out with --on-error skip"
MANY_FILES = 5000
UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    OSError,
    EOFError,
    ValueError,
    RuntimeError,  # encrypted, or (NotImplementedError) compressed in a way Python does not know
    tokenize.TokenError,  # from here on: what NumPy lets through on parsing a broken header
    SyntaxError,
    TypeError,
)
_log = logging.getLogger(__name__)


def waveform_paths(ecg_ids: pd.Series[str]) -> pd.Series[str]:
    """Where the waveforms lie below the dataset's folder, as `ecg-waveforms-npz/3d/3df45….npz`."""
    stems = ecg_ids.str.removeprefix("ecg")
    return WAVEFORMS + "/" + stems.str[:2] + "/" + stems + ".npz"


def read_npz(path: Path, ecg_id: str) -> PrintedPage:
    """Read the printed page in an npz file: its first array, whatever its name.

    Nothing is unpickled, and no more is read than a page takes.

    Args:
        path: the file.
        ecg_id: identifies the ECG.

    Returns:
        The page, (15, 5000) at 500 Hz, mV, NaN where nothing is printed.

    Raises:
        DataError: the file is missing or cannot be read, holds no array of numbers of that
            shape, nothing but NaN, or values that cannot be millivolts.
    """
    if not path.is_file():
        raise _problem(path, MISSING, COPY)
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if not members:
                raise _problem(path, "the waveform file holds no array", COPY_AGAIN)
            with archive.open(members[0]) as member:
                page = _read_array(path, member)
    except UNREADABLE as error:
        if _starts_as_pickle(path):
            raise _pickled(path) from error
        raise _problem(path, DAMAGED, COPY_AGAIN) from error
    largest = np.fmax.reduce(np.abs(page), axis=None)
    if np.isnan(largest):
        raise _problem(path, "the waveform holds nothing but NaN", COPY_AGAIN)
    if largest > LARGEST:
        raise _problem(
            path,
            f"the waveform holds values beyond {LARGEST:g} mV",
            "Give it in millivolts, NaN where nothing is printed",
        )
    return PrintedPage(ecg_id, page, RATE)


def _read_array(path: Path, member: IO[bytes]) -> NDArray[np.float64]:
    """The array of an npy stream; its header is checked before anything else is read."""
    version = npy.read_magic(member)
    read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, fortran_order, dtype = read_header(member)
    if dtype.hasobject:
        raise _pickled(path)
    if dtype.kind not in "fiu":
        raise _problem(path, f"the waveform is of type {dtype}, which is no number", COPY_AGAIN)
    if shape != SHAPE:
        raise _problem(path, f"the waveform has shape {shape}; {SHAPE} is expected", COPY_AGAIN)
    size = SHAPE[0] * SHAPE[1] * dtype.itemsize
    content = member.read(size + 1)  # one byte more reaches the end, where the checksum is
    if len(content) != size:
        raise EOFError
    flat = np.frombuffer(content, dtype)
    return flat.reshape(SHAPE, order="F" if fortran_order else "C").astype(np.float64)


def _starts_as_pickle(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(1) == b"\x80"
    except OSError:
        return False


def _problem(path: Path, problem: str, fix: str) -> DataError:
    # The name of a file is an id: it is shown on request only.
    return DataError(problem, private=str(path), fix=fix)


def _pickled(path: Path) -> DataError:
    return _problem(
        path,
        "the waveform file holds pickled objects, which acsbench never opens: they can run code",
        "Save the array of numbers with numpy.savez",
    )


def present_waveforms(root: Path) -> set[str] | None:
    """Paths of the waveform files below the dataset's folder; None if there is no such folder."""
    if not (root / WAVEFORMS).is_dir():
        return None
    found = set()
    # scandir asks the disk once per folder; looking for each of 112,900 files takes far longer.
    with os.scandir(root / WAVEFORMS) as folders:
        for folder in folders:
            if folder.is_dir():
                with os.scandir(folder.path) as files:
                    found |= {
                        f"{WAVEFORMS}/{folder.name}/{file.name}"
                        for file in files
                        if file.name.endswith(".npz")
                    }
    return found


def faulty_waveforms(
    root: Path, ecg_ids: Sequence[str], paths: Sequence[str], rows: Iterable[int], table: Path
) -> list[tuple[str, DataError]]:
    """Read every waveform file and tell which ones cannot be used; takes a millisecond each.

    Args:
        root: the dataset's folder.
        ecg_ids: of the ECGs.
        paths: of their files, below `root`.
        rows: the lines of `table` that name them.
        table: the file for the messages.

    Returns:
        ECG id and what is wrong, in the order given.
    """
    if len(paths) > MANY_FILES:
        _log.warning("reading all %s waveform files to tell which are faulty", f"{len(paths):,}")

    def fault(item: tuple[str, str, int]) -> tuple[str, DataError] | None:
        ecg_id, path, row = item
        try:
            read_npz(root / path, ecg_id)
        except DataError as error:
            return ecg_id, _located(error, ecg_id, table, int(row))
        return None

    # Threads: decompression, which takes the time, lets others run meanwhile.
    with ThreadPoolExecutor(usable_cores()) as pool:
        found = pool.map(fault, zip(ecg_ids, paths, rows, strict=True))
        return [item for item in found if item is not None]


def _located(error: DataError, ecg_id: str, table: Path, row: int) -> DataError:
    """The same error, told by the table's line instead of the file's name."""
    return DataError(
        error.problem,
        file=table,
        row=row,
        column="ecg_id",
        private=f"ecg_id {ecg_id!r}, file {error.private}",
        fix=error.fix,
    )
