"""The work of a recipe's steps: from files of earlier steps to their own.

Training and drawing are imported where needed, because the import takes seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from acsbench.datasets import open_dataset
from acsbench.files import write_text
from acsbench.recipes.steps import Made, Report
from acsbench.runs import Run, open_run, predictions_csv, read_probabilities
from acsbench.training.config import TrainingConfig
from acsbench.waveforms.prepared import Prepared, open_prepared

PREPARE, PREPARE_HOLDOUT = "preparing", "preparing the holdout"
"""Names of the steps whose folders all others use."""
SUBMITTING = "writing submissions"
COMPARING = "comparing with the published figures"
DIFFERING = "measuring the differences"


@dataclass(frozen=True)
class Source:
    """A dataset on disk: name of the reader, and folder."""

    reader: str
    folder: Path


@dataclass(frozen=True)
class Training:
    """One training of a model.

    Args:
        model: name of the model.
        config: training settings.
        task: name of the task.
        init: name of the step whose run it starts from.
        weights: Run folder of published weights that it starts from.
        allow_leak: as for `train`.
    """

    model: str
    config: TrainingConfig
    task: str
    init: str | None = None
    weights: Path | None = None
    allow_leak: bool = False


@dataclass(frozen=True)
class Trained:
    """A model of a recipe, trained on a task.

    Args:
        shown_as: name in the report.
        file: name of its files.
        steps: names of the steps that trained it, one per seed.
        by_its_run: whether its only run already has the name in the report.
    """

    shown_as: str
    file: str
    steps: tuple[str, ...]
    by_its_run: bool

    def folders(self, made: Made) -> list[Path]:
        """Its Run folders."""
        return [path for step in self.steps for path in made[step]]

    def runs(self, made: Made) -> list[Run]:
        """Its runs."""
        return [open_run(path) for path in self.folders(made)]


def describe_source(
    source: Source, tasks: Sequence[str], out: Path, made: Made, report: Report
) -> list[Path]:
    """Write flow chart and Table 1."""
    from acsbench.cohort.describe import describe

    dataset = open_dataset(source.reader, source.folder)
    describe(dataset, out, tasks=tasks, show_small_cells=dataset.simulated)
    return [out]


def train_model(training: Training, runs: Path, made: Made, report: Report) -> list[Path]:
    """Train a model, or use its finished run."""
    from acsbench.training.fit import train

    init = made[training.init][0] if training.init else training.weights
    run = train(
        open_prepared(made[PREPARE][0]),
        training.model,
        training.config,
        runs,
        task=training.task,
        init=None if init is None else open_run(init),
        allow_leak=training.allow_leak,
        report=lambda line: report(line.removeprefix(f"{training.model}: ")),
    )
    return [run.path]


def reload_s4(step: str, out: Path, made: Made, report: Report) -> list[Path]:
    """Write the S4 of a step as the study's loader reads it."""
    from acsbench.recipes.reload import reload_run

    prepared = open_prepared(made[PREPARE][0])
    return [reload_run(open_run(made[step][0]), prepared, out, report).path]


def evaluate_models(
    task: str,
    others: Sequence[str],
    models: Sequence[Trained],
    out: Path,
    command: str,
    show_small_cells: bool,
    made: Made,
    report: Report,
) -> list[Path]:
    """Evaluate all models of a task; for several seeds, their mean.

    Args:
        task: the task.
        others: further tasks, whose ECGs the models also predict.
        models: the models.
        out: folder of the recipe.
        command: command line for the report.
        show_small_cells: hide nothing.
        made: files of earlier steps.
        report: called with the variation over seeds.
    """
    from acsbench.evaluation.inputs import evaluate_task

    prepared = open_prepared(made[PREPARE][0])
    folder = out / "seeds" / task
    files = [_to_evaluate(model, prepared, others, folder, made, report) for model in models]
    evaluation = evaluate_task(
        prepared,
        task,
        files,
        out / "evaluation" / task,
        show_small_cells=show_small_cells,
        command=command,
        names=[model.shown_as for model in models],
    )
    return [evaluation.path]


def _to_evaluate(
    model: Trained,
    prepared: Prepared,
    others: Sequence[str],
    folder: Path,
    made: Made,
    report: Report,
) -> Path:
    """The predictions of a model: its run, or a CSV file with its name."""
    from acsbench.training.predict import mean_and_spread, predict
    from acsbench.training.seeds import summary_of_seeds, table_of_seeds

    runs = model.runs(made)
    if model.by_its_run and not others:
        return runs[0].path
    if len(runs) > 1:
        write_text(folder / f"{model.file}-seeds.csv", table_of_seeds(runs))
        for line in summary_of_seeds(runs):
            report(f"{model.shown_as}: {line}")
    splits = [split for split in ("valid", "test") if runs[0].has_predictions(split)]
    by_seed = [[run.predictions(split) for run in runs] for split in splits]
    by_seed += [[predict(run, prepared, splits[-1], other) for run in runs] for other in others]
    means = pd.concat([mean_and_spread(predictions)[0] for predictions in by_seed])
    path = folder / f"{model.file}.csv"
    # An ECG of several tasks is kept once.
    write_text(path, predictions_csv(means[~means.index.duplicated()]))
    return path


def predict_holdout(
    task: str, model: Trained, out: Path, parts: Path, made: Made, report: Report
) -> list[Path]:
    """Predict the holdout; for several seeds, their mean, and their spread in a second file."""
    from acsbench.training.predict import EVERY_SPLIT, mean_and_spread, predict

    waveforms = open_prepared(made[PREPARE_HOLDOUT][0])
    path = out / f"{model.file}-{task}.csv"
    predictions = [
        predict(run, waveforms, EVERY_SPLIT, parts=parts / path.stem) for run in model.runs(made)
    ]
    mean, spread = mean_and_spread(predictions)
    if len(predictions) > 1:
        write_text(path.with_name(f"{path.stem}-spread.csv"), predictions_csv(spread))
    write_text(path, predictions_csv(mean))
    return [path]


def write_submissions(
    by_model: dict[str, dict[str, str]], out: Path, made: Made, report: Report
) -> list[Path]:
    """Write one file per model for a leaderboard: `ecg_id` and a column for each task.

    Args:
        by_model: by file name of the model, then by task: the step that predicts.
        out: folder to write.
        made: files of earlier steps.
        report: not used.
    """
    written = []
    for model, steps in by_model.items():
        columns = {task: read_probabilities(made[step][0]) for task, step in steps.items()}
        written.append(out / f"{model}.csv")
        table = pd.DataFrame(columns).rename_axis("ecg_id")
        text = table.to_csv(lineterminator="\n")
        write_text(written[-1], text)
    return written
