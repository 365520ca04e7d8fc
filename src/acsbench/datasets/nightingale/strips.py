"""The strips of ed-bwh-ecg: V1, II and V5 over 10 s at 100 Hz, all ECGs in one file.

`ecg-waveform.npy` or `ecg-waveform.h5`, shape (ECGs, 3, 1000), smoothed. `ecg-npy-index.csv` maps
ECGs to rows. Only the requested rows are read. HDF5 needs the extra `acsbench[hdf5]`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from acsbench.datasets.nightingale import columns as layouts
from acsbench.datasets.nightingale.tables import read_source_table, tables_folder
from acsbench.errors import ConfigurationError, DataError, DataErrors

NPY, HDF5 = "ecg-waveform.npy", "ecg-waveform.h5"
LEADS = ("V1", "II", "V5")
RATE = 100.0
SAMPLES = 1000
COPY_AGAIN = "Copy the file again from its source"


@dataclass(frozen=True, eq=False)
class StripStore:
    """The strips of all ECGs; use `open_strips`.

    Args:
        path: the file.
        array: shape (ECGs, 3, 1000), mV, mapped.
        index: row of `array` by ECG id.
    """

    path: Path
    array: Any
    index: pd.Series

    def __len__(self) -> int:
        return len(self.index)

    def read(self, ecg_ids: Sequence[str]) -> NDArray[np.float32]:
        """Read some strips.

        Args:
            ecg_ids: the ECGs; duplicates are allowed.

        Returns:
            Shape (len(ecg_ids), 3, 1000), in this order; V1, II, V5, mV, at 100 Hz.

        Raises:
            DataError: an ECG has no strips.
        """
        rows = self.index.reindex(list(ecg_ids))
        unknown = rows.isna().to_numpy()
        if unknown.any():
            raise DataError(
                f"{unknown.sum():,} of {len(rows):,} ECGs have no strips",
                file=self.path,
                private=", ".join(list(rows.index[unknown][:20])),
                fix=f"Exclude them, or add them to {layouts.STRIP_INDEX.file}",
            )
        # HDF5 needs unique rows in ascending order; disks read them fastest, too.
        order, place = np.unique(rows.to_numpy(dtype=np.int64), return_inverse=True)
        if not len(order):
            return np.empty((0, len(LEADS), SAMPLES), dtype=np.float32)
        return np.asarray(self.array[order], dtype=np.float32)[place]


def open_strips(root: Path) -> StripStore:
    """Open the strips: `ecg-waveform.npy` if it exists, else `ecg-waveform.h5`.

    Args:
        root: the folder that holds `ecg-npy-index.csv`, or one above it.

    Returns:
        A store of the ECGs that the index names.

    Raises:
        DataError: both files are missing, or the array does not have the shape (ECGs, 3, 1000).
        DataErrors: the index is faulty, or names rows that the file does not have.
        ConfigurationError: the file is HDF5, and h5py is not installed.
    """
    folder = tables_folder(root)
    table = read_source_table(folder, layouts.STRIP_INDEX)
    for key in ("ecg_id", "npy_index"):
        table.check_unique(key)
    problems = [*table.fatal, *(fault.error for fault in table.faults)]
    try:
        path, array = _open_array(folder)
    except DataError as error:
        raise DataErrors([*problems, error]) from error
    if not table.fatal:
        rows = table.columns["npy_index"]
        outside = (rows.notna() & (rows >= len(array))).to_numpy(dtype=bool, na_value=False)
        earlier = len(table.faults)
        problem = f"{path.name} has {len(array):,} rows, numbered from 0, but not this one"
        table.check("npy_index", outside, problem, "Correct the cell, or copy both files again")
        problems += [*table.fatal, *(fault.error for fault in table.faults[earlier:])]
    if problems:
        raise DataErrors(problems)
    index = pd.Series(rows.astype(np.int64).to_numpy(), index=pd.Index(table.columns["ecg_id"]))
    return StripStore(path, array, index)


def _open_array(folder: Path) -> tuple[Path, Any]:
    if (folder / NPY).is_file():
        path, array = folder / NPY, _open_npy(folder / NPY)
    elif (folder / HDF5).is_file():
        path, array = folder / HDF5, _open_hdf5(folder / HDF5)
    else:
        fix = "Copy one of them from the dataset"
        raise DataError(f"there is neither {NPY} nor {HDF5}", file=folder, fix=fix)
    if len(array.shape) != 3 or array.shape[1:] != (len(LEADS), SAMPLES):
        raise DataError(
            f"the array has shape {array.shape}; (ECGs, {len(LEADS)}, {SAMPLES}) is expected",
            file=path,
            fix=COPY_AGAIN,
        )
    if array.dtype.kind not in "fiu":
        raise DataError(
            f"the array has the type {array.dtype}, which is not a number",
            file=path,
            fix=COPY_AGAIN,
        )
    return path, array


def _open_npy(path: Path) -> NDArray[Any]:
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        # Pickled arrays end up here as well: they are never opened.
        raise DataError(
            "the file is not an npy file of numbers", file=path, fix=COPY_AGAIN
        ) from error
    return array


def _open_hdf5(path: Path) -> Any:
    try:
        import h5py
    except ImportError as error:
        raise ConfigurationError(f"{path} is HDF5: install acsbench[hdf5], or use {NPY}") from error
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise DataError("the file is not an HDF5 file", file=path, fix=COPY_AGAIN) from error
    arrays = [item for item in file.values() if isinstance(item, h5py.Dataset)]
    if not arrays:
        raise DataError("the file has no array", file=path, fix=COPY_AGAIN)
    return arrays[0]
