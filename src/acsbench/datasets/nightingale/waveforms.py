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
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd
from isal import isal_zlib
from numpy.lib import format as npy
from numpy.typing import NDArray

from acsbench.ecg.amplitude import LARGEST
from acsbench.ecg.printed import PrintedPage
from acsbench.errors import DataError
from acsbench.files import usable_cores

WAVEFORMS = "ecg-waveforms-npz"
SHAPE = (15, 5000)
RATE = 500.0
LOCAL_HEADER = "<4s5H3I2H"
"""Header of a zip member: signature, version, flags, method, time, date, checksum, two sizes, and
the lengths of name and extra field."""
AFTER_MEMBER = (b"PK\x01\x02", b"PK\x03\x04")
"""The archive's directory or the next member."""
UTF8_NAME = 0x800
"""The only flag that a member may have: its name is UTF-8."""
END_RECORD = 22
"""Bytes of the last record of an archive without a comment."""
NPY_START = 10
"""Bytes before the npy header, version 1; the last two are its length."""
PLAIN_HEAD = 512
"""Bytes that contain a member's header and the npy header after it."""

MISSING = "the waveform file is missing"
DAMAGED = "the waveform file cannot be read: it is damaged, truncated, or not an npz file"
COPY = "Copy it to its place, or skip the ECG with --on-error skip"
COPY_AGAIN = "Copy the file again from its source, or skip the ECG with --on-error skip"
MANY_FILES = 5000
UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    OSError,
    EOFError,
    ValueError,
    RuntimeError,  # encrypted, or (NotImplementedError) an unsupported compression
    tokenize.TokenError,  # from here on: errors of NumPy for an invalid header
    SyntaxError,
    TypeError,
)
_log = logging.getLogger(__name__)


def waveform_paths(ecg_ids: pd.Series[str]) -> pd.Series[str]:
    """Paths of the waveforms in the dataset's folder, such as `ecg-waveforms-npz/3d/3df45….npz`."""
    stems = ecg_ids.str.removeprefix("ecg")
    return WAVEFORMS + "/" + stems.str[:2] + "/" + stems + ".npz"


def read_npz(path: Path, ecg_id: str) -> PrintedPage:
    """Read the printed page in an npz file: its first array.

    Nothing is unpickled, and at most the size of a page is read.

    Args:
        path: the file.
        ecg_id: identifies the ECG.

    Returns:
        The page, (15, 5000) at 500 Hz, mV, NaN where nothing is printed.

    Raises:
        DataError: the file is missing or cannot be read, or the array is not numeric, has
            another shape, only NaN, or values that cannot be millivolts.
    """
    page = _read_plain(path)
    if page is None:
        page = _read_any(path)
    values = page.reshape(-1)
    largest = max(np.fmax.reduce(values), -np.fmin.reduce(values))
    if np.isnan(largest):
        raise _problem(path, "the waveform has only NaN", COPY_AGAIN)
    if largest > LARGEST:
        raise _problem(
            path,
            f"the waveform has values beyond {LARGEST:g} mV",
            "Convert it to millivolts, with NaN where nothing is printed",
        )
    return PrintedPage(ecg_id, page, RATE)


def _read_plain(path: Path) -> NDArray[np.float64] | None:
    """The page in a file as `numpy.savez` writes it; None for any other file.

    Reading directly into the array, with a check of the checksum, takes half the time of zipfile,
    which reads all other files and reports their errors.
    """
    try:
        with path.open("rb", buffering=0) as file:
            head = file.read(PLAIN_HEAD)
            signature, _, flags, method, _, _, checksum, _, _, name, extra = struct.unpack_from(
                LOCAL_HEADER, head
            )
            begin = struct.calcsize(LOCAL_HEADER) + name + extra
            if signature != b"PK\x03\x04" or flags & ~UTF8_NAME or method != zipfile.ZIP_STORED:
                return None
            length = NPY_START + int.from_bytes(
                head[begin + NPY_START - 2 : begin + NPY_START], "little"
            )
            dtype = _plain_type(head[begin : begin + length])
            array = np.empty(SHAPE, dtype)
            content = array.data.cast("B")
            file.seek(begin + length)
            if file.readinto(content) != len(content) or file.read(4) not in AFTER_MEMBER:
                return None
            file.seek(-END_RECORD, os.SEEK_END)
            if file.read(4) != b"PK\x05\x06":
                return None
    except UNREADABLE:
        return None
    # zlib's own crc32 takes fifteen times as long, as much as the rest of the reading.
    if isal_zlib.crc32(content, isal_zlib.crc32(head[begin : begin + length])) != checksum:
        return None
    return array.astype(np.float64, copy=False)


