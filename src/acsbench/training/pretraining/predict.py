"""Third step: predicting the codes of masked frames."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, NamedTuple, TypedDict

import lightning as L
import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from acsbench.files import write_text
from acsbench.models.hubert_pretraining import (
    MaskedCodePredictor,
    masked_hits,
    masked_loss,
    random_mask,
)
from acsbench.runs import HISTORY
from acsbench.training.callbacks import Report
from acsbench.training.data import EpochSampler
from acsbench.training.module import Diverged, FiniteMean, stop_if_diverged
from acsbench.training.order import BatchOrder, Indices, in_order, step_seed
from acsbench.training.pretraining.cluster import Codes
from acsbench.training.pretraining.config import PretrainingConfig
from acsbench.training.pretraining.crops import Crops, Numbers
from acsbench.training.state import TrainingState, save_state

_VALIDATION = 2**32
"""Batches that validate are numbered from here, where training never comes."""
_FIGURES = ("loss", "accuracy")


class CodedBatch(NamedTuple):
    """Some crops: leads (batch, 6000), codes (batch, codebooks, frames)."""

    leads: Tensor
    codes: Tensor


class Epoch(TypedDict):
    """An epoch: steps made by its end, figures over masked frames and codebooks, duration."""

    epoch: int
    step: int
    train_loss: float
    train_accuracy: float
    valid_loss: float
    valid_accuracy: float
    seconds: float


class CodedCrops(Dataset[CodedBatch]):
    """Crops and their codes, a whole batch at a time.

    Args:
        crops: all of them.
        codes: of all of them, shape (crops, codebooks, frames).
        numbers: the crops that belong to this set.

    An index is an array of positions in `numbers`; an item is a `CodedBatch`.
    """

    def __init__(self, crops: Crops, codes: Codes, numbers: Numbers):
        self.crops, self.codes, self.numbers = crops, codes, numbers

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, rows: Indices) -> CodedBatch:
        numbers = self.numbers[rows]
        codes = np.stack([self.codes[number] for number in numbers]).astype(np.int64)
        return CodedBatch(torch.from_numpy(self.crops.read(numbers)), torch.from_numpy(codes))


class CodedCropsData(L.LightningDataModule):
    """Training and validation batches, shared out among the processes.

    Args:
        train, valid: crops to train on and to validate with.
        config: batch size and seed.
        per_epoch: training batches of an epoch.
    """

    def __init__(
        self, train: CodedCrops, valid: CodedCrops, config: PretrainingConfig, per_epoch: int
    ):
        super().__init__()
        self.train, self.valid, self.per_epoch = train, valid, per_epoch
        self.batch_size = config.batch_size
        nobody = np.zeros(len(train), dtype=np.float32)
        self.order = BatchOrder(nobody, config.batch_size, config.seed)

    def train_dataloader(self) -> Any:
        """Shuffled batches."""
        sampler = EpochSampler(self.order, self.per_epoch, *self._part())
        return DataLoader(self.train, sampler=sampler, batch_size=None)

    def val_dataloader(self) -> Any:
        """Batches in order."""
        process, processes = self._part()
        batches = [batch[process::processes] for batch in in_order(len(self.valid), 64)]
        return DataLoader(self.valid, sampler=batches, batch_size=None)

    def _part(self) -> tuple[int, int]:
        if self.trainer is None:
            return 0, 1
        return self.trainer.global_rank, self.trainer.world_size


class MaskedPrediction(L.LightningModule):
    """Training of a `MaskedCodePredictor`.

    `history` holds the epochs so far; learning rate, batches, masks and dropout of a step follow
    from it and from the seed alone, so that a killed training can go on as it was.
    """

    def __init__(self, network: MaskedCodePredictor, config: PretrainingConfig, steps: int):
        super().__init__()
        self.network, self.config, self.steps_per_epoch = network, config, steps
        self.history: list[Epoch] = []
        self.figures = torch.nn.ModuleDict(
            {f"{part}_{what}": FiniteMean() for part in ("train", "valid") for what in _FIGURES}
        )

    def on_train_batch_start(self, batch: CodedBatch, number: int) -> None:
        """Set learning rate and random numbers, which depend on the step alone."""
        config = self.config
        done = len(self.history) * self.steps_per_epoch
        step = done + number // config.accumulate
        last = config.epochs * self.steps_per_epoch
        rate = config.learning_rate * rise_and_fall(step, last, config.warmup_share)
        for group in self.trainer.optimizers[0].param_groups:
            group["lr"] = rate
        drawn = done * config.accumulate + number
        L.seed_everything(step_seed(config.seed, drawn, self.trainer.global_rank), verbose=False)

    def training_step(self, batch: CodedBatch, number: int) -> Tensor:
        """Loss of a batch.

        Raises:
            Diverged: it is NaN or infinite.
        """
        loss = self._loss("train", batch, None)
        done = len(self.history)
        step = done * self.steps_per_epoch + number // self.config.accumulate
        stop_if_diverged(self.trainer, loss, done + 1, step + 1)
        return loss

    def validation_step(self, batch: CodedBatch, number: int) -> None:
        """Loss and accuracy over the same masked frames in every epoch."""
        seed = step_seed(self.config.seed, _VALIDATION + number, self.trainer.global_rank)
        self._loss("valid", batch, torch.Generator().manual_seed(seed))

    def _loss(self, part: str, batch: CodedBatch, generator: torch.Generator | None) -> Tensor:
        shape = len(batch.leads), batch.codes.shape[-1]
        config = self.config
        mask = random_mask(*shape, config.mask_share, config.mask_length, generator).to(self.device)
        logits = self.network(batch.leads, mask)
        loss = masked_loss(logits, batch.codes, mask)
        hits = masked_hits(logits, batch.codes, mask).float().mean()
        for what, value in zip(_FIGURES, (loss, hits), strict=True):
            metric: Any = self.figures[f"{part}_{what}"]
            metric.update(value.detach(), weight=len(batch.leads))
            self.log(
                f"{part}_{what}",
                metric,
                on_step=False,
                on_epoch=True,
                batch_size=len(batch.leads),
                logger=False,  # `PretrainingEpochEnd` logs the whole epoch
            )
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """AdamW."""
        config = self.config
        return torch.optim.AdamW(
            self.network.parameters(),
            lr=config.learning_rate,
            betas=config.betas,
            weight_decay=config.weight_decay,
        )


class PretrainingEpochEnd(L.Callback):
    """After each epoch: tells it, writes history and state.

    Args:
        folder: where they go.
        report: told a line about each epoch.
        may_show: whether figures of the validation patients may be printed, logged and stored.

    `state` is that of the training that is gone on with, if there is one.
    """

    def __init__(self, folder: Path, report: Report, may_show: bool = True):
        self.folder, self.report, self.may_show = folder, report, may_show
        self.state: TrainingState | None = None
        self._began = 0.0

    def on_train_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Go on with the optimizer as it was."""
        if self.state is not None:
            trainer.optimizers[0].load_state_dict(self.state.optimizer)
            trainer.precision_plugin.load_state_dict(self.state.precision)

    def on_train_epoch_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Start the clock."""
        self._began = time.monotonic()

    def on_train_epoch_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Write the epoch down, and what the next one needs.

        Raises:
            Diverged: a loss is NaN or infinite.
        """
        assert isinstance(module, MaskedPrediction)
        figures = {k: round(float(trainer.callback_metrics[k]), 6) for k in module.figures}
        number = len(module.history) + 1
        seconds = round(time.monotonic() - self._began, 1)
        step = number * module.steps_per_epoch
        epoch = Epoch(
            epoch=number,
            step=step,
            train_loss=figures["train_loss"],
            train_accuracy=figures["train_accuracy"],
            valid_loss=figures["valid_loss"],
            valid_accuracy=figures["valid_accuracy"],
            seconds=seconds,
        )
        if not np.isfinite([epoch["train_loss"], epoch["valid_loss"]]).all():
            raise Diverged(number, step, "the validation loss", epoch["train_loss"])
        module.history.append(epoch)
        if not trainer.is_global_zero:
            return
        history = pd.DataFrame(module.history)
        if not self.may_show:
            hidden = [name for name in figures if name.startswith("valid_")]
            history[hidden] = np.nan
            figures = {name: value for name, value in figures.items() if name not in hidden}
        table = history.to_csv(index=False, lineterminator="\n")
        write_text(self.folder / HISTORY, table)
        state = TrainingState(
            network=module.network.state_dict(),
            averaged={},
            optimizer=trainer.optimizers[0].state_dict(),
            precision=trainer.precision_plugin.state_dict(),
            history=module.history,
        )
        save_state(state, self.folder)
        for logger in trainer.loggers:
            logger.log_metrics(figures, step=step)
        others = f"other patients {epoch['valid_loss']:.3f}, {epoch['valid_accuracy']:.3f}"
        if not self.may_show:
            others = "too few other patients to show a figure"
        self.report(
            f"epoch {number}: loss {epoch['train_loss']:.3f}, masked accuracy "
            f"{epoch['train_accuracy']:.3f}; {others}; {seconds:.0f} s"
        )


def rise_and_fall(step: int, steps: int, warmup_share: float) -> float:
    """Learning rate of a step, relative to its highest: up along a line, then down to zero.

    Args:
        step: steps made before this one.
        steps: of the whole training.
        warmup_share: of the steps, over which it rises.

    >>> [round(rise_and_fall(step, 10, 0.2), 3) for step in (0, 1, 2, 6, 9)]
    [0.5, 1.0, 1.0, 0.5, 0.125]
    """
    warmup = warmup_share * steps
    return min(1.0, (step + 1) / max(1.0, warmup), (steps - step) / max(1.0, steps - warmup))
