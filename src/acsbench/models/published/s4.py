"""The study's S4-ECG."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from acsbench.errors import DataError
from acsbench.models.published.renaming import assembled, renamed
from acsbench.models.s4_state_space import discretise, readout

FRESH_LENGTH = 1024
"""Length of the kernel that the study's loader assumes, whatever the file was saved with."""
LARGEST_STATE = 1024  # of a file that is taken seriously: S4 has 64

_NAMES = (
    (r"^s4_layers\.(\d+)\.kernel\.kernel\.", r"blocks.\1.convolution."),
    (r"^s4_layers\.(\d+)\.output_linear\.0\.", r"blocks.\1.mix."),
    (r"^s4_layers\.(\d+)\.D$", r"blocks.\1.convolution.D"),
    (r"^norms\.(\d+)\.", r"blocks.\1.norm."),
)
_FIXED = ("w", "P", "Q", "B")
_FAULT = "tensors are missing, too many or of another shape"
_FIX = "Copy it again from its source"


def is_s4(state: dict[str, Tensor]) -> bool:
    """Whether tensors under the study's names are of S4-ECG."""
    return "s4_layers.0.kernel.kernel.C" in state


def s4_from_published(path: Path, state: dict[str, Tensor], reload: str) -> nn.Module:
    """S4-ECG in our own form.

    The study keeps C (I - Ā^L) in place of C, with L the length of its kernel. The file tells L,
    but the study's loader takes its own; see docs/explanation/s4-reload-fault.md.

    Args:
        path: of the checkpoint, for messages.
        state: its tensors under the study's names.
        reload: `trained` for the network that was trained, `published` for what the study's
            loader made of it.

    Raises:
        DataError: tensors are missing, too many or of another shape.
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
        raise DataError(_FAULT, file=path, fix=_FIX) from error
    options = {"leads": leads, "width": width, "depth": len(blocks), "state": 2 * pairs}
    return assembled(path, "s4", options, ours)


def _flatten_linear(state: dict[str, Tensor]) -> None:
    """The study's encoder is a convolution of one sample, and its biases are columns."""
    state["encoder.weight"] = state["encoder.weight"].squeeze(-1)
    for name in state:
        if name.endswith("mix.bias"):
            state[name] = state[name].squeeze(-1)


def _untruncate(state: dict[str, Tensor], prefix: str, as_reloaded: bool) -> None:
    """Replace C (I - Ā^L) by C, and drop what follows from the rest."""
    state[prefix + "D"] = state[prefix + "D"].squeeze(0)
    nodes, omega = state.pop(prefix + "z"), state.pop(prefix + "omega")
    if len(nodes) < 2 or len(omega) != len(nodes):
        raise ValueError("the nodes belong to no length")
    length = FRESH_LENGTH if as_reloaded else 2 * (len(nodes) - 1)
    truncated = state[prefix + "C"]
    _, width, pairs, _ = truncated.shape
    if 2 * pairs > LARGEST_STATE:
        raise ValueError("no state is that large")
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
