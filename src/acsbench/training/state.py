"""Saved state of a training between two epochs, from which it resumes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file as save_tensors
from torch import Tensor

from acsbench.errors import DataError
from acsbench.files import written_whole
from acsbench.runs import STATE


@dataclass(frozen=True, eq=False)
class TrainingState:
    """Everything besides the configuration that the next epoch depends on.

    Args:
        network: weights of the network.
        averaged: averaged weights.
        optimizer: state of the optimizer.
        precision: state of the loss scaling of 16-bit training.
        history: the epochs so far.
    """

    network: dict[str, Any]
    averaged: dict[str, Any]
    optimizer: dict[str, Any]
    precision: dict[str, Any]
    history: list[Any]


def save_weights(weights: Mapping[str, Tensor], path: Path) -> None:
    """Write the weights of a network as safetensors.

    safetensors cannot share tensors: weights that several layers share are written for each.
    """
    own = {name: value.detach().clone().contiguous() for name, value in weights.items()}
    with written_whole(path) as temporary:
        save_tensors(own, temporary)


def save_state(state: TrainingState, folder: Path) -> None:
    """Write a state, replacing the last one."""
    with written_whole(folder / STATE) as path:
        torch.save(vars(state), path)


def load_state(folder: Path) -> TrainingState | None:
    """The state in the folder of an unfinished training, or None.

    Raises:
        DataError: the file cannot be read.
    """
    path = folder / STATE
    if not path.is_file():
        return None
    try:
        return TrainingState(**torch.load(path, map_location="cpu", weights_only=True))
    except Exception as error:  # torch raises many kinds for a damaged file
        raise DataError(
            "the state of the unfinished training cannot be read",
            file=path,
            fix="Remove its folder and train again",
        ) from error
