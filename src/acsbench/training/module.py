"""Training and validation steps of a network."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import lightning as L
import numpy as np
import torch
from torch import Tensor, nn
from torchmetrics import CatMetric, MeanMetric

from acsbench.errors import ConfigurationError
from acsbench.models.covariates import WithCovariates
from acsbench.statistics.auroc import auroc
from acsbench.training.augment import augment
from acsbench.training.config import Precision, TrainingConfig
from acsbench.training.data import Batch
from acsbench.training.history import Epoch
from acsbench.training.order import step_seed
from acsbench.training.predictors import one_logit, probabilities_of
from acsbench.training.schedule import rate_factor

Weights = dict[str, Tensor]


class Diverged(Exception):  # noqa: N818 - ends a training, and is always caught
    """An output of a training is NaN or infinite.

    Args:
        epoch: the epoch, counted from 1.
        step: optimizer steps before it, since training began.
        what: the output, in words.
        loss: loss of the training batch.
    """

    def __init__(self, epoch: int, step: int, what: str, loss: float = math.nan):
        super().__init__(f"at epoch {epoch}, step {step}: {what} is NaN or infinite")
        self.epoch, self.step, self.what, self.loss = epoch, step, what, loss


def against_divergence(learning_rate: float, precision: Precision) -> str:
    """Advice after a training that diverged."""
    full = "" if precision == "32-true" else ", or set precision=32-true"
    return f"To avoid this, lower learning_rate (now {learning_rate:g}){full}"


class FiniteMean(MeanMetric):
    """A mean over processes and batches that is infinite if any value is NaN.

    torchmetrics drops NaN; its option to keep NaN ignores the weights.
    """

    def __init__(self) -> None:
        super().__init__(nan_strategy=math.inf)


def stop_if_diverged(trainer: L.Trainer, loss: Tensor, epoch: int, step: int) -> None:
    """Stop all processes at the first loss that is not finite.

    Raises:
        Diverged: the loss in one of the processes is NaN or infinite.
    """
    finite = bool(torch.isfinite(loss.detach()).all())
    if not trainer.strategy.reduce_boolean_decision(finite, all=True):
        raise Diverged(epoch, step, "the training loss", float(loss.detach()))


class BinaryClassifier(L.LightningModule):
    """A network with one logit, trained on 0/1 labels.

    Learning rate, batches and random numbers of a step depend only on `history` (the epochs so
    far) and on the seed, so that an interrupted training resumes exactly. `averaged` are the
    averaged weights, or the network's own without averaging.

    Args:
        network: from waveforms (and covariates) to (batch, 1) logits.
        config: training settings.
        loss_weight: weight of an event in the loss.
        steps_per_epoch: optimizer steps per epoch.
        fs: sampling rate of the waveforms, Hz.
        leads_per_row: leads that follow each other in a row.
        event_weight: weight of an event in training relative to a control.
    """

    def __init__(
        self,
        network: nn.Module,
        config: TrainingConfig,
        loss_weight: float,
        steps_per_epoch: int,
        fs: float,
        leads_per_row: int,
        event_weight: float = 1.0,
    ):
        super().__init__()
        self.network = network
        self.config = config
        self.steps_per_epoch = steps_per_epoch
        self.fs, self.leads_per_row = fs, leads_per_row
        self.loss = nn.BCEWithLogitsLoss(pos_weight=torch.tensor(loss_weight))
        self.event_weight = event_weight
        # Infinity in place of NaN, which torchmetrics would drop.
        self.valid_logits = CatMetric(nan_strategy=math.inf)
        self.valid_labels = CatMetric()
        self.valid_loss = FiniteMean()
        self.history: list[Epoch] = []
        self._averaged: Weights = {}
        self._own: Weights = {}

    def forward(self, batch: Batch) -> Tensor:
        """Logits, shape (batch,)."""
        return one_logit(self.network(*batch.inputs()))

    def on_train_batch_start(self, batch: Batch, number: int) -> None:
        """Set the learning rate and the random seed of the step."""
        done = len(self.history) * self.steps_per_epoch
        step = done + number // self.config.accumulate
        last_step = self.config.epochs * self.steps_per_epoch
        losses = [epoch["valid_loss"] for epoch in self.history]
        factor = rate_factor(self.config, step, last_step, losses)
        for group in self.trainer.optimizers[0].param_groups:
            group["lr"] = group["base_lr"] * factor
        drawn = done * self.config.accumulate + number
        seed = step_seed(self.config.seed, drawn, self.trainer.global_rank)
        L.seed_everything(seed, verbose=False)

    def training_step(self, batch: Batch, number: int) -> Tensor:
        """Loss of a batch.

        Raises:
            Diverged: the loss is NaN or infinite.
        """
        if self.config.augment:
            waveforms = augment(batch.waveforms, self.fs, self.leads_per_row)
            batch = batch._replace(waveforms=waveforms)
        loss: Tensor = self.loss(self(batch), batch.labels)
        done = len(self.history)
        step = done * self.steps_per_epoch + number // self.config.accumulate
        stop_if_diverged(self.trainer, loss, done + 1, step + 1)
        # The parts of a batch have equal sizes: the mean over processes is that of the batch.
        self.log(
            "train_loss",
            loss,
            on_step=False,
            on_epoch=True,
            sync_dist=True,
            batch_size=len(batch.labels),
            logger=False,  # `EpochEnd` logs the whole epoch
        )
        return loss

    def on_train_batch_end(self, outputs: Any, batch: Batch, number: int) -> None:
        """Average the weights after each optimizer step."""
        if self.config.average_decay and (number + 1) % self.config.accumulate == 0:
            step = len(self.history) * self.steps_per_epoch + number // self.config.accumulate
            self._average(step)

    def on_validation_epoch_start(self) -> None:
        """Switch to the averaged weights."""
        if self._averaged:
            self._own = {name: value.clone() for name, value in self.network.state_dict().items()}
            self._set_weights(self._averaged)

    def validation_step(self, batch: Batch, _: int) -> None:
        """Loss and logits of some validation ECGs."""
        logits = self(batch).float()
        self.valid_logits.update(logits)
        self.valid_labels.update(batch.labels)
        size = len(batch.labels)
        loss = self.loss(logits, batch.labels)
        # An infinite logit of the correct sign has a loss of 0.
        loss = torch.where(torch.isfinite(logits).all(), loss, math.inf)
        self.valid_loss.update(loss, weight=size)
        self.log("valid_loss", self.valid_loss, batch_size=size, logger=False)

    def on_validation_epoch_end(self) -> None:
        """Compute the AUROC and switch back to the network's own weights."""
        self.log("valid_auroc", self._valid_auroc(), logger=False)
        if self._own:
            self._set_weights(self._own)
            self._own = {}

    def _valid_auroc(self) -> float:
        """AUROC of all validation ECGs; NaN if an output is not finite or one class is missing."""
        logits, labels = (
            torch.as_tensor(metric.compute()).double().cpu().numpy()
            for metric in (self.valid_logits, self.valid_labels)
        )
        self.valid_logits.reset()
        self.valid_labels.reset()
        if not np.isfinite(logits).all() or len(set(labels)) < 2:
            return math.nan
        return auroc(labels, probabilities_of(logits, self.event_weight)).value

    def _set_weights(self, weights: Weights) -> None:
        # In place: loading would clear what networks derive from their constants.
        with torch.no_grad():
            for name, value in self.network.state_dict().items():
                value.copy_(weights[name])

    @property
    def averaged(self) -> Weights:
        """The weights that are validated and saved."""
        return self._averaged or self.network.state_dict()

    @averaged.setter
    def averaged(self, weights: Mapping[str, Tensor]) -> None:
        if self.config.average_decay:
            self._averaged = {k: v.detach().clone().to(self.device) for k, v in weights.items()}

    def _average(self, step: int) -> None:
        """Exponential moving average that starts as a plain mean, to forget the start sooner."""
        share = 1 - min(self.config.average_decay, step / (step + 1))
        weights = self.network.state_dict()
        if not self._averaged:
            self.averaged = weights
        for name, value in weights.items():
            if value.is_floating_point() or value.is_complex():
                # Exact where nothing changes, as in constants of the network.
                self._averaged[name].lerp_(value, share)
            else:
                self._averaged[name].copy_(value)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam or AdamW, with a learning rate per layer if `layer_decay` is set."""
        config = self.config
        kind = torch.optim.AdamW if config.optimizer == "adamw" else torch.optim.Adam
        groups = list(self._parameter_groups())
        return kind(
            [group | {"base_lr": group["lr"]} for group in groups],
            weight_decay=config.weight_decay,
            betas=config.betas,
        )

    def _parameter_groups(self) -> Iterator[dict[str, Any]]:
        rate, decay = self.config.learning_rate, self.config.layer_decay
        if decay is None:
            trained = [p for p in self.network.parameters() if p.requires_grad]
            yield {"params": trained, "lr": rate}
            return
        inner = self.network.network if isinstance(self.network, WithCovariates) else self.network
        if not hasattr(inner, "parameter_groups"):
            raise ConfigurationError(
                "layer_decay needs a network with parameter_groups; remove the setting"
            )
        groups: Any = self.network.parameter_groups
        yield from groups(rate, decay)
