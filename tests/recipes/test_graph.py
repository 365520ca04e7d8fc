"""The graph of a recipe: which steps there are, and what they start from."""

from __future__ import annotations

from pathlib import Path

import pytest

from acsbench.datasets import open_dataset
from acsbench.errors import DataError
from acsbench.recipes.graph import Choices, Graph, Planner, minutes_per_training
from acsbench.recipes.helper import Place
from acsbench.recipes.recipe import Recipe
from acsbench.recipes.reproduce import places_for
from acsbench.recipes.work import PREPARE, PREPARE_HOLDOUT, SUBMITTING, Source, Training
from acsbench.runs import CONFIG, METRICS, WEIGHTS

RECIPE = Recipe.model_validate(
    {
        "name": "two",
        "dataset": "nightingale",
        "tasks": ["acs", "mace"],
        "models": [
            {"name": "flags-logistic"},
            {
                "name": "hubert-small",
                "title": "HuBERT",
                "published_weights": True,
                "pretraining": {"task": "mace"},
                "seeds": 2,
            },
            {"name": "ecgomi", "published_weights": True},
        ],
    }
)


def graph(twin: Path, settings: Choices = Choices(), recipe: Recipe = RECIPE) -> Graph:  # noqa: B008
    dataset = open_dataset("nightingale", twin)
    holdout = open_dataset("nightingale_holdout", twin / "holdout")
    planner = Planner(recipe, dataset, Source("nightingale", twin), Path("out"), settings)
    return planner.graph(lambda *_: [], (holdout, lambda *_: []))


def trainings(made: Graph) -> dict[str, Training]:
    return {
        step.name: step.work.args[0]  # type: ignore[attr-defined]
        for step in made.steps
        if "training on" in step.name
    }


def test_each_training_is_there_once_after_what_it_starts_from(twin: Path) -> None:
    made = graph(twin)
    assert list(trainings(made)) == [
        "flags-logistic: training on acs",
        "flags-logistic: training on mace",
        "HuBERT-mean-of-2, seed 0: pre-training on mace",
        "HuBERT-mean-of-2, seed 0: training on acs",
        "HuBERT-mean-of-2, seed 1: pre-training on mace",
        "HuBERT-mean-of-2, seed 1: training on acs",
        "ecgomi: training on acs",
        "ecgomi: training on mace",
    ]
    steps = {step.name: step for step in made.steps}
    training = "HuBERT-mean-of-2, seed 1: training on acs"
    assert steps[training].needs == (PREPARE, "HuBERT-mean-of-2, seed 1: pre-training on mace")
    assert [model.shown_as for model in made.trained["mace"]] == [
        "flags-logistic",
        "HuBERT-mean-of-2",
        "ecgomi",
    ]
    assert steps[SUBMITTING].settings == ["HuBERT-mean-of-2", "ecgomi"]
    assert len(made.holdout) == 4
    for name in made.holdout:
        assert steps[name].needs[0] == PREPARE_HOLDOUT


def test_published_weights_are_where_the_first_training_starts(twin: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not a finished run"):
        graph(twin, Choices(weights=tmp_path))
    (tmp_path / METRICS).write_text("{}")
    (tmp_path / CONFIG).write_text("{model: hubert-small, task: {}, processing: {}}")
    (tmp_path / WEIGHTS).write_bytes(b"one")
    one = graph(twin, Choices(weights=tmp_path))
    starts = {name: training.weights for name, training in trainings(one).items()}
    assert [name for name, weights in starts.items() if weights == tmp_path] == [
        "HuBERT-mean-of-2, seed 0: pre-training on mace",
        "HuBERT-mean-of-2, seed 1: pre-training on mace",
        "ecgomi: training on acs",
        "ecgomi: training on mace",
    ]
    (tmp_path / WEIGHTS).write_bytes(b"other")
    other = graph(twin, Choices(weights=tmp_path))
    changed = {
        a.name for a, b in zip(one.steps, other.steps, strict=True) if a.settings != b.settings
    }
    assert changed == {name for name, weights in starts.items() if weights is not None}


def test_the_time_is_shared_out_equally_among_the_networks_trainings() -> None:
    # HuBERT: two seeds on two tasks, of which one is the pre-training's; ECG-OMI: two tasks.
    assert minutes_per_training(RECIPE, ["acs", "mace"], 60) == 10
    assert minutes_per_training(RECIPE, ["acs"], 50) == 10
    assert minutes_per_training(RECIPE, ["acs"]) is None


def test_networks_get_a_gpu_each_or_a_share_of_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("acsbench.recipes.reproduce.usable_cores", lambda: 8)
    one = RECIPE.model_copy(update={"models": RECIPE.models[2:]})  # one network
    assert places_for(one, Choices(workers=8)) == [Place(8)]
    assert places_for(RECIPE, Choices(workers=8)) == [Place(2)] * 3  # two seeds, and one
    assert places_for(RECIPE, Choices(workers=2)) == [Place(4)] * 2
    gpus = Choices(workers=8, gpus=("5", "7"))
    assert places_for(RECIPE, gpus) == [Place(4, "5"), Place(4, "7")]
    assert places_for(one, gpus) == [Place(4, "5")]
