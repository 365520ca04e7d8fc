"""From tensors under their authors' names to a module of ours."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from acsbench.errors import ConfigurationError, DataError
from acsbench.models.registry import create_model

Patterns = Sequence[tuple[str, str]]


@dataclass(frozen=True, eq=False)
class Published:
    """A published checkpoint in our own form.

    Args:
        model: name of the registered model.
        options: its options; `create_model(model, **options)` takes the network's weights.
        network: in eval mode.
        profile: preparation of the waveforms that it was trained on.
        licence: of the weights.
        files: that it was read from.
    """

    model: str
    options: dict[str, Any]
    network: nn.Module
    profile: str
    licence: str
    files: tuple[Path, ...]


def renamed(state: Mapping[str, Tensor], patterns: Patterns) -> dict[str, Tensor]:
    """Tensors under new names: every pattern is applied to every name, in order.

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
    """A module in eval mode that holds tensors of our names.

    Raises:
        DataError: tensors are missing, too many, of another shape, or not finite.
    """
    if not all(torch.isfinite(value).all() for value in state.values()):
        raise DataError(
            "weights are NaN or infinite", file=path, fix="Copy it again from its source"
        )
    try:
        # Without memory of its own, so that sizes in a hostile file cost nothing.
        with torch.device("meta"):
            module: nn.Module = create_model(model, **options)
        module.load_state_dict(
            {name: _as_trained(value) for name, value in state.items()}, assign=True
        )
    except (RuntimeError, ValueError, TypeError, ArithmeticError, ConfigurationError) as error:
        raise DataError(
            "tensors are missing, too many or of another shape",
            file=path,
            fix="Copy it again from its source",
        ) from error
    return module.eval()


def _as_trained(tensor: Tensor) -> Tensor:
    return tensor.float().contiguous() if tensor.is_floating_point() else tensor
