"""The waveform store: arrays on disk, ready to train on.

A folder with `store.json`, `index.parquet` (`ecg_id, shard, row, quality, reasons`) and shards
`shard-00000.npy`, int16 of shape (ECGs, rows, samples). A stored integer times `scale` is a value
in `unit`. Where samples can be missing, `shard-00000.valid.npy` has a validity bit for each;
missing samples are stored as 0.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from acsbench.errors import ConfigurationError, DataError
from acsbench.files import sha256

SCHEMA_VERSION = 2
STORE = "store.json"
INDEX = "index.parquet"
INDEX_COLUMNS = ("ecg_id", "shard", "row", "quality", "reasons")
META: dict[str, type] = {
    "shape": list,
    "fs": float,
    "leads": list,
    "unit": str,
    "scale": float,
    "masked": bool,
    "processing": dict,
    "plan": dict,
    "shards": list,
}
"""Required entries of `store.json`."""
AGAIN = "Remove the folder and prepare the dataset again"


@dataclass(frozen=True, eq=False)
class WaveformStore:
    """A store, checked when opened; use `open_store`.

    Args:
        path: the folder.
        meta: content of `store.json`.
        index: one row per ECG: `ecg_id, shard, row, quality, reasons`.
        shards: memory-mapped arrays.
        masks: memory-mapped validity bits of each shard; empty if no sample can be missing.
    """

    path: Path
    meta: dict[str, Any]
    index: pd.DataFrame
    shards: tuple[NDArray[np.int16], ...]
    masks: tuple[NDArray[np.uint8], ...] = ()

    def __len__(self) -> int:
        return len(self.index)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and samples of one ECG."""
        rows, samples = self.meta["shape"]
        return rows, samples

    @property
    def processing(self) -> dict[str, Any]:
        """Profile and its parameters; a run accepts only those that it was trained on."""
        processing: dict[str, Any] = self.meta["processing"]
        return processing

    @cached_property
    def places(self) -> NDArray[np.int64]:
        """Shard and row of each ECG, shape (ECGs, 2)."""
        return self.index[["shard", "row"]].to_numpy(dtype=np.int64)

    @cached_property
    def _numbers(self) -> pd.Index:
        return pd.Index(self.index["ecg_id"])

    def positions(self, ecg_ids: Sequence[str]) -> NDArray[np.int64]:
        """Positions of ECGs in the index.

        Raises:
            DataError: an ECG is not in the store.
        """
        positions = self._numbers.get_indexer(pd.Index(ecg_ids))
        missing = int((positions < 0).sum())
        if missing:
            raise DataError(
                f"{missing} of {len(positions)} ECGs are not in the store",
                file=self.path,
                fix="Prepare the dataset again",
            )
        return positions.astype(np.int64)

    def read(self, positions: NDArray[np.int64]) -> NDArray[np.float32]:
        """Waveforms at positions of the index; missing samples are 0.

        Returns:
            Shape (len(positions), rows, samples), in the store's unit.
        """
        values = np.empty((len(positions), *self.shape), dtype=np.float32)
        scale = np.float32(self.meta["scale"])
        for (shard, row), value in zip(self.places[positions].tolist(), values, strict=True):
            np.multiply(self.shards[shard][row], scale, out=value)
        return values

    def valid(self, positions: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which samples are known, shape (len(positions), rows, samples)."""
        if not self.masks:
            return np.ones((len(positions), *self.shape), dtype=bool)
        bits = np.stack([self.masks[s][row] for s, row in self.places[positions].tolist()])
        return np.unpackbits(bits, axis=-1, count=self.shape[1]).astype(bool)

    def verify(self) -> None:
        """Compare every shard with its recorded digest.

        Raises:
            DataError: a shard has changed.
        """
        for shard in self.meta["shards"]:
            for name, digest in shard["files"].items():
                if not (self.path / name).is_file() or sha256(self.path / name) != digest:
                    raise DataError(
                        "the shard has changed since it was written",
                        file=self.path / name,
                        fix=AGAIN,
                    )


def open_store(path: Path) -> WaveformStore:
    """Open a store and check that its files are complete and consistent.

    Raises:
        DataError: a file is missing, truncated or inconsistent with another.
        ConfigurationError: the store has the schema of another version of acsbench.
    """
    if not (path / STORE).is_file():
        raise DataError("this is not a finished store", file=path, fix="Prepare the dataset again")
    meta = read_json(path / STORE)
    if meta.get("schema_version") != SCHEMA_VERSION:
        raise ConfigurationError(
            f"{path} has the store schema {meta.get('schema_version')}; this version reads "
            f"{SCHEMA_VERSION}: prepare the dataset again into another folder"
        )
    check_entries(path / STORE, meta, META)
    index = read_index(path)
    try:
        rows, samples = meta["shape"]
        sizes = [int(shard["rows"]) for shard in meta["shards"]]
        names = [list(shard["files"]) for shard in meta["shards"]]
        expected = np.array([(n, row) for n, size in enumerate(sizes) for row in range(size)])
        fitting = np.array_equal(expected, index[["shard", "row"]].to_numpy())
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError("the file cannot be read", file=path / STORE, fix=AGAIN) from error
    if not fitting:
        raise DataError("index and shards are inconsistent", file=path / INDEX, fix=AGAIN)
    shards = [
        _map(path / name[0], (size, rows, samples), np.int16)
        for name, size in zip(names, sizes, strict=True)
    ]
    masks = [
        _map(path / name[1], (size, rows, -(-samples // 8)), np.uint8)
        for name, size in zip(names, sizes, strict=True)
        if meta["masked"]
    ]
    return WaveformStore(path, meta, index, tuple(shards), tuple(masks))


def _map(path: Path, shape: tuple[int, ...], dtype: type[np.generic]) -> NDArray[Any]:
    """A memory-mapped array of the expected shape and type."""
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DataError("the shard is missing or truncated", file=path, fix=AGAIN) from error
    if array.shape != shape or array.dtype != dtype:
        raise DataError(
            f"the shard has shape {array.shape} and type {array.dtype}", file=path, fix=AGAIN
        )
    # A plain view of the mapped file: taking a row of a memmap costs more than reading it.
    return np.asarray(array)


def read_index(path: Path) -> pd.DataFrame:
    """The index of a store, without opening its shards.

    Raises:
        DataError: it cannot be read, or a column is missing.
    """
    return read_table(path / INDEX, INDEX_COLUMNS)


def read_json(path: Path) -> dict[str, Any]:
    """The object in one of acsbench's JSON files.

    Raises:
        DataError: it cannot be read, or is not an object.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError("the file cannot be read", file=path, fix=AGAIN) from error
    if not isinstance(content, dict):
        raise DataError("the file holds something else", file=path, fix=AGAIN)
    return content


def check_entries(path: Path, content: dict[str, Any], expected: dict[str, type]) -> None:
    """Check the entries of one of acsbench's JSON files.

    Raises:
        DataError: an entry is missing, or of another type.
    """
    missing = [key for key, kind in expected.items() if not isinstance(content.get(key), kind)]
    if missing:
        raise DataError(f"the file has no {', '.join(missing)}", file=path, fix=AGAIN)


def read_table(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """One of acsbench's Parquet files.

    Raises:
        DataError: it cannot be read, or one of `columns` is missing.
    """
    try:
        table = pd.read_parquet(path)
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise DataError("the table cannot be read", file=path, fix=AGAIN) from error
    missing = [column for column in columns if column not in table]
    if missing:
        raise DataError(f"the table has no {', '.join(missing)}", file=path, fix=AGAIN)
    return table
