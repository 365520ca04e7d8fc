"""The registered models: name, input, source and builder of each."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal, get_type_hints

from acsbench.errors import ConfigurationError, did_you_mean
from acsbench.files import digest_of

SIGNS = "signs"
"""Input of a tabular model: measured signs, age and sex."""
READINGS = "readings"
"""Input of a tabular model: flags of the cardiologist's reading of the ECG."""
STUDY = "Schubert & Obermeyer, Diagnosis of Acute Coronary Syndrome using ECG Waveforms"
"""The study whose models acsbench reproduces."""
NOT_STATED = "not stated"
_LICENCE = "Apache-2.0"


@dataclass(frozen=True)
class ModelInfo:
    """Description of a model.

    Args:
        name: name of the model.
        kind: a network takes waveforms, a tabular model takes a table.
        input: preparation profile of the waveforms, or kind of the table.
        summary: one line.
        paper: source of the model.
        licence: licence of code and architecture; weights have their own.
        build: builds the model from its options.
        parameters: number of trainable parameters with default options; None if not stated, and
            for tabular models.
        code: digest of the file, or notebook cell, that contains the builder; None for models
            of acsbench, which the version identifies, and for builders without a file.
    """

    name: str
    kind: Literal["network", "tabular"]
    input: str
    summary: str
    paper: str
    licence: str
    build: Callable[..., Any]
    parameters: int | None = None
    code: str | None = None


_MODELS: dict[str, ModelInfo] = {}
# These modules register their models on import. They import torch, so the import is late.
_MODULES = (
    "acsbench.models.ecgomi",
    "acsbench.models.hubert",
    "acsbench.models.resnet",
    "acsbench.models.s4",
    "acsbench.models.sign_models",
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
    licence: str | None = None,
    parameters: int | None = None,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register the decorated function or class as the builder of a model.

    Args:
        name, kind, input, summary, paper, parameters: as in `ModelInfo`.
        licence: by default that of acsbench for its own models, and not stated for others.

    Raises:
        ValueError: the name is already registered.
    """

    def register(build: Callable[..., Any]) -> Callable[..., Any]:
        if name in _MODELS:
            raise ValueError(f"the model {name!r} is already registered")
        ours = build.__module__.startswith("acsbench.")
        _MODELS[name] = ModelInfo(
            name,
            kind,
            input,
            summary,
            paper,
            licence=licence or (_LICENCE if ours else NOT_STATED),
            build=build,
            parameters=parameters,
            # Read now: the file may be edited while the model is in use.
            code=None if ours else _code_of(build),
        )
        return build

    return register


def list_models() -> list[str]:
    """Names of all models."""
    for module in _MODULES:
        importlib.import_module(module)
    return sorted(_MODELS)


def model_info(name: str) -> ModelInfo:
    """Description of a model.

    Raises:
        ConfigurationError: the name is unknown.
    """
    known = list_models()
    if name not in known:
        raise ConfigurationError(
            f"no model {name!r}: to use your own, run the file that registers it in place of "
            f"acsbench; {did_you_mean(name, known)}"
        )
    return _MODELS[name]


def create_model(name: str, **options: Any) -> Any:
    """Build a model with fresh weights.

    Args:
        name: one of `list_models()`.
        options: options of the builder, such as `width`.

    Returns:
        A `torch.nn.Module` or a `TabularModel`.

    Raises:
        ConfigurationError: name or option is unknown, or an option has an invalid value.
    """
    check_options(name, options)
    try:
        return model_info(name).build(**options)
    except (TypeError, ValueError, ArithmeticError, RuntimeError) as error:
        raise ConfigurationError(
            f"model {name!r} cannot be built with the options {options}: {error}"
        ) from error


def options_of(name: str) -> list[str] | None:
    """Names of a model's options; None if its builder accepts any name.

    A builder with `**options` has the options of the class that its annotation returns.

    Raises:
        ConfigurationError: the name is unknown.
    """
    build = model_info(name).build
    parameters = inspect.signature(build).parameters.values()
    if any(each.kind is each.VAR_KEYWORD for each in parameters):
        try:
            returned = get_type_hints(build).get("return")
        except NameError:  # imported for type checkers only
            return None
        if not inspect.isclass(returned):
            return None
        parameters = inspect.signature(returned).parameters.values()
    if any(each.kind is each.VAR_KEYWORD for each in parameters):
        return None
    return [each.name for each in parameters if each.kind is not each.POSITIONAL_ONLY]


def check_options(name: str, options: Iterable[str]) -> None:
    """Check the names of options.

    Raises:
        ConfigurationError: the model or an option is unknown.
    """
    known = options_of(name)
    for option in options:
        if known is not None and option not in known:
            raise ConfigurationError(
                f"model {name!r} has no option {option!r}; {did_you_mean(option, known)}"
            )


def count_parameters(name: str) -> int:
    """Number of trainable parameters of a network with default options.

    Raises:
        ConfigurationError: the name is unknown, or an option has no default.
    """
    return sum(p.numel() for p in create_model(name).parameters() if p.requires_grad)


def _code_of(build: Callable[..., Any]) -> str | None:
    """Digest of the file or notebook cell that contains a builder."""
    try:
        lines, _ = inspect.findsource(inspect.unwrap(build))
    except (OSError, TypeError):  # typed into a prompt, or not a function
        return None
    return digest_of("".join(lines))
