"""The study's ResNet-18 as one writes it down: one-dimensional layers, in eager PyTorch."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class PlainBlock(nn.Module):
    def __init__(self, channels_in: int, channels_out: int, stride: int):
        super().__init__()
        self.conv = nn.Conv1d(channels_in, channels_out, 7, stride, 3)
        self.norm = nn.BatchNorm1d(channels_out)
        self.dropout = nn.Dropout(0.5)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or channels_in != channels_out:
            self.shortcut = nn.Sequential(
                nn.Conv1d(channels_in, channels_out, 1, stride), nn.BatchNorm1d(channels_out)
            )

    def forward(self, x: Tensor) -> Tensor:
        branch = self.dropout(torch.relu(self.norm(self.conv(x))))
        return torch.relu(branch + self.shortcut(x))


class PlainResNet18(nn.Module):
    """Takes the weights of `resnet18_1d`."""

    def __init__(self, leads: int = 3, width: int = 32, hidden: int = 256):
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv1d(leads, width, 15, 2, 7),
            nn.BatchNorm1d(width),
            nn.ReLU(),
            nn.MaxPool1d(3, 2, 1),
        )
        groups, channels = [], width
        for number, stride in enumerate((1, 2, 2, 1)):
            wide = width * 2**number
            blocks = [
                PlainBlock(channels, wide, stride),
                *(PlainBlock(wide, wide, 1) for _ in "123"),
            ]
            groups.append(nn.Sequential(*blocks))
            channels = wide
        self.groups = nn.Sequential(*groups)
        self.head = nn.Sequential(
            nn.Linear(channels, hidden),
            nn.BatchNorm1d(hidden),
            nn.Dropout(0.5),
            nn.ReLU(),
            nn.Linear(hidden, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.groups(self.stem(x)).amax(dim=-1))
