"""The recipe file."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from acsbench.shipped import load_yaml
from acsbench.training.config import TrainingConfig


class Pretraining(BaseModel):
    """A task to train a network on first, and how."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    task: str
    training: TrainingConfig = TrainingConfig()


class RecipeModel(BaseModel):
    """A model of a recipe and how to train it; a pre-training has the same `options`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    training: TrainingConfig = TrainingConfig()
    pretraining: Pretraining | None = None


class Recipe(BaseModel):
    """A whole study: dataset, tasks, split, models.

    `tasks` are evaluated; those of a pre-training are prepared with them. Without `folds`,
    patients are split at random. `max_minutes` is the time for training all networks together.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    dataset: str
    tasks: list[str] = Field(default_factory=list)
    profile: str = "study-rows"
    folds: dict[str, list[int]] | None = None
    seed: int = 0
    max_minutes: float | None = Field(None, gt=0)
    models: list[RecipeModel] = Field(min_length=1)

    def all_tasks(self) -> list[str]:
        """Tasks to prepare: those evaluated, and those of a pre-training."""
        earlier = [model.pretraining.task for model in self.models if model.pretraining]
        return list(dict.fromkeys([*self.tasks, *earlier]))


def load_recipe(name_or_path: str) -> Recipe:
    """A recipe by its name, or from a YAML file of one's own.

    Raises:
        ConfigurationError: no recipe has that name.
        DataError: the file does not hold a recipe.
    """
    return load_yaml(name_or_path, "recipes", Recipe)
