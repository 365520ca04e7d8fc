"""The study's one-dimensional residual networks."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from torch import Tensor, nn

from acsbench.models.layers import Conv, Dropout, channels_last, require_shape
from acsbench.models.registry import STUDY, register_model

_register = partial(register_model, kind="network", input="study-rows", paper=STUDY)


class ResidualBlock(nn.Module):
    """One convolution with a shortcut; the basic block of a ResNet usually has two."""

    def __init__(
        self, channels_in: int, channels_out: int, kernel: int, stride: int, dropout: nn.Module
    ):
        super().__init__()
        self.conv = Conv(channels_in, channels_out, kernel, stride, (kernel - 1) // 2)
        self.norm = nn.BatchNorm2d(channels_out)
        self.dropout = dropout
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or channels_in != channels_out:
            self.shortcut = nn.Sequential(
                Conv(channels_in, channels_out, 1, stride), nn.BatchNorm2d(channels_out)
            )

    def forward(self, x: Tensor) -> Tensor:
        """From (batch, channels_in, 1, n) to (batch, channels_out, 1, n / stride)."""
        branch: Tensor = self.dropout(self.norm(self.conv(x)).relu_())
        return (branch + self.shortcut(x)).relu_()


class ResNet1d(nn.Module):
    """Stem, four groups of residual blocks, global max-pool, two-layer head.

    Args:
        blocks: residual blocks in each of the four groups.
        strides: stride of the first block of each group.
        leads: rows of the input.
        width: channels after the stem; the groups have 1, 2, 4 and 8 times as many.
        hidden: width of the head.
        kernel: kernel size of the blocks.
        dropout: share of activations dropped in the head.
        block_dropout: share of activations dropped in each block.
        drop_channels: drop whole channels in the blocks instead of single activations.

    Shapes:
        input (batch, leads, samples) in mV, any number of samples; output (batch, 1), logits.
    """

    def __init__(
        self,
        blocks: Sequence[int],
        strides: Sequence[int],
        /,
        leads: int = 3,
        width: int = 32,
        hidden: int = 256,
        kernel: int = 7,
        dropout: float = 0.5,
        block_dropout: float = 0.5,
        drop_channels: bool = False,
    ):
        super().__init__()
        self.leads = leads
        drop = nn.Dropout2d(block_dropout) if drop_channels else Dropout(block_dropout)
        self.stem = nn.Sequential(
            Conv(leads, width, 15, 2, 7),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.MaxPool2d((1, 3), (1, 2), (0, 1)),
        )
        groups, channels = [], width
        for number, (depth, stride) in enumerate(zip(blocks, strides, strict=True)):
            wide = width * 2**number
            groups.append(_group(channels, wide, depth, kernel, stride, drop))
            channels = wide
        self.groups = nn.Sequential(*groups)
        self.head = _head(channels, hidden, dropout)

    def forward(self, x: Tensor) -> Tensor:
        """From (batch, leads, samples) to (batch, 1).

        Raises:
            ConfigurationError: the input has another shape.
        """
        require_shape(x, self.leads)
        features = self.groups(self.stem(channels_last(x))).amax(dim=(2, 3))
        logits: Tensor = self.head(features)
        return logits


@_register(
    "resnet6",
    summary="residual network of 6 blocks over the three printed rows",
    parameters=453_985,
)
class ResNet6(nn.Module):
    """Stem, a group of residual blocks, a strided convolution, another group, two-layer head.

    Args:
        leads: rows of the input.
        width: channels after the stem; later layers have twice as many.
        hidden: width of the head.
        kernel: kernel size of the blocks.
        dropout: share of activations dropped in the head.
        block_dropout: share of activations dropped in each block.
        samples: length of the input, which is fixed because the head sees every position.

    Shapes:
        input (batch, leads, samples) in mV; output (batch, 1), logits.
    """

    def __init__(
        self,
        leads: int = 3,
        width: int = 32,
        hidden: int = 256,
        kernel: int = 7,
        dropout: float = 0.5,
        block_dropout: float = 0.5,
        samples: int = 5000,
    ):
        super().__init__()
        self.leads, self.samples = leads, samples
        wide, drop = 2 * width, Dropout(block_dropout)
        self.stem = nn.Sequential(
            Conv(leads, width, 50, 5, 3), nn.BatchNorm2d(width), nn.ReLU(inplace=True)
        )
        self.first = _group(width, wide, 3, kernel, 3, drop)
        self.reduction = Conv(wide, wide, 25, 10, 1)
        self.second = _group(wide, wide, 3, kernel, 3, drop)
        positions = samples
        for span, stride, padding in (
            (50, 5, 3),
            (kernel, 3, (kernel - 1) // 2),
            (25, 10, 1),
            (kernel, 3, (kernel - 1) // 2),
        ):
            positions = (positions + 2 * padding - span) // stride + 1
        self.head = _head(wide * positions, hidden, dropout)

    def forward(self, x: Tensor) -> Tensor:
        """From (batch, leads, samples) to (batch, 1).

        Raises:
            ConfigurationError: the input has another shape.
        """
        require_shape(x, self.leads, self.samples)
        features = self.first(self.stem(channels_last(x)))
        features = self.second(self.reduction(features))
        logits: Tensor = self.head(features.flatten(1))
        return logits


def _group(
    channels_in: int, channels_out: int, depth: int, kernel: int, stride: int, dropout: nn.Module
) -> nn.Sequential:
    return nn.Sequential(
        ResidualBlock(channels_in, channels_out, kernel, stride, dropout),
        *(ResidualBlock(channels_out, channels_out, kernel, 1, dropout) for _ in range(depth - 1)),
    )


def _head(features: int, hidden: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(features, hidden),
        nn.BatchNorm1d(hidden),
        nn.Dropout(dropout),
        nn.ReLU(),
        nn.Linear(hidden, 1),
    )


@_register(
    "resnet18_1d",
    summary="residual network of 18 layers over the three printed rows",
    parameters=2_254_273,
)
def resnet18_1d(**options: Any) -> ResNet1d:
    """The study's ResNet-18; see `ResNet1d` for the options."""
    return ResNet1d((4, 4, 4, 4), (1, 2, 2, 1), **options)


@_register(
    "resnet50_1d",
    summary="residual network of 46 layers over the three printed rows",
    parameters=23_238_657,
)
def resnet50_1d(**options: Any) -> ResNet1d:
    """The study's ResNet-50, with width 64 and hidden 512; see `ResNet1d` for the options."""
    return ResNet1d((8, 11, 17, 8), (1, 1, 1, 2), **{"width": 64, "hidden": 512, **options})
