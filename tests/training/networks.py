"""Small networks with faults, as users bring them, registered for one test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from acsbench.models import list_models, registry
from acsbench.models.registry import register_model


class Plain(nn.Module):
    """One linear layer on the largest values of each row."""

    def __init__(self) -> None:
        super().__init__()
        self.pool = nn.AdaptiveMaxPool1d(4)
        self.head = nn.Linear(12, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.pool(x).flatten(1))


class FailsLater(Plain):
    """Its output is not finite from a certain training batch, or validation, on.

    Args:
        value: what the output becomes.
        batch: the first training batch with it; None for none.
        validation: the first batch in eval mode with it; None for none.
    """

    def __init__(self, value: float, batch: int | None = None, validation: int | None = None):
        super().__init__()
        self.value, self.batch, self.validation = value, batch, validation
        self.register_buffer("trained", torch.zeros((), dtype=torch.long))
        self.validated = 0

    def forward(self, x: Tensor) -> Tensor:
        y = super().forward(x)
        if self.training:
            self.trained += 1
            fails = self.batch is not None and int(self.trained) >= self.batch
        else:
            self.validated += 1
            fails = self.validation is not None and self.validated >= self.validation
        return y + self.value if fails else y


class Tied(nn.Module):
    """Two layers with the same weights."""

    def __init__(self) -> None:
        super().__init__()
        self.pool = nn.AdaptiveMaxPool1d(4)
        self.one, self.two, self.head = nn.Linear(12, 12), nn.Linear(12, 12), nn.Linear(12, 1)
        self.two.weight = self.one.weight

    def forward(self, x: Tensor) -> Tensor:
        y = self.pool(x).flatten(1)
        return self.head(self.two(self.one(y).relu()).relu())


class Normed(nn.Module):
    """Batch norm over ECGs alone: of one ECG there is no variance."""

    def __init__(self) -> None:
        super().__init__()
        self.pool, self.norm, self.head = nn.AdaptiveMaxPool1d(4), nn.BatchNorm1d(12), None
        self.head = nn.Linear(12, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.norm(self.pool(x).flatten(1)))


class Certain(nn.Module):
    """Logits from -40 to 40 that differ by little; a step changes next to nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.share = nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        highest = x.amax(dim=2)  # exact, whoever computes it
        spread = (highest[:, 0].abs() * 100).frac()
        near = torch.where(spread < 0.3, -40.0, torch.where(spread < 0.6, 20.0, 30.0))
        return (near + 0.01 * highest[:, 1])[:, None] * self.share


@contextmanager
def registered(name: str, build: Callable[[], nn.Module]) -> Iterator[str]:
    """Register a network for the time of the block."""
    list_models()
    before = dict(registry._MODELS)
    try:
        register_model(
            name, kind="network", input="study-rows", summary="for a test", paper="none"
        )(build)
        yield name
    finally:
        registry._MODELS.clear()
        registry._MODELS.update(before)
