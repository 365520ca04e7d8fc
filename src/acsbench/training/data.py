"""Batches from a waveform store."""

from __future__ import annotations

from typing import Any

import lightning as L
import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import BatchSampler, DataLoader, Dataset, RandomSampler, SequentialSampler

from acsbench.waveforms.store import WaveformStore

PREDICTION_BATCH = 64


class StoredWaveforms(Dataset[tuple[Tensor, Tensor]]):
    """Waveforms and labels of some ECGs, a whole batch at a time.

    Args:
        store: where the waveforms are.
        table: `ecg_id` and, for training, `label`.

    An index is a list of rows of the table; an item is (waveforms, labels) of shapes
    (batch, rows, samples) and (batch,). Unknown labels are NaN.
    """

    def __init__(self, store: WaveformStore, table: pd.DataFrame):
        self.store = store
        self.positions = store.positions(list(table["ecg_id"]))
        self.labels: NDArray[np.float32] = (
            table["label"].to_numpy(dtype=np.float32)
            if "label" in table
            else np.full(len(table), np.nan, dtype=np.float32)
        )

    def __len__(self) -> int:
        return len(self.positions)

    def __getitem__(self, rows: list[int]) -> tuple[Tensor, Tensor]:
        waveforms = self.store.read(self.positions[rows])
        return torch.from_numpy(waveforms), torch.from_numpy(self.labels[rows])

    def in_order(self) -> DataLoader[tuple[Tensor, Tensor]]:
        """Batches in the table's order."""
        sampler = BatchSampler(SequentialSampler(self), PREDICTION_BATCH, drop_last=False)
        return DataLoader(self, sampler=sampler, batch_size=None)

    def shuffled(self, batch_size: int) -> DataLoader[tuple[Tensor, Tensor]]:
        """Random batches; a last one of a single ECG is dropped, as batch norm wants two."""
        lonely = len(self) % batch_size == 1
        sampler = BatchSampler(RandomSampler(self), batch_size, drop_last=lonely)
        return DataLoader(self, sampler=sampler, batch_size=None)


class WaveformData(L.LightningDataModule):
    """Training and validation batches of one task."""

    def __init__(
        self, store: WaveformStore, train: pd.DataFrame, valid: pd.DataFrame, batch_size: int
    ):
        super().__init__()
        self.train = StoredWaveforms(store, train)
        self.valid = StoredWaveforms(store, valid)
        self.batch_size = batch_size

    def train_dataloader(self) -> Any:
        """Shuffled batches."""
        return self.train.shuffled(self.batch_size)

    def val_dataloader(self) -> Any:
        """Batches in order."""
        return self.valid.in_order()
