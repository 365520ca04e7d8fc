"""The study's convolutional networks."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from torch import Tensor

from acsbench.errors import DataError
from acsbench.models.published.renaming import Published, assembled, renamed
from acsbench.models.registry import model_info

LICENCE = "as published by the study"
_BLOCKS = (
    (r"^res_block(\d)\.", r"groups.\1."),
    (r"\.conv1\.", ".conv."),
    (r"\.bn1\.", ".norm."),
    (r"^initial_conv\.", "stem.0."),
    (r"^bn1\.", "stem.1."),
    (r"^fc\.", "head."),
)
# The study counts groups from 1.
_RESNET = (*_BLOCKS, *((rf"^groups\.{n}\.", f"groups.{n - 1}.") for n in (1, 2, 3, 4)))
_RESNET6 = (
    *_BLOCKS,
    (r"^groups\.1\.", "first."),
    (r"^conv2\.", "reduction."),
    (r"^groups\.2\.", "second."),
)
_ECGOMI = (
    (r"^conv1\.", "stem.0."),
    (r"^bn1\.", "stem.1."),
    (r"^conv2\.", "reduction.0."),
    (r"^bn2\.", "reduction.1."),
    (r"^res_blocks_24\.", "narrow."),
    (r"^res_blocks_48\.", "wide."),
    (r"\.bn(\d)\.", r".norm\1."),
    (r"^fc1\.", "head.0."),
    (r"^fc2\.", "head.2."),
)
_RESNETS: dict[tuple[int, ...], str] = {
    (4, 4, 4, 4): "resnet18_1d",
    (8, 11, 17, 8): "resnet50_1d",
}


def is_resnet(state: dict[str, Tensor]) -> bool:
    """Whether the tensors are of resnet6, resnet18_1d or resnet50_1d."""
    return "initial_conv.weight" in state and "res_block1.0.conv1.weight" in state


def is_ecgomi(state: dict[str, Tensor]) -> bool:
    """Whether the tensors are of ecgomi."""
    return any(name.startswith("res_blocks_24.") for name in state)


def resnet_from_published(path: Path, state: dict[str, Tensor]) -> Published:
    """One of the residual networks, its sizes read off the tensors.

    Raises:
        DataError: the tensors do not make up one of them.
    """
    blocks = tuple(_count(state, rf"res_block{group}\.(\d+)\.") for group in (1, 2, 3, 4))
    small = blocks == (3, 3, 0, 0)
    if not small and blocks not in _RESNETS:
        raise DataError(
            f"a residual network with groups of {blocks} blocks is not known",
            file=path,
            fix=f"Known are resnet6, {', '.join(_RESNETS.values())}",
        )
    width, leads, _ = _shape(path, state, "initial_conv.weight", 3)
    options = {
        "leads": leads,
        "width": width,
        "hidden": _shape(path, state, "fc.0.weight", 2)[0],
        "kernel": _shape(path, state, "res_block1.0.conv1.weight", 3)[2],
    }
    if small:
        return _published(path, "resnet6", options, renamed(state, _RESNET6))
    return _published(path, _RESNETS[blocks], options, renamed(state, _RESNET))


def ecgomi_from_published(path: Path, state: dict[str, Tensor]) -> Published:
    """ECG-OMI, its sizes read off the tensors.

    Raises:
        DataError: the tensors do not make up one.
    """
    width, leads, _ = _shape(path, state, "conv1.weight", 3)
    hidden, _ = _shape(path, state, "fc1.weight", 2)
    options = {"leads": leads, "width": width, "hidden": hidden}
    return _published(path, "ecgomi", options, renamed(state, _ECGOMI))


def _published(
    path: Path, model: str, options: dict[str, Any], state: dict[str, Tensor]
) -> Published:
    network = assembled(path, model, options, state)
    return Published(model, options, network, model_info(model).input, LICENCE, (path,))


def _count(state: dict[str, Tensor], pattern: str) -> int:
    return len({match.group(1) for name in state if (match := re.match(pattern, name))})


def _shape(path: Path, state: dict[str, Tensor], name: str, dimensions: int) -> tuple[int, ...]:
    if name not in state or state[name].ndim != dimensions:
        raise DataError(
            f"the tensor {name} is missing or of another shape",
            file=path,
            fix="Copy it again from its source",
        )
    return tuple(state[name].shape)
