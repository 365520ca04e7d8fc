"""What the steps of a recipe do: from earlier steps' files to their own.

What trains or draws is imported by the step that needs it: it takes seconds to load, which a call
with nothing left to do should not pay.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from acsbench.datasets import open_dataset
from acsbench.files import write_text
from acsbench.recipes.steps import Made, Tell, made_in
from acsbench.runs import Run, open_run, predictions_csv, read_probabilities
from acsbench.training.config import TrainingConfig
from acsbench.waveforms.prepared import Prepared, open_prepared

PREPARE, PREPARE_HOLDOUT = "preparing", "preparing the holdout"
"""Names of the steps whose folders all others take."""
SUBMITTING = "writing submissions"
COMPARING = "comparing with the published figures"
DIFFERING = "telling the differences"


@dataclass(frozen=True)
class Source:
    """A dataset on disk: name of its reader, and its folder."""

    reader: str
    folder: Path


@dataclass(frozen=True)
class Training:
    """One training of a model.

    Args:
        model: its name.
        config: its settings.
        task: what it is trained on.
        init: name of the step whose run it starts from.
        weights: a Run folder of published weights that it starts from.
        allow_leak: as in `train`.
    """

    model: str
    config: TrainingConfig
    task: str
    init: str | None = None
    weights: Path | None = None
    allow_leak: bool = False


@dataclass(frozen=True)
class Trained:
    """A model of a recipe that was trained on a task.

    Args:
        shown_as: its name in the report.
        file: what its files are called.
        steps: names of the steps that trained it, one per seed.
        by_its_run: whether its only run has that name already.
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


@dataclass(frozen=True)
class Network:
    """Names of the steps of a network that was pre-trained on one task and trained on another.

    Args:
        shown_as: its name in the report.
        pretraining, training: the steps.
        reloaded: the step that repeats the study's reload, if there is one.
    """

    shown_as: str
    pretraining: str
    training: str
    reloaded: str | None = None


def describe_source(
    source: Source, tasks: Sequence[str], out: Path, made: Made, tell: Tell
) -> list[Path]:
    """Flow and Table 1."""
    from acsbench.cohort.describe import describe

    dataset = open_dataset(source.reader, source.folder)
    describe(dataset, out, tasks=tasks, show_small_cells=dataset.simulated)
    return [out]


def train_model(training: Training, runs: Path, made: Made, tell: Tell) -> list[Path]:
    """Train a model, or take its finished run."""
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
        report=lambda line: tell(line.removeprefix(f"{training.model}: ")),
    )
    return [run.path]


def reload_s4(step: str, out: Path, made: Made, tell: Tell) -> list[Path]:
    """What the study's loader makes of the S4 that a step has trained."""
    from acsbench.recipes.reload import reload_run

    prepared = open_prepared(made[PREPARE][0])
    return [reload_run(open_run(made[step][0]), prepared, out, tell).path]


def evaluate_models(
    task: str,
    others: Sequence[str],
    models: Sequence[Trained],
    out: Path,
    command: str,
    show_small_cells: bool,
    made: Made,
    tell: Tell,
) -> list[Path]:
    """Evaluate all models of a task; of several seeds, the mean.

    Args:
        task: the task.
        others: further tasks, on whose ECGs the models are tried as well.
        models: the models.
        out: folder of the recipe.
        command: recorded in the report.
        show_small_cells: hide nothing.
        made: what earlier steps have made.
        tell: told how far apart seeds are.
    """
    from acsbench.evaluation.inputs import evaluate_task

    prepared = open_prepared(made[PREPARE][0])
    folder = out / "seeds" / task
    files = [_to_evaluate(model, prepared, others, folder, made, tell) for model in models]
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
    tell: Tell,
) -> Path:
    """What stands for a model: its run, or a file under its name."""
    from acsbench.training.predict import mean_and_spread, predict
    from acsbench.training.seeds import summary_of_seeds, table_of_seeds

    runs = model.runs(made)
    if model.by_its_run and not others:
        return runs[0].path
    if len(runs) > 1:
        write_text(folder / f"{model.file}-seeds.csv", table_of_seeds(runs))
        for line in summary_of_seeds(runs):
            tell(f"{model.shown_as}: {line}")
    splits = [split for split in ("valid", "test") if runs[0].has_predictions(split)]
    by_seed = [[run.predictions(split) for run in runs] for split in splits]
    by_seed += [[predict(run, prepared, splits[-1], other) for run in runs] for other in others]
    means = pd.concat([mean_and_spread(predictions)[0] for predictions in by_seed])
    path = folder / f"{model.file}.csv"
    # An ECG that several tasks hold is predicted once.
    write_text(path, predictions_csv(means[~means.index.duplicated()]))
    return path


def predict_holdout(
    task: str, model: Trained, out: Path, parts: Path, made: Made, tell: Tell
) -> list[Path]:
    """Predict the holdout; of several seeds, their mean, with the spread beside it."""
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
    by_model: dict[str, dict[str, str]], out: Path, made: Made, tell: Tell
) -> list[Path]:
    """One file per model for a leaderboard: `ecg_id` and a column for each task.

    Args:
        by_model: by what the model's files are called, then by task: the step that predicted it.
        out: folder to write.
        made: what earlier steps have made.
        tell: told nothing.
    """
    written = []
    for model, steps in by_model.items():
        columns = {task: read_probabilities(made[step][0]) for task, step in steps.items()}
        written.append(out / f"{model}.csv")
        table = pd.DataFrame(columns).rename_axis("ecg_id")
        text = table.to_csv(lineterminator="\n")
        write_text(written[-1], text)
    return written


def tell_differences(
    networks: Sequence[Network], task: str, ours: Path, out: Path, made: Made, tell: Tell
) -> list[Path]:
    """What differs from the published study, and by how much."""
    from acsbench.recipes.differences import PAGE, Pair, Side, page

    evaluating = f"evaluating {task}"
    pair = Pair(
        ours=Side.of(made_in(ours), PREPARE, evaluating, task),
        published=Side.of(made, PREPARE, evaluating, task),
        networks=networks,
    )
    write_text(out / PAGE, page(pair))
    return [out / PAGE]
