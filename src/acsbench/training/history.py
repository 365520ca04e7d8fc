"""What happened in each epoch, and what follows from it."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from typing import Literal, TypedDict

from acsbench.training.config import TrainingConfig


class Epoch(TypedDict):
    """An epoch: steps made by its end, losses, validation AUROC, duration."""

    epoch: int
    step: int
    train_loss: float
    valid_loss: float
    valid_auroc: float
    seconds: float


def best_epoch(history: Sequence[Epoch]) -> Epoch | None:
    """The first epoch of the highest finite validation AUROC, if there is one."""
    finite = [epoch for epoch in history if math.isfinite(epoch["valid_auroc"])]
    return max(finite, key=lambda epoch: epoch["valid_auroc"], default=None)


def kept_epoch(history: Sequence[Epoch], keep: Literal["best", "last"]) -> Epoch | None:
    """The epoch whose weights are kept: the best or the last; None if it diverged."""
    return best_epoch(history if keep == "best" else history[-1:])


def reason_to_stop(history: Sequence[Epoch], config: TrainingConfig) -> str | None:
    """Why no further epoch should begin, or None if one should.

    Returns:
        `epochs`: all are done; `diverged`: the loss is no number any more; `patience`:
        validation has not improved for long; `budget`: one more would not fit into the time,
        judged by the longest so far.
    """
    if not history:
        return None
    if len(history) >= config.epochs:
        return "epochs"
    if not math.isfinite(history[-1]["train_loss"]):
        return "diverged"
    best = best_epoch(history)
    if len(history) - (best["epoch"] if best else 0) >= config.patience:
        return "patience"
    if config.max_minutes is not None:
        seconds = [epoch["seconds"] for epoch in history]
        if sum(seconds) + max(seconds) > config.max_minutes * 60:
            return "budget"
    return None


def history_csv(history: Sequence[Epoch]) -> str:
    """The history as CSV, an epoch a line."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(Epoch.__annotations__), lineterminator="\n")
    writer.writeheader()
    writer.writerows(history)
    return text.getvalue()
