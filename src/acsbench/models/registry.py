"""The models that acsbench knows, by name, with what a reader needs to know about each."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from acsbench.errors import ConfigurationError, did_you_mean
from acsbench.files import digest_of

SIGNS = "signs"
"""Input of a tabular model: measured signs, age and sex."""
READINGS = "readings"
"""Input of a tabular model: flags from the cardiologist's reading of the ECG."""
STUDY = "Schubert & Obermeyer, Diagnosis of Acute Coronary Syndrome using ECG Waveforms"
"""Paper of the study whose models are repeated here."""
NOT_STATED = "not stated"
_LICENCE = "Apache-2.0"


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
        parameters: numbers that training may change, with the builder's defaults; None where
            nobody stated them, and of tabular models, which keep what the data ask for.
        code: digest of the file that holds the builder, or of its cell of a notebook; None of
            our own models, which the package's version tells, and where there is no such file.
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
    licence: str | None = None,
    parameters: int | None = None,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register the decorated function as the builder of a model.

    Args:
        name, kind, input, summary, paper, parameters: as in `ModelInfo`.
        licence: that of acsbench for its own models unless given, not stated for others.

    Raises:
        ValueError: the name is taken.
    """

    def register(build: Callable[..., Any]) -> Callable[..., Any]:
        if name in _MODELS:
            raise ValueError(f"a model {name!r} is registered already")
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
            # Now, because the file may be edited while the model is used.
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
    """What is known about a model.

    Raises:
        ConfigurationError: no model has that name.
    """
    known = list_models()
    if name not in known:
        raise ConfigurationError(
            f"no model {name!r}: for one of your own, run the file that registers it in place of "
            f"acsbench; {did_you_mean(name, known)}"
        )
    return _MODELS[name]


def create_model(name: str, **options: Any) -> Any:
    """Make a model with fresh weights.

    Args:
        name: one of `list_models()`.
        options: the builder's own, such as `width` of a network.

    Returns:
        A `torch.nn.Module` (networks) or a `TabularModel`.

    Raises:
        ConfigurationError: no model has that name, it has no such option, or an option cannot
            have that value.
    """
    check_options(name, options)
    try:
        return model_info(name).build(**options)
    except (TypeError, ValueError, ArithmeticError, RuntimeError) as error:
        raise ConfigurationError(
            f"model {name!r} cannot be made with the options {options}: {error}"
        ) from error


def options_of(name: str) -> list[str] | None:
    """Names of a model's options; None if its builder takes any.

    Raises:
        ConfigurationError: no model has that name.
    """
    parameters = inspect.signature(model_info(name).build).parameters
    takes_any = any(each.kind is each.VAR_KEYWORD for each in parameters.values())
    return None if takes_any else list(parameters)


def check_options(name: str, options: Iterable[str]) -> None:
    """Make sure that a model has some options.

    Raises:
        ConfigurationError: no model has that name, or it has no such option.
    """
    known = options_of(name)
    for option in options:
        if known is not None and option not in known:
            raise ConfigurationError(
                f"model {name!r} has no option {option!r}; {did_you_mean(option, known)}"
            )


def count_parameters(name: str) -> int:
    """Numbers that training may change in a network with default options.

    Raises:
        ConfigurationError: no model has that name, or its options have no defaults.
    """
    return sum(p.numel() for p in create_model(name).parameters() if p.requires_grad)


def _code_of(build: Callable[..., Any]) -> str | None:
    """Digest of the file, or the notebook's cell, in which a builder is written."""
    try:
        lines, _ = inspect.findsource(inspect.unwrap(build))
    except (OSError, TypeError):  # typed into a prompt, or no function
        return None
    return digest_of("".join(lines))
