"""The study's S4-ECG."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from acsbench.errors import DataError
from acsbench.models.published.renaming import (
    COPY_AGAIN,
    WRONG_TENSORS,
    Checkpoint,
    renamed,
    study_checkpoint,
)
from acsbench.models.s4_state_space import discretise, readout

FRESH_LENGTH = 1024
"""Kernel length that the study's loader assumes for every file."""
LARGEST_STATE = 1024  # S4 has 64; a larger state means a malicious file

_NAMES = (
    (r"^s4_layers\.(\d+)\.kernel\.kernel\.", r"blocks.\1.convolution."),
    (r"^s4_layers\.(\d+)\.output_linear\.0\.", r"blocks.\1.mix."),
    (r"^s4_layers\.(\d+)\.D$", r"blocks.\1.convolution.D"),
    (r"^norms\.(\d+)\.", r"blocks.\1.norm."),
)
_FIXED = ("w", "P", "Q", "B")


def is_s4(state: dict[str, Tensor]) -> bool:
    """Whether tensors with the study's names belong to S4-ECG."""
    return "s4_layers.0.kernel.kernel.C" in state


def s4_from_published(path: Path, state: dict[str, Tensor], reload: str) -> Checkpoint:
    """S4-ECG from the study's tensors.

    The study saves C (I - Ā^L) instead of C, where L is the length of its kernel. The file
    contains L, but the study's loader uses its own; see docs/explanation/s4-reload-fault.md.

    Args:
        path: path of the checkpoint, for messages.
        state: tensors with the study's names.
        reload: `trained` for the network that was trained, `published` for the network that the
            study's loader makes of it.

    Raises:
        DataError: tensors are missing, unknown or of another shape.
    """
    ours = renamed(state, _NAMES)
    blocks = sorted({name.split(".")[1] for name in ours if name.startswith("blocks.")})
    try:
        _flatten_linear(ours)
        for block in blocks:
            _untruncate(ours, f"blocks.{block}.convolution.", reload == "published")
        width, leads = ours["encoder.weight"].shape
        pairs = ours["blocks.0.convolution.C"].shape[2]
    except (KeyError, RuntimeError, ValueError, IndexError) as error:
        raise DataError(WRONG_TENSORS, file=path, fix=COPY_AGAIN) from error
    options = {"leads": leads, "width": width, "depth": len(blocks), "state": 2 * pairs}
    return study_checkpoint(path, "s4", options, ours)


def _flatten_linear(state: dict[str, Tensor]) -> None:
    """Reshape the study's encoder, a convolution of size 1, and its biases, which are columns."""
    state["encoder.weight"] = state["encoder.weight"].squeeze(-1)
    for name in state:
        if name.endswith("mix.bias"):
            state[name] = state[name].squeeze(-1)


def _untruncate(state: dict[str, Tensor], prefix: str, as_reloaded: bool) -> None:
    """Replace C (I - Ā^L) by C, and drop derived tensors."""
    state[prefix + "D"] = state[prefix + "D"].squeeze(0)
    nodes, omega = state.pop(prefix + "z"), state.pop(prefix + "omega")
    if len(nodes) < 2 or len(omega) != len(nodes):
        raise ValueError("the nodes fit no length")
    length = FRESH_LENGTH if as_reloaded else 2 * (len(nodes) - 1)
    truncated = state[prefix + "C"]
    _, width, pairs, _ = truncated.shape
    if 2 * pairs > LARGEST_STATE:
        raise ValueError("the state is too large")
    for name in _FIXED:
        state[prefix + name] = state[prefix + name].reshape(width, pairs, 2)
    w, P, Q, B = (torch.view_as_complex(state[prefix + name].double()) for name in _FIXED)
    step = discretise(w, P, Q, B, state[prefix + "log_dt"]).step
    identity = torch.eye(2 * pairs, dtype=step.dtype)
    rows = torch.linalg.solve(
        identity - torch.linalg.matrix_power(step, length),
        readout(torch.view_as_complex(truncated.double())).transpose(0, 1),
        left=False,
    )
    real, imaginary = rows.transpose(0, 1).chunk(2, dim=-1)
    state[prefix + "C"] = torch.stack([real, -imaginary], dim=-1).float() / 2
