"""Counts of splits and of the flow as text, small cells hidden."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from acsbench.cohort.build import Step
from acsbench.cohort.split import SPLITS
from acsbench.disclosure import NOT_SHOWN, is_small, shown_count

SPLIT_NAMES = {"train": "training", "valid": "validation", "test": "test"}
COUNTS = ("ECGs", "patients", "events", "patients with an event")


@dataclass(frozen=True)
class ShownStep:
    """A step of the flow: how many are left after it, and how many ECGs it took."""

    name: str
    ecgs: str
    patients: str
    left_out: str


def split_counts(table: pd.DataFrame, show_small_cells: bool = False) -> pd.DataFrame:
    """Counts of each split as text, with a total and the prevalence.

    Args:
        table: `patient_id`, `label` (0/1) and `split`, one row per ECG.
        show_small_cells: show counts from 1 to 10.

    Returns:
        One row per split and `all`; columns as in `COUNTS`, and `prevalence`.
    """
    table = table[table["split"].isin(SPLITS)]
    frames = {SPLIT_NAMES[split]: table[table["split"] == split] for split in SPLITS}
    counts = pd.DataFrame({name: _counts(frame) for name, frame in frames.items()}).T
    everyone = _counts(table)
    shown = pd.DataFrame(
        {
            column: _shown_column(counts[column], counts[whole], show_small_cells)
            for column, whole in zip(COUNTS, (*COUNTS[:2], *COUNTS[:2]), strict=True)
        },
        index=counts.index,
    )
    shown.loc["all"] = {column: f"{everyone[column]:,}" for column in COUNTS}
    counts.loc["all"] = everyone
    shown["prevalence"] = [
        f"{counts.loc[row, 'events'] / counts.loc[row, 'ECGs']:.3f}"
        if shown.loc[row, "events"][0].isdigit() and counts.loc[row, "ECGs"]
        else "–"
        for row in shown.index
    ]
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


def _shown_column(counts: pd.Series, whole: pd.Series, show_small_cells: bool) -> list[str]:
    """A column as text; `whole` holds what each count is a part of."""
    texts = [shown_count(int(count), show_small_cells) for count in counts]
    if show_small_cells:
        return texts
    rest_is_small = [is_small(int(rest)) for rest in whole - counts]
    texts = [
        NOT_SHOWN if small and text[0] != "<" else text
        for text, small in zip(texts, rest_is_small, strict=True)
    ]
    hidden = [not text[0].isdigit() for text in texts]
    if sum(hidden) == 1:
        # The total is shown, and one count that is hidden alone would follow from it.
        other = next(i for i, count in enumerate(counts) if not hidden[i] and count > 0)
        texts[other] = NOT_SHOWN
    return texts


def flow_steps(
    steps: Sequence[Step], table: pd.DataFrame, show_small_cells: bool = False
) -> list[ShownStep]:
    """The flow from all ECGs to those of a split, as text.

    A step that takes 1 to 10 ECGs or patients is told together with its neighbour, since the
    counts before and after it would give it away.
    """
    table = table[table["split"].isin(SPLITS)]
    final = ("in a split", len(table), int(table["patient_id"].nunique()))
    flow = [(step.name, step.ecgs, step.patients) for step in steps]
    if flow and flow[-1][1:] != final[1:]:
        flow.append(final)
    merged: list[tuple[str, int, int]] = []
    for step in flow:
        name, ecgs, patients = step
        while merged and not show_small_cells and _small_step(merged[-1], (ecgs, patients)):
            name = f"{merged.pop()[0]}, {name}"
        merged.append((name, ecgs, patients))
    shown = []
    before: int | None = None
    for name, ecgs, patients in merged:
        left_out = "" if before is None else f"{before - ecgs:,}"
        shown.append(
            ShownStep(
                name,
                shown_count(ecgs, show_small_cells),
                shown_count(patients, show_small_cells),
                left_out,
            )
        )
        before = ecgs
    return shown


def _small_step(before: tuple[str, int, int], after: tuple[int, int]) -> bool:
    return is_small(before[1] - after[0]) or is_small(before[2] - after[1])
