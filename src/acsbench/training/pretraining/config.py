"""Settings of HuBERT-ECG's pre-training."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from acsbench.errors import ConfigurationError
from acsbench.training.config import Beta, Precision, wrong_setting

Size = Literal["tiny", "small", "base", "large"]
SIZES: tuple[str, ...] = get_args(Size)
Codes = Annotated[int, Field(ge=2, lt=2**16)]


class PretrainingConfig(BaseModel):
    """Settings of a pre-training: everything besides the data that changes its result.

    Args:
        seed: seed of weights, clusters, batches, masks and dropout.
        size: size of the network.
        options: options of the network.
        crops: crops of 5 s per ECG, evenly spread.
        valid_share: share of the patients for validation.
        layer: layer of the earlier network, from 1, whose output is clustered; None for cepstra.
        keep_weights: start from the earlier network's weights, as HuBERT-ECG's authors did.
        codebooks: number of codes of each codebook.
        cluster_batches: mini-batches of k-means, with the frames of 64 crops each.
        mask_share: share of masked frames.
        mask_length: masked frames in a row.
        projection: dimension in which frames and codes are compared.
        epochs: epochs of the prediction.
        steps_per_epoch: optimizer steps per epoch; by default, each crop occurs once.
        batch_size: crops per batch, over all processes.
        accumulate: batches whose gradients are summed for a step.
        learning_rate, weight_decay, betas: parameters of AdamW.
        warmup_share: share of the steps in which the learning rate rises, before it falls
            linearly to 0.
        precision: Lightning's precision flag.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = Field(0, ge=0)
    size: Size = "base"
    options: dict[str, Any] = Field(default_factory=dict)
    crops: int = Field(4, ge=1)
    valid_share: float = Field(0.05, gt=0, lt=1)
    layer: int | None = Field(None, ge=1)
    keep_weights: bool = True
    codebooks: tuple[Codes, ...] = Field((100, 200), min_length=1)
    cluster_batches: int = Field(300, ge=1)
    mask_share: float = Field(0.33, gt=0, lt=1)
    mask_length: int = Field(1, ge=1)
    projection: int = Field(256, ge=1)
    epochs: int = Field(20, ge=1)
    steps_per_epoch: int | None = Field(None, ge=1)
    batch_size: int = Field(32, ge=1)
    accumulate: int = Field(1, ge=1)
    learning_rate: float = Field(5e-4, gt=0)
    weight_decay: float = Field(0.01, ge=0)
    betas: tuple[Beta, Beta] = (0.9, 0.98)
    warmup_share: float = Field(0.08, ge=0, le=1)
    precision: Precision = "32-true"

    @field_validator("codebooks")
    @classmethod
    def _different(cls, codebooks: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(codebooks)) < len(codebooks):
            raise ValueError("all codebooks must have different numbers of codes")
        return codebooks

    @field_validator("options")
    @classmethod
    def _nothing_frozen(cls, options: dict[str, Any]) -> dict[str, Any]:
        frozen = [name for name in ("freeze_front", "freeze_layers") if options.get(name)]
        if frozen:
            raise ValueError(
                f"{' and '.join(frozen)} would freeze random weights; freeze in fine-tuning only"
            )
        return options

    @property
    def model(self) -> str:
        """Name of the model."""
        return f"hubert-{self.size}"


def pretraining_config(**settings: Any) -> PretrainingConfig:
    """A configuration from settings.

    Raises:
        ConfigurationError: a setting is unknown or has an invalid value.
    """
    try:
        return PretrainingConfig(**settings)
    except ValidationError as error:
        problem = wrong_setting(error, PretrainingConfig.model_fields)
        raise ConfigurationError(f"settings of the pre-training: {problem}") from error
