"""Counts of splits and of the flow as text, small cells hidden."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from acsbench.cohort.build import Step, count_step
from acsbench.cohort.split import SPLITS
from acsbench.cohort.steps import merged_words, without_small_steps
from acsbench.cohort.suppression import NOTHING, Hidden, Item, Release, protect
from acsbench.disclosure import NOT_SHOWN, SMALLEST_CELL, is_small, shown_count

SPLIT_NAMES = {"train": "training", "valid": "validation", "test": "test"}
ALL = "all"
COUNTS = ("ECGs", "patients", "events", "patients with an event")
TOLD_TOGETHER = " (told together, as one leaves out 1 to 10)"

_PARTS = {
    "events": (1, 0, 0, 0),
    "patients with an event": (0, 0, 1, 0),
    "ECGs": (1, 1, 0, 0),
    "patients": (0, 0, 1, 1),
}
"""Of which groups of a split each count is the sum: ECGs with the event and without it, patients
with it and without it. What a reader misses least comes first."""
_WITHOUT_EVENT = {"ECGs": (0, 1, 0, 0), "patients": (0, 0, 0, 1)}
_HAVE_ECGS = (((1, 0, 0, 0), (0, 0, 1, 0)), ((0, 1, 0, 0), (0, 0, 0, 1)))
"""Groups of ECGs, each with that of the patients they belong to, who cannot be more."""


@dataclass(frozen=True)
class ShownStep:
    """A step of the flow: how many are left after it, and how many ECGs it took."""

    name: str
    ecgs: str
    patients: str
    left_out: str


def split_counts(table: pd.DataFrame, show_small_cells: bool = False) -> pd.DataFrame:
    """Counts of each split as text, with a total and the prevalence.

    Hidden is what is small (1 to 10, also of those without an event), and whatever else would
    place it more narrowly than that. Of several counts that would do, those of the training
    split are hidden first, as no result is about them; the totals of ECGs and patients, which
    the flow tells as well, never are, unless they are small themselves.

    Args:
        table: `patient_id`, `label` (0/1) and `split`, one row per ECG.
        show_small_cells: show counts from 1 to 10.

    Returns:
        One row per split and `all`; columns as in `COUNTS`, and `prevalence`.
    """
    table = table[table["split"].isin(SPLITS)]
    frames = {SPLIT_NAMES[split]: table[table["split"] == split] for split in SPLITS}
    counts = pd.DataFrame({name: _counts(frame) for name, frame in frames.items()}).T
    hidden = NOTHING if show_small_cells else _hidden(counts)
    counts.loc[ALL] = _counts(table)
    shown = pd.DataFrame(index=counts.index, columns=[*COUNTS, "prevalence"], dtype=object)
    for split, row in counts.iterrows():
        texts = [_text((str(split), column), int(row[column]), hidden) for column in COUNTS]
        told = row["ECGs"] and texts[0][0].isdigit() and texts[2][0].isdigit()
        prevalence = f"{row['events'] / row['ECGs']:.3f}" if told else "–"
        shown.loc[split] = [*texts, prevalence]
    return shown


def _counts(frame: pd.DataFrame) -> dict[str, int]:
    events = frame[frame["label"] == 1]
    numbers = (
        len(frame),
        frame["patient_id"].nunique(),
        len(events),
        events["patient_id"].nunique(),
    )
    return dict(zip(COUNTS, map(int, numbers), strict=True))


def _text(name: tuple[str, ...], count: int, hidden: Hidden) -> str:
    if name not in hidden.items:
        return f"{count:,}"
    return f"<{SMALLEST_CELL}" if name in hidden.under_11 else NOT_SHOWN


def _hidden(counts: pd.DataFrame) -> Hidden:
    """What to hide of the counts of three splits and of their totals, by (split, column)."""
    events, others = counts["events"], counts["ECGs"] - counts["events"]
    with_event = counts["patients with an event"]
    atoms = np.column_stack([events, others, with_event, counts["patients"] - with_event]).ravel()

    def summed(places: NDArray[np.int64], parts: Sequence[int]) -> NDArray[np.float64]:
        return np.outer(places, parts).ravel().astype(np.float64)

    splits = dict(zip(counts.index, np.eye(len(counts), dtype=np.int64), strict=True))
    rows = splits | {ALL: np.ones(len(counts), dtype=np.int64)}
    items = []
    for column, (name, parts) in enumerate(_PARTS.items()):
        for row, (split, places) in enumerate(rows.items()):
            weights = summed(places, parts)
            told_elsewhere = split == ALL and name in ("ECGs", "patients")
            items.append(
                Item(
                    (split, name),
                    weights[None],
                    cost=float(len(rows) * column + row),
                    fixed=told_elsewhere and not is_small(int(weights @ atoms)),
                    is_count=True,
                )
            )
    groups = [summed(places, parts) for places in rows.values() for parts in _PARTS.values()]
    groups += [
        summed(places, without)
        for places in rows.values()
        for whole, without in _WITHOUT_EVENT.items()
        # Where all of them are few, that some have the event says as much of the others.
        if not is_small(int(summed(places, _PARTS[whole]) @ atoms))
    ]
    small = [group > 0 for group in groups if is_small(int(group @ atoms))]
    nested = [
        (summed(places, patients) > 0, summed(places, ecgs) > 0)
        for places in splits.values()
        for ecgs, patients in _HAVE_ECGS
    ]
    return protect(Release(atoms, np.array(small).reshape(-1, len(atoms)), items, nested))


def part_counts(parts: Mapping[str, int], show_small_cells: bool = False) -> dict[str, str]:
    """Counts that add up to a total which may be known, and that total as `ALL`, as text.

    Args:
        parts: what is counted, at least 1 of each.
        show_small_cells: show counts from 1 to 10.
    """
    atoms, total = np.array(list(parts.values())), sum(parts.values())
    if show_small_cells or is_small(total):
        return {name: shown_count(n, show_small_cells) for name, n in {**parts, ALL: total}.items()}
    each = np.eye(len(atoms))
    items = [
        Item((name,), row[None], cost=float(count), is_count=True)
        for (name, count), row in zip(parts.items(), each, strict=True)
    ]
    items.append(Item((ALL,), np.ones((1, len(atoms))), fixed=True))
    hidden = protect(Release(atoms, each[[is_small(int(n)) for n in atoms]] > 0, items))
    return {name: _text((name,), n, hidden) for name, n in {**parts, ALL: total}.items()}


def flow_steps(
    steps: Sequence[Step], table: pd.DataFrame, show_small_cells: bool = False
) -> list[ShownStep]:
    """The flow from all ECGs to those of a split, as text.

    A step that takes 1 to 10 ECGs, visits or patients is told together with its neighbour,
    since the counts before and after it would give it away.
    """
    if not steps:
        return []
    flow, last = list(steps), count_step("in a split", table[table["split"].isin(SPLITS)])
    if (flow[-1].ecgs, flow[-1].patients) != (last.ecgs, last.patients):
        flow.append(last)
    kept = flow if show_small_cells else without_small_steps(flow)
    before = [None, *kept[:-1]]
    return [
        ShownStep(
            words + TOLD_TOGETHER * (words != step.name),
            shown_count(step.ecgs, show_small_cells),
            shown_count(step.patients, show_small_cells),
            "" if earlier is None else f"{earlier.ecgs - step.ecgs:,}",
        )
        for words, earlier, step in zip(merged_words(flow, kept), before, kept, strict=True)
    ]
