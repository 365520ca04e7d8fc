"""The learning rate at each step, as a pure function of step and history."""

from __future__ import annotations

import math
from collections.abc import Sequence

from acsbench.training.config import TrainingConfig

PLATEAU_FACTOR = 0.1
PLATEAU_PATIENCE = 10
PLATEAU_THRESHOLD = 1e-4


def rate_factor(
    config: TrainingConfig, step: int, last_step: int, valid_losses: Sequence[float]
) -> float:
    """Learning rate of a step of `train`, relative to the configured one.

    Args:
        config: warm-up and schedule.
        step: optimizer steps before this one.
        last_step: steps of the whole training, if it is not stopped early.
        valid_losses: validation loss of each epoch so far.
    """
    warmup = min(1.0, (step + 1) / max(1, config.warmup_steps))
    if config.schedule == "cosine":
        after = max(0, step - config.warmup_steps) / max(1, last_step - config.warmup_steps)
        return warmup * 0.5 * (1 + math.cos(math.pi * min(1.0, after)))
    if config.schedule == "plateau":
        return warmup * PLATEAU_FACTOR ** plateaus(valid_losses)
    return warmup


def plateaus(losses: Sequence[float]) -> int:
    """Number of plateaus: more than ten epochs in which the loss falls by less than 1e-4 of itself.

    References:
        The rule of `torch.optim.lr_scheduler.ReduceLROnPlateau` with its defaults.
    """
    found, waited, best = 0, 0, math.inf
    for loss in losses:
        if loss < best * (1 - PLATEAU_THRESHOLD):
            best, waited = loss, 0
        else:
            waited += 1
        if waited > PLATEAU_PATIENCE:
            found, waited = found + 1, 0
    return found


def rise_and_fall(step: int, steps: int, warmup_share: float) -> float:
    """Learning rate of a step of `pretrain`, relative to its maximum: linear up, then down to 0.

    Args:
        step: steps before this one.
        steps: steps of the whole training.
        warmup_share: share of the steps in which the rate rises.

    >>> [round(rise_and_fall(step, 10, 0.2), 3) for step in (0, 1, 2, 6, 9)]
    [0.5, 1.0, 1.0, 0.5, 0.125]
    """
    warmup = warmup_share * steps
    return min(1.0, (step + 1) / max(1.0, warmup), (steps - step) / max(1.0, steps - warmup))