@lru_cache(maxsize=4)  # all files of a dataset have the same header
def _plain_type(header: bytes) -> np.dtype[Any]:
    """Type of a page's array.

    Raises:
        ValueError: the array is not a page of floats in C order, in version 1 of the format.
    """
    stream = BytesIO(header)
    if npy.read_magic(stream) != (1, 0):
        raise ValueError
    shape, fortran_order, dtype = npy.read_array_header_1_0(stream)
    if shape != SHAPE or fortran_order or dtype.kind != "f":
        raise ValueError
    return dtype


def _read_any(path: Path) -> NDArray[np.float64]:
    """The page in any npz file."""
    if not path.is_file():
        raise _problem(path, MISSING, COPY)
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if not members:
                raise _problem(path, "the waveform file has no array", COPY_AGAIN)
            with archive.open(members[0]) as member:
                return _read_array(path, member)
    except UNREADABLE as error:
        if _starts_as_pickle(path):
            raise _pickled(path) from error
        raise _problem(path, DAMAGED, COPY_AGAIN) from error


def _read_array(path: Path, member: IO[bytes]) -> NDArray[np.float64]:
    """The array of an npy stream; its header is checked first."""
    version = npy.read_magic(member)
    read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, fortran_order, dtype = read_header(member)
    if dtype.hasobject:
        raise _pickled(path)
    if dtype.kind not in "fiu":
        raise _problem(path, f"the waveform has the type {dtype}, not numbers", COPY_AGAIN)
    if shape != SHAPE:
        raise _problem(path, f"the waveform has shape {shape}; {SHAPE} is expected", COPY_AGAIN)
    size = SHAPE[0] * SHAPE[1] * dtype.itemsize
    content = member.read(size + 1)  # the extra byte makes zipfile check the checksum
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
    # The name of a file is an id, and therefore private.
    return DataError(problem, private=str(path), fix=fix)


def _pickled(path: Path) -> DataError:
    return _problem(
        path,
        "the waveform file has pickled objects, which can run code: acsbench never opens them",
        "Save the array of numbers with numpy.savez",
    )


def present_waveforms(root: Path) -> set[str] | None:
    """Paths of the waveform files in the dataset's folder; None without a waveform folder."""
    if not (root / WAVEFORMS).is_dir():
        return None
    found = set()
    # scandir reads each folder once; a check of each of 112,900 files takes far longer.
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
    """Read waveform files and report unusable ones; takes a millisecond each.

    Args:
        root: the dataset's folder.
        ecg_ids: of the ECGs.
        paths: of their files, below `root`.
        rows: their lines in `table`.
        table: the file, for errors.

    Returns:
        ECG id and error, in the given order.
    """
    if len(paths) > MANY_FILES:
        _log.warning("reading all %s waveform files to find faulty ones", f"{len(paths):,}")

    def fault(item: tuple[str, str, int]) -> tuple[str, DataError] | None:
        ecg_id, path, row = item
        try:
            read_npz(root / path, ecg_id)
        except DataError as error:
            return ecg_id, _located(error, ecg_id, table, int(row))
        return None

    # Threads suffice: decompression, which takes most of the time, releases the lock.
    with ThreadPoolExecutor(usable_cores()) as pool:
        found = pool.map(fault, zip(ecg_ids, paths, rows, strict=True))
        return [item for item in found if item is not None]


def _located(error: DataError, ecg_id: str, table: Path, row: int) -> DataError:
    """The same error at the table's line; the file's name is private."""
    return DataError(
        error.problem,
        file=table,
        row=row,
        column="ecg_id",
        private=f"ecg_id {ecg_id!r}, file {error.private}",
        fix=error.fix,
    )
