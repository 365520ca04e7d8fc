"""The recipe file."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from acsbench.cohort.task import load_task
from acsbench.errors import ConfigurationError
from acsbench.models.registry import READINGS, SIGNS, model_info
from acsbench.shipped import is_path, load_yaml
from acsbench.training.config import TrainingConfig
from acsbench.training.shipped import DEFAULT, config_of

PUBLISHED = "published"
ALWAYS = "study-rows"
"""Profile that is always prepared: the printed page."""


class Pretraining(BaseModel):
    """A task that a network is trained on first, and settings that override those of the model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    task: str
    training: dict[str, Any] = Field(default_factory=dict)


class Reduction(BaseModel):
    """A model at small scale.

    Args:
        training: settings that override those of the model.
        pretraining: settings that override those of its pre-training.
        label: label in its name.
        effort: duration of a training, as in `RecipeModel`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    training: dict[str, Any] = Field(default_factory=dict)
    pretraining: dict[str, Any] = Field(default_factory=dict)
    label: str = "reduced"
    effort: float | None = Field(None, gt=0)


class RecipeModel(BaseModel):
    """A model of a recipe and its training.

    Args:
        name: name of the model.
        settings: `default`, `study`, or a YAML file.
        training: settings that override them.
        seeds: number of runs with different seeds; their mean is evaluated.
        pretraining: task to train on first; on this task, the pre-trained model is evaluated.
        title: name in the report, by default `name`.
        labels: labels after the name in the report.
        published_weights: whether it starts from weights that its authors published.
        reload: `published` to read a trained S4 as the study's loader does.
        small: the model at small scale.
        effort: duration of a training relative to the others, to estimate the time left.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    settings: str = DEFAULT
    training: dict[str, Any] = Field(default_factory=dict)
    seeds: int = Field(1, ge=1)
    pretraining: Pretraining | None = None
    title: str = ""
    labels: tuple[str, ...] = ()
    published_weights: bool = False
    reload: Literal["trained", "published"] = "trained"
    small: Reduction | None = None
    effort: float = Field(3.0, gt=0)

    @property
    def is_network(self) -> bool:
        """Whether the model is a network."""
        return model_info(self.name).kind == "network"

    @property
    def input(self) -> str:
        """Profile of the waveforms that a network takes, or kind of a tabular model's table."""
        # The same as `training.predictors.input_of`, which loads Lightning.
        return str(self.config().options.get("input", model_info(self.name).input))

    @property
    def needs_readings(self) -> bool:
        """Whether the model takes the cardiologist's readings instead of the waveform."""
        return self.input == READINGS

    @property
    def shown_as(self) -> str:
        """Name in the report."""
        title = self.title or self.name
        if self.labels:
            title += f" ({', '.join(self.labels)})"
        return title if self.seeds == 1 else f"{title}-mean-of-{self.seeds}"

    @property
    def has_own_name(self) -> bool:
        """Whether the name in the report differs from the name of the model."""
        return bool(self.title or self.labels) or self.seeds > 1

    def config(self) -> TrainingConfig:
        """Configuration of the training.

        Raises:
            ConfigurationError: the model does not use a setting.
        """
        self._check_kind()
        return config_of(self.name, self.settings, self.training)

    def pretraining_config(self) -> TrainingConfig | None:
        """Configuration of the pre-training of the same network, if there is one."""
        if self.pretraining is None:
            return None
        own = self.config()
        first = config_of(self.name, self.settings, self.training, self.pretraining.training)
        return first.model_copy(update={"options": own.options})

    def _check_kind(self) -> None:
        if self.pretraining is not None and not self.is_network:
            raise ConfigurationError(
                f"the recipe pre-trains {self.shown_as}, but {self.name} is not a network: remove "
                "pretraining"
            )
        if self.reload == PUBLISHED and self.name != "s4":
            raise ConfigurationError(
                f"the recipe reloads {self.shown_as} as published, which only works for s4, not "
                f"for {self.name}: remove reload"
            )


class Recipe(BaseModel):
    """A whole study: dataset, tasks, split, models.

    `tasks` are evaluated; tasks of a pre-training are prepared with them. Without `folds`,
    patients are split at random, or as the study split them. `max_minutes` is the time for
    training all networks, and overrides their own settings. `published` names a publication in
    `recipes/published` whose figures are compared. With `show_small_cells`, for public ECGs, the
    report hides nothing.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    dataset: str
    tasks: list[str] = Field(default_factory=list)
    folds: dict[str, list[int]] | None = None
    split: Literal["patients", "study"] = "patients"
    seed: int = 0
    max_minutes: float | None = Field(None, gt=0)
    published: str = ""
    show_small_cells: bool = False
    models: list[RecipeModel] = Field(min_length=1)

    def all_tasks(self) -> list[str]:
        """Tasks to prepare, by name or path: evaluated tasks, and tasks of a pre-training."""
        earlier = [model.pretraining.task for model in self.models if model.pretraining]
        by_name: dict[str, str] = {}
        for task in [*self.tasks, *earlier]:
            loaded = load_task(task)
            other = by_name.setdefault(loaded.name, task)
            if load_task(other).digest != loaded.digest:
                raise ConfigurationError(
                    f"{other} and {task} are different tasks with the same name {loaded.name!r}; "
                    "rename one"
                )
        return list(by_name.values())

    def profiles(self) -> list[str]:
        """Preparation profiles that the networks take."""
        taken = [model.input for model in self.models if model.is_network]
        return list(dict.fromkeys([ALWAYS, *taken]))

    def needs_signs(self) -> bool:
        """Whether a model takes measured signs."""
        return any(model.input == SIGNS for model in self.models)


def load_recipe(name_or_path: str) -> Recipe:
    """A recipe by its name, or from a YAML file.

    Paths of tasks and settings in the file are relative to its folder.

    Raises:
        ConfigurationError: the name is unknown.
        DataError: the file does not contain a recipe.
    """
    recipe = load_yaml(name_or_path, "recipes", Recipe)
    return _relative_to(recipe, Path(name_or_path).parent) if is_path(name_or_path) else recipe


def _relative_to(recipe: Recipe, folder: Path) -> Recipe:
    """The recipe with paths relative to a folder."""

    def found(name: str) -> str:
        return str(folder / name) if is_path(name) else name

    def model_found(model: RecipeModel) -> RecipeModel:
        first = model.pretraining
        if first is not None:
            first = first.model_copy(update={"task": found(first.task)})
        return model.model_copy(update={"pretraining": first, "settings": found(model.settings)})

    models = [model_found(model) for model in recipe.models]
    return recipe.model_copy(update={"tasks": list(map(found, recipe.tasks)), "models": models})


def with_own_titles(recipe: Recipe) -> Recipe:
    """The recipe with unique names of models in the report: equal names get a number.

    >>> models = [{"name": "logistic", "title": "A"}, {"name": "boosted-trees", "title": "A"}]
    >>> recipe = Recipe.model_validate({"name": "r", "dataset": "ptbxl", "models": models})
    >>> [model.shown_as for model in with_own_titles(recipe).models]
    ['A', 'A (2)']
    """
    taken: set[str] = set()
    models = []
    for model in recipe.models:
        own, number = model, 1
        while own.shown_as in taken:
            number += 1
            own = model.model_copy(update={"title": f"{model.title or model.name} ({number})"})
        taken.add(own.shown_as)
        models.append(own)
    return recipe.model_copy(update={"models": models})
