"""The models that acsbench knows, by name, with what a reader needs to know about each."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from acsbench.errors import ConfigurationError, did_you_mean

SIGNS = "signs"
"""Input of a tabular model: measured signs, age and sex."""
READINGS = "readings"
"""Input of a tabular model: flags from the cardiologist's reading of the ECG."""
STUDY = "Schubert & Obermeyer, Diagnosis of Acute Coronary Syndrome using ECG Waveforms"
"""Paper of the study whose models are repeated here."""


@dataclass(frozen=True)
class ModelInfo:
    """What is known about a model.

    Args:
        name: the model's name.
        kind: a network takes waveforms, a tabular model a table of signs.
        input: preparation profile of the waveforms, or the table that a tabular model takes.
        summary: one line.
        paper: where it comes from.
        licence: of code and architecture; weights carry their own.
        build: makes the model from its options.
        parameters: numbers that training may change, with the builder's defaults; of tabular
            models, which keep what the data ask for, None.
    """

    name: str
    kind: Literal["network", "tabular"]
    input: str
    summary: str
    paper: str
    licence: str
    build: Callable[..., Any]
    parameters: int | None = None


_MODELS: dict[str, ModelInfo] = {}
# Each of these modules registers its models when imported; torch is imported only then.
_MODULES = (
    "acsbench.models.ecgomi",
    "acsbench.models.hubert",
    "acsbench.models.resnet",
    "acsbench.models.s4",
    "acsbench.models.signs",
    "acsbench.models.tabular",
    "acsbench.models.trees",
)


def register_model(
    name: str,
    *,
    kind: Literal["network", "tabular"],
    input: str,
    summary: str,
    paper: str,
    licence: str = "Apache-2.0",
    parameters: int | None = None,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register the decorated function as the builder of a model.

    Raises:
        ValueError: the name is taken.
    """

    def register(build: Callable[..., Any]) -> Callable[..., Any]:
        if name in _MODELS:
            raise ValueError(f"a model {name!r} is registered already")
        _MODELS[name] = ModelInfo(name, kind, input, summary, paper, licence, build, parameters)
        return build

    return register


def list_models() -> list[str]:
    """Names of all models."""
    for module in _MODULES:
        importlib.import_module(module)
    return sorted(_MODELS)


def model_info(name: str) -> ModelInfo:
    """What is known about a model.

    Raises:
        ConfigurationError: no model has that name.
    """
    known = list_models()
    if name not in known:
        raise ConfigurationError(f"no model {name!r}; {did_you_mean(name, known)}")
    return _MODELS[name]


def create_model(name: str, **options: Any) -> Any:
    """Make a model with fresh weights.

    Args:
        name: one of `list_models()`.
        options: the builder's own, such as `width` of a network.

    Returns:
        A `torch.nn.Module` (networks) or a `TabularModel`.

    Raises:
        ConfigurationError: no model has that name, or it has no such option.
    """
    info = model_info(name)
    try:
        return info.build(**options)
    except TypeError as error:
        raise ConfigurationError(f"model {name!r}: {error}") from error
