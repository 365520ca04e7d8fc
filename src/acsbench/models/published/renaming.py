"""From tensors with their authors' names to networks of acsbench."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from acsbench.errors import ConfigurationError, DataError
from acsbench.models.registry import create_model, model_info

Patterns = Sequence[tuple[str, str]]
WRONG_TENSORS = "tensors are missing, unknown or of another shape"
COPY_AGAIN = "Copy the file again from its source"


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A published checkpoint as a network of acsbench.

    Args:
        model: name of the registered model.
        options: options for `create_model` that give a network of the same shape.
        network: the network, in eval mode.
        profile: preparation profile of its training waveforms.
        licence: licence of the weights.
        files: source files.
    """

    model: str
    options: dict[str, Any]
    network: nn.Module
    profile: str
    licence: str
    files: tuple[Path, ...]


def renamed(state: Mapping[str, Tensor], patterns: Patterns) -> dict[str, Tensor]:
    """Rename tensors: every pattern is applied to every name, in order.

    >>> list(renamed({"bn1.weight": torch.zeros(1)}, [(r"^bn1[.]", "stem.1.")]))
    ['stem.1.weight']
    """
    names = {}
    for name in state:
        ours = name
        for pattern, replacement in patterns:
            ours = re.sub(pattern, replacement, ours)
        names[name] = ours
    return {ours: state[name] for name, ours in names.items()}


def assembled(
    path: Path, model: str, options: Mapping[str, Any], state: Mapping[str, Tensor]
) -> nn.Module:
    """Build a network in eval mode from tensors with our names.

    Raises:
        DataError: tensors are missing, unknown, of another shape, or not finite.
    """
    if not all(torch.isfinite(value).all() for value in state.values()):
        raise DataError("weights are NaN or infinite", file=path, fix=COPY_AGAIN)
    try:
        # On the meta device, so that a malicious file cannot allocate memory.
        with torch.device("meta"):
            module: nn.Module = create_model(model, **options)
        module.load_state_dict(
            {name: _as_trained(value) for name, value in state.items()}, assign=True
        )
    except (RuntimeError, ValueError, TypeError, ArithmeticError, ConfigurationError) as error:
        raise DataError(WRONG_TENSORS, file=path, fix=COPY_AGAIN) from error
    return module.eval()


def study_checkpoint(
    path: Path, model: str, options: dict[str, Any], state: Mapping[str, Tensor]
) -> Checkpoint:
    """A checkpoint of the study from tensors with our names; errors as for `assembled`."""
    network = assembled(path, model, options, state)
    licence = "as published by the study"
    return Checkpoint(model, options, network, model_info(model).input, licence, (path,))


def _as_trained(tensor: Tensor) -> Tensor:
    return tensor.float().contiguous() if tensor.is_floating_point() else tensor
