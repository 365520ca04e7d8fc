"""Batches from a waveform store."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
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

EVALUATION_BATCH = 64


class Batch(NamedTuple):
    """Waveforms (batch, rows, samples), covariates (batch, n) and labels (batch,) of some ECGs.

    Covariates and labels are NaN where unknown; without covariates, n is 0.
    """

    waveforms: Tensor
    covariates: Tensor
    labels: Tensor

    def inputs(self) -> tuple[Tensor, ...]:
        """Arguments of the network: waveforms, and covariates if there are any."""
        return (self.waveforms, self.covariates) if self.covariates.shape[1] else (self.waveforms,)


class StoredWaveforms(Dataset[Batch]):
    """Waveforms, covariates and labels of some ECGs, read a batch at a time.

    An index is an array of positions in the table; an item is a `Batch`.

    Args:
        store: the waveforms.
        table: `ecg_id` and, for training, `label`.
        covariates: shape (ECGs, n), in the order of the table.
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

    def part(self, rows: slice) -> StoredWaveforms:
        """Some of the ECGs, in the same open store."""
        some = copy(self)
        some.positions, some.covariates = self.positions[rows], self.covariates[rows]
        some.labels = self.labels[rows]
        return some

    def in_order(self) -> DataLoader[Batch]:
        """Batches in the order of the table."""
        return loader_in_order(self, len(self))


def loader_in_order(
    data: Dataset[Any], length: int, process: int = 0, processes: int = 1
) -> DataLoader[Any]:
    """Batches in order; each process gets every `processes`-th item of each batch.

    Args:
        data: takes an array of positions and returns a batch.
        length: of the data.
        process, processes: number of this process, and of all.
    """
    batches = [batch[process::processes] for batch in in_order(length, EVALUATION_BATCH)]
    # The sampler returns whole batches: the loader has nothing to collate.
    return DataLoader(data, sampler=batches, batch_size=None)


class EpochSampler(Sampler[Indices]):
    """The share of one process in the batches of an epoch; Lightning sets the epoch.

    Args:
        order: order of the batches.
        per_epoch: batches per epoch.
        process, processes: number of this process, and of all.
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
        """Choose the epoch, counted from 0."""
        self.epoch = epoch


class BatchData(L.LightningDataModule):
    """Training and validation batches, shared among the processes.

    Together, the processes see the batches that a single process would see, so that the result
    does not depend on their number.

    Args:
        train, valid: data sets that take an array of positions and return a batch.
        order: order of the training batches.
        per_epoch: training batches per epoch.
    """

    def __init__(self, train: Any, valid: Any, order: BatchOrder, per_epoch: int):
        super().__init__()
        self.train, self.valid = train, valid
        self.order, self.per_epoch = order, per_epoch

    def train_dataloader(self) -> Any:
        """Shuffled batches."""
        sampler = EpochSampler(self.order, self.per_epoch, *self._part())
        return DataLoader(self.train, sampler=sampler, batch_size=None)

    def val_dataloader(self) -> Any:
        """Batches in order."""
        return loader_in_order(self.valid, len(self.valid), *self._part())

    def _part(self) -> tuple[int, int]:
        if self.trainer is None:
            return 0, 1
        return self.trainer.global_rank, self.trainer.world_size
