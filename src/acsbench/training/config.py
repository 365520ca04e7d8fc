"""How a model is trained."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class TrainingConfig(BaseModel):
    """Settings of a training; everything that changes its result but the data.

    Args:
        seed: of weights, batches and augmentation.
        options: of the model's builder.
        epochs: passes over the training ECGs, at most.
        batch_size: ECGs per step.
        learning_rate, weight_decay: of AdamW.
        warmup_steps: steps over which the learning rate rises to its value.
        average_decay: decay per step of the averaged weights, which are what is validated and
            kept; a constant rate with averaged weights may be cut short at any epoch.
        patience: epochs without a better validation AUROC before training ends.
        max_minutes: no epoch is begun that would end later; the first one always runs.
        imbalance: `weights` weighs events by controls per event in the loss and takes the
            weight out of the predicted odds again; `none` leaves both alone.
        augment: vary gain, time and noise of the training ECGs.
        precision: Lightning's precision flag.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = 0
    options: dict[str, Any] = Field(default_factory=dict)
    epochs: int = Field(30, ge=1)
    batch_size: int = Field(32, ge=2)
    learning_rate: float = Field(1e-3, gt=0)
    weight_decay: float = Field(0.01, ge=0)
    warmup_steps: int = Field(100, ge=0)
    average_decay: float = Field(0.98, ge=0, lt=1)
    patience: int = Field(8, ge=1)
    max_minutes: float | None = Field(None, gt=0)
    imbalance: Literal["weights", "none"] = "weights"
    augment: bool = True
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = "32-true"
