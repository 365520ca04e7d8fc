"""Layers that the convolutional networks share.

Inside a network a waveform is (batch, channels, 1, samples) with channels last in memory: a
one-dimensional convolution is then computed as a flat two-dimensional one, for which the
libraries below PyTorch have their fastest kernels, on CPUs as on GPUs.
"""

from __future__ import annotations

from math import ceil

import torch
from torch import Tensor, nn

from acsbench.errors import ConfigurationError

_BYTE = 256


class Conv(nn.Conv1d):
    """A one-dimensional convolution of (batch, channels, 1, samples).

    Its tensors are those of `torch.nn.Conv1d`, as in the study's checkpoints.
    """

    def forward(self, x: Tensor) -> Tensor:
        """From (batch, channels_in, 1, n) to (batch, channels_out, 1, n / stride)."""
        stride, padding = self.stride[0], int(self.padding[0])
        if self.kernel_size == (1,) and stride > 1 and not padding:
            # The same samples, but not oneDNN's kernel for strides of 1x1 convolutions: on
            # processors with AVX2 and fewer than 8 channels it writes beyond its memory (oneDNN
            # issue 6035).
            x, stride = x[..., ::stride], 1
        return nn.functional.conv2d(
            x, self.weight.unsqueeze(2), self.bias, (1, stride), (0, padding)
        )


class Dropout(nn.Dropout):
    """Dropout that draws eight activations from one random number on a CPU.

    PyTorch draws one number for each activation there, which took a quarter of a ResNet-18's
    training step. The share dropped is rounded to a 256th; a half, the study's, is exact.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Same shape; the identity in eval mode."""
        dropped = round(self.p * _BYTE)
        if not self.training or dropped in (0, _BYTE) or x.device.type != "cpu":
            return super().forward(x)
        words = torch.empty(ceil(x.numel() / 8), dtype=torch.int64).random_(-(2**63), None)
        kept = words.view(torch.uint8)[: x.numel()] >= dropped
        scale = kept.to(x.dtype).mul_(_BYTE / (_BYTE - dropped))
        # In the memory order of x, whichever that is, so that the product need not reorder.
        return x * (scale.as_strided(x.shape, x.stride()) if _is_dense(x) else scale.view(x.shape))


def channels_last(x: Tensor) -> Tensor:
    """From (batch, channels, samples) to (batch, channels, 1, samples), channels last in memory."""
    return x.unsqueeze(2).contiguous(memory_format=torch.channels_last)


def require_shape(x: Tensor, leads: int, samples: int | None = None) -> None:
    """Make sure that a batch of waveforms has the shape that a network takes.

    Raises:
        ConfigurationError: it is not (batch, leads, samples); any number of samples will do if
            none is given.
    """
    if x.ndim != 3 or x.shape[1] != leads or samples not in (None, x.shape[2]):
        wanted = "samples" if samples is None else samples
        raise ConfigurationError(
            f"the network takes (batch, {leads}, {wanted}), not {tuple(x.shape)}"
        )


def _is_dense(x: Tensor) -> bool:
    return x.is_contiguous() or (x.ndim == 4 and x.is_contiguous(memory_format=torch.channels_last))
