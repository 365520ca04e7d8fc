"""A recipe from the raw folder to the report; what is up to date is not done again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from acsbench.datasets import open_dataset
from acsbench.datasets.dataset import Dataset
from acsbench.evaluation.inputs import evaluate_task
from acsbench.evaluation.report import Evaluation
from acsbench.files import write_text
from acsbench.models.registry import model_info
from acsbench.recipes.recipe import Recipe, RecipeModel
from acsbench.training.config import TrainingConfig
from acsbench.training.fit import train
from acsbench.training.predict import EVERY_SPLIT, predict
from acsbench.training.run import Run, predictions_csv
from acsbench.waveforms.prepare import Prepared, prepare
from acsbench.waveforms.process import Progress


@dataclass(frozen=True, eq=False)
class Reproduction:
    """What a recipe gave: runs and evaluations by task, and the holdout's predictions."""

    prepared: Prepared
    runs: dict[str, list[Run]]
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
        out: folder to write: `prepared/`, `runs/`, `evaluation/`, `holdout/`.
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
    runs: dict[str, list[Run]] = {}
    evaluations: dict[str, Evaluation] = {}
    for task in tasks:
        share = _minutes_per_training(recipe, tasks, settings)
        runs[task] = [
            _train(prepared, model, task, seed, share, out / "runs", listener)
            for model in recipe.models
        ]
        evaluations[task] = evaluate_task(
            prepared,
            task,
            [run.path for run in runs[task]],
            out / "evaluation" / task,
            command=settings.command,
        )
    predictions = []
    if holdout is not None:
        dataset = open_dataset(f"{recipe.dataset}_holdout", holdout)
        folder = out / "holdout" / "prepared"
        waveforms = _prepare(dataset, recipe, folder, seed, settings, listener)
        predictions = [
            _predict_holdout(run, task, waveforms, out / "holdout")
            for task in tasks
            for run in runs[task]
        ]
    return Reproduction(prepared, runs, evaluations, predictions)


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
        profile=recipe.profile,
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
    networks = [m for m in recipe.models if model_info(m.name).kind == "network"]
    trainings = sum(1 + (model.pretraining is not None) for model in networks) * len(tasks)
    return None if minutes is None or not trainings else minutes / trainings


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
        budget = minutes if model_info(model.name).kind == "network" else None
        return config.model_copy(update={"seed": seed, "max_minutes": budget})

    init = None
    if model.pretraining is not None:
        first = model.pretraining
        listener.report(f"{model.name}: pre-training on {first.task}")
        config = settled(first.training.model_copy(update={"options": model.training.options}))
        init = train(prepared, model.name, config, runs, task=first.task, report=listener.report)
    listener.report(f"{model.name}: training on {task}")
    return train(
        prepared,
        model.name,
        settled(model.training),
        runs,
        task=task,
        init=init,
        report=listener.report,
    )


def _predict_holdout(run: Run, task: str, waveforms: Prepared, out: Path) -> Path:
    path = out / f"{run.model}-{task}.csv"
    write_text(path, predictions_csv(predict(run, waveforms, EVERY_SPLIT)))
    return path
