"""`acsbench predict`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from acsbench.cli.console import say
from acsbench.files import write_text
from acsbench.waveforms.prepare import open_prepared


class Split(StrEnum):
    """ECGs to predict."""

    TRAIN = "train"
    VALID = "valid"
    TEST = "test"
    ALL = "all"


def command(
    run: Annotated[Path, typer.Argument(help="Run folder that acsbench train has written.")],
    data: Annotated[Path, typer.Option(help="Folder that acsbench prepare has written.")],
    out: Annotated[Path, typer.Option(help="CSV to write: ecg_id,probability.")],
    split: Annotated[Split, typer.Option(help="ECGs to predict.")] = Split.TEST,
    task: Annotated[str | None, typer.Option(help="Task, where there are several.")] = None,
) -> None:
    """Predict ECGs with a trained model, into a CSV."""
    from acsbench.training.predict import predict
    from acsbench.training.run import open_run, predictions_csv

    probabilities = predict(open_run(run), open_prepared(data), split.value, task)
    write_text(out, predictions_csv(probabilities))
    say(f"{len(probabilities):,} ECGs -> {out}")
