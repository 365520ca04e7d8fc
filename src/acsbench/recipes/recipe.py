"""The recipe file."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from acsbench.shipped import load_yaml
from acsbench.training.config import TrainingConfig


class RecipeModel(BaseModel):
    """A model of a recipe and how to train it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    training: TrainingConfig = TrainingConfig()


class Recipe(BaseModel):
    """A whole study: dataset, tasks, split, models.

    Without `folds`, patients are split at random. `max_minutes` is the time for training all
    networks together.
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


def load_recipe(name_or_path: str) -> Recipe:
    """A recipe by its name, or from a YAML file of one's own.

    Raises:
        ConfigurationError: no recipe has that name.
        DataError: the file does not hold a recipe.
    """
    return load_yaml(name_or_path, "recipes", Recipe)
