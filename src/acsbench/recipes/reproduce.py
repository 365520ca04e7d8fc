"""A recipe from the raw folder to the report; what is up to date is not done again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from acsbench.datasets import open_dataset
from acsbench.datasets.dataset import Dataset
from acsbench.errors import ConfigurationError
from acsbench.files import usable_cores
from acsbench.recipes.check import check_out
from acsbench.recipes.graph import Graph, Planner, Settings
from acsbench.recipes.helper import Place
from acsbench.recipes.recipe import Recipe, with_own_titles
from acsbench.recipes.run import run_steps
from acsbench.recipes.steps import Made, Tell
from acsbench.recipes.work import COMPARING, DIFFERING, PREPARE, SUBMITTING, Source
from acsbench.waveforms.prepare import prepare
from acsbench.waveforms.prepared import Prepared, open_prepared
from acsbench.waveforms.process import Progress

__all__ = ["Listener", "Reproduction", "Settings", "reproduce"]


@dataclass(frozen=True, eq=False)
class Reproduction:
    """What a recipe gave.

    Args:
        prepared: the prepared folder.
        runs: by task, then by the model's name in the report, the Run folder of each seed.
        evaluations: folders by task.
        holdout_predictions: a file for each model and task.
        submissions: of several tasks, a file for each model.
        beside_published: the table of published figures, if the recipe repeats a publication.
        differences: the page of what differs from the published study, if it was asked for.
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
        """Files for further use: predictions of the holdout, or submissions, and the page."""
        page = [] if self.differences is None else [self.differences]
        return [*(self.submissions or self.holdout_predictions), *page]


@dataclass(frozen=True)
class Listener:
    """Who is told what happens.

    Args:
        progress: the number of ECGs prepared, and of all.
        report: a line about each step.
        on_prepared: a folder that was prepared just now.
    """

    progress: Progress = lambda done, total: None
    report: Tell = lambda line: None
    on_prepared: Callable[[Prepared], None] = lambda prepared: None


AS_THE_RECIPE = Settings()
NOBODY = Listener()


def reproduce(
    recipe: Recipe,
    data: Path,
    out: Path,
    *,
    holdout: Path | None = None,
    settings: Settings = AS_THE_RECIPE,
    listener: Listener = NOBODY,
) -> Reproduction:
    """Prepare, describe, train every model, predict a holdout, evaluate.

    Args:
        recipe: what to do.
        data: the dataset's folder.
        out: folder to write: `prepared/`, `description/`, `runs/`, `evaluation/`; with a holdout
            `holdout/` and, of several tasks, `submissions/`; where a model has several seeds or
            a title, `seeds/` with their means and spreads; `steps.json`, which tells what is
            done.
        holdout: a folder of waveforms alone, to be predicted by every model.
        settings: the user's choices.
        listener: who is told.

    Raises:
        ConfigurationError: the folders or settings do not go together.
        DataError: the folder to compare with holds no such recipe, finished.
    """
    check_out(out, [folder for folder in (data, holdout) if folder is not None])
    if settings.beside is not None and recipe.split != "study":
        raise ConfigurationError("--beside goes with --published")
    recipe = with_own_titles(recipe)
    dataset = open_dataset(recipe.dataset, data)
    planner = Planner(recipe, dataset, Source(recipe.dataset, data), out, settings)

    def preparing(opened: Dataset, folder: Path) -> Callable[[Made, Tell], list[Path]]:
        return partial(_prepare, opened, folder, recipe, planner.seed, settings, listener)

    if holdout is None:
        graph = planner.graph(preparing(dataset, out / "prepared"))
    else:
        hidden = open_dataset(f"{recipe.dataset}_holdout", holdout)
        graph = planner.graph(
            preparing(dataset, out / "prepared"),
            (hidden, preparing(hidden, out / "holdout" / "prepared")),
        )
    made = run_steps(graph.steps, out, listener.report, places_for(recipe, settings))
    return _reproduction(graph, made)


def _prepare(
    dataset: Dataset,
    folder: Path,
    recipe: Recipe,
    seed: int,
    settings: Settings,
    listener: Listener,
    made: Made,
    tell: Tell,
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
        skip_faulty=settings.skip_faulty,
        workers=settings.workers,
        progress=listener.progress,
    )
    if dataset.labelled:
        listener.on_prepared(prepared)
    return [folder]


def places_for(recipe: Recipe, settings: Settings) -> list[Place]:
    """Where networks are trained side by side: a GPU each, or an equal share of the cores."""
    networks = sum(model.seeds for model in recipe.models if model.is_network)
    if settings.gpus:
        threads = max(1, settings.workers // len(settings.gpus))
        return [Place(threads, gpu) for gpu in settings.gpus[:networks]]
    count = max(1, min(settings.workers, networks))
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
