"""The recipe file."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from acsbench.models.registry import READINGS, SIGNS, model_info
from acsbench.shipped import load_yaml
from acsbench.training.config import TrainingConfig
from acsbench.training.predictors import input_of
from acsbench.training.shipped import DEFAULT, settings_of, training_config

ALWAYS = "study-rows"
"""Profile that is made even if no model takes it: the printed page."""


class Pretraining(BaseModel):
    """A task to train a network on first, and settings that differ from those of its model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    task: str
    training: dict[str, Any] = Field(default_factory=dict)


class RecipeModel(BaseModel):
    """A model of a recipe and how to train it.

    Args:
        name: the model's name.
        settings: `default`, `study`, or a YAML file.
        training: settings that differ from those.
        seeds: runs that differ in their seed; their mean is evaluated.
        pretraining: what to train on first.
        title: its name in the report, where a recipe has the model twice.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    settings: str = DEFAULT
    training: dict[str, Any] = Field(default_factory=dict)
    seeds: int = Field(1, ge=1)
    pretraining: Pretraining | None = None
    title: str = ""

    @property
    def is_network(self) -> bool:
        """Whether it is a network, which takes time to train."""
        return model_info(self.name).kind == "network"

    @property
    def needs_readings(self) -> bool:
        """Whether it takes the cardiologist's readings in place of the waveform."""
        return model_info(self.name).input == READINGS

    @property
    def shown_as(self) -> str:
        """Its name in the report."""
        title = self.title or self.name
        return title if self.seeds == 1 else f"{title}-mean-of-{self.seeds}"

    def config(self) -> TrainingConfig:
        """How it is trained."""
        return training_config(settings_of(self.name, self.settings), self.training)

    def pretraining_config(self) -> TrainingConfig | None:
        """How it is trained first, if it is; the network is the same."""
        if self.pretraining is None:
            return None
        base = settings_of(self.name, self.settings)
        first = training_config(base, self.training, self.pretraining.training)
        return first.model_copy(update={"options": self.config().options})


class Recipe(BaseModel):
    """A whole study: dataset, tasks, split, models.

    `tasks` are evaluated; those of a pre-training are prepared with them. Without `folds`,
    patients are split at random. `max_minutes` is the time for training all networks together,
    and goes over what their own settings say.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    dataset: str
    tasks: list[str] = Field(default_factory=list)
    folds: dict[str, list[int]] | None = None
    seed: int = 0
    max_minutes: float | None = Field(None, gt=0)
    models: list[RecipeModel] = Field(min_length=1)

    def all_tasks(self) -> list[str]:
        """Tasks to prepare: those evaluated, and those of a pre-training."""
        earlier = [model.pretraining.task for model in self.models if model.pretraining]
        return list(dict.fromkeys([*self.tasks, *earlier]))

    def profiles(self) -> list[str]:
        """Preparation profiles that the networks take."""
        taken = [
            input_of(model.name, model.config().options)
            for model in self.models
            if model.is_network
        ]
        return list(dict.fromkeys([ALWAYS, *taken]))

    def needs_signs(self) -> bool:
        """Whether a model takes measured signs."""
        return any(model_info(model.name).input == SIGNS for model in self.models)


def load_recipe(name_or_path: str) -> Recipe:
    """A recipe by its name, or from a YAML file of one's own.

    Raises:
        ConfigurationError: no recipe has that name.
        DataError: the file does not hold a recipe.
    """
    return load_yaml(name_or_path, "recipes", Recipe)
