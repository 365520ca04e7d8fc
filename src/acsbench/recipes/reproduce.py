"""Running a recipe, from the raw folder to the report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from acsbench.datasets import open_dataset
from acsbench.datasets.dataset import Dataset
from acsbench.errors import ConfigurationError
from acsbench.files import usable_cores
from acsbench.recipes.graph import Choices, Graph, Planner
from acsbench.recipes.helper import Place
from acsbench.recipes.recipe import Recipe, with_own_titles
from acsbench.recipes.scheduler import run_steps
from acsbench.recipes.steps import Made, Report, Work
from acsbench.recipes.work import COMPARING, DIFFERING, PREPARE, SUBMITTING, Source
from acsbench.waveforms.prepare import prepare
from acsbench.waveforms.prepared import Prepared, open_prepared
from acsbench.waveforms.process import Progress


@dataclass(frozen=True, eq=False)
class Reproduction:
    """Results of a recipe.

    Args:
        prepared: the prepared folder.
        runs: by task, then by name of the model in the report, the Run folder of each seed.
        evaluations: folders by task.
        holdout_predictions: one file for each model and task.
        submissions: one file per model, if there are several tasks.
        beside_published: table of published figures and ours, if the recipe repeats a publication.
        differences: page on the differences from the published study, if requested.
    """

    prepared: Prepared
    runs: dict[str, dict[str, list[Path]]]
    evaluations: dict[str, Path]
    holdout_predictions: list[Path]
    submissions: list[Path]
    beside_published: Path | None
    differences: Path | None

    @property
    def files(self) -> list[Path]:
        """Files for the user: predictions of the holdout or submissions, and the page."""
        page = [] if self.differences is None else [self.differences]
        return [*(self.submissions or self.holdout_predictions), *page]


@dataclass(frozen=True)
class Listener:
    """Functions to call on progress.

    Args:
        progress: called with the number of ECGs prepared and the total.
        report: called with a line about each step.
        on_prepared: called with a folder that was just prepared.
    """

    progress: Progress = lambda done, total: None
    report: Report = lambda line: None
    on_prepared: Callable[[Prepared], None] = lambda prepared: None


AS_THE_RECIPE = Choices()
NOBODY = Listener()


def reproduce(
    recipe: Recipe,
    data: Path,
    out: Path,
    *,
    holdout: Path | None = None,
    choices: Choices = AS_THE_RECIPE,
    listener: Listener = NOBODY,
) -> Reproduction:
    """Prepare, describe, train every model, predict a holdout, evaluate.

    Steps that are up to date are not repeated.

    Args:
        recipe: the recipe.
        data: folder of the dataset.
        out: folder to write: `prepared/`, `description/`, `runs/`, `evaluation/` and `steps.json`;
            with a holdout `holdout/` and, for several tasks, `submissions/`; `seeds/` with mean
            predictions of models with several seeds or a title.
        holdout: folder of waveforms only, which every model predicts.
        choices: choices of the user.
        listener: functions to call on progress.

    Raises:
        ConfigurationError: folders or choices do not fit together.
        DataError: `choices.beside` is not a finished run of the recipe.
    """
    _check_out(out, [folder for folder in (data, holdout) if folder is not None])
    if choices.beside is not None and recipe.split != "study":
        raise ConfigurationError("--beside needs --published")
    recipe = with_own_titles(recipe)
    dataset = open_dataset(recipe.dataset, data)
    planner = Planner(recipe, dataset, Source(recipe.dataset, data), out, choices)

    def preparing(opened: Dataset, folder: Path) -> Work:
        return partial(_prepare, opened, folder, recipe, planner.seed, choices, listener)

    if holdout is None:
        graph = planner.graph(preparing(dataset, out / "prepared"))
    else:
        hidden = open_dataset(f"{recipe.dataset}_holdout", holdout)
        graph = planner.graph(
            preparing(dataset, out / "prepared"),
            (hidden, preparing(hidden, out / "holdout" / "prepared")),
        )
    made = run_steps(graph.steps, out, listener.report, places_for(recipe, choices))
    return _reproduction(graph, made)


def _check_out(out: Path, sources: Sequence[Path]) -> None:
    """Check that nothing is written into a dataset.

    Raises:
        ConfigurationError: `out` is one of the sources or inside one.
    """
    for source in sources:
        if out.resolve().is_relative_to(source.resolve()):
            raise ConfigurationError(
                f"{out} is inside the dataset {source}; choose an --out outside of it"
            )


def _prepare(
    dataset: Dataset,
    folder: Path,
    recipe: Recipe,
    seed: int,
    choices: Choices,
    listener: Listener,
    made: Made,
    report: Report,
) -> list[Path]:
    prepared = prepare(
        dataset,
        folder,
        tasks=recipe.all_tasks() if dataset.labelled else (),
        profiles=recipe.profiles(),
        signs=recipe.needs_signs(),
        split="folds" if recipe.folds else recipe.split,
        folds=recipe.folds,
        seed=seed,
        skip_faulty=choices.skip_faulty,
        workers=choices.workers,
        progress=listener.progress,
    )
    if dataset.labelled:
        listener.on_prepared(prepared)
    return [folder]


def places_for(recipe: Recipe, choices: Choices) -> list[Place]:
    """Resources for parallel trainings: one GPU each, or an equal share of the cores."""
    networks = sum(model.seeds for model in recipe.models if model.is_network)
    if choices.gpus:
        threads = max(1, choices.workers // len(choices.gpus))
        return [Place(threads, gpu) for gpu in choices.gpus[:networks]]
    count = max(1, min(choices.workers, networks))
    return [Place(max(1, usable_cores() // count))] * count


def _reproduction(graph: Graph, made: Made) -> Reproduction:
    return Reproduction(
        prepared=open_prepared(made[PREPARE][0]),
        runs={
            task: {model.shown_as: model.folders(made) for model in models}
            for task, models in graph.trained.items()
        },
        evaluations={task: made[step][0] for task, step in graph.evaluations.items()},
        holdout_predictions=[path for step in graph.holdout for path in made[step]],
        submissions=list(made.get(SUBMITTING, [])),
        beside_published=next(iter(made.get(COMPARING, [])), None),
        differences=next(iter(made.get(DIFFERING, [])), None),
    )
