"""Small cells of a model's calls: shares that would tell how a handful of patients fared.

The totals of a report are known, so a share with its interval is as good as its count. A cell is
small if 1 to 10 patients are in it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np
from numpy.typing import ArrayLike, NDArray

from acsbench.disclosure import NOT_SHOWN, SMALLEST_CELL, is_small
from acsbench.evaluation.signs import Flags
from acsbench.statistics import Estimate

OF_EVENTS = ("sensitivity", "sensitivity_at_90_specificity")
OF_OTHERS = ("specificity", "realised_specificity")


def leaves_small_cell(rows: Flags, divisions: Sequence[Flags], patients: NDArray[np.intp]) -> bool:
    """Whether some ECGs, divided by each of the flags, leave a cell of 1 to 10 patients.

    Args:
        rows: the ECGs to divide, shape (n,).
        divisions: shape (n,) each.
        patients: shape (n,).
    """
    sides = [(division, ~division) for division in divisions]
    cells = (np.logical_and.reduce([rows, *sides_of_cell]) for sides_of_cell in product(*sides))
    return any(is_small(len(np.unique(patients[cell]))) for cell in cells)


def shown_of_call(
    found: Mapping[str, Estimate | str],
    called: Flags,
    labels: NDArray[np.int64],
    patients: NDArray[np.intp],
) -> dict[str, Estimate | str]:
    """The numbers of a call, with text for those that would tell a small cell.

    Sensitivity tells how many events are called and how many are not, specificity the same of
    the others; any other number tells both.

    Args:
        found: numbers by name.
        called: whom the model calls, shape (n,).
        labels: 0/1, shape (n,).
        patients: shape (n,).
    """
    events = labels == 1
    few_events = leaves_small_cell(events, [called], patients)
    few_others = leaves_small_cell(~events, [called], patients)

    def shown(name: str, value: Estimate | str) -> Estimate | str:
        if name in OF_EVENTS:
            return coarse_share(called, events) if few_events else value
        if name in OF_OTHERS:
            return coarse_share(~called, ~events) if few_others else value
        return NOT_SHOWN if few_events or few_others else value

    return {name: shown(name, value) for name, value in found.items()}


def coarse_share(hits: Flags, among: Flags) -> str:
    """What may be said of a share that tells a small cell: a bound where few ECGs are on a side.

    >>> among = np.ones(64, dtype=bool)
    >>> coarse_share(np.arange(64) < 2, among), coarse_share(np.arange(64) < 60, among)
    ('<0.172', '>0.828')
    """
    size, inside = int(among.sum()), int((hits & among).sum())
    # Rounded away from the share, so that ten ECGs never lie beyond the bound.
    bound = np.ceil(1000 * SMALLEST_CELL / size) / 1000
    if is_small(inside) and bound < 1:
        return f"<{bound:.3f}"
    if is_small(size - inside) and bound < 1:
        return f">{1 - bound:.3f}"
    return NOT_SHOWN


def shown_cuts(
    labels: NDArray[np.int64],
    scores: NDArray[np.float64],
    patients: NDArray[np.intp],
    thresholds: ArrayLike,
) -> NDArray[np.bool_]:
    """Which thresholds of one score may be told of together.

    A threshold is told of if no small cell lies between it and those told already: among the ECGs
    between two neighbours, as beyond the last, nobody or more than ten patients have the event,
    and so with those who lack it.

    Args:
        labels: 0/1, shape (n,).
        scores: shape (n,); an ECG is called if its score reaches a threshold.
        patients: shape (n,).
        thresholds: the most important first, shape (k,).

    Returns:
        Shape (k,).
    """
    order = np.argsort(-scores, kind="stable")
    persons = patients[order]
    places_of = [np.flatnonzero(labels[order] == label) for label in (0, 1)]
    most_ecgs = int(np.unique(patients, return_counts=True)[1].max())

    def is_small_step(start: int, end: int) -> bool:
        for places in places_of:
            first, last = np.searchsorted(places, [start, end])
            # So many ECGs are of more than ten patients: nothing to count.
            if last - first < SMALLEST_CELL * most_ecgs and is_small(
                len(np.unique(persons[places[first:last]]))
            ):
                return True
        return False

    called = np.searchsorted(-scores[order], -np.asarray(thresholds, dtype=float), side="right")
    told = [0, len(order)]
    shown = np.zeros(len(called), dtype=bool)
    for number, place in enumerate(called.tolist()):
        at = bisect_left(told, place)
        if told[at] == place:
            shown[number] = True
        elif not (is_small_step(told[at - 1], place) or is_small_step(place, told[at])):
            told.insert(at, place)
            shown[number] = True
    return shown


def in_steps(
    labels: NDArray[np.int64],
    scores: NDArray[np.float64],
    patients: NDArray[np.intp],
    most: int = 2000,
) -> NDArray[np.float64]:
    """Scores in as many steps as may be told of, in their order; see `shown_cuts`.

    Args:
        labels: 0/1, shape (n,).
        scores: shape (n,).
        patients: shape (n,).
        most: steps that are tried.

    Returns:
        The number of each ECG's step, shape (n,).
    """
    values = np.unique(scores)[::-1]
    tried = values[:: -(-len(values) // most)]
    kept = tried[shown_cuts(labels, scores, patients, tried)]
    return np.searchsorted(kept[::-1], scores, side="right").astype(np.float64)
