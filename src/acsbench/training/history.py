"""What happened in each epoch, and what follows from it."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypedDict, cast

import pandas as pd

from acsbench.training.config import TrainingConfig


class Epoch(TypedDict):
    """An epoch: steps made by its end, losses, validation AUROC, duration.

    The AUROC is NaN where the validation ECGs are of one class.
    """

    epoch: int
    step: int
    train_loss: float
    valid_loss: float
    valid_auroc: float
    seconds: float


def has_diverged(epoch: Epoch) -> bool:
    """Whether a loss of an epoch is NaN or infinite."""
    return not (math.isfinite(epoch["train_loss"]) and math.isfinite(epoch["valid_loss"]))


def diverged_epoch(epoch: int, step: int, train_loss: float, seconds: float) -> Epoch:
    """The entry of an epoch that diverged: `step` is where, and it has no validation."""
    return Epoch(
        epoch=epoch,
        step=step,
        train_loss=train_loss,
        valid_loss=math.nan,
        valid_auroc=math.nan,
        seconds=seconds,
    )


VALIDATION_FIGURES: tuple[Literal["valid_loss", "valid_auroc"], ...] = ("valid_loss", "valid_auroc")
"""What an epoch says of the validation ECGs."""


def shown(epoch: Epoch, may_show: bool) -> dict[str, float]:
    """The figures of an epoch that may leave the training: all, or all but the validation's."""
    return {k: v for k, v in epoch.items() if may_show or k not in VALIDATION_FIGURES}  # type: ignore[misc]


def is_hidden(history: Sequence[Epoch]) -> bool:
    """Whether a history was written without figures of the validation ECGs."""
    return bool(history) and all(math.isnan(epoch["valid_loss"]) for epoch in history)


def best_epoch(history: Sequence[Epoch]) -> Epoch | None:
    """The first epoch of the highest validation AUROC, if there is one; not one that diverged.

    Where the validation ECGs are of one class there is no AUROC, and the lowest validation loss
    decides.
    """
    finite = [epoch for epoch in history if not has_diverged(epoch)]
    return max(finite, key=_goodness, default=None)


def _goodness(epoch: Epoch) -> float:
    return -epoch["valid_loss"] if math.isnan(epoch["valid_auroc"]) else epoch["valid_auroc"]


def kept_epoch(history: Sequence[Epoch], keep: Literal["best", "last"]) -> Epoch | None:
    """The epoch whose weights are kept: the best, or the last before training diverged."""
    if keep == "best":
        return best_epoch(history)
    return next((epoch for epoch in reversed(history) if not has_diverged(epoch)), None)


def reason_to_stop(history: Sequence[Epoch], config: TrainingConfig) -> str | None:
    """Why no further epoch should begin, or None if one should.

    Returns:
        `diverged`: an output was NaN or infinite; `epochs`: all are done; `patience`: validation
        has not improved for long; `budget`: one more would not fit into the time, judged by the
        longest so far.
    """
    if not history:
        return None
    if has_diverged(history[-1]):
        return "diverged"
    if len(history) >= config.epochs:
        return "epochs"
    best = best_epoch(history)
    if len(history) - (best["epoch"] if best else 0) >= config.patience:
        return "patience"
    if config.max_minutes is not None:
        seconds = [epoch["seconds"] for epoch in history]
        if sum(seconds) + max(seconds) > config.max_minutes * 60:
            return "budget"
    return None


def read_history(path: Path) -> list[Epoch]:
    """The epochs of a history that `history_csv` has written."""
    return [cast(Epoch, line) for line in pd.read_csv(path).to_dict("records")]


def time_to_expect(
    seconds_per_epoch: float, history: Sequence[Epoch], config: TrainingConfig
) -> str:
    """How long a training will take, in words.

    Args:
        seconds_per_epoch: as far as they can be told from the first batches.
        history: the epochs before.
        config: epochs and time budget.

    >>> time_to_expect(128, [], TrainingConfig(epochs=30))
    'an epoch takes about 128 s; at most 30 epochs, 64 min'
    >>> time_to_expect(128, [], TrainingConfig(epochs=30, max_minutes=10))
    'an epoch takes about 128 s; about 4 of 30 epochs fit into 10 min'
    """
    told = f"an epoch takes about {seconds_per_epoch:.0f} s"
    if config.max_minutes is None:
        left = (config.epochs - len(history)) * seconds_per_epoch
        return f"{told}; at most {config.epochs} epochs, {left / 60:.0f} min"
    left = config.max_minutes * 60 - sum(epoch["seconds"] for epoch in history)
    fit = max(1, len(history) + int(left / seconds_per_epoch))
    fit = min(fit, config.epochs)
    return f"{told}; about {fit} of {config.epochs} epochs fit into {config.max_minutes:g} min"


def history_csv(history: Sequence[Epoch], may_show: bool = True) -> str:
    """The history as CSV, an epoch a line; cells that may not be shown are empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(Epoch.__annotations__), lineterminator="\n")
    writer.writeheader()
    writer.writerows(shown(epoch, may_show) for epoch in history)
    return text.getvalue()
