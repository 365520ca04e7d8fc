"""Small cells: counts so low that they may point to a person."""

from __future__ import annotations

from collections.abc import Iterable

SMALLEST_CELL = 11
"""Counts from 1 to 10 are not shown, as data-use agreements for hospital data demand."""

NOT_SHOWN = "not shown"
"""In place of a count from which a small one could be worked out."""


def is_small(count: int) -> bool:
    """Whether a count is too small to be shown; nobody at all is not a small cell."""
    return 0 < count < SMALLEST_CELL


def too_few_patients(labels: Iterable[int], patients: Iterable[object]) -> bool:
    """Whether fewer than eleven patients have, or lack, the event: no figure is shown of them."""
    by_label: dict[int, set[object]] = {0: set(), 1: set()}
    for label, patient in zip(labels, patients, strict=True):
        by_label[int(label)].add(patient)
    return min(map(len, by_label.values())) < SMALLEST_CELL


def shown_count(count: int, show_small_cells: bool = False) -> str:
    """A count as it may be printed.

    >>> shown_count(1295), shown_count(3), shown_count(3, show_small_cells=True)
    ('1,295', '<11', '3')
    """
    if is_small(count) and not show_small_cells:
        return f"<{SMALLEST_CELL}"
    return f"{count:,}"
