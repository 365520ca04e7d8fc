"""What happens between the epochs of a training."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning as L

from acsbench.files import write_text
from acsbench.runs import HISTORY, WEIGHTS
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
from acsbench.training.state import TrainingState, load_state, save_state, save_weights

Report = Callable[[str], None]
"""Takes a line for the user."""
ESTIMATE_AFTER = 20.0
"""Seconds of training after which the user gets an estimate of the duration."""


class EpochCallback(L.Callback):
    """Saves the state after each epoch, and restores it when a training resumes.

    Args:
        folder: folder of the run.
        report: called with a line about each epoch.
        may_show: whether validation results may be printed, logged and stored. They choose the
            epoch in any case.
    """

    def __init__(self, folder: Path, report: Report, may_show: bool = True):
        self.folder, self.report, self.may_show = folder, report, may_show
        self._state: TrainingState | None = None
        self._began = 0.0

    def restore(self, trainer: L.Trainer, module: Any) -> TrainingState | None:
        """Restore network and history from the state in the folder, if there is one.

        Raises:
            DataError: the state cannot be read.
        """
        state = self._state = load_state(self.folder)
        if state is not None:
            module.network.load_state_dict(state.network)
            module.history = state.history
            # Lightning only counts the epochs of this process.
            progress: Any = trainer.fit_loop.epoch_progress.current
            progress.processed = len(state.history)
            if trainer.is_global_zero:
                self.report(f"resumes after epoch {len(state.history)}")
        return state

    def on_train_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Restore the optimizer."""
        if self._state is not None:
            trainer.optimizers[0].load_state_dict(self._state.optimizer)
            trainer.precision_plugin.load_state_dict(self._state.precision)

    def on_train_epoch_start(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Start the clock."""
        self._began = time.monotonic()

    def seconds(self) -> float:
        """Seconds since the epoch began."""
        return time.monotonic() - self._began

    def save(self, trainer: L.Trainer, module: Any, averaged: dict[str, Any]) -> None:
        """Save the state that the next epoch needs."""
        state = TrainingState(
            network=module.network.state_dict(),
            averaged=averaged,
            optimizer=trainer.optimizers[0].state_dict(),
            precision=trainer.precision_plugin.state_dict(),
            history=module.history,
        )
        save_state(state, self.folder)


class EpochEnd(EpochCallback):
    """After each epoch: reports it, keeps the best weights, decides whether to stop."""

    _estimated = False

    def on_train_batch_end(
        self,
        trainer: L.Trainer,
        module: L.LightningModule,
        outputs: object,
        batch: object,
        batch_idx: int,
    ) -> None:
        """Estimate once how long a long epoch takes."""
        seconds = self.seconds()
        if self._estimated or seconds < ESTIMATE_AFTER or not trainer.is_global_zero:
            return
        assert isinstance(module, BinaryClassifier)
        self._estimated = True
        per_epoch = seconds / (batch_idx + 1) * trainer.num_training_batches
        self.report(time_to_expect(per_epoch, module.history, module.config))

    def on_train_epoch_end(self, trainer: L.Trainer, module: L.LightningModule) -> None:
        """Record the epoch.

        Raises:
            Diverged: the validation loss or an output for a validation ECG is NaN or infinite.
        """
        assert isinstance(module, BinaryClassifier)
        # The clocks of several processes differ, but all must make the same decision.
        epoch: Epoch = trainer.strategy.broadcast(self._epoch(trainer, module))
        if has_diverged(epoch):
            what = "the output for a validation ECG"
            raise Diverged(epoch["epoch"], epoch["step"], what, epoch["train_loss"])
        module.history.append(epoch)
        self._estimated = True
        trainer.should_stop = reason_to_stop(module.history, module.config) is not None
        if not trainer.is_global_zero:
            return
        if kept_epoch(module.history, module.config.keep) is epoch:
            save_weights(module.averaged, self.folder / WEIGHTS)
        write_text(self.folder / HISTORY, history_csv(module.history, self.may_show))
        self.save(trainer, module, module.averaged)
        for logger in trainer.loggers:
            logger.log_metrics(shown(epoch, self.may_show), step=epoch["step"])
        validation = f"validation AUROC {epoch['valid_auroc']:.3f}"
        if math.isnan(epoch["valid_auroc"]):
            validation = f"validation loss {epoch['valid_loss']:.3f} (no AUROC: one class only)"
        if not self.may_show:
            validation = "too few validation patients to show results"
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
            seconds=round(self.seconds(), 1),
        )
