"""Shipped settings of each network: the study's, and ours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from acsbench.errors import ConfigurationError, DataError, did_you_mean
from acsbench.models.registry import check_options, model_info, options_of
from acsbench.shipped import is_path, load_yaml, shipped_names
from acsbench.training.config import TrainingConfig, wrong_setting

FOLDER = "training/settings"
OPTIONS = "options"
FITTED = ("seed", OPTIONS)
"""Settings that tabular models use."""
DEFAULT, STUDY = "default", "study"


class ModelSettings(BaseModel):
    """Settings of a network that differ from the defaults of `TrainingConfig`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    study: dict[str, Any] = Field(default_factory=dict)
    default: dict[str, Any] = Field(default_factory=dict)


def settings_of(model: str, which: str = DEFAULT) -> dict[str, Any]:
    """Settings of a model.

    Args:
        model: name of the model.
        which: `default` (ours), `study`, or the path of a YAML file.

    Raises:
        ConfigurationError: `which` is unknown.
        DataError: the file cannot be read.
    """
    if is_path(which):
        return _from_file(Path(which))
    if which not in (DEFAULT, STUDY):
        raise ConfigurationError(
            f"no settings {which!r}; choose {DEFAULT}, {STUDY} or a path that ends in .yaml"
        )
    if model not in shipped_names(FOLDER):
        if which == DEFAULT:
            return {}
        raise ConfigurationError(f"{model} is not a network; it has no settings of the study")
    return dict(getattr(load_yaml(model, FOLDER, ModelSettings), which))


def config_of(model: str, which: str, *settings: Mapping[str, Any]) -> TrainingConfig:
    """Configuration of a training: settings of the model, overridden by further ones.

    Args:
        model: name of the model.
        which: as for `settings_of`.
        settings: further settings; later ones override earlier ones.

    Raises:
        ConfigurationError: a setting or option is unknown, unused by the model, or invalid.
        DataError: the file of settings cannot be read.
    """
    given = [settings_of(model, which), *settings]
    check_used(model, [name for each in given for name in each])
    config = training_config(*given)
    check_options(model, config.options)
    return config


def check_used(model: str, names: Iterable[str]) -> None:
    """Check that a model uses some settings; tabular models only use `FITTED`.

    Raises:
        ConfigurationError: a setting is unknown or unused.
    """
    options = options_of(model) or []
    fitted = model_info(model).kind == "tabular"
    used = FITTED if fitted else tuple(TrainingConfig.model_fields)
    for name in names:
        if name in used:
            continue
        all_used = [
            *(name for name in used if name != OPTIONS),
            *(f"{OPTIONS}.{o}" for o in options),
        ]
        hint = did_you_mean(name, all_used)
        if name in options:
            hint = f"did you mean '{OPTIONS}.{name}'?"
        if name not in TrainingConfig.model_fields:
            raise ConfigurationError(f"settings of the training: no setting {name!r}; {hint}")
        meant = f"; {hint}" if hint.startswith("did") else "."
        raise ConfigurationError(
            f"{model} is not a network and does not use the setting {name!r}{meant} It uses "
            f"{', '.join(all_used)}"
        )


def training_config(*settings: Mapping[str, Any]) -> TrainingConfig:
    """A configuration from settings; later ones override earlier ones, options are merged.

    Raises:
        ConfigurationError: a setting is unknown or has an invalid value.
    """
    merged: dict[str, Any] = {}
    options: dict[str, Any] = {}
    for each in settings:
        merged |= each
        options |= each.get("options", {})
    try:
        return TrainingConfig(**merged | {"options": options})
    except ValidationError as error:
        problem = wrong_setting(error, TrainingConfig.model_fields)
        raise ConfigurationError(f"settings of the training: {problem}") from error
    except TypeError as error:
        raise ConfigurationError(f"settings of the training: {error}") from error


def _from_file(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise DataError(
            "the settings cannot be read", file=path, fix="Check the path and the YAML"
        ) from error
    if not isinstance(content, dict):
        raise DataError(
            "the file does not contain settings",
            file=path,
            fix=f"Write one setting per line: {', '.join(TrainingConfig.model_fields)}",
        )
    return content
