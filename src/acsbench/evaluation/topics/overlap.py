"""The overlap of a model's calls with ST and T changes: a Venn diagram, small cells hidden."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

import numpy as np
from numpy.typing import NDArray

from acsbench.cohort.suppression import Item, Release, protect
from acsbench.disclosure import NOT_SHOWN, SMALLEST_CELL, is_small
from acsbench.evaluation.analysis import Analysis
from acsbench.evaluation.figures.venn import Region, venn_figure
from acsbench.evaluation.section import Count, Picture, Table, Value
from acsbench.evaluation.signs import ST_CHANGE, T_CHANGE, Flags

SETS = ("ST change", "T change")
COLOURS = ("#444444", "#8C6D1F")
REGIONS: tuple[Region, ...] = tuple(product((True, False), repeat=3))  # type: ignore[arg-type]
ALL, EVENTS = "all", "events"


def overlap(analysis: Analysis, called: Flags, rule: str) -> list[Table | Picture]:
    """ECGs that the best model calls, with ST and T changes.

    Args:
        analysis: cohort and models.
        called: whom the model with the highest AUROC calls.
        rule: by which, in words.

    Returns:
        A figure and its table; nothing if signs of a kind are unknown or may not be shown, or if
        the totals alone would give a small cell away.
    """
    best = analysis.order[0]
    st_change, t_change = analysis.any_sign(ST_CHANGE), analysis.any_sign(T_CHANGE)
    if st_change is None or t_change is None:
        return []
    region = _region_numbers(called, st_change, t_change)
    counts = region_counts(
        region, analysis.labels == 1, analysis.patients, analysis.settings.show_small_cells
    )
    if counts is None:
        return []
    titles = {ALL: f"All {analysis.split_name} ECGs", EVENTS: "ECGs with the event"}
    caption = (
        f"ECGs that {best} calls (where {rule}), and those with ST and T changes as a "
        "cardiologist read them. Areas do not stand for numbers."
    )
    figure = venn_figure(
        {
            titles[name]: {place: str(count) for place, count in panel.items()}
            for name, panel in counts.items()
        },
        (best, *SETS),
        (analysis.styles[best][0], *COLOURS),
        analysis.marks("called and signs"),
    )
    rows: list[dict[str, Value]] = []
    for name, panel in counts.items():
        for place, count in panel.items():
            inside = ["yes" if is_inside else "no" for is_inside in place]
            rows.append({"ecgs": titles[name], "n": count, **dict(zip("abc", inside, strict=True))})
    columns = {"ecgs": "ECGs", "a": best, "b": SETS[0], "c": SETS[1], "n": "Number"}
    return [Picture("venn", caption, figure), Table("venn", caption, columns, 4, rows, shown=())]


def region_counts(
    region: NDArray[np.intp],
    events: Flags,
    patients: NDArray[np.intp],
    show_small_cells: bool = False,
) -> Mapping[str, dict[Region, Count | str]] | None:
    """ECGs in each region, of all and of those with the event, as far as they may be shown.

    Args:
        region: of each ECG, its number in `REGIONS`, shape (n,).
        events: which have the event, shape (n,).
        patients: shape (n,).
        show_small_cells: hide nothing.

    Returns:
        By `ALL` and `EVENTS`, then by region; None if totals that are known anyway would give a
        small cell away.
    """
    # Even atoms: a region without the event; odd ones: with it.
    atom = 2 * region + events
    counts = np.bincount(atom, minlength=2 * len(REGIONS))
    persons = [len(set(patients[atom == number])) for number in range(len(counts))]
    identity = np.eye(len(counts))
    pairs = identity[0::2] + identity[1::2]
    items = [
        Item((name, str(number)), row[None], cost=float(row @ counts), is_count=True)
        for name, rows in ((ALL, pairs), (EVENTS, identity[1::2]))
        for number, row in enumerate(rows)
    ]
    in_model = np.repeat([place[0] for place in REGIONS], 2).astype(float)
    has_event = np.tile([0.0, 1.0], len(REGIONS))
    known = np.array([np.ones(len(counts)), has_event, in_model, in_model * has_event])
    items.append(Item(("totals",), known, fixed=True))
    small = identity[[is_small(number) for number in persons]].astype(bool)
    try:
        hidden = protect(Release(counts, small[:0] if show_small_cells else small, items))
    except ValueError:
        return None

    def shown(name: str, number: int, count: int) -> Count | str:
        if (name, str(number)) in hidden.under_11:
            return f"<{SMALLEST_CELL}"
        return NOT_SHOWN if (name, str(number)) in hidden.items else Count(count)

    return {
        name: {
            place: shown(name, number, int(row @ counts))
            for number, (place, row) in enumerate(zip(REGIONS, rows, strict=True))
        }
        for name, rows in ((ALL, pairs), (EVENTS, identity[1::2]))
    }


def _region_numbers(*sets: Flags) -> NDArray[np.intp]:
    """Number of each ECG's region in `REGIONS`: a set that it is outside of adds its bit."""
    return np.asarray(sum(np.where(s, 0, bit) for s, bit in zip(sets, (4, 2, 1), strict=True)))
