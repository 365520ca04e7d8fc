"""Which samples were recorded: runs of them, and recordings in which they are the same ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def runs(chosen: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First sample and sample behind the last of each run of chosen samples.

    Args:
        chosen: shape (samples,).
    """
    borders = (np.flatnonzero(chosen[1:] != chosen[:-1]) + 1).tolist()
    edges = [0, *borders, len(chosen)]
    first = 0 if chosen[0] else 1
    return list(zip(edges[first:-1:2], edges[first + 1 :: 2], strict=True))


def alike(recorded: NDArray[np.bool_]) -> list[NDArray[np.int64]]:
    """Positions of recordings that have the same samples; they can be worked on as one array.

    Nearly all prints look alike: what they show is laid out in the same way.

    Args:
        recorded: shape (recordings, leads, samples).
    """
    found: list[list[int]] = []
    for number, samples in enumerate(recorded):
        for numbers in found:
            if np.array_equal(samples, recorded[numbers[0]]):
                numbers.append(number)
                break
        else:
            found.append([number])
    return [np.array(numbers) for numbers in found]
