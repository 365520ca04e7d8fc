"""Positions of HuBERT-ECG's frames in its input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class FrameGeometry:
    """Frame `i` covers samples `i * stride` to `i * stride + width - 1`."""

    width: int
    stride: int

    def count(self, samples: int) -> int:
        """Number of frames in an input of this length."""
        return max(0, (samples - self.width) // self.stride + 1)


def frame_geometry(kernels: Sequence[int], strides: Sequence[int]) -> FrameGeometry:
    """Frames of convolutions without padding.

    >>> frame_geometry((10, 3, 3, 2, 2), (4, 2, 2, 2, 2))
    FrameGeometry(width=82, stride=64)
    """
    width, stride = 1, 1
    for kernel, step in zip(kernels, strides, strict=True):
        width += (kernel - 1) * stride
        stride *= step
    return FrameGeometry(width, stride)
