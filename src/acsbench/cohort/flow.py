"""The flow of a cohort: how many ECGs, visits and patients are left after each step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, takewhile

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from acsbench.cohort.build import Step, count_step, known_labels, select
from acsbench.cohort.split import SPLITS
from acsbench.cohort.steps import merged_words, numbers_of, takes_few, without_small_steps
from acsbench.cohort.table_one import TOTAL, TableOne
from acsbench.cohort.table_text import count_text
from acsbench.cohort.task import EVERYONE, Task, TaskStep
from acsbench.cohort.variables import POPULATIONS
from acsbench.disclosure import NOT_SHOWN

READ = "All ECGs that were read"
SPLIT_TITLES = {"train": "Training", "valid": "Validation", "test": "Test"}

Masks = dict[str, NDArray[np.bool_]]


@dataclass(frozen=True, eq=False)
class Flow:
    """Steps that all go through, and the branches in which they end.

    Args:
        trunk: at least one step; the last is Table 1's total.
        branches: steps of each branch by the heading of its column in Table 1; the first of
            them is who is in that column.
        in_both: patients who are in two branches at once, where they can be.
    """

    trunk: tuple[Step, ...]
    branches: Mapping[str, tuple[Step, ...]]
    in_both: int | None = None


def flow_of_tasks(joined: pd.DataFrame, tasks: Sequence[Task], source: str) -> tuple[Flow, Masks]:
    """Flow and columns of Table 1 of a dataset.

    Tasks with different populations are branches of what their steps have in common, and
    columns. Of a single task the columns are who has the event and who has not; of several
    with one population there is the total alone.

    Args:
        joined: one row per ECG with its visit's and its patient's columns.
        tasks: whose populations are counted.
        source: the table's file or the dataset's name, for messages.

    Returns:
        The flow, and which rows of `joined` are in each column; the total first.

    Raises:
        ConfigurationError: a population cannot be evaluated, or a label is no column.
        DataError: a label is not 0/1.
    """
    common = _common_steps(tasks)
    steps = [count_step(READ, joined)]
    table = joined
    for step in common:
        table = select(table, step.keep, tasks[0])
        steps.append(count_step(_capital(step.name), table))
    if len(tasks) == 1:
        return _single(joined, table, steps, tasks[0], source)
    rows: dict[str, pd.DataFrame] = {}
    branches: dict[str, tuple[Step, ...]] = {}
    if len({task.population for task in tasks}) > 1:
        for task in tasks:
            heading = POPULATIONS.get(task.population, (task.name,))[0]
            population = _population(table, task, common)
            known = population.loc[known_labels(population, task, source).index]
            rows[heading] = population
            branches[heading] = (
                count_step(_words_of_population(task), population),
                count_step(f"Label of task {task.name} known", known),
            )
    masks = {TOTAL: joined.index.isin(table.index)}
    masks |= {heading: joined.index.isin(part.index) for heading, part in rows.items()}
    return Flow(tuple(steps), branches, _in_both(list(rows.values()))), masks


def flow_of_splits(steps: Sequence[Step], table: pd.DataFrame, task: Task) -> tuple[Flow, Masks]:
    """Flow and columns of Table 1 of a prepared task, by split.

    Args:
        steps: how the task's ECGs were chosen.
        table: one row per ECG of a split, with the column `split`.
        task: the prepared task.
    """
    words = {"read": READ, f"population of {task.name}": _words_of_population(task)}
    trunk = [replace(step, name=words.get(step.name, _capital(step.name))) for step in steps]
    last = count_step("In a split", table)
    if not trunk or (trunk[-1].ecgs, trunk[-1].patients) != (last.ecgs, last.patients):
        trunk.append(last)
    masks = {TOTAL: np.ones(len(table), dtype=bool)}
    branches = {}
    for split in SPLITS:
        mask = (table["split"] == split).to_numpy()
        if mask.any():
            masks[SPLIT_TITLES[split]] = mask
            branches[SPLIT_TITLES[split]] = (count_step(SPLIT_TITLES[split], table[mask]),)
    return Flow(tuple(trunk), branches), masks


def _single(
    joined: pd.DataFrame, table: pd.DataFrame, steps: list[Step], task: Task, source: str
) -> tuple[Flow, Masks]:
    population = _population(table, task, task.steps)
    if task.population != EVERYONE:
        steps.append(count_step(_words_of_population(task), population))
    labels = known_labels(population, task, source)
    steps.append(count_step(f"Label of task {task.name} known", population.loc[labels.index]))
    masks = {
        TOTAL: joined.index.isin(labels.index),
        "Event": joined.index.isin(labels.index[labels == 1]),
        "No event": joined.index.isin(labels.index[labels == 0]),
    }
    return Flow(tuple(steps), {}), masks


def _common_steps(tasks: Sequence[Task]) -> list[TaskStep]:
    """The first steps, as far as all tasks share them."""
    positions = zip(*(task.steps for task in tasks), strict=False)
    return [same[0] for same in takewhile(lambda steps: len(set(steps)) == 1, positions)]


def _population(table: pd.DataFrame, task: Task, done: Sequence[TaskStep]) -> pd.DataFrame:
    for step in task.steps[len(done) :]:
        table = select(table, step.keep, task)
    return table if task.population == EVERYONE else select(table, task.population, task)


def _words_of_population(task: Task) -> str:
    if task.population == EVERYONE:
        return f"Everyone, for task {task.name}"
    return POPULATIONS.get(task.population, ("", f"Population of task {task.name}"))[1]


def _in_both(parts: Sequence[pd.DataFrame]) -> int | None:
    if len(parts) != 2:
        return None
    one, other = (set(part["patient_id"]) for part in parts)
    return len(one & other)


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


@dataclass(frozen=True)
class Box:
    """A box of the diagram.

    Args:
        title: its words.
        counts: as they are printed, by `patients`, `visits`, `ecgs`.
        left_out: the same for those who were left out before it; None for nobody's step.
    """

    title: str
    counts: Mapping[str, str]
    left_out: Mapping[str, str] | None = None


@dataclass(frozen=True)
class ShownFlow:
    """A flow as it may be printed.

    Args:
        trunk: boxes that follow one another.
        branches: boxes of each branch.
        in_both: how many patients are in two branches, as text; empty if it may not be told.
    """

    trunk: tuple[Box, ...]
    branches: tuple[tuple[Box, ...], ...] = ()
    in_both: str = ""


def shown_flow(flow: Flow, table: TableOne, *, show_small_cells: bool = False) -> ShownFlow:
    """What of a flow may be printed beside a Table 1 of the same people.

    A step that takes 1 to 10 units is told together with its neighbour; the last step of a
    branch says only that it is there.

    Args:
        flow: the counts.
        table: says which counts of the total and of the branches may be shown.
        show_small_cells: show everything.
    """
    kept = flow.trunk if show_small_cells else without_small_steps(flow.trunk)
    words = merged_words(flow.trunk, kept)
    trunk = [Box(words[0], _counts(kept[0]))]
    for before, after, title in zip(kept[:-1], kept[1:], words[1:], strict=True):
        trunk.append(Box(title, _counts(after), _difference(before, after)))
    if flow.trunk and not show_small_cells:
        trunk[-1] = _as_in_table(trunk[-1], table, TOTAL)
    branches = []
    for heading, (first, *rest) in flow.branches.items():
        boxes = [_as_in_table(Box(first.name, _counts(first)), table, heading)]
        for before, after in pairwise([first, *rest]):
            telling = not _all_shown(boxes[0]) or takes_few(before, after)
            if telling and not show_small_cells:
                boxes.append(Box(after.name, dict.fromkeys(_counts(after), NOT_SHOWN)))
            else:
                boxes.append(Box(after.name, _counts(after), _difference(before, after)))
        branches.append(tuple(boxes))
    in_both = _in_both_text(flow, table, show_small_cells)
    return ShownFlow(tuple(trunk), tuple(branches), in_both)


def _counts(step: Step) -> dict[str, str]:
    return {unit: f"{number:,}" for unit, number in numbers_of(step).items()}


def _difference(before: Step, after: Step) -> dict[str, str]:
    left = numbers_of(after)
    return {u: f"{n - left[u]:,}" for u, n in numbers_of(before).items() if u in left}


def _as_in_table(box: Box, table: TableOne, heading: str) -> Box:
    levels = {"patients": "patient", "visits": "visit", "ecgs": "ecg"}
    counts = {unit: count_text(table, levels[unit], heading) for unit in box.counts}
    shown = Box(box.title, counts, box.left_out)
    if box.left_out and not _all_shown(shown):
        return replace(shown, left_out=dict.fromkeys(counts, NOT_SHOWN))
    return shown


def _all_shown(box: Box) -> bool:
    return all(text[0].isdigit() for text in box.counts.values())


def _in_both_text(flow: Flow, table: TableOne, show_small_cells: bool) -> str:
    if not flow.in_both:
        return ""
    texts = [count_text(table, "patient", column) for column in (TOTAL, *flow.branches)]
    if show_small_cells or all(text[0].isdigit() for text in texts):
        return f"{flow.in_both:,}"
    return ""
