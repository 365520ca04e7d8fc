"""`acsbench describe`."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from acsbench.cli.console import out as console
from acsbench.cli.console import say
from acsbench.cli.prepare import OnError
from acsbench.cohort.describe import PAGE, Description, describe, describe_splits
from acsbench.cohort.describe_page import comparison_cells, flow_lines, summary
from acsbench.cohort.table_text import table_rows
from acsbench.datasets import list_readers, open_dataset
from acsbench.errors import ConfigurationError, DataErrors
from acsbench.waveforms.prepared import open_prepared


def command(
    dataset: Annotated[
        str,
        typer.Argument(
            help=f"Reader ({', '.join(list_readers())}), or a folder written by acsbench prepare."
        ),
    ],
    data: Annotated[
        Path | None,
        typer.Argument(help="The dataset's folder, after a reader.", show_default=False),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder to write: page, tables as CSV and LaTeX, flow as SVG and PNG.",
            show_default=False,
        ),
    ] = None,
    task: Annotated[
        list[str] | None, typer.Option(help="Task name or YAML file; repeat for several.")
    ] = None,
    on_error: Annotated[
        OnError,
        typer.Option(help="Stop at a row that cannot be used, or describe the others."),
    ] = OnError.STOP,
    show_small_cells: Annotated[
        bool, typer.Option(help="Show counts from 1 to 10, which may point to a person.")
    ] = False,
) -> None:
    """Describe who is in a dataset, or in the splits of a prepared folder: flow and Table 1."""
    if data is not None:
        _check_out(out)
        opened = open_dataset(dataset, data)
        if opened.problems and on_error is OnError.STOP:
            raise DataErrors(opened.problems)
        show(describe(opened, out, tasks=task or (), show_small_cells=show_small_cells), out)
        return
    if dataset in list_readers():
        raise ConfigurationError(f"name the dataset's folder: acsbench describe {dataset} FOLDER")
    prepared = open_prepared(Path(dataset))
    names: list[str | None] = [*(task or prepared.tasks)]
    tasks = [prepared.task(name) for name in names or [None]]
    folders = [out / chosen.name if out and len(tasks) > 1 else out for chosen in tasks]
    for folder in folders:
        _check_out(folder)
    for chosen, folder in zip(tasks, folders, strict=True):
        description = describe_splits(
            prepared.table(chosen),
            chosen,
            prepared.flow(chosen),
            folder,
            dataset=str(prepared.meta["dataset"]),
            simulated=prepared.simulated,
            show_small_cells=show_small_cells,
        )
        show(description, folder)


def _check_out(out: Path | None) -> None:
    """Make sure that nothing but an earlier description would be replaced."""
    if out is None or not out.exists():
        return
    if not out.is_dir() or (any(out.iterdir()) and not (out / PAGE).is_file()):
        raise ConfigurationError(f"{out} holds something else; name a new folder")


def show(description: Description, out: Path | None) -> None:
    """Print the flow, Table 1 over ECGs and the published figures."""
    say(description.full_title)
    for line in flow_lines(description.flow):
        say(f"  {line}")
    mark = ", simulated" if description.simulated else ""
    headings = ["", *description.table.columns]
    table = _table(f"Counted over ECGs: mean or share (s.e.{mark})", headings)
    for section, rows in groupby(table_rows(description.table, "ecg"), lambda row: row.section):
        if section:
            table.add_row(section, style="italic bold")
        for row in rows:
            table.add_row(row.title, *row.cells)
    console.print()
    console.print(table)
    if description.comparisons:
        table = _table(
            f"Beside the published figures: difference in standard errors{mark}",
            ["", "", "Published", "Here", "in s.e.", "by patient"],
        )
        for comparison in description.comparisons:
            published, here, _, plain, clustered = comparison_cells(comparison)
            # The page has the standard errors themselves: a terminal is too narrow.
            values = (text.partition(" ")[0] for text in (published, here))
            table.add_row(comparison.row, comparison.column, *values, plain, clustered)
        console.print()
        console.print(table)
    for sentence in summary(description):
        say(sentence)
    if out is not None:
        say(f"page: {out / PAGE}")


def _table(title: str, headings: list[str]) -> Table:
    table = Table(
        title=title,
        title_justify="left",
        box=None,
        header_style="bold",
        padding=(0, 2, 0, 0),
        pad_edge=False,
    )
    for heading in headings:
        table.add_column(heading, justify="right" if heading else "left", no_wrap=True)
    return table
