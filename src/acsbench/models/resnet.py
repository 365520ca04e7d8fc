"""One-dimensional residual networks of the study."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from acsbench.errors import ConfigurationError
from acsbench.models.registry import register_model

STUDY = "Schubert & Obermeyer, Diagnosis of Acute Coronary Syndrome using ECG Waveforms"


class ResidualBlock(nn.Module):
    """One convolution with a shortcut around it.

    The study's block holds a single convolution, where a ResNet's usual basic
    block holds two.
    """

    def __init__(
        self, channels_in: int, channels_out: int, kernel: int, stride: int, dropout: nn.Module
    ):
        super().__init__()
        self.conv = nn.Conv1d(channels_in, channels_out, kernel, stride, (kernel - 1) // 2)
        self.norm = nn.BatchNorm1d(channels_out)
        self.dropout = dropout
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or channels_in != channels_out:
            self.shortcut = nn.Sequential(
                nn.Conv1d(channels_in, channels_out, 1, stride), nn.BatchNorm1d(channels_out)
            )

    def forward(self, x: Tensor) -> Tensor:
        """From (batch, channels_in, n) to (batch, channels_out, n / stride)."""
        branch = self.dropout(torch.relu(self.norm(self.conv(x))))
        return torch.relu(branch + self.shortcut(x))


class ResNet1d(nn.Module):
    """Stem, four groups of residual blocks, global max-pool, two-layer head.

    Args:
        blocks: residual blocks in each of the four groups.
        strides: stride of the first block of each group.
        leads: rows of the input.
        width: channels after the stem; the groups have 1, 2, 4 and 8 times as many.
        hidden: width of the head.
        kernel: samples that a block's convolution spans.
        dropout: share of activations dropped in the head.
        block_dropout: share of activations dropped in each block.
        drop_channels: drop whole channels in the blocks instead of single activations, which
            also takes far fewer random numbers.

    Shapes:
        input (batch, leads, samples) in mV, any number of samples; output (batch, 1), logits.
    """

    def __init__(
        self,
        blocks: Sequence[int],
        strides: Sequence[int],
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
        drop = nn.Dropout1d(block_dropout) if drop_channels else nn.Dropout(block_dropout)
        self.stem = nn.Sequential(
            nn.Conv1d(leads, width, 15, 2, 7),
            nn.BatchNorm1d(width),
            nn.ReLU(),
            nn.MaxPool1d(3, 2, 1),
        )
        groups, channels = [], width
        for number, (depth, stride) in enumerate(zip(blocks, strides, strict=True)):
            wide = width * 2**number
            group = [ResidualBlock(channels, wide, kernel, stride, drop)]
            group += [ResidualBlock(wide, wide, kernel, 1, drop) for _ in range(depth - 1)]
            groups.append(nn.Sequential(*group))
            channels = wide
        self.groups = nn.Sequential(*groups)
        self.head = nn.Sequential(
            nn.Linear(channels, hidden),
            nn.BatchNorm1d(hidden),
            nn.Dropout(dropout),
            nn.ReLU(),
            nn.Linear(hidden, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """From (batch, leads, samples) to (batch, 1).

        Raises:
            ConfigurationError: the input has another number of rows or dimensions.
        """
        if x.ndim != 3 or x.shape[1] != self.leads:
            raise ConfigurationError(
                f"the network takes (batch, {self.leads}, samples), not {tuple(x.shape)}"
            )
        features = self.groups(self.stem(x)).amax(dim=-1)
        logits: Tensor = self.head(features)
        return logits


@register_model(
    "resnet18_1d",
    kind="network",
    input="study-rows",
    summary="residual network of 18 layers over the three printed rows",
    paper=STUDY,
)
def resnet18_1d(
    leads: int = 3,
    width: int = 32,
    hidden: int = 256,
    dropout: float = 0.5,
    block_dropout: float = 0.5,
    drop_channels: bool = False,
) -> ResNet1d:
    """The study's ResNet-18: four groups of four blocks; see `ResNet1d` for the options."""
    return ResNet1d(
        blocks=(4, 4, 4, 4),
        strides=(1, 2, 2, 1),
        leads=leads,
        width=width,
        hidden=hidden,
        dropout=dropout,
        block_dropout=block_dropout,
        drop_channels=drop_channels,
    )
