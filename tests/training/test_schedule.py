import math

import numpy as np
import pytest
import torch

from acsbench.training.config import TrainingConfig
from acsbench.training.history import Epoch, best_epoch, kept_epoch, reason_to_stop
from acsbench.training.schedule import rate_factor


def optimizer() -> torch.optim.Optimizer:
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)


def test_plateau_is_that_of_pytorch() -> None:
    rng = np.random.default_rng(0)
    losses = list(1 / np.arange(1, 21)) + list(0.05 + 0.01 * rng.random(60))
    config = TrainingConfig(schedule="plateau", warmup_steps=0)
    sgd = optimizer()
    reference = torch.optim.lr_scheduler.ReduceLROnPlateau(sgd)
    rates = []
    for count, loss in enumerate(losses):
        factor = rate_factor(config, count, len(losses), losses[:count])
        assert factor == pytest.approx(sgd.param_groups[0]["lr"])
        reference.step(loss)
        rates.append(factor)
    assert len(set(rates)) > 3


def test_cosine_is_that_of_pytorch_after_the_warm_up() -> None:
    config = TrainingConfig(schedule="cosine", warmup_steps=10)
    sgd = optimizer()
    reference = torch.optim.lr_scheduler.CosineAnnealingLR(sgd, T_max=90)
    assert [rate_factor(config, step, 100, []) for step in (0, 4, 9)] == [0.1, 0.5, 1.0]
    for step in range(10, 100):
        assert rate_factor(config, step, 100, []) == pytest.approx(sgd.param_groups[0]["lr"])
        sgd.step()
        reference.step()


def test_constant_stays() -> None:
    config = TrainingConfig(warmup_steps=0)
    assert {rate_factor(config, step, 100, [1.0] * 50) for step in (0, 7, 99)} == {1.0}


def epochs(*aurocs: float, loss: float = 0.5, seconds: float = 10.0) -> list[Epoch]:
    return [
        Epoch(
            epoch=number,
            step=number,
            train_loss=loss,
            valid_loss=0.5,
            valid_auroc=auroc,
            seconds=seconds,
        )
        for number, auroc in enumerate(aurocs, start=1)
    ]


@pytest.mark.parametrize(
    ("history", "settings", "reason"),
    [
        ([], {}, None),
        (epochs(0.6, 0.7), {"epochs": 2}, "epochs"),
        (epochs(0.6, 0.7, 0.65), {"patience": 2}, None),
        (epochs(0.6, 0.7, 0.7, 0.65), {"patience": 2}, "patience"),
        (epochs(math.nan, math.nan, math.nan), {"patience": 2}, "patience"),
        (epochs(0.6, 0.7, loss=math.inf), {"patience": 1}, "diverged"),
        (epochs(0.6, loss=math.nan), {}, "diverged"),
        (epochs(0.6, 0.7, 0.8, seconds=20), {"max_minutes": 1.0}, "budget"),
        (epochs(0.6, 0.7, seconds=20), {"max_minutes": 1.0}, None),
    ],
)
def test_when_training_stops(history: list[Epoch], settings: dict, reason: str | None) -> None:
    assert reason_to_stop(history, TrainingConfig(**settings)) == reason


def test_the_first_of_equally_good_epochs_is_kept() -> None:
    best = best_epoch(epochs(0.6, 0.5, 0.8, 0.8))
    assert best is not None
    assert best["epoch"] == 3
    assert best_epoch(epochs(0.6, loss=math.nan)) is None


def test_the_lowest_loss_is_best_where_validation_ecgs_are_of_one_class() -> None:
    history = epochs(math.nan, math.nan, math.nan)
    for epoch, loss in zip(history, (0.6, 0.4, 0.5), strict=True):
        epoch["valid_loss"] = loss
    assert best_epoch(history) is history[1]
    assert kept_epoch(history, "last") is history[2]


def test_the_last_epoch_is_kept_where_validation_must_not_count() -> None:
    history = epochs(0.6, 0.8, 0.7)
    best, last = kept_epoch(history, "best"), kept_epoch(history, "last")
    assert best is not None
    assert last is not None
    assert (best["epoch"], last["epoch"]) == (2, 3)
    diverged = [*history, *epochs(0.9, loss=math.nan)]
    assert [kept_epoch(diverged, keep) for keep in ("best", "last")] == [best, last]
    assert kept_epoch(epochs(0.6, loss=math.nan), "last") is None
