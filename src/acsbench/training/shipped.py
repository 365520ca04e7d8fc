"""Settings that come with acsbench: for each network the study's, and ours."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from acsbench.errors import ConfigurationError, DataError
from acsbench.shipped import load_yaml, shipped_names
from acsbench.training.config import TrainingConfig, wrong_setting

FOLDER = "training/settings"
DEFAULT, STUDY = "default", "study"
Settings = Mapping[str, Any]


class ModelSettings(BaseModel):
    """Settings of a network's training that differ from `TrainingConfig`'s own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    study: dict[str, Any] = Field(default_factory=dict)
    default: dict[str, Any] = Field(default_factory=dict)


def settings_of(model: str, which: str = DEFAULT) -> dict[str, Any]:
    """Settings of a model's training.

    Args:
        model: its name.
        which: `default` (ours), `study`, or a YAML file of one's own.

    Raises:
        ConfigurationError: there are none of that name.
        DataError: the file cannot be read.
    """
    if Path(which).suffix in (".yaml", ".yml"):
        return _from_file(Path(which))
    if which not in (DEFAULT, STUDY):
        raise ConfigurationError(
            f"no settings {which!r}; choose {DEFAULT}, {STUDY} or a path that ends in .yaml"
        )
    if model not in shipped_names(FOLDER):
        if which == DEFAULT:
            return {}
        raise ConfigurationError(f"{model} is fitted in one go; it has no settings of the study")
    return dict(getattr(load_yaml(model, FOLDER, ModelSettings), which))


def training_config(*settings: Settings) -> TrainingConfig:
    """A configuration from settings, of which the later win; a model's options are merged.

    Raises:
        ConfigurationError: there is no such setting, or it cannot have that value.
    """
    merged: dict[str, Any] = {}
    options: dict[str, Any] = {}
    for each in settings:
        merged |= each
        options |= each.get("options", {})
    try:
        return TrainingConfig(**merged | {"options": options})
    except ValidationError as error:
        told = wrong_setting(error, TrainingConfig.model_fields)
        raise ConfigurationError(f"settings of the training: {told}") from error
    except TypeError as error:
        raise ConfigurationError(f"settings of the training: {error}") from error


def _from_file(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise DataError(
            "the settings cannot be read", file=path, fix="Mind the spelling of the path"
        ) from error
    if not isinstance(content, dict):
        raise DataError(
            "these are no settings",
            file=path,
            fix=f"Give it any of {', '.join(TrainingConfig.model_fields)}, one a line",
        )
    return content
