"""The study's convolutional networks."""

from __future__ import annotations

import re
from pathlib import Path

from torch import Tensor

from acsbench.errors import DataError
from acsbench.models.published.renaming import COPY_AGAIN, Checkpoint, renamed, study_checkpoint

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
    """Whether the tensors belong to resnet6, resnet18_1d or resnet50_1d."""
    return "initial_conv.weight" in state and "res_block1.0.conv1.weight" in state


def is_ecgomi(state: dict[str, Tensor]) -> bool:
    """Whether the tensors belong to ecgomi."""
    return any(name.startswith("res_blocks_24.") for name in state)


def resnet_from_published(path: Path, state: dict[str, Tensor]) -> Checkpoint:
    """A residual network, with the sizes of its tensors.

    Raises:
        DataError: the tensors do not form a known residual network.
    """
    blocks = tuple(_count(state, rf"res_block{group}\.(\d+)\.") for group in (1, 2, 3, 4))
    small = blocks == (3, 3, 0, 0)
    if not small and blocks not in _RESNETS:
        raise DataError(
            f"no residual network has groups of {blocks} blocks",
            file=path,
            fix=f"Give resnet6, {' or '.join(_RESNETS.values())}",
        )
    width, leads, _ = _shape(path, state, "initial_conv.weight", 3)
    options = {
        "leads": leads,
        "width": width,
        "hidden": _shape(path, state, "fc.0.weight", 2)[0],
        "kernel": _shape(path, state, "res_block1.0.conv1.weight", 3)[2],
    }
    if small:
        return study_checkpoint(path, "resnet6", options, renamed(state, _RESNET6))
    return study_checkpoint(path, _RESNETS[blocks], options, renamed(state, _RESNET))


def ecgomi_from_published(path: Path, state: dict[str, Tensor]) -> Checkpoint:
    """ECG-OMI, with the sizes of its tensors.

    Raises:
        DataError: the tensors do not form ECG-OMI.
    """
    width, leads, _ = _shape(path, state, "conv1.weight", 3)
    hidden, _ = _shape(path, state, "fc1.weight", 2)
    options = {"leads": leads, "width": width, "hidden": hidden}
    return study_checkpoint(path, "ecgomi", options, renamed(state, _ECGOMI))


def _count(state: dict[str, Tensor], pattern: str) -> int:
    return len({match.group(1) for name in state if (match := re.match(pattern, name))})


def _shape(path: Path, state: dict[str, Tensor], name: str, dimensions: int) -> tuple[int, ...]:
    if name not in state or state[name].ndim != dimensions:
        raise DataError(
            f"the tensor {name} is missing or has another shape",
            file=path,
            fix=COPY_AGAIN,
        )
    return tuple(state[name].shape)
