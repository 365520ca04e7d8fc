"""Batches from a waveform store."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import lightning as L
import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from acsbench.training.order import BatchOrder, Indices, in_order
from acsbench.waveforms.store import WaveformStore

PREDICTION_BATCH = 64


class Batch(NamedTuple):
    """Some ECGs: waveforms (batch, rows, samples), covariates (batch, n), labels (batch,).

    Covariates and labels are NaN where unknown; without covariates, n is 0.
    """

    waveforms: Tensor
    covariates: Tensor
    labels: Tensor

    def inputs(self) -> tuple[Tensor, ...]:
        """What a network takes: waveforms, and covariates if there are any."""
        return (self.waveforms, self.covariates) if self.covariates.shape[1] else (self.waveforms,)


class StoredWaveforms(Dataset[Batch]):
    """Waveforms, covariates and labels of some ECGs, a whole batch at a time.

    Args:
        store: where the waveforms are.
        table: `ecg_id` and, for training, `label`.
        covariates: shape (ECGs, n), in the table's order.

    An index is an array of positions in the table; an item is a `Batch`.
    """

    def __init__(self, store: WaveformStore, table: pd.DataFrame, covariates: NDArray[np.float32]):
        self.store = store
        self.positions = store.positions(list(table["ecg_id"]))
        self.covariates = covariates
        self.labels: NDArray[np.float32] = (
            table["label"].to_numpy(dtype=np.float32)
            if "label" in table
            else np.full(len(table), np.nan, dtype=np.float32)
        )

    def __len__(self) -> int:
        return len(self.positions)

    def __getitem__(self, rows: Indices) -> Batch:
        waveforms = self.store.read(self.positions[rows])
        arrays = (waveforms, self.covariates[rows], self.labels[rows])
        return Batch(*(torch.from_numpy(array) for array in arrays))

    def in_order(self, process: int = 0, processes: int = 1) -> DataLoader[Batch]:
        """Batches in the table's order, of each every `processes`-th ECG."""
        batches = [batch[process::processes] for batch in in_order(len(self), PREDICTION_BATCH)]
        # The sampler's items are whole batches: the loader has nothing to collate.
        return DataLoader(self, sampler=batches, batch_size=None)


class EpochSampler(Sampler[Indices]):
    """One process's part of the batches of an epoch; Lightning says which epoch.

    Args:
        order: of the batches.
        per_epoch: batches of an epoch.
        process, processes: which part.
    """

    def __init__(self, order: BatchOrder, per_epoch: int, process: int = 0, processes: int = 1):
        self.order = order
        self.per_epoch = per_epoch
        self.process, self.processes = process, processes
        self.epoch = 0

    def __len__(self) -> int:
        return self.per_epoch

    def __iter__(self) -> Iterator[Indices]:
        for batch in self.order.batches(self.epoch * self.per_epoch, self.per_epoch):
            yield batch[self.process :: self.processes]

    def set_epoch(self, epoch: int) -> None:
        """Take the batches of an epoch, counted from 0."""
        self.epoch = epoch


class WaveformData(L.LightningDataModule):
    """Training and validation batches of one task, shared out among the processes.

    Every process gets its part of the same batches that a single one would have, so that
    nothing is seen twice and the result does not depend on how many there are.

    Args:
        train, valid: ECGs to train on and to validate with.
        order: of the training batches.
        per_epoch: training batches of an epoch.
    """

    def __init__(
        self, train: StoredWaveforms, valid: StoredWaveforms, order: BatchOrder, per_epoch: int
    ):
        super().__init__()
        self.train, self.valid = train, valid
        self.order, self.per_epoch = order, per_epoch

    def train_dataloader(self) -> Any:
        """Shuffled batches."""
        sampler = EpochSampler(self.order, self.per_epoch, *self._part())
        return DataLoader(self.train, sampler=sampler, batch_size=None)

    def val_dataloader(self) -> Any:
        """Batches in order."""
        return self.valid.in_order(*self._part())

    def _part(self) -> tuple[int, int]:
        if self.trainer is None:
            return 0, 1
        return self.trainer.global_rank, self.trainer.world_size
