"""`acsbench predict`."""

from __future__ import annotations

import shutil
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from acsbench.cli.console import progress_of, say
from acsbench.files import write_text
from acsbench.runs import predictions_csv
from acsbench.waveforms.prepared import open_prepared


class Split(StrEnum):
    """ECGs to predict."""

    TRAIN = "train"
    VALID = "valid"
    TEST = "test"
    ALL = "all"


def command(
    run: Annotated[
        list[Path],
        typer.Argument(
            help="Run folder written by acsbench train, or an ONNX file; runs with several seeds "
            "are averaged."
        ),
    ],
    data: Annotated[Path, typer.Option(help="Folder written by acsbench prepare.")],
    out: Annotated[
        Path,
        typer.Option(
            help="CSV to write: ecg_id,probability. For several runs, NAME-spread.csv contains "
            "their standard deviation."
        ),
    ],
    split: Annotated[Split, typer.Option(help="ECGs to predict.")] = Split.TEST,
    task: Annotated[str | None, typer.Option(help="Task; optional if there is only one.")] = None,
) -> None:
    """Predict ECGs with one or several trained models and write a CSV.

    Repeat the command to resume an interrupted prediction.
    """
    from acsbench.training.predict import check_same_task, mean_and_spread, predict
    from acsbench.training.predictors import has_changed, open_trained
    from acsbench.training.seeds import check_seed_alone

    trained = [open_trained(path) for path in run]
    check_same_task(trained)
    check_seed_alone(trained)
    for changed in filter(has_changed, trained):
        say(f"{changed.model}: its code has changed since {changed.path} was trained")
    prepared = open_prepared(data)
    parts = out.with_name(f".{out.name}.parts")
    predictions = []
    for number, each in enumerate(trained, start=1):
        with progress_of(f"ECGs, run {number} of {len(trained)}") as progress:
            predictions.append(
                predict(each, prepared, split.value, task, parts=parts, progress=progress)
            )
    mean, spread = mean_and_spread(predictions)
    if len(trained) > 1:
        beside = out.with_name(f"{out.stem}-spread.csv")
        write_text(beside, predictions_csv(spread))
        say(f"standard deviation over {len(trained)} seeds -> {beside}")
    write_text(out, predictions_csv(mean))
    shutil.rmtree(parts, ignore_errors=True)
    say(f"{len(mean):,} ECGs -> {out}")
