"""How HuBERT-ECG is pre-trained."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from acsbench.errors import ConfigurationError
from acsbench.training.config import Beta, Precision, wrong_setting

Size = Literal["tiny", "small", "base", "large"]
SIZES: tuple[str, ...] = get_args(Size)
Codes = Annotated[int, Field(ge=2, lt=2**16)]


class PretrainingConfig(BaseModel):
    """Settings of a pre-training; everything that changes its result but the data.

    Args:
        seed: of weights, clusters, batches, masks and dropout.
        size: of the network.
        options: of the network's builder.
        crops: crops of 5 s of each ECG, from evenly spread starts.
        valid_share: share of the patients who only validate.
        layer: of the earlier network whose output is clustered, from 1; cepstra are if None.
        keep_weights: go on from the earlier network's weights, as HuBERT-ECG's authors did.
        codebooks: codes of each codebook.
        cluster_batches: mini-batches of k-means, each with the frames of 64 crops.
        mask_share: of the frames that are hidden.
        mask_length: frames that are hidden in a row.
        projection: width in which frames and codes are compared.
        epochs: of the prediction.
        steps_per_epoch: optimizer steps of an epoch; unless given, so many that every crop is
            seen once.
        batch_size: crops per batch, over all processes together.
        accumulate: batches whose gradients are added up before a step is made.
        learning_rate, weight_decay, betas: of AdamW.
        warmup_share: of the steps, over which the learning rate rises; then it falls to zero
            along a line.
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
            raise ValueError("each codebook must have another number of codes")
        return codebooks

    @field_validator("options")
    @classmethod
    def _nothing_frozen(cls, options: dict[str, Any]) -> dict[str, Any]:
        frozen = [name for name in ("freeze_front", "freeze_layers") if options.get(name)]
        if frozen:
            raise ValueError(
                f"{' and '.join(frozen)} would keep random weights; freeze when you fine-tune"
            )
        return options

    @property
    def model(self) -> str:
        """Name of the network."""
        return f"hubert-{self.size}"


def pretraining_config(**settings: Any) -> PretrainingConfig:
    """A configuration from settings.

    Raises:
        ConfigurationError: there is no such setting, or it cannot have that value.
    """
    try:
        return PretrainingConfig(**settings)
    except ValidationError as error:
        told = wrong_setting(error, PretrainingConfig.model_fields)
        raise ConfigurationError(f"settings of the pre-training: {told}") from error
