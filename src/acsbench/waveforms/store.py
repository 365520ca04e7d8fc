"""The waveform store: arrays on disk, ready to train on.

A folder with `store.json`, `index.parquet` (`ecg_id, shard, row, quality`) and
`shard-00000.npy` …, each int16 of shape (ECGs, rows, samples); a stored integer times `scale`
is a value in `unit`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from acsbench.errors import ConfigurationError, DataError
from acsbench.files import sha256

SCHEMA_VERSION = 1
STORE = "store.json"
INDEX = "index.parquet"


@dataclass(frozen=True, eq=False)
class WaveformStore:
    """A store, verified on opening; use `open_store`.

    Args:
        path: the folder.
        meta: what `store.json` says.
        index: one row per ECG: `ecg_id, shard, row, quality`.
        shards: memory-mapped arrays.
    """

    path: Path
    meta: dict[str, Any]
    index: pd.DataFrame
    shards: tuple[NDArray[np.int16], ...]

    def __len__(self) -> int:
        return len(self.index)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and samples of one ECG."""
        rows, samples = self.meta["shape"]
        return rows, samples

    @property
    def processing(self) -> dict[str, Any]:
        """Profile and all its parameters; a run trained on one refuses another."""
        processing: dict[str, Any] = self.meta["processing"]
        return processing

    def positions(self, ecg_ids: Sequence[str]) -> NDArray[np.int64]:
        """Positions of ECGs in the index.

        Raises:
            DataError: an ECG is not in the store.
        """
        positions = pd.Index(self.index["ecg_id"]).get_indexer(pd.Index(ecg_ids))
        missing = int((positions < 0).sum())
        if missing:
            raise DataError(
                f"{missing} of {len(positions)} ECGs are not in the store",
                file=self.path,
                fix="Prepare the dataset again",
            )
        return positions.astype(np.int64)

    def read(self, positions: NDArray[np.int64]) -> NDArray[np.float32]:
        """Waveforms at positions of the index, in that order.

        Returns:
            Shape (len(positions), rows, samples), in the store's unit.
        """
        shard = self.index["shard"].to_numpy()[positions]
        row = self.index["row"].to_numpy()[positions]
        values = np.empty((len(positions), *self.shape), dtype=np.float32)
        for number in np.unique(shard):
            chosen = np.flatnonzero(shard == number)
            values[chosen] = self.shards[number][row[chosen]]
        values *= np.float32(self.meta["scale"])
        return values

    def verify(self) -> None:
        """Compare every shard with the digest taken when it was written.

        Raises:
            DataError: a shard has changed.
        """
        for shard in self.meta["shards"]:
            if sha256(self.path / shard["name"]) != shard["sha256"]:
                raise DataError(
                    "the shard is not what was written",
                    file=self.path / shard["name"],
                    fix="Remove the store and prepare the dataset again",
                )


def open_store(path: Path) -> WaveformStore:
    """Open a store and check that its files are whole and fit together.

    Raises:
        DataError: a file is missing, truncated or contradicts another.
        ConfigurationError: another version of acsbench wrote it in another schema.
    """
    again = "Prepare the dataset again"
    try:
        meta = json.loads((path / STORE).read_text(encoding="utf-8"))
        version = meta["schema_version"]
    except FileNotFoundError as error:
        raise DataError("this is no finished store", file=path, fix=again) from error
    except (ValueError, KeyError, TypeError) as error:
        raise DataError("the file cannot be read", file=path / STORE, fix=again) from error
    if version != SCHEMA_VERSION:
        raise ConfigurationError(
            f"{path} has the store schema {version}; this version reads {SCHEMA_VERSION}"
        )
    try:
        index = pd.read_parquet(path / INDEX)
    except (OSError, ValueError) as error:
        raise DataError("the index cannot be read", file=path / INDEX, fix=again) from error
    shards = []
    for shard in meta["shards"]:
        try:
            array = np.load(path / shard["name"], mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise DataError(
                "the shard is missing or truncated", file=path / shard["name"], fix=again
            ) from error
        if array.shape != (shard["rows"], *meta["shape"]) or array.dtype != np.int16:
            raise DataError(
                f"the shard has shape {array.shape} and type {array.dtype}",
                file=path / shard["name"],
                fix=again,
            )
        shards.append(array)
    sizes = index.groupby("shard")["row"].agg(["size", "max"])
    expected = {n: s["rows"] for n, s in enumerate(meta["shards"]) if s["rows"]}
    if sizes["size"].to_dict() != expected or (sizes["max"] + 1).to_dict() != expected:
        raise DataError("index and shards do not fit together", file=path / INDEX, fix=again)
    return WaveformStore(path, meta, index, tuple(shards))
