"""What happens between the epochs of a training."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path

import lightning as L

from acsbench.files import write_text
from acsbench.training.history import (
    Epoch,
    has_diverged,
    history_csv,
    kept_epoch,
    reason_to_stop,
    shown,
    time_to_expect,
)
from acsbench.training.module import BinaryClassifier, Diverged
from acsbench.training.run import HISTORY, WEIGHTS
from acsbench.training.state import TrainingState, save_state, save_weights

Report = Callable[[str], None]
TELLING = 20.0
"""Seconds of training after which it is told how long it will take."""


class EpochEnd(L.Callback):
    """After each epoch: tells it, keeps the best weights and the state, decides whether to stop.

    Args:
        folder: where the run's files go.
        report: told a line about each epoch.
        may_show: whether figures of the validation ECGs may be printed, logged and stored. They
            choose the epoch in any case.

    `state` is that of the training that is gone on with, if there is one.
    """

    def __init__(self, folder: Path, report: Report, may_show: bool = True):
        self.folder = folder
        self.report = report
        self.may_show = may_show
        self.state: TrainingState | None = None
        self._began = 0.0
        self._told = False

    def on_train_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Go on with the optimizer as it was."""
        if self.state is not None:
            trainer.optimizers[0].load_state_dict(self.state.optimizer)
            trainer.precision_plugin.load_state_dict(self.state.precision)

    def on_train_epoch_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Start the clock."""
        self._began = time.monotonic()

    def on_train_batch_end(
        self,
        trainer: L.Trainer,
        module: L.LightningModule,
        outputs: object,
        batch: object,
        batch_idx: int,
    ) -> None:
        """Tell once how long an epoch will take, if it is long."""
        seconds = time.monotonic() - self._began
        if self._told or seconds < TELLING or not trainer.is_global_zero:
            return
        assert isinstance(module, BinaryClassifier)
        self._told = True
        per_epoch = seconds / (batch_idx + 1) * trainer.num_training_batches
        self.report(time_to_expect(per_epoch, module.history, module.config))

    def on_train_epoch_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Write the epoch down, and what the next one needs.

        Raises:
            Diverged: the validation loss or an output for a validation ECG is NaN or infinite.
        """
        assert isinstance(module, BinaryClassifier)
        # The clocks of several processes differ; all must decide as one.
        epoch: Epoch = trainer.strategy.broadcast(self._epoch(trainer, module))
        if has_diverged(epoch):
            what = "the output for a validation ECG"
            raise Diverged(epoch["epoch"], epoch["step"], what, epoch["train_loss"])
        module.history.append(epoch)
        self._told = True
        trainer.should_stop = reason_to_stop(module.history, module.config) is not None
        if not trainer.is_global_zero:
            return
        if kept_epoch(module.history, module.config.keep) is epoch:
            save_weights(module.averaged, self.folder / WEIGHTS)
        write_text(self.folder / HISTORY, history_csv(module.history, self.may_show))
        save_state(
            TrainingState(
                network=module.network.state_dict(),
                averaged=module.averaged,
                optimizer=trainer.optimizers[0].state_dict(),
                precision=trainer.precision_plugin.state_dict(),
                history=module.history,
            ),
            self.folder,
        )
        for logger in trainer.loggers:
            logger.log_metrics(shown(epoch, self.may_show), step=epoch["step"])
        validation = f"validation AUROC {epoch['valid_auroc']:.3f}"
        if math.isnan(epoch["valid_auroc"]):
            validation = f"validation loss {epoch['valid_loss']:.3f} (one class has no AUROC)"
        if not self.may_show:
            validation = "too few validation patients to show a figure"
        self.report(
            f"epoch {epoch['epoch']}: training loss {epoch['train_loss']:.3f}, {validation}, "
            f"{epoch['seconds']:.0f} s"
        )

    def _epoch(self, trainer: L.Trainer, module: BinaryClassifier) -> Epoch:
        metrics = trainer.callback_metrics
        number = len(module.history) + 1
        return Epoch(
            epoch=number,
            step=number * module.steps_per_epoch,
            train_loss=round(float(metrics["train_loss"]), 6),
            valid_loss=round(float(metrics["valid_loss"]), 6),
            valid_auroc=round(float(metrics["valid_auroc"]), 6),
            seconds=round(time.monotonic() - self._began, 1),
        )
