"""A recipe as a graph of steps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

from acsbench.cohort.task import load_task
from acsbench.datasets.dataset import Dataset
from acsbench.files import file_names, sha256
from acsbench.recipes.differences import write_differences
from acsbench.recipes.publication import COLUMNS, write_comparison
from acsbench.recipes.recipe import Recipe, RecipeModel
from acsbench.recipes.steps import RECORD, Step, Work
from acsbench.recipes.two_runs import Network, check_beside, evaluating
from acsbench.recipes.work import (
    COMPARING,
    DIFFERING,
    PREPARE,
    PREPARE_HOLDOUT,
    SUBMITTING,
    Source,
    Trained,
    Training,
    describe_source,
    evaluate_models,
    predict_holdout,
    reload_s4,
    train_model,
    write_submissions,
)
from acsbench.runs import WEIGHTS, open_run
from acsbench.training.config import TrainingConfig

PREPARING, EVALUATING, QUICK = 5.0, 3.0, 0.2
"""Effort of steps without training, relative to the training of a network."""


@dataclass(frozen=True)
class Choices:
    """Choices of the user, in addition to the recipe.

    Args:
        seed, max_minutes: replace those of the recipe.
        skip_faulty: exclude ECGs that cannot be used.
        workers: processes that prepare waveforms, and that train in parallel.
        gpus: names of the GPUs as in `CUDA_VISIBLE_DEVICES`, for one process each.
        weights: Run folder of published weights, for models with `published_weights`.
        beside: folder of the other run of the recipe, published or not.
        command: command line for the report.
    """

    seed: int | None = None
    max_minutes: float | None = None
    skip_faulty: bool = False
    workers: int = 1
    gpus: tuple[str, ...] = ()
    weights: Path | None = None
    beside: Path | None = None
    command: str = ""


@dataclass(frozen=True, eq=False)
class Graph:
    """The steps of a recipe.

    Args:
        steps: the steps, each after those that it needs.
        trained: models by task.
        evaluations: by task, the step that evaluates.
        holdout: steps that predict the holdout.
    """

    steps: list[Step]
    trained: dict[str, list[Trained]]
    evaluations: dict[str, str]
    holdout: list[str]


@dataclass(frozen=True, eq=False)
class Planner:
    """Makes the graph of a recipe.

    Args:
        recipe: the recipe.
        dataset: the opened dataset.
        source: its name and folder.
        out: folder to write to.
        choices: choices of the user.
    """

    recipe: Recipe
    dataset: Dataset
    source: Source
    out: Path
    choices: Choices

    def graph(self, prepare: Work, holdout: tuple[Dataset, Work] | None = None) -> Graph:
        """All steps.

        Args:
            prepare: work that prepares the dataset.
            holdout: a dataset of waveforms only, and the work that prepares it.
        """
        recipe = self.recipe
        tasks = [load_task(task).name for task in recipe.tasks or self.dataset.tasks]
        steps = [self._preparing(PREPARE, self.dataset, prepare), self._describing()]
        if holdout is not None:
            steps.append(self._preparing(PREPARE_HOLDOUT, *holdout))
        trained: dict[str, list[Trained]] = {task: [] for task in tasks}
        for model in recipe.models:
            for task in tasks:
                for step in self._training(model, task, tasks):
                    if step.name not in {other.name for other in steps}:
                        steps.append(_after_equal_steps(step, steps))
                trained[task].append(self._trained(model, task))
        predicted: dict[str, dict[str, str]] = {}
        if holdout is not None:
            for task, models in trained.items():
                for model, each in zip(recipe.models, models, strict=True):
                    if model.needs_readings:
                        continue  # a holdout has no readings
                    steps.append(self._predicting(task, each))
                    predicted.setdefault(each.file, {})[task] = steps[-1].name
            if len(tasks) > 1:
                steps.append(self._submitting(predicted))
        evaluations = {}
        for task, models in trained.items():
            steps.append(self._evaluating(task, models))
            evaluations[task] = steps[-1].name
        if recipe.published:
            steps.append(self._comparing(evaluations))
            if self.choices.beside is not None:
                steps.append(self._differing(tasks[0], self.choices.beside, steps[-1]))
        holdout_steps = [name for steps_ in predicted.values() for name in steps_.values()]
        return Graph(steps, trained, evaluations, holdout_steps)

    @property
    def seed(self) -> int:
        """Seed of the user, or of the recipe."""
        return self.recipe.seed if self.choices.seed is None else self.choices.seed

    def _preparing(self, name: str, dataset: Dataset, prepare: Work) -> Step:
        recipe = self.recipe
        tasks = recipe.all_tasks() if dataset.labelled else []
        settings = {
            "input": dataset.input_hash(),
            "tasks": {task.name: task.digest for task in map(load_task, tasks or dataset.tasks)},
            "profiles": recipe.profiles(),
            "signs": recipe.needs_signs(),
            "split": recipe.split,
            "folds": recipe.folds,
            "seed": self.seed,
        }
        return Step(name, prepare, settings=settings, effort=PREPARING, alone=True)

    def _describing(self) -> Step:
        tasks = self.recipe.all_tasks()
        work = partial(describe_source, self.source, tasks, self.out / "description")
        return Step("describing", work, (PREPARE,), effort=QUICK)

    def _training(self, model: RecipeModel, task: str, tasks: list[str]) -> Iterator[Step]:
        """Steps that train a model for a task, beginning with its pre-training."""
        weights = self.choices.weights if model.published_weights else None
        first = model.pretraining_config()
        for seed in self._seeds(model):
            name, init = self._name(model, task, seed), None
            if model.pretraining is not None and first is not None:
                task_before = load_task(model.pretraining.task).name
                init = self._name(model, task_before, seed)
                settled = self._settled(model, first, seed, tasks)
                earlier = Training(model.name, settled, task_before, weights=weights)
                yield self._step(init, model, earlier)
            if name != init:
                training = Training(
                    model.name,
                    self._settled(model, model.config(), seed, tasks),
                    task,
                    init=init,
                    weights=weights if init is None else None,
                    allow_leak=self.recipe.split == "study",
                )
                yield self._step(name, model, training)
            if model.reload == "published":
                work = partial(reload_s4, name, self.out / "reloaded")
                yield Step(_reloading(name), work, (PREPARE, name), effort=QUICK)

    def _step(self, name: str, model: RecipeModel, training: Training) -> Step:
        needs = (PREPARE,) if training.init is None else (PREPARE, training.init)
        weights = training.weights
        settings = asdict(training) | {
            "config": training.config.model_dump(mode="json"),
            "weights": None if weights is None else sha256(open_run(weights).path / WEIGHTS),
        }
        work = partial(train_model, training, self.out / "runs")
        effort = model.effort if model.is_network else QUICK
        return Step(name, work, needs, settings, effort)

    def _settled(
        self, model: RecipeModel, config: TrainingConfig, seed: int, tasks: list[str]
    ) -> TrainingConfig:
        shared = minutes_per_training(self.recipe, tasks, self.choices.max_minutes)
        budget = (shared or config.max_minutes) if model.is_network else None
        return config.model_copy(update={"seed": seed, "max_minutes": budget})

    def _seeds(self, model: RecipeModel) -> range:
        return range(self.seed, self.seed + model.seeds)

    def _name(self, model: RecipeModel, task: str, seed: int) -> str:
        """Name of the step that trains a model on a task."""
        before = model.pretraining
        first = before is not None and load_task(before.task).name == task
        which = f", seed {seed}" if model.seeds > 1 else ""
        return f"{model.shown_as}{which}: {'pre-training' if first else 'training'} on {task}"

    def _trained(self, model: RecipeModel, task: str) -> Trained:
        names = [self._name(model, task, seed) for seed in self._seeds(model)]
        if model.reload == "published":
            names = [_reloading(name) for name in names]
        file = file_names(each.shown_as for each in self.recipe.models)[model.shown_as]
        return Trained(model.shown_as, file, tuple(names), not model.has_own_name)

    def _evaluating(self, task: str, models: list[Trained]) -> Step:
        named = (load_task(other).name for other in self.recipe.tasks)
        others = [name for name in named if name != task]
        all_cells = self.recipe.show_small_cells
        work = partial(
            evaluate_models, task, others, models, self.out, self.choices.command, all_cells
        )
        needs = (PREPARE, *(name for model in models for name in model.steps))
        settings = [others, all_cells, *(model.shown_as for model in models)]
        return Step(evaluating(task), work, needs, settings, EVALUATING)

    def _predicting(self, task: str, model: Trained) -> Step:
        parts = self.out / "holdout" / ".parts"
        work = partial(predict_holdout, task, model, self.out / "holdout", parts)
        needs = (PREPARE_HOLDOUT, *model.steps)
        return Step(f"{model.shown_as}: {task} in the holdout", work, needs, effort=QUICK)

    def _submitting(self, predicted: dict[str, dict[str, str]]) -> Step:
        work = partial(write_submissions, predicted, self.out / "submissions")
        needs = tuple(name for steps in predicted.values() for name in steps.values())
        return Step(SUBMITTING, work, needs, list(predicted), QUICK)

    def _comparing(self, evaluations: dict[str, str]) -> Step:
        titles = self._titles()
        work = partial(write_comparison, self.recipe.published, titles, evaluations, self.out)
        settings = [self.recipe.published, titles, COLUMNS]
        needs = tuple(evaluations.values())
        return Step(COMPARING, work, needs, settings, QUICK)

    def _differing(self, task: str, beside: Path, comparing: Step) -> Step:
        networks = [
            Network(
                model.shown_as,
                self._name(model, load_task(model.pretraining.task).name, self.seed),
                name,
                _reloading(name) if model.reload == "published" else None,
            )
            for model in self.recipe.models
            if model.pretraining is not None
            for name in [self._name(model, task, self.seed)]
        ]
        trained = [network.training for network in networks]
        check_beside(beside, self.out, [PREPARE, evaluating(task), *trained])
        work = partial(write_differences, networks, task, beside, self.out)
        needs = (PREPARE, comparing.name)
        return Step(DIFFERING, work, needs, sha256(beside / RECORD), QUICK)

    def _titles(self) -> dict[str, str]:
        """Names of the models in the publication, by name in the report."""
        return {model.shown_as: model.title or model.name for model in self.recipe.models}


def _after_equal_steps(step: Step, steps: list[Step]) -> Step:
    """Make a step wait for steps with the same settings, whose result it then reuses.

    In parallel they would block each other.
    """
    equal = (s.name for s in steps if step.settings is not None and s.settings == step.settings)
    return replace(step, needs=(*step.needs, *equal))


def minutes_per_training(
    recipe: Recipe, tasks: list[str], max_minutes: float | None = None
) -> float | None:
    """Time per training: every network gets the same share, for a fair comparison."""
    minutes = max_minutes or recipe.max_minutes
    networks = [model for model in recipe.models if model.is_network]
    trainings = sum(
        len({*tasks, *([load_task(model.pretraining.task).name] if model.pretraining else [])})
        * model.seeds
        for model in networks
    )
    return None if minutes is None or not trainings else minutes / trainings


def _reloading(name: str) -> str:
    return f"{name}, reloaded as published"
