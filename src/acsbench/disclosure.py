"""Small cells: counts so low that they may point to a person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

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


def shown_groups(
    members: Mapping[str, NDArray[np.bool_]], labels: NDArray[np.number], patients: NDArray[np.intp]
) -> set[str]:
    """The groups of which numbers may be shown.

    A group is hidden if 1 to 10 of its patients have the event, or if so few lack it. Since the
    totals are known, those that are hidden (with those whose value is unknown) must together
    hold more than that: else the next smallest is hidden as well.

    Args:
        members: rows of each group, shape (n,) each.
        labels: 0/1, shape (n,).
        patients: shape (n,).
    """

    def persons(rows: NDArray[np.bool_]) -> tuple[int, int]:
        with_event, without = (len(np.unique(patients[rows & (labels == v)])) for v in (1, 0))
        return with_event, without

    sizes = {name: persons(rows) for name, rows in members.items()}
    hidden = {name for name, size in sizes.items() if min(size) < SMALLEST_CELL}
    while len(hidden) < len(sizes):
        shown = [rows for name, rows in members.items() if name not in hidden]
        rest = ~np.logical_or.reduce(shown)
        if not rest.any() or min(persons(rest)) >= SMALLEST_CELL:
            break
        open_yet = [name for name in sizes if name not in hidden]
        hidden.add(min(open_yet, key=lambda name: sizes[name]))
    return set(sizes) - hidden


def shown_count(count: int, show_small_cells: bool = False) -> str:
    """A count as it may be printed.

    >>> shown_count(1295), shown_count(3), shown_count(3, show_small_cells=True)
    ('1,295', '<11', '3')
    """
    if is_small(count) and not show_small_cells:
        return f"<{SMALLEST_CELL}"
    return f"{count:,}"
