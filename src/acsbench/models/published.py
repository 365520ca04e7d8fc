"""The study's published checkpoints, as modules of ours.

Sizes are read off the tensors, so that a checkpoint of any width loads.
"""

from __future__ import annotations

import pickle
import re
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from acsbench.errors import DataError
from acsbench.models.registry import create_model

# The study's names of a residual network's tensors, and ours.
_RESNET_NAMES = (
    (r"^initial_conv\.", "stem.0."),
    (r"^bn1\.", "stem.1."),
    (r"^res_block(\d)\.(\d+)\.conv1\.", r"groups.{group}.\2.conv."),
    (r"^res_block(\d)\.(\d+)\.bn1\.", r"groups.{group}.\2.norm."),
    (r"^res_block(\d)\.(\d+)\.shortcut\.", r"groups.{group}.\2.shortcut."),
    (r"^fc\.", "head."),
)
_RESNETS = {(4, 4, 4, 4): "resnet18_1d"}


def load_published(path: str | Path) -> nn.Module:
    """Load a checkpoint that the study published.

    Args:
        path: a `.ckpt` file: a dictionary with `state_dict`. Only tensors and plain values are
            read; nothing in the file is executed.

    Returns:
        The module in eval mode.

    Raises:
        DataError: the file is no checkpoint, holds other objects, or is of an unknown model.
    """
    path = Path(path)
    state = _read_state(path)
    if "initial_conv.weight" in state and "res_block4.0.conv1.weight" in state:
        module = _resnet(path, state)
    else:
        raise DataError(
            f"the {len(state)} tensors belong to no model that can be loaded",
            file=path,
            fix="Loadable are checkpoints of resnet18_1d",
        )
    return module.eval()


def _read_state(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise DataError("the file does not exist", file=path, fix="Mind the spelling of the path")
    try:
        checkpoint: Any = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise DataError(
            "the file holds objects other than tensors and plain values, or is no checkpoint",
            file=path,
            fix="It was not opened: only weights are ever read",
        ) from error
    except (RuntimeError, EOFError, ValueError, KeyError) as error:
        raise DataError(
            "the file is truncated or no checkpoint", file=path, fix="Copy it again"
        ) from error
    state = checkpoint.get("state_dict") if isinstance(checkpoint, dict) else None
    if not isinstance(state, dict) or not all(isinstance(v, Tensor) for v in state.values()):
        raise DataError(
            "the checkpoint has no state_dict of tensors",
            file=path,
            fix="Give a checkpoint as the study published it",
        )
    return {str(name).removeprefix("model."): tensor for name, tensor in state.items()}


def _resnet(path: Path, state: dict[str, Tensor]) -> nn.Module:
    blocks = tuple(
        len({name.split(".")[1] for name in state if name.startswith(f"res_block{group}.")})
        for group in range(1, 5)
    )
    if blocks not in _RESNETS:
        raise DataError(
            f"a residual network with groups of {blocks} blocks is not known",
            file=path,
            fix=f"Known are {', '.join(_RESNETS.values())}",
        )
    width, leads, _ = state["initial_conv.weight"].shape
    hidden = state["fc.0.weight"].shape[0]
    module: nn.Module = create_model(_RESNETS[blocks], leads=leads, width=width, hidden=hidden)
    try:
        module.load_state_dict({_our_resnet_name(name): value for name, value in state.items()})
    except RuntimeError as error:
        raise DataError(
            "tensors are missing, too many or of another shape",
            file=path,
            fix="Copy it again from its source",
        ) from error
    return module


def _our_resnet_name(name: str) -> str:
    for pattern, ours in _RESNET_NAMES:
        match = re.match(pattern, name)
        if match:
            # The study counts groups from 1.
            group = int(match.group(1)) - 1 if "{group}" in ours else 0
            return re.sub(pattern, ours.format(group=group), name)
    return name
