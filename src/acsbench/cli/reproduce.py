"""`acsbench reproduce`."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from acsbench.cli.console import progress_of, say
from acsbench.cli.evaluate import show_results
from acsbench.cli.prepare import OnError, summarise
from acsbench.files import usable_cores
from acsbench.shipped import shipped_names


def command(
    recipe: Annotated[
        str, typer.Argument(help=f"Recipe ({', '.join(shipped_names('recipes'))}) or YAML file.")
    ],
    data: Annotated[Path, typer.Option(help="The dataset's folder.")],
    out: Annotated[Path, typer.Option(help="Folder to write; the same command resumes there.")],
    holdout: Annotated[
        Path | None, typer.Option(help="Folder of waveforms alone, to be predicted as well.")
    ] = None,
    max_minutes: Annotated[
        float | None,
        typer.Option(
            help="Time for training all networks together. [default: the recipe's]",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="[default: the recipe's]", show_default=False)
    ] = None,
    on_error: Annotated[
        OnError,
        typer.Option(help="Stop at an ECG that cannot be used, or leave it out and list it."),
    ] = OnError.STOP,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes. [default: the cores]", show_default=False)
    ] = None,
) -> None:
    """Run a recipe, from a folder of ECGs to the report."""
    run_recipe(recipe, data, out, max_minutes, seed, on_error, workers, holdout)


def run_recipe(
    recipe: str,
    data: Path,
    out: Path,
    max_minutes: float | None = None,
    seed: int | None = None,
    on_error: OnError = OnError.STOP,
    workers: int | None = None,
    holdout: Path | None = None,
) -> None:
    """Run a recipe and print what comes of it."""
    from acsbench.recipes.recipe import load_recipe
    from acsbench.recipes.reproduce import Listener, Settings, reproduce

    settings = Settings(
        seed=seed,
        max_minutes=max_minutes,
        skip_faulty=on_error is OnError.SKIP,
        workers=workers or usable_cores(),
        command=shlex.join(["acsbench", *sys.argv[1:]]),
    )
    with progress_of("ECGs") as progress:
        listener = Listener(progress, say, summarise)
        result = reproduce(
            load_recipe(recipe), data, out, holdout=holdout, settings=settings, listener=listener
        )
    for task, evaluation in result.evaluations.items():
        show_results(evaluation, result.prepared, task)
    for path in result.holdout_predictions:
        say(f"predictions of the holdout: {path}")
