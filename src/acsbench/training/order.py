"""The ECGs of each batch, as a pure function of seed and step.

There is no state, so that an interrupted training resumes with the same batches, dropout and
augmentation.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]

_ORDER, _STEP = 0, 1
"""Purposes of random streams, which share no numbers."""


def step_seed(seed: int, batch: int, process: int) -> int:
    """Seed of dropout and augmentation in a batch, counted since training began.

    >>> step_seed(0, 1, 0) == step_seed(0, 1, 0) != step_seed(0, 1, 1)
    True
    """
    sequence = np.random.SeedSequence((seed, _STEP, batch, process))
    return int(sequence.generate_state(1)[0])


@dataclass(frozen=True, eq=False)
class BatchOrder:
    """Batches of equal size from consecutive shuffled passes.

    Args:
        labels: 0/1 label of each training ECG, shape (n,).
        batch_size: ECGs per batch; a batch may span two passes.
        seed: seed of the order.
        balanced: draw as many events as controls, with replacement.
    """

    labels: NDArray[np.float32]
    batch_size: int
    seed: int
    balanced: bool = False

    def batches_per_pass(self) -> int:
        """Number of batches that cover every ECG."""
        return ceil(len(self.labels) / self.batch_size)

    def batches(self, first: int, count: int) -> Iterator[Indices]:
        """Batches `first` to `first + count - 1`, counted since training began.

        Returns:
            Positions of ECGs, each of shape (batch_size,).
        """
        n, size = len(self.labels), self.batch_size
        number = first * size // n
        pending = self._pass(number)[first * size - number * n :]
        for _ in range(count):
            while len(pending) < size:
                number += 1
                pending = np.concatenate([pending, self._pass(number)])
            yield pending[:size]
            pending = pending[size:]

    def _pass(self, number: int) -> Indices:
        rng = np.random.default_rng((self.seed, _ORDER, number))
        if not self.balanced:
            return rng.permutation(len(self.labels))
        events = self.labels == 1
        chance = np.where(events, 0.5 / events.sum(), 0.5 / (~events).sum())
        return rng.choice(len(self.labels), size=len(self.labels), p=chance)


def in_order(n: int, batch_size: int) -> list[Indices]:
    """All positions in order, in batches of nearly equal size, at most `batch_size`.

    >>> [len(batch) for batch in in_order(130, 64)]
    [44, 43, 43]
    """
    return np.array_split(np.arange(n), max(1, ceil(n / batch_size)))
