"""A recipe from the raw folder to the report; what is up to date is not done again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from acsbench.datasets import open_dataset
from acsbench.datasets.dataset import Dataset
from acsbench.evaluation.inputs import evaluate_task
from acsbench.evaluation.report import Evaluation
from acsbench.files import write_text
from acsbench.recipes.recipe import Recipe, RecipeModel
from acsbench.training.config import TrainingConfig
from acsbench.training.fit import train
from acsbench.training.predict import EVERY_SPLIT, mean_and_spread, predict
from acsbench.training.run import Run, predictions_csv
from acsbench.training.seeds import summary_of_seeds, table_of_seeds
from acsbench.waveforms.prepare import Prepared, prepare
from acsbench.waveforms.process import Progress


@dataclass(frozen=True, eq=False)
class Trained:
    """A model of a recipe, trained on a task with each of its seeds."""

    model: RecipeModel
    runs: list[Run]


@dataclass(frozen=True, eq=False)
class Reproduction:
    """What a recipe gave: models and evaluations by task, and the holdout's predictions."""

    prepared: Prepared
    trained: dict[str, list[Trained]]
    evaluations: dict[str, Evaluation]
    holdout_predictions: list[Path]


@dataclass(frozen=True)
class Settings:
    """What the user may choose, in place of the recipe's or beside it.

    Args:
        seed, max_minutes: the recipe's unless given.
        skip_faulty: leave out ECGs that cannot be used.
        workers: processes that prepare waveforms.
        command: recorded in the report.
    """

    seed: int | None = None
    max_minutes: float | None = None
    skip_faulty: bool = False
    workers: int = 1
    command: str = ""


@dataclass(frozen=True)
class Listener:
    """Who is told what happens.

    Args:
        progress: the number of ECGs prepared, and of all.
        report: a line about each step.
        on_prepared: the prepared folder, before training begins.
    """

    progress: Progress = lambda done, total: None
    report: Callable[[str], None] = lambda line: None
    on_prepared: Callable[[Prepared], None] = lambda prepared: None


def reproduce(
    recipe: Recipe,
    data: Path,
    out: Path,
    *,
    holdout: Path | None = None,
    settings: Settings = Settings(),
    listener: Listener = Listener(),
) -> Reproduction:
    """Prepare, train every model, evaluate, and predict a holdout.

    Args:
        recipe: what to do.
        data: the dataset's folder.
        out: folder to write: `prepared/`, `runs/`, `evaluation/`, `holdout/`, and where models
            have several seeds `seeds/`, with their means and spreads.
        holdout: a folder of waveforms alone, to be predicted by every model.
        settings: the user's choices.
        listener: who is told.
    """
    seed = recipe.seed if settings.seed is None else settings.seed
    folder = out / "prepared"
    dataset = open_dataset(recipe.dataset, data)
    prepared = _prepare(dataset, recipe, folder, seed, settings, listener)
    listener.on_prepared(prepared)
    tasks = recipe.tasks or prepared.tasks
    trained: dict[str, list[Trained]] = {}
    evaluations: dict[str, Evaluation] = {}
    for task in tasks:
        share = _minutes_per_training(recipe, tasks, settings)
        trained[task] = [
            _train_seeds(prepared, model, task, seed, share, out / "runs", listener)
            for model in recipe.models
        ]
        evaluations[task] = evaluate_task(
            prepared,
            task,
            [_to_evaluate(each, out / "seeds" / task) for each in trained[task]],
            out / "evaluation" / task,
            command=settings.command,
        )
    predictions = []
    if holdout is not None:
        dataset = open_dataset(f"{recipe.dataset}_holdout", holdout)
        folder = out / "holdout" / "prepared"
        waveforms = _prepare(dataset, recipe, folder, seed, settings, listener)
        predictions = [
            _predict_holdout(each, task, waveforms, out / "holdout")
            for task in tasks
            for each in trained[task]
            if not each.model.needs_readings  # a holdout is waveforms alone
        ]
    return Reproduction(prepared, trained, evaluations, predictions)


