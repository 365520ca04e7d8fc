"""Where the frames of HuBERT-ECG's convolutional front lie in its input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class FrameGeometry:
    """Frame `i` sees the samples from `i * stride` to `i * stride + width - 1`.

    Args:
        width: samples that a frame sees.
        stride: samples from one frame to the next.
    """

    width: int
    stride: int

    def count(self, samples: int) -> int:
        """Frames of an input of so many samples."""
        return max(0, (samples - self.width) // self.stride + 1)


def frame_geometry(kernels: Sequence[int], strides: Sequence[int]) -> FrameGeometry:
    """Where the frames of convolutions without padding lie.

    >>> frame_geometry((10, 3, 3, 2, 2), (4, 2, 2, 2, 2))
    FrameGeometry(width=82, stride=64)
    """
    width, stride = 1, 1
    for kernel, step in zip(kernels, strides, strict=True):
        width += (kernel - 1) * stride
        stride *= step
    return FrameGeometry(width, stride)
