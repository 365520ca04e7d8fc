"""What happens between the epochs of a training."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning as L

from acsbench.files import write_text

Report = Callable[[str], None]
COLUMNS = ("epoch", "train_loss", "valid_loss", "valid_auroc", "seconds")


class History(L.Callback):
    """Keeps losses, validation AUROC and duration of each epoch; writes `history.csv`.

    Args:
        path: the file, written whole after every epoch.
        report: told a line about each epoch.
    """

    def __init__(self, path: Path, report: Report):
        self.path = path
        self.report = report
        self.rows: list[dict[str, Any]] = []
        self._began = 0.0

    def on_train_epoch_start(self, trainer: L.Trainer, _: L.LightningModule) -> None:
        """Start the clock."""
        self._began = time.monotonic()

    def on_train_epoch_end(self, trainer: L.Trainer, _: L.LightningModule) -> None:
        """Write the epoch down."""
        metrics = trainer.callback_metrics
        seconds = time.monotonic() - self._began
        row: dict[str, Any] = {"epoch": trainer.current_epoch + 1}
        row |= {name: round(float(metrics[name]), 6) for name in COLUMNS[1:4]}
        row["seconds"] = round(seconds, 1)
        self.rows.append(row)
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        write_text(self.path, text.getvalue())
        self.report(
            f"epoch {row['epoch']}: training loss {row['train_loss']:.3f}, "
            f"validation AUROC {row['valid_auroc']:.3f}, {seconds:.0f} s"
        )


class TimeBudget(L.Callback):
    """Begins no epoch that would end after the budget, judged by the longest so far.

    Args:
        minutes: the budget; the first epoch always runs.
    """

    def __init__(self, minutes: float):
        self.seconds = minutes * 60
        self.exhausted = False
        self._began = self._epoch_began = 0.0
        self._longest = 0.0

    def on_fit_start(self, trainer: L.Trainer, _: L.LightningModule) -> None:
        """Start the clock."""
        self._began = time.monotonic()

    def on_train_epoch_start(self, trainer: L.Trainer, _: L.LightningModule) -> None:
        """Start the epoch's clock."""
        self._epoch_began = time.monotonic()

    def on_train_epoch_end(self, trainer: L.Trainer, _: L.LightningModule) -> None:
        """Stop if the next epoch would not fit."""
        now = time.monotonic()
        self._longest = max(self._longest, now - self._epoch_began)
        # A process on several devices must stop as one.
        over = now - self._began + self._longest > self.seconds
        self.exhausted = bool(trainer.strategy.reduce_boolean_decision(over, all=False))
        trainer.should_stop = trainer.should_stop or self.exhausted
