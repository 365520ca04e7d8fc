"""Variants of a recipe: at small scale, or with the published study's own settings."""

from __future__ import annotations

from typing import Any

from acsbench.errors import ConfigurationError
from acsbench.recipes.recipe import Pretraining, Recipe, RecipeModel
from acsbench.training.shipped import STUDY

RANDOM_WEIGHTS = "random weights"
WITHOUT_VALIDATION = {"keep": "last", "schedule": "constant"}
"""The study's pre-training had no validation ECGs: no best epoch, no plateau."""


def variant_of(
    recipe: Recipe, *, small: bool = False, published: bool = False, weights: bool = False
) -> Recipe:
    """A variant of a recipe.

    Args:
        recipe: the recipe.
        small: reduce widths and steps.
        published: use the study's own split and settings.
        weights: start from published weights, where the recipe says so.

    Raises:
        ConfigurationError: the recipe does not have this variant.
    """
    if published:
        recipe = as_published(recipe)
    if small:
        recipe = at_small_scale(recipe)
    return recipe if weights else from_random_weights(recipe)


def at_small_scale(recipe: Recipe) -> Recipe:
    """Reduce widths and steps, for a few cores; the names of the models say so.

    Raises:
        ConfigurationError: the recipe does not define a small scale.
    """
    if not any(model.small for model in recipe.models):
        raise ConfigurationError(f"the recipe {recipe.name!r} does not define a small scale")
    return recipe.model_copy(update={"models": [_reduced(model) for model in recipe.models]})


def as_published(recipe: Recipe) -> Recipe:
    """Use the study's split, settings, pre-training without validation, and reload of S4.

    The study's split has no test ECGs: models are evaluated on the ECGs that chose their epoch,
    and thresholds come from the same labels.

    Raises:
        ConfigurationError: the recipe does not repeat a publication.
    """
    if not recipe.published:
        raise ConfigurationError(f"the recipe {recipe.name!r} does not repeat a publication")
    models = [_as_published(model) if model.is_network else model for model in recipe.models]
    return recipe.model_copy(update={"split": "study", "models": models})


def from_random_weights(recipe: Recipe) -> Recipe:
    """Start all models from random weights; the names of the models say so."""
    return recipe.model_copy(
        update={
            "models": [
                model.model_copy(update={"labels": (*model.labels, RANDOM_WEIGHTS)})
                if model.published_weights
                else model
                for model in recipe.models
            ]
        }
    )


def _reduced(model: RecipeModel) -> RecipeModel:
    small, first = model.small, model.pretraining
    if small is None:
        return model
    if first is not None:
        first = Pretraining(task=first.task, training=merged(first.training, small.pretraining))
    return model.model_copy(
        update={
            "training": merged(model.training, small.training),
            "pretraining": first,
            "labels": (*model.labels, small.label),
            "effort": small.effort or model.effort,
        }
    )


def _as_published(model: RecipeModel) -> RecipeModel:
    first = model.pretraining
    if first is not None:
        first = Pretraining(task=first.task, training=merged(first.training, WITHOUT_VALIDATION))
    return model.model_copy(
        update={
            "settings": STUDY,
            "pretraining": first,
            "reload": "published" if model.name == "s4" else "trained",
        }
    )


def merged(settings: dict[str, Any], later: dict[str, Any]) -> dict[str, Any]:
    """Settings overridden by later ones; options are merged."""
    both = settings | later
    options = settings.get("options", {}) | later.get("options", {})
    return both | {"options": options} if options else both
