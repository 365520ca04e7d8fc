"""ECG-OMI, the study's small residual network."""

from __future__ import annotations

from math import ceil

from torch import Tensor, nn

from acsbench.models.layers import Conv, channels_last, require_shape
from acsbench.models.registry import STUDY, register_model


class TwoConvBlock(nn.Module):
    """Two convolutions of kernel size 3 with a shortcut."""

    def __init__(self, channels: int):
        super().__init__()
        self.conv1 = Conv(channels, channels, 3, 1, 1)
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv2 = Conv(channels, channels, 3, 1, 1)
        self.norm2 = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """From and to (batch, channels, 1, n)."""
        branch = self.norm1(self.conv1(x)).relu_()
        branch = self.norm2(self.conv2(branch))
        return (branch + x).relu_()


@register_model(
    "ecgomi",
    kind="network",
    input="study-rows",
    summary="small residual network over the three printed rows",
    paper=STUDY,
    parameters=210_783,
)
class EcgOmi(nn.Module):
    """Three residual blocks at half the sampling rate, three at 1/50 of it, two-layer head.

    Args:
        leads: rows of the input.
        width: channels of the first blocks; the others have twice as many.
        hidden: width of the head.
        samples: length of the input, which is fixed because the head sees every position.

    Shapes:
        input (batch, leads, samples) in mV; output (batch, 1), logits.
    """

    def __init__(self, leads: int = 3, width: int = 24, hidden: int = 31, samples: int = 5000):
        super().__init__()
        self.leads, self.samples = leads, samples
        wide = 2 * width
        self.stem = _stage(leads, width, stride=2)
        self.narrow = nn.Sequential(*(TwoConvBlock(width) for _ in range(3)))
        self.reduction = _stage(width, wide, stride=25)
        self.wide = nn.Sequential(*(TwoConvBlock(wide) for _ in range(3)))
        # Each stage has kernel size 7 and padding 3.
        positions = ceil(ceil(samples / 2) / 25)
        self.head = nn.Sequential(
            nn.Linear(wide * positions, hidden), nn.ReLU(), nn.Linear(hidden, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        """From (batch, leads, samples) to (batch, 1).

        Raises:
            ConfigurationError: the input has another shape.
        """
        require_shape(x, self.leads, self.samples)
        features = self.narrow(self.stem(channels_last(x)))
        features = self.wide(self.reduction(features))
        logits: Tensor = self.head(features.flatten(1))
        return logits


def _stage(channels_in: int, channels_out: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        Conv(channels_in, channels_out, 7, stride, 3),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(inplace=True),
    )
