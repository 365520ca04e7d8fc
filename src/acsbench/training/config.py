"""Settings of a training."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from acsbench.errors import did_you_mean

Covariate = Literal["age", "sex", "troponin"]
Beta = Annotated[float, Field(ge=0, lt=1)]
Precision = Literal["32-true", "bf16-mixed", "16-mixed"]


class TrainingConfig(BaseModel):
    """Settings of a training: everything besides the data that changes its result.

    Args:
        seed: seed of weights, batches, dropout and augmentation.
        options: options of the model.
        covariates: covariates that a network takes after its last layer.
        epochs: maximum number of epochs.
        steps_per_epoch: optimizer steps per epoch; by default, each ECG occurs once.
        batch_size: ECGs per batch, over all processes.
        accumulate: batches whose gradients are summed for a step.
        optimizer, learning_rate, weight_decay, betas: parameters of Adam or AdamW.
        layer_decay: learning rate of a layer relative to the layer above it, for networks with
            `parameter_groups`.
        warmup_steps: steps in which the learning rate rises.
        schedule: what follows: a constant rate, a cosine down to 0, or a tenth of the rate after
            each ten epochs without a lower validation loss.
        average_decay: decay per step of the averaged weights, which are validated and saved; with
            them, a training at a constant rate can stop at any epoch. 0 disables averaging.
        patience: epochs without a better validation AUROC before the training stops.
        keep: keep the epoch with the best validation AUROC, or the last one.
        max_minutes: time budget: an epoch that would exceed it does not begin, except the first.
            Time before an interruption counts. More time later continues the same training.
        imbalance: `weights` weights events by controls per event in the loss; `balanced-sampler`
            draws as many events as controls, with replacement. Predicted odds are divided by
            this weight. `none` changes nothing.
        augment: vary the training ECGs, see `augment`.
        precision: Lightning's precision flag.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = 0
    options: dict[str, Any] = Field(default_factory=dict)
    covariates: tuple[Covariate, ...] = ()
    epochs: int = Field(30, ge=1)
    steps_per_epoch: int | None = Field(None, ge=1)
    batch_size: int = Field(32, ge=2)
    accumulate: int = Field(1, ge=1)
    optimizer: Literal["adam", "adamw"] = "adamw"
    learning_rate: float = Field(1e-3, gt=0)
    weight_decay: float = Field(0.01, ge=0)
    betas: tuple[Beta, Beta] = (0.9, 0.999)
    layer_decay: float | None = Field(None, gt=0, le=1)
    warmup_steps: int = Field(100, ge=0)
    schedule: Literal["constant", "cosine", "plateau"] = "constant"
    average_decay: float = Field(0.98, ge=0, lt=1)
    patience: int = Field(8, ge=1)
    keep: Literal["best", "last"] = "best"
    max_minutes: float | None = Field(None, gt=0)
    imbalance: Literal["weights", "balanced-sampler", "none"] = "weights"
    augment: bool = True
    precision: Precision = "32-true"


def wrong_setting(error: ValidationError, known: Iterable[str]) -> str:
    """Describe the first problem that pydantic found in settings.

    Args:
        error: the error of pydantic.
        known: names of all settings.
    """
    first = error.errors()[0]
    name = ".".join(map(str, first["loc"]))
    if first["type"] == "extra_forbidden":
        return f"no setting {name!r}; {did_you_mean(name, known)}"
    return f"{name}: {first['msg'].removeprefix('Value error, ')}"
