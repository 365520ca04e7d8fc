"""How a model is trained."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from acsbench.errors import did_you_mean

Covariate = Literal["age", "sex", "troponin"]
Beta = Annotated[float, Field(ge=0, lt=1)]
Precision = Literal["32-true", "bf16-mixed", "16-mixed"]


class TrainingConfig(BaseModel):
    """Settings of a training; everything that changes its result but the data.

    Args:
        seed: of weights, batches, dropout and augmentation.
        options: of the model's builder.
        covariates: what a network is told beside the ECG, after its last layer.
        epochs: at most so many; the model is validated after each.
        steps_per_epoch: optimizer steps of an epoch; unless given, so many that every ECG is
            seen once.
        batch_size: ECGs per batch, over all processes together.
        accumulate: batches whose gradients are added up before a step is made.
        optimizer, learning_rate, weight_decay, betas: of Adam or AdamW.
        layer_decay: learning rate of each layer relative to the one above it, for networks that
            know their layers.
        warmup_steps: steps over which the learning rate rises to its value.
        schedule: what it does then: stays, falls to zero along a cosine, or falls to a tenth
            where the validation loss has not fallen for ten epochs.
        average_decay: decay per step of the averaged weights, which are what is validated and
            kept; a constant rate with averaged weights may be cut short at any epoch. 0 keeps
            the weights themselves.
        patience: epochs without a better validation AUROC before training ends.
        keep: the epoch of the best validation AUROC, or the last, as if there were no validation.
        max_minutes: no epoch is begun that would end later; the first one always runs. What a
            killed training had used up by its last full epoch counts. No part of what a run is:
            with more time it goes on.
        imbalance: `weights` weighs events by controls per event in the loss;
            `balanced-sampler` draws as many events as controls, with replacement. Either is
            taken out of the predicted odds again. `none` leaves all alone.
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
    """The first thing that is wrong with settings, in words.

    Args:
        error: what pydantic found.
        known: names of all settings.
    """
    first = error.errors()[0]
    name = ".".join(map(str, first["loc"]))
    if first["type"] == "extra_forbidden":
        return f"no setting {name!r}; {did_you_mean(name, known)}"
    return f"{name}: {first['msg'].removeprefix('Value error, ')}"