def _prepare(
    dataset: Dataset,
    recipe: Recipe,
    out: Path,
    seed: int,
    settings: Settings,
    listener: Listener,
) -> Prepared:
    return prepare(
        dataset,
        out,
        tasks=recipe.all_tasks() if dataset.labelled else (),
        profiles=recipe.profiles(),
        signs=recipe.needs_signs(),
        split="patients" if recipe.folds is None else "folds",
        folds=recipe.folds,
        seed=seed,
        skip_faulty=settings.skip_faulty,
        workers=settings.workers,
        progress=listener.progress,
    )


def _minutes_per_training(recipe: Recipe, tasks: list[str], settings: Settings) -> float | None:
    """Every training of a network gets the same share of the time: none profits from another."""
    minutes = settings.max_minutes or recipe.max_minutes
    networks = [model for model in recipe.models if model.is_network]
    trainings = sum((1 + (model.pretraining is not None)) * model.seeds for model in networks)
    return None if minutes is None or not trainings else minutes / (trainings * len(tasks))


def _train_seeds(
    prepared: Prepared,
    model: RecipeModel,
    task: str,
    first_seed: int,
    minutes: float | None,
    runs: Path,
    listener: Listener,
) -> Trained:
    """Train a model on a task with each of its seeds."""
    seeds = range(first_seed, first_seed + model.seeds)
    finished = [_train(prepared, model, task, seed, minutes, runs, listener) for seed in seeds]
    for line in summary_of_seeds(finished):
        listener.report(f"{model.shown_as}: {line}")
    return Trained(model, finished)


def _train(
    prepared: Prepared,
    model: RecipeModel,
    task: str,
    seed: int,
    minutes: float | None,
    runs: Path,
    listener: Listener,
) -> Run:
    """Train a model on a task, after its pre-training if it has one."""

    def settled(config: TrainingConfig) -> TrainingConfig:
        budget = (minutes or config.max_minutes) if model.is_network else None
        return config.model_copy(update={"seed": seed, "max_minutes": budget})

    init = None
    first = model.pretraining_config()
    if model.pretraining is not None and first is not None:
        listener.report(f"{model.name}: pre-training on {model.pretraining.task}")
        init = train(
            prepared,
            model.name,
            settled(first),
            runs,
            task=model.pretraining.task,
            report=listener.report,
        )
    listener.report(f"{model.name}: training on {task}")
    return train(
        prepared,
        model.name,
        settled(model.config()),
        runs,
        task=task,
        init=init,
        report=listener.report,
    )


def _to_evaluate(trained: Trained, folder: Path) -> Path:
    """What stands for a model in the evaluation: its run, or its seeds' mean under its name."""
    model, runs = trained.model, trained.runs
    if len(runs) == 1 and not model.title:
        return runs[0].path
    if len(runs) > 1:
        write_text(folder / f"{model.shown_as}-seeds.csv", table_of_seeds(runs))
    splits = [split for split in ("valid", "test") if runs[0].has_predictions(split)]
    means = [mean_and_spread([run.predictions(split) for run in runs])[0] for split in splits]
    path = folder / f"{model.shown_as}.csv"
    write_text(path, predictions_csv(pd.concat(means)))
    return path


def _predict_holdout(trained: Trained, task: str, waveforms: Prepared, out: Path) -> Path:
    """Predict the holdout; of several seeds, their mean, with the spread beside it."""
    path = out / f"{trained.model.shown_as}-{task}.csv"
    mean, spread = mean_and_spread([predict(run, waveforms, EVERY_SPLIT) for run in trained.runs])
    if len(trained.runs) > 1:
        write_text(path.with_name(f"{path.stem}-spread.csv"), predictions_csv(spread))
    write_text(path, predictions_csv(mean))
    return path
