"""`acsbench predict`."""

from __future__ import annotations

import shutil
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from acsbench.cli.console import progress_of, say
from acsbench.files import write_text
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
            help="Run folder that acsbench train has written, or an ONNX file made of one; "
            "of several seeds, the mean is taken."
        ),
    ],
    data: Annotated[Path, typer.Option(help="Folder that acsbench prepare has written.")],
    out: Annotated[
        Path,
        typer.Option(
            help="CSV to write: ecg_id,probability. How far several runs are apart (ecg_id,sd) "
            "goes beside it, as NAME-spread.csv."
        ),
    ],
    split: Annotated[Split, typer.Option(help="ECGs to predict.")] = Split.TEST,
    task: Annotated[str | None, typer.Option(help="Task, where there are several.")] = None,
) -> None:
    """Predict ECGs with a trained model or several, into a CSV.

    A prediction that was killed goes on when the command is repeated.
    """
    from acsbench.runs import open_trained, predictions_csv
    from acsbench.training.predict import check_same_task, mean_and_spread, predict
    from acsbench.training.predictors import has_changed
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
