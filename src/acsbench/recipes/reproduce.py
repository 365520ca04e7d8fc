"""A recipe from the raw folder to the report; what is up to date is not done again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from acsbench.datasets import open_dataset
from acsbench.evaluation.inputs import evaluate_task
from acsbench.evaluation.report import Evaluation
from acsbench.models.registry import model_info
from acsbench.recipes.recipe import Recipe
from acsbench.training.fit import train
from acsbench.training.run import Run
from acsbench.waveforms.prepare import Prepared, prepare
from acsbench.waveforms.process import Progress


@dataclass(frozen=True, eq=False)
class Reproduction:
    """What a recipe gave."""

    prepared: Prepared
    runs: tuple[Run, ...]
    evaluations: dict[str, Evaluation]


def reproduce(
    recipe: Recipe,
    data: Path,
    out: Path,
    *,
    seed: int | None = None,
    max_minutes: float | None = None,
    skip_faulty: bool = False,
    workers: int = 1,
    progress: Progress | None = None,
    report: Callable[[str], None] = lambda _: None,
    on_prepared: Callable[[Prepared], None] = lambda _: None,
    progress_bar: bool = False,
    command: str = "",
) -> Reproduction:
    """Prepare, train every model, evaluate.

    Args:
        recipe: what to do.
        data: the dataset's folder.
        out: folder to write: `prepared/`, `runs/`, `evaluation/`.
        seed, max_minutes: in place of the recipe's.
        skip_faulty: leave out ECGs that cannot be used.
        workers: processes that prepare waveforms.
        progress: called with the number of ECGs prepared and of all.
        report: told a line about each step.
        on_prepared: given the prepared folder before training begins.
        progress_bar: draw one for each epoch.
        command: recorded in the report.
    """
    seed = recipe.seed if seed is None else seed
    minutes = recipe.max_minutes if max_minutes is None else max_minutes
    prepared = prepare(
        open_dataset(recipe.dataset, data),
        out / "prepared",
        tasks=recipe.tasks,
        profile=recipe.profile,
        folds=recipe.folds,
        seed=seed,
        skip_faulty=skip_faulty,
        workers=workers,
        progress=progress,
    )
    on_prepared(prepared)
    networks = sum(model_info(model.name).kind == "network" for model in recipe.models)
    runs: list[Run] = []
    evaluations: dict[str, Evaluation] = {}
    for task in prepared.tasks:
        for model in recipe.models:
            # Every network gets the same share of the time, so that none profits from another.
            share = None
            if minutes is not None and model_info(model.name).kind == "network":
                share = minutes / networks / len(prepared.tasks)
            config = model.training.model_copy(update={"seed": seed, "max_minutes": share})
            report(f"{model.name}: training for {task}")
            run = train(
                prepared,
                model.name,
                config,
                out / "runs",
                task=task,
                report=report,
                progress_bar=progress_bar,
            )
            runs.append(run)
        trained = [run.path for run in runs if run.config["task"]["name"] == task]
        folder = out / "evaluation" / task
        evaluations[task] = evaluate_task(prepared, task, trained, folder, command=command)
    return Reproduction(prepared, tuple(runs), evaluations)
