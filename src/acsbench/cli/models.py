"""`acsbench models`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from acsbench.cli.console import out as console
from acsbench.cli.console import say
from acsbench.errors import ConfigurationError
from acsbench.runs import open_run

if TYPE_CHECKING:
    from acsbench.models.registry import ModelInfo

app = typer.Typer(invoke_without_command=True, rich_markup_mode=None)


class Reload(StrEnum):
    """How a published S4 is loaded."""

    TRAINED = "trained"
    PUBLISHED = "published"


@app.callback()
def command(context: typer.Context) -> None:
    """List the models; show one, or import published weights."""
    if context.invoked_subcommand is None:
        _list()


def _list() -> None:
    from acsbench.models.registry import list_models, model_info

    table = Table(box=None, header_style="bold")
    for column in ("model", "input", "parameters"):
        table.add_column(column, no_wrap=True, justify="right" if column[0] == "p" else "left")
    table.add_column("description")
    for name in list_models():
        info = model_info(name)
        size = "" if info.parameters is None else f"{info.parameters:,}"
        table.add_row(name, info.input, size, info.summary)
    console.print(table)
    say("acsbench models show MODEL prints source and licence.")


def _parameters(info: ModelInfo) -> str:
    """Number of trainable parameters, in words."""
    from acsbench.models.registry import NOT_STATED, count_parameters

    if info.kind == "tabular":
        return "depends on the data"
    try:
        return f"{info.parameters or count_parameters(info.name):,}"
    except ConfigurationError:  # it has no defaults for its options
        return NOT_STATED


@app.command("show")
def show(model: Annotated[str, typer.Argument(help="The model's name.")]) -> None:
    """Show a model: input, size, source, licence."""
    from acsbench.models.registry import model_info

    info = model_info(model)
    say(f"{info.name}: {info.summary}")
    say(f"kind: {info.kind}")
    say(f"input: {info.input}")
    say(f"parameters: {_parameters(info)}")
    say(f"source: {info.paper}")
    say(f"licence: {info.licence}")


@app.command("import")
def import_(
    path: Annotated[
        Path,
        typer.Argument(
            help="The study's .ckpt, a fine-tuned HuBERT-ECG (.pt), or a folder with HuBERT-ECG's "
            "config.json and weights."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Run folder to write.")],
    task: Annotated[
        str | None,
        typer.Option(help="Task that the model predicts: name or YAML file."),
    ] = None,
    reload: Annotated[
        Reload,
        typer.Option(
            help="`published` repeats the fault of the study's loader of S4, and its predictions; "
            "`trained` loads the trained network."
        ),
    ] = Reload.TRAINED,
) -> None:
    """Convert published weights to a Run folder, to predict with or to fine-tune.

    Only weights are read from the file; no code in it is executed.
    """
    from acsbench.cohort.task import load_task
    from acsbench.training.imported import (
        ENCODER,
        UNKNOWN_PATIENTS,
        UNTRAINED_HEAD,
        import_published,
    )

    run = import_published(path, out, None if task is None else load_task(task), reload.value)
    say(f"{run.model} -> {run.path}")
    say(f"Input: waveforms prepared as {run.config['processing']['profile']}.")
    say(UNKNOWN_PATIENTS)
    if run.config["source"]["format"] == ENCODER:
        say(UNTRAINED_HEAD)


@app.command("export")
def export(
    run: Annotated[Path, typer.Argument(help="Run folder of a network.")],
    out: Annotated[Path, typer.Option(help="ONNX file to write.")],
) -> None:
    """Write a trained network as an ONNX file, which runs without PyTorch."""
    from acsbench.training.onnx import export_onnx

    export_onnx(open_run(run), out)
    say(f"{run} -> {out}")
