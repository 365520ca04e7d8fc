"""Third step of pre-training: the network learns the codes of masked frames."""

from __future__ import annotations

from typing import Any, NamedTuple, TypedDict, cast

import lightning as L
import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.utils.data import Dataset

from acsbench.files import write_text
from acsbench.models.hubert_pretraining import (
    MaskedCodePredictor,
    masked_hits,
    masked_loss,
    random_mask,
)
from acsbench.runs import HISTORY
from acsbench.training.callbacks import EpochCallback
from acsbench.training.module import Diverged, FiniteMean, stop_if_diverged
from acsbench.training.order import Indices, step_seed
from acsbench.training.pretraining.cluster import Codes
from acsbench.training.pretraining.config import PretrainingConfig
from acsbench.training.pretraining.crops import Crops, Numbers
from acsbench.training.schedule import rise_and_fall

_VALIDATION = 2**32
"""First number of validation batches, beyond all training batches."""
_METRICS = ("loss", "accuracy")


class CodedBatch(NamedTuple):
    """Some crops: leads (batch, 6000), codes (batch, codebooks, frames)."""

    leads: Tensor
    codes: Tensor


class PretrainingEpoch(TypedDict):
    """An epoch: optimizer steps by its end, results over masked frames and codebooks, duration."""

    epoch: int
    step: int
    train_loss: float
    train_accuracy: float
    valid_loss: float
    valid_accuracy: float
    seconds: float


class CodedCrops(Dataset[CodedBatch]):
    """Crops and their codes, read a batch at a time.

    An index is an array of positions in `numbers`; an item is a `CodedBatch`.

    Args:
        crops: all crops.
        codes: codes of all crops, shape (crops, codebooks, frames).
        numbers: the crops that belong to this set.
    """

    def __init__(self, crops: Crops, codes: Codes, numbers: Numbers):
        self.crops, self.codes, self.numbers = crops, codes, numbers

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, rows: Indices) -> CodedBatch:
        numbers = self.numbers[rows]
        codes = np.stack([self.codes[number] for number in numbers]).astype(np.int64)
        return CodedBatch(torch.from_numpy(self.crops.read(numbers)), torch.from_numpy(codes))


class MaskedPrediction(L.LightningModule):
    """Training of a `MaskedCodePredictor`.

    Learning rate, batches, masks and dropout of a step depend only on `history` (the epochs so
    far) and on the seed, so that an interrupted training resumes exactly.
    """

    def __init__(self, network: MaskedCodePredictor, config: PretrainingConfig, steps: int):
        super().__init__()
        self.network, self.config, self.steps_per_epoch = network, config, steps
        self.history: list[PretrainingEpoch] = []
        self.results = torch.nn.ModuleDict(
            {f"{part}_{what}": FiniteMean() for part in ("train", "valid") for what in _METRICS}
        )

    def on_train_batch_start(self, batch: CodedBatch, number: int) -> None:
        """Set the learning rate and the random seed of the step."""
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
            Diverged: the loss is NaN or infinite.
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
        for what, value in zip(_METRICS, (loss, hits), strict=True):
            metric: Any = self.results[f"{part}_{what}"]
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


class PretrainingEpochEnd(EpochCallback):
    """After each epoch: reports it, writes history and state."""

    def on_train_epoch_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Record the epoch.

        Raises:
            Diverged: a loss is NaN or infinite.
        """
        assert isinstance(module, MaskedPrediction)
        results = {k: round(float(trainer.callback_metrics[k]), 6) for k in module.results}
        number = len(module.history) + 1
        step, seconds = number * module.steps_per_epoch, round(self.seconds(), 1)
        record = {"epoch": number, "step": step, **results, "seconds": seconds}
        epoch = cast(PretrainingEpoch, record)
        if not np.isfinite([epoch["train_loss"], epoch["valid_loss"]]).all():
            raise Diverged(number, step, "the validation loss", epoch["train_loss"])
        module.history.append(epoch)
        if not trainer.is_global_zero:
            return
        history = pd.DataFrame(module.history)
        if not self.may_show:
            hidden = [name for name in results if name.startswith("valid_")]
            history[hidden] = np.nan
            results = {name: value for name, value in results.items() if name not in hidden}
        write_text(self.folder / HISTORY, history.to_csv(index=False, lineterminator="\n"))
        self.save(trainer, module, {})
        for logger in trainer.loggers:
            logger.log_metrics(results, step=step)
        others = f"validation {epoch['valid_loss']:.3f}, {epoch['valid_accuracy']:.3f}"
        if not self.may_show:
            others = "too few validation patients to show results"
        self.report(
            f"epoch {number}: loss {epoch['train_loss']:.3f}, masked accuracy "
            f"{epoch['train_accuracy']:.3f}; {others}; {seconds:.0f} s"
        )
