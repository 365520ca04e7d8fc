"""Layers that the convolutional networks share.

Networks store a waveform as (batch, channels, 1, samples) with channels last in memory and
compute one-dimensional convolutions as two-dimensional ones, which have the fastest kernels on
CPUs and GPUs.
"""

from __future__ import annotations

from math import ceil

import torch
from torch import Tensor, nn

from acsbench.errors import ConfigurationError

_BYTE = 256


class Conv(nn.Conv1d):
    """A one-dimensional convolution of (batch, channels, 1, samples).

    Its weights have the shapes of `torch.nn.Conv1d`, as in the study's checkpoints.
    """

    def forward(self, x: Tensor) -> Tensor:
        """From (batch, channels_in, 1, n) to (batch, channels_out, 1, n / stride)."""
        stride, padding = self.stride[0], int(self.padding[0])
        if self.kernel_size == (1,) and stride > 1 and not padding:
            # The same result without oneDNN's kernel for strided 1x1 convolutions, which writes
            # out of bounds on processors with AVX2 and fewer than 8 channels (oneDNN issue 6035).
            x, stride = x[..., ::stride], 1
        return nn.functional.conv2d(
            x, self.weight.unsqueeze(2), self.bias, (1, stride), (0, padding)
        )


class Dropout(nn.Dropout):
    """Dropout that uses one random number for eight activations on a CPU.

    PyTorch uses one for each activation, which took a quarter of a ResNet-18's training step.
    The share is rounded to a multiple of 1/256; the study's 1/2 is exact.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Same shape; the identity in eval mode."""
        dropped = round(self.p * _BYTE)
        if not self.training or dropped in (0, _BYTE) or x.device.type != "cpu":
            return super().forward(x)
        words = torch.empty(ceil(x.numel() / 8), dtype=torch.int64).random_(-(2**63), None)
        kept = words.view(torch.uint8)[: x.numel()] >= dropped
        scale = kept.to(x.dtype).mul_(_BYTE / (_BYTE - dropped))
        # In the memory order of x, so that the product does not reorder.
        return x * (scale.as_strided(x.shape, x.stride()) if _is_dense(x) else scale.view(x.shape))


def channels_last(x: Tensor) -> Tensor:
    """From (batch, channels, samples) to (batch, channels, 1, samples), channels last in memory."""
    return x.unsqueeze(2).contiguous(memory_format=torch.channels_last)


def require_shape(x: Tensor, leads: int, samples: int | None = None) -> None:
    """Check that a batch of waveforms has the shape (batch, leads, samples).

    Raises:
        ConfigurationError: the shape is different. Without `samples`, any length is valid.
    """
    if x.ndim != 3 or x.shape[1] != leads or samples not in (None, x.shape[2]):
        wanted = "samples" if samples is None else samples
        raise ConfigurationError(
            f"the network takes (batch, {leads}, {wanted}), not {tuple(x.shape)}"
        )


def _is_dense(x: Tensor) -> bool:
    return x.is_contiguous() or (x.ndim == 4 and x.is_contiguous(memory_format=torch.channels_last))
