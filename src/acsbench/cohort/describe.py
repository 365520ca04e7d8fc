"""Describe a cohort: flow, Table 1, missing values, and what the study published of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from acsbench import __version__
from acsbench.cohort.build import Step
from acsbench.cohort.describe_page import PLAIN_ERRORS, caption, flow_note, footnotes, render
from acsbench.cohort.flow import ShownFlow, flow_of_splits, flow_of_tasks, shown_flow
from acsbench.cohort.flow_figure import flow_figure
from acsbench.cohort.published import (
    Comparison,
    beside_published,
    compare_with_published,
    members_of,
)
from acsbench.cohort.split import UNUSED
from acsbench.cohort.table_one import TableOne, table_one
from acsbench.cohort.table_text import latex, missing_csv, table_csv
from acsbench.cohort.task import Task, load_task
from acsbench.cohort.variables import VARIABLES, Variable
from acsbench.datasets import Dataset
from acsbench.disclosure import shown_count
from acsbench.files import write_text, written_whole
from acsbench.pictures import figure_bytes

PAGE, LATEX, MISSING_CSV = "description.html", "table-one.tex", "missingness.csv"
PUBLISHED_CSV = "beside-published.csv"
FLOW_SVG, FLOW_PNG = "flow.svg", "flow.png"


def table_file(level: str) -> str:
    """Name of the CSV file of a level's table."""
    return f"table-one-{level}.csv"


@dataclass(frozen=True, eq=False)
class Description:
    """A described cohort.

    Args:
        title: what is described, such as a dataset's name.
        simulated: no patient was involved.
        tasks: whose populations are described.
        flow: as it may be printed.
        table: Table 1 of all levels.
        comparisons: published figures beside those found here; empty if there are none.
        notes: what a reader should know of the data.
        provenance: where the numbers come from.
        small_cells: whether small cells are shown.
    """

    title: str
    simulated: bool
    tasks: tuple[Task, ...]
    flow: ShownFlow
    table: TableOne
    comparisons: tuple[Comparison, ...] = ()
    notes: tuple[str, ...] = ()
    provenance: Mapping[str, str] = field(default_factory=dict)
    small_cells: bool = False

    @property
    def full_title(self) -> str:
        """The title, which says so if no patient was involved."""
        mark = self.simulated and "simulated" not in self.title.lower()
        return f"{self.title} (simulated)" if mark else self.title

    def table_one(self, level: str = "ecg") -> pd.DataFrame:
        """Table 1 of a level, as in its CSV file."""
        return table_csv(self.table, level)

    def beside_published(self) -> pd.DataFrame:
        """Published figures beside those found here, with the difference in standard errors."""
        return beside_published(self.comparisons)

    def missingness(self) -> pd.DataFrame:
        """ECGs whose value is unknown, as in its CSV file."""
        return missing_csv(self.table)


def describe(
    dataset: Dataset,
    out: Path | None = None,
    *,
    tasks: Sequence[str] = (),
    show_small_cells: bool = False,
) -> Description:
    """Describe a dataset as its tasks use it.

    Args:
        dataset: what to describe.
        out: folder to write page, tables and figures to; nothing is written without.
        tasks: names or YAML files; the dataset's own unless given.
        show_small_cells: show counts from 1 to 10 and what would give them away.

    Raises:
        ConfigurationError: a task does not fit the dataset.
        DataError: a task's label is not 0/1, or nobody is left.
    """
    chosen = tuple(load_task(name) for name in tasks or dataset.tasks)
    joined = dataset.tables.joined()
    flow, masks = flow_of_tasks(joined, chosen, dataset.table_name)
    table = table_one(joined, masks, show_small_cells=show_small_cells)
    notes = [f"{column}: {reason}" for column, reason in dataset.tables.unfilled.items()]
    if dataset.rejected:
        count = shown_count(len(dataset.rejected), show_small_cells)
        notes.append(f"{count} ECGs of the tables could not be used and are not counted")
    description = Description(
        title=dataset.name,
        simulated=dataset.simulated,
        tasks=chosen,
        flow=shown_flow(flow, table, show_small_cells=show_small_cells),
        table=table,
        comparisons=tuple(
            compare_with_published(
                table, dataset, members_of(joined, masks), show_small_cells=show_small_cells
            )
        ),
        notes=(*dataset.notes, *notes),
        provenance=_provenance(dataset.name, chosen),
        small_cells=show_small_cells,
    )
    if out is not None:
        write_description(description, out)
    return description


def describe_splits(
    table: pd.DataFrame,
    task: Task,
    steps: Sequence[Step],
    out: Path | None = None,
    *,
    dataset: str,
    simulated: bool,
    show_small_cells: bool = False,
) -> Description:
    """Describe a prepared task by split.

    Args:
        table: one row per ECG: `ecg_id`, `patient_id`, `label`, `split` and covariates.
        task: what the label is.
        steps: how the ECGs were chosen.
        out: as for `describe`.
        dataset: the dataset's name.
        simulated: no patient was involved.
        show_small_cells: as for `describe`.
    """
    used = table[table["split"] != UNUSED].reset_index(drop=True)
    flow, masks = flow_of_splits(steps, used, task)
    variables = (*VARIABLES, Variable("label", f"Label of task {task.name}", "Label", "visit"))
    described = table_one(used, masks, variables, show_small_cells=show_small_cells)
    description = Description(
        title=f"{dataset}, task {task.name}",
        simulated=simulated,
        tasks=(task,),
        flow=shown_flow(flow, described, show_small_cells=show_small_cells),
        table=described,
        provenance=_provenance(dataset, (task,)),
        small_cells=show_small_cells,
    )
    if out is not None:
        write_description(description, out)
    return description


def _provenance(dataset: str, tasks: Sequence[Task]) -> dict[str, str]:
    versions = {
        f"Task {task.name}": f"version {task.version}, hash {task.digest}" for task in tasks
    }
    return {"Dataset": dataset, **versions, "Version": f"acsbench {__version__}"}


def write_description(description: Description, out: Path) -> None:
    """Write page, tables and figures to a folder; files of an earlier description are replaced."""
    table = description.table
    heading = f"Flow of {description.full_title}"
    figure = flow_figure(
        description.flow,
        title=heading,
        note=flow_note(table.levels),
        simulated=description.simulated,
    )
    drawn = figure_bytes(figure, "svg", heading)
    files = {table_file(level): description.table_one(level) for level in table.levels}
    files[MISSING_CSV] = description.missingness()
    if description.comparisons:
        files[PUBLISHED_CSV] = description.beside_published()
    for name, content in files.items():
        content = content.assign(cohort=description.title, simulated=description.simulated)
        text = content.to_csv(index=False, lineterminator="\n", float_format="%.10g")
        write_text(out / name, text)
    captions = {level: f"{description.full_title}. {caption(level)}" for level in table.levels}
    write_text(out / LATEX, latex(table, captions, [PLAIN_ERRORS, *footnotes(table)]))
    _write_bytes(out / FLOW_SVG, drawn)
    _write_bytes(out / FLOW_PNG, figure_bytes(figure, "png", heading))
    # The page comes last: where it is, the rest is.
    write_text(out / PAGE, render(description, drawn.decode("utf-8")))


def _write_bytes(path: Path, content: bytes) -> None:
    with written_whole(path) as temporary:
        temporary.write_bytes(content)
