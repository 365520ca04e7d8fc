"""Recipes with tasks in files of their own, odd ids, and titles that no file can have."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

from acsbench.datasets import open_dataset
from acsbench.errors import ConfigurationError, DataError
from acsbench.recipes.recipe import RecipeModel, load_recipe
from acsbench.recipes.reproduce import Listener, reproduce
from acsbench.runs import open_run
from acsbench.training.config import TrainingConfig
from acsbench.training.fit import train
from acsbench.training.predict import predict
from acsbench.waveforms.prepare import prepare
from tests.datasets.builders import wfdb_folder

MINE = """
name: mine
version: 1
population: age >= 18
label: acs
unit: ecg
description: A culprit artery.
"""
RECIPE = """
name: small
dataset: wfdb_folder
tasks: [tasks/mine.yaml]
models:
  - {name: logistic, title: "with age/sex"}
  - {name: logistic, title: "with age/sex", training: {options: {strength: 1.0e-9}}}
  - {name: logistic, title: "with age:sex", training: {options: {strength: 1.0e-9}}}
  - {name: boosted-trees, title: "../../outside", settings: tasks/few.yaml}
"""
ODD = ["nan", "None", "001", "1e5", "NA", "null"]


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    folder = tmp_path / "recipes"
    (folder / "tasks").mkdir(parents=True)
    (folder / "tasks" / "mine.yaml").write_text(MINE)
    (folder / "tasks" / "few.yaml").write_text("options: {trees: 3}\n")
    (folder / "small.yaml").write_text(RECIPE)
    return folder / "small.yaml"


@pytest.fixture(scope="module")
def ecgs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of which some ECGs have ids that look like missing values and numbers."""
    folder = wfdb_folder(tmp_path_factory.mktemp("own") / "ecgs", 100)
    labels = pd.read_csv(folder / "labels.csv", dtype=str, keep_default_na=False)
    labels.loc[: len(ODD) - 1, "ecg_id"] = ODD
    labels.to_csv(folder / "labels.csv", index=False)
    return folder


def test_it_runs_wherever_it_is_called_from(
    recipe: Path, ecgs: Path, tmp_path: Path, quick_reports: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    out = tmp_path / "deep" / "er" / "out"
    lines: list[str] = []
    result = reproduce(
        load_recipe("recipes/small.yaml"), ecgs, out, listener=Listener(report=lines.append)
    )
    runs = result.runs["mine"]
    names = ["with age/sex", "with age/sex (2)", "with age:sex", "../../outside"]
    assert list(runs) == names
    assert open_run(runs["../../outside"][0]).config["training"]["options"] == {"trees": 3}
    # Equal trainings are one run; the others are not.
    assert runs[names[1]] == runs[names[2]] != runs[names[0]]
    report = (result.evaluations["mine"] / "report.html").read_text()
    table = pd.read_csv(result.evaluations["mine"] / "tables" / "discrimination.csv")
    for name in names:
        assert name in report
        assert name in set(table["model"])
    files = {path.stem for path in (out / "seeds" / "mine").iterdir()}
    assert files == {"with age_sex", "with age_sex (2)", "with age_sex-2", "_.._outside"}
    assert {path.name for path in tmp_path.iterdir()} == {"recipes", "deep"}

    everyone = result.prepared.table(result.prepared.task())
    assert set(ODD) <= set(everyone["ecg_id"])
    run = open_run(runs[names[0]][0])
    predicted = pd.concat([run.predictions(split) for split in ("valid", "test")])
    held_out = everyone.loc[everyone["split"].isin(["valid", "test"]), "ecg_id"]
    assert set(predicted.index) == set(held_out)


def test_the_reported_case_runs(cases: Path, tmp_path: Path, quick_reports: None) -> None:
    ecgs = wfdb_folder(tmp_path / "ecgs", 60)
    labels = pd.read_csv(ecgs / "labels.csv", dtype=str)
    numbers = pd.factorize(labels["patient_id"])[0]
    labels = labels.assign(norm=labels["acs"], fold=(numbers % 10 + 1).astype(str))
    labels.to_csv(ecgs / "labels.csv", index=False)
    folder = cases / "recipe-own-task"
    result = reproduce(load_recipe(str(folder / "small.yaml")), ecgs, tmp_path / "out")
    assert list(result.evaluations) == ["mine"]
    assert (result.evaluations["mine"] / "report.html").is_file()


def test_a_task_is_named_by_its_file_wherever_one_is_named(
    recipe: Path, ecgs: Path, tmp_path: Path
) -> None:
    path = str(recipe.parent / "tasks" / "mine.yaml")
    dataset = open_dataset("wfdb_folder", ecgs)
    prepared = prepare(dataset, tmp_path / "prepared", tasks=[path, "simulated-acs"])
    assert prepared.task(path) == prepared.task("mine")
    run = train(prepared, "logistic", TrainingConfig(), tmp_path / "runs", task=path)
    assert run.config["task"]["name"] == "mine"
    assert len(predict(run, prepared, "test", path)) == len(run.predictions("test"))
    (recipe.parent / "tasks" / "mine.yaml").write_text(MINE.replace("18", "40"))
    with pytest.raises(ConfigurationError, match="the file of task 'mine' has changed"):
        prepared.task(path)
    with pytest.raises(DataError, match="cannot be read"):
        prepared.task(str(tmp_path / "nowhere.yaml"))


def test_two_tasks_of_one_name_are_refused(recipe: Path, ecgs: Path, tmp_path: Path) -> None:
    shutil.copytree(recipe.parent / "tasks", recipe.parent / "others")
    (recipe.parent / "others" / "mine.yaml").write_text(MINE.replace("18", "40"))
    text = RECIPE.replace("[tasks/mine.yaml]", "[tasks/mine.yaml, others/mine.yaml]")
    recipe.write_text(text)
    with pytest.raises(ConfigurationError, match="same name 'mine'"):
        reproduce(load_recipe(str(recipe)), ecgs, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ({"name": "logistic", "training": {"epochs": 3}}, "does not use the setting 'epochs'"),
        ({"name": "boosted-trees", "training": {"trees": 3}}, "did you mean 'options.trees'"),
        ({"name": "logistic", "pretraining": {"task": "acs"}}, "remove pretraining"),
        ({"name": "resnet6", "reload": "published"}, "only works for s4"),
        ({"name": "resnet6", "training": {"options": {"wide": 3}}}, "no option 'wide'"),
        (
            {"name": "resnet6", "pretraining": {"task": "acs", "training": {"epoch": 1}}},
            "did you mean 'epochs'",
        ),
    ],
)
def test_what_a_model_does_not_use_is_refused_before_anything_is_done(
    model: dict, words: str
) -> None:
    chosen = RecipeModel.model_validate(model)
    refuses = chosen.pretraining_config if chosen.pretraining else chosen.config
    with pytest.raises(ConfigurationError, match=words):
        refuses()


def test_the_demo_counts_epochs_not_minutes() -> None:
    recipe = load_recipe("demo")
    assert recipe.max_minutes is None
    for model in recipe.models:
        for config in (model.config(), model.pretraining_config()):
            # A clock would give a busy machine other figures.
            assert config is None or config.max_minutes is None
