"""`acsbench reproduce`."""

from __future__ import annotations

import os
import shlex
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from acsbench.cli.console import progress_of, say
from acsbench.cli.evaluate import SHOWN
from acsbench.cli.prepare import OnError, summarise
from acsbench.datasets import list_readers
from acsbench.evaluation.section import NONE
from acsbench.files import usable_cores
from acsbench.shipped import shipped_names

HOLDOUT = "holdout"
"""Default folder of the holdout, inside the dataset."""


class Scale(StrEnum):
    """Size of the models, and duration of their training."""

    FULL = "full"
    SMALL = "small"


def command(
    recipe: Annotated[
        str, typer.Argument(help=f"Recipe ({', '.join(shipped_names('recipes'))}) or YAML file.")
    ],
    data: Annotated[Path, typer.Option(help="Folder of the dataset.")],
    out: Annotated[Path, typer.Option(help="Folder to write; repeat the command to resume.")],
    holdout: Annotated[
        Path | None,
        typer.Option(
            help="Folder of waveforms only, to predict as well. [default: DATA/holdout, if it "
            "exists]",
            show_default=False,
        ),
    ] = None,
    scale: Annotated[
        Scale,
        typer.Option(help="Small: reduced widths and steps for a few cores; names say so."),
    ] = Scale.FULL,
    published: Annotated[
        bool,
        typer.Option(
            "--published",
            help="Use the published study's own split, settings, thresholds and reload of S4.",
        ),
    ] = False,
    weights: Annotated[
        Path | None,
        typer.Option(
            help="Run folder of published weights (acsbench models import) for HuBERT-ECG. "
            "[default: random weights; names say so]",
            show_default=False,
        ),
    ] = None,
    beside: Annotated[
        Path | None,
        typer.Option(
            help="With --published: folder of the same recipe without --published, to write a "
            "page of the differences.",
            show_default=False,
        ),
    ] = None,
    max_minutes: Annotated[
        float | None,
        typer.Option(
            help="Time for training all networks. [default: as in the recipe]",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="[default: as in the recipe]", show_default=False)
    ] = None,
    on_error: Annotated[
        OnError,
        typer.Option(help="Stop at an ECG that cannot be used, or exclude and list it."),
    ] = OnError.STOP,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Number of processes, and of parallel trainings without a GPU. [default: number "
            "of cores]",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Run a recipe, from a folder of ECGs to the report.

    Repeat the command to resume; steps that are up to date are not repeated.
    """
    from acsbench.recipes.graph import Choices
    from acsbench.recipes.recipe import load_recipe
    from acsbench.recipes.reproduce import Listener, reproduce
    from acsbench.recipes.variants import variant_of

    chosen = variant_of(
        load_recipe(recipe),
        small=scale is Scale.SMALL,
        published=published,
        weights=weights is not None,
    )
    if (
        holdout is None
        and f"{chosen.dataset}_holdout" in list_readers()
        and (data / HOLDOUT).is_dir()
    ):
        holdout = data / HOLDOUT
    choices = Choices(
        seed=seed,
        max_minutes=max_minutes,
        skip_faulty=on_error is OnError.SKIP,
        workers=workers or usable_cores(),
        gpus=_gpus(),
        weights=weights,
        beside=beside,
        command=shlex.join(["acsbench", *sys.argv[1:]]),
    )
    with progress_of("ECGs") as progress:
        listener = Listener(progress, say, summarise)
        result = reproduce(chosen, data, out, holdout=holdout, choices=choices, listener=listener)
    for task, folder in result.evaluations.items():
        _show_results(task, folder)
    if result.beside_published is not None:
        _show_beside_published(result.beside_published)
    for path in result.files:
        say(f"wrote {path}")


def _gpus() -> tuple[str, ...]:
    """Names of the GPUs that this process may use."""
    import torch

    named = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
    count = torch.cuda.device_count()
    return tuple(named) if len(named) == count and all(named) else tuple(map(str, range(count)))


def _show_results(task: str, folder: Path) -> None:
    """Print the results of an evaluation and the path of its report."""
    from acsbench.recipes.results import open_results

    results = open_results(folder)
    simulated = ", simulated" if results.simulated else ""
    numbers = {name: results.numbers("discrimination", name)["shown"] for name in SHOWN}
    table = pd.DataFrame(numbers).reindex(results.models).fillna(NONE)
    _print_table(f"{task} (95 % CI clustered by patient{simulated})", table.rename(columns=SHOWN))
    for sentence in results.summary:
        say(sentence)
    say(f"report: {results.report}")


def _show_beside_published(path: Path) -> None:
    """Print published figures and ours."""
    from acsbench.recipes.publication import FIGURES, wide
    from acsbench.recipes.results import read_results

    rows = read_results(path)
    by_group = [figure for figure in FIGURES if figure.startswith("auroc_")]
    overall = [figure for figure in FIGURES if figure not in by_group]
    here = "here (simulated)" if rows["simulated"].any() else "here"
    for what, figures in (("", overall), (" by group", by_group)):
        _print_table(f"Published | {here}{what}", wide(rows, figures))
    say(f"with intervals: {path}")


def _print_table(title: str, rows: pd.DataFrame) -> None:
    """Print a table without truncation."""
    say(f"\n{title}\n{rows.rename_axis(None).to_string()}\n")
