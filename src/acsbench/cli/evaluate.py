"""`acsbench evaluate`."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from acsbench.cli.console import out as console
from acsbench.cli.console import say
from acsbench.evaluation.inputs import evaluate_task
from acsbench.evaluation.metrics import AT_THRESHOLD, SPECIFICITY
from acsbench.evaluation.report import Evaluation
from acsbench.evaluation.section import NONE
from acsbench.statistics import Estimate
from acsbench.waveforms.prepared import Prepared, open_prepared


class Split(StrEnum):
    """ECGs to evaluate."""

    VALID = "valid"
    TEST = "test"


def command(
    data: Annotated[Path, typer.Option(help="Folder that acsbench prepare has written.")],
    predictions: Annotated[
        list[Path],
        typer.Option(
            help="Run folder, or CSV ecg_id,probability of the test ECGs and, for thresholds and "
            "recalibration, of the validation ECGs; name as many as you like."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder to write.")],
    more: Annotated[list[Path] | None, typer.Argument(metavar="", show_default=False)] = None,
    task: Annotated[str | None, typer.Option(help="Task, where there are several.")] = None,
    split: Annotated[
        Split | None,
        typer.Option(
            help="ECGs to evaluate. [default: test, or valid where the split has no test]",
            show_default=False,
        ),
    ] = None,
    examples: Annotated[
        bool | None,
        typer.Option(
            "--examples/--no-examples",
            help="Draw pages of ECGs. [default: of simulated ones only]",
            show_default=False,
        ),
    ] = None,
    show_small_cells: Annotated[
        bool, typer.Option(help="Show counts from 1 to 10, which may point to a person.")
    ] = False,
) -> None:
    """Evaluate predictions: tables, figures and one HTML report."""
    prepared = open_prepared(data)
    name = prepared.task(task).name
    evaluation = evaluate_task(
        prepared,
        name,
        [*predictions, *(more or [])],
        out,
        split=None if split is None else split.value,
        examples=examples,
        show_small_cells=show_small_cells,
        command=shlex.join(["acsbench", *sys.argv[1:]]),
    )
    show_results(evaluation, prepared, name)


SHOWN = {
    "auroc": "AUROC",
    "auprc": "AUPRC",
    "brier": "Brier",
}
THRESHOLD_NOTE = (
    "Sensitivity and specificity: reached on these ECGs at the threshold that gave at "
    f"least {100 * SPECIFICITY:.0f} % specificity on the validation ECGs."
)


def show_results(evaluation: Evaluation, prepared: Prepared, task: str) -> None:
    """Print the results and where the report is."""
    simulated = ", simulated" if prepared.simulated else ""
    table = Table(
        title=f"{task}: {evaluation.split} ECGs (95 % CI clustered by patient{simulated})",
        title_justify="left",
        box=None,
        header_style="bold",
    )
    table.add_column("model", overflow="fold")
    for title in (*SHOWN.values(), "sensitivity at specificity"):
        # The limits stand below the value where the window is narrow, and are never cut.
        table.add_column(title, justify="right", min_width=len("(0.123–0.456)"))
    for model, estimates in evaluation.estimates.items():
        cells = [str(estimates.get(name, NONE)) for name in SHOWN]
        table.add_row(model, *cells, _at_threshold(estimates))
    console.print()
    console.print(table)
    if any(AT_THRESHOLD[0] in estimates for estimates in evaluation.estimates.values()):
        say(THRESHOLD_NOTE)
    for sentence in evaluation.summary:
        say(sentence)
    say(f"report: {evaluation.report}")


def _at_threshold(estimates: Mapping[str, Estimate | str]) -> str:
    """Sensitivity with its limits, and the specificity that was reached."""
    found, spared = (estimates.get(name) for name in AT_THRESHOLD)
    if found is None or spared is None:
        return NONE
    reached = f"{spared.value:.3f}" if isinstance(spared, Estimate) else spared
    return f"{found} at {reached}"
