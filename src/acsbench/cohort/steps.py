"""Which steps of a flow may be shown separately."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, pairwise

from acsbench.cohort.build import Step
from acsbench.disclosure import is_small

UNITS = {"patients": "patient", "visits": "visit", "ecgs": "ECG"}


def numbers_of(step: Step) -> dict[str, int]:
    """The counts of a step by unit: `patients`, `visits`, `ecgs`."""
    numbers = {unit: getattr(step, unit) for unit in UNITS}
    return {unit: number for unit, number in numbers.items() if number is not None}


def takes_few(before: Step, after: Step) -> bool:
    """Whether 1 to 10 units are excluded between two steps."""
    left = numbers_of(after)
    return any(is_small(n - left[u]) for u, n in numbers_of(before).items() if u in left)


def without_small_steps(steps: Sequence[Step]) -> tuple[Step, ...]:
    """The largest subset of steps that may be shown: the last and, if possible, the first.

    The counts before and after a step reveal how many units it excludes. A step that excludes
    1 to 10 is shown together with its neighbour.

    Args:
        steps: at least one.
    """
    middle = range(len(steps) - 1)
    for size in range(len(steps) - 1, 0, -1):
        # Combinations with the first step precede those without it.
        for chosen in combinations(middle, size):
            kept = [*(steps[i] for i in chosen), steps[-1]]
            if not any(takes_few(a, b) for a, b in pairwise(kept)):
                return tuple(kept)
    return (steps[-1],)


def merged_words(steps: Sequence[Step], kept: Sequence[Step]) -> list[str]:
    """The names of each kept step and of the steps shown together with it."""
    words: list[list[str]] = [[]]
    for step in steps:
        words[-1].append(step.name)
        if step in kept:
            words.append([])
    return ["; ".join(group) for group in words[: len(kept)]]
