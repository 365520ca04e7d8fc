from pathlib import Path

import pandas as pd
import pytest

from acsbench.errors import ConfigurationError, DataError
from acsbench.recipes.graph import Choices
from acsbench.recipes.recipe import RecipeModel, load_recipe
from acsbench.recipes.reproduce import reproduce
from acsbench.runs import open_run
from acsbench.shipped import shipped_names
from tests.datasets.builders import ptbxl_folder

TWO_SEEDS = """
name: small
dataset: ptbxl
tasks: [ptbxl-mi]
folds: {train: [1, 2, 3, 4, 5, 6], valid: [7, 8], test: [9, 10]}
models:
  - name: logistic
  - {name: logistic, title: weak, training: {options: {strength: 1.0e-9}}}
  - name: resnet18_1d
    seeds: 2
    training: {epochs: 1, options: {width: 4, hidden: 8}}
"""


@pytest.mark.parametrize("name", shipped_names("recipes"))
def test_a_shipped_recipe_can_be_trained(name: str) -> None:
    recipe = load_recipe(name)
    for model in recipe.models:
        assert model.config().epochs >= 1
        first = model.pretraining_config()
        if first is not None:
            assert first.options == model.config().options
    shown = [model.shown_as for model in recipe.models]
    assert len(set(shown)) == len(shown)
    assert recipe.profiles()[0] == "study-rows"


def test_settings_of_a_recipe_go_over_those_of_the_model() -> None:
    model = RecipeModel(
        name="resnet18_1d",
        settings="study",
        training={"epochs": 3, "options": {"width": 8}},
        pretraining={"task": "mace", "training": {"epochs": 1}},
    )
    config, first = model.config(), model.pretraining_config()
    assert first is not None
    assert (config.optimizer, config.epochs, first.epochs) == ("adam", 3, 1)
    assert config.options == first.options == {"width": 8}


def test_what_is_prepared_follows_from_the_models(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text("name: r\ndataset: ptbxl\nmodels: [{name: hubert-small}]\n")
    recipe = load_recipe(str(path))
    assert recipe.profiles() == ["study-rows", "hubert"]
    assert not recipe.needs_signs()
    path.write_text("name: r\ndataset: ptbxl\nmodels: [{name: boosted-trees}]\n")
    assert load_recipe(str(path)).needs_signs()


def test_a_faulty_recipe_is_told(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text("name: r\ndataset: ptbxl\nmodels: [{name: logistic, seeds: 0}]\n")
    with pytest.raises(DataError, match="seeds"):
        load_recipe(str(path))
    with pytest.raises(ConfigurationError, match="did you mean 'epochs'"):
        RecipeModel(name="resnet18_1d", training={"epoch": 3}).config()


def test_seeds_are_evaluated_as_their_mean(tmp_path: Path, quick_reports: None) -> None:
    (tmp_path / "small.yaml").write_text(TWO_SEEDS)
    data = ptbxl_folder(tmp_path / "ptbxl", 120)
    result = reproduce(
        load_recipe(str(tmp_path / "small.yaml")),
        data,
        tmp_path / "out",
        choices=Choices(seed=4),
    )
    runs = result.runs["ptbxl-mi"]
    network = [open_run(path) for path in runs["resnet18_1d-mean-of-2"]]
    assert [run.config["training"]["seed"] for run in network] == [4, 5]
    assert len(runs["logistic"]) == len(runs["weak"]) == 1
    folder = tmp_path / "out" / "seeds" / "ptbxl-mi"
    mean = pd.read_csv(folder / "resnet18_1d-mean-of-2.csv", dtype={"ecg_id": str})
    one, two = (run.predictions("test") for run in network)
    expected = ((one + two) / 2).loc[mean["ecg_id"].iloc[-len(one) :]]
    assert mean["probability"].iloc[-len(one) :].to_numpy() == pytest.approx(expected.to_numpy())
    assert (folder / "resnet18_1d-mean-of-2-seeds.csv").is_file()
    report = (tmp_path / "out" / "evaluation" / "ptbxl-mi" / "report.html").read_text()
    for name in ("logistic", "weak", "resnet18_1d-mean-of-2"):
        assert name in report
