"""The study in one command, on a twin of 240 ECGs: our way, the published way, and killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from acsbench.errors import ConfigurationError, DataError
from acsbench.leaderboard import check_submission
from acsbench.recipes.graph import Choices
from acsbench.recipes.publication import FIGURES, load_publication, wide
from acsbench.recipes.recipe import Recipe, load_recipe
from acsbench.recipes.reproduce import Listener, Reproduction, reproduce
from acsbench.recipes.variants import variant_of
from acsbench.runs import open_run

TINY = """
name: tiny
dataset: nightingale
tasks: [acs, mace]
published: study
seed: 1
models:
  - {name: flags-logistic, title: Logistic on flags}
  - name: s4
    title: S4-ECG
    pretraining: &mace {task: mace}
    small:
      training: &short
        {precision: 32-true, epochs: 2, steps_per_epoch: 3, options: {width: 8, depth: 1}}
  - name: ecgomi
    title: ECG-OMI
    published_weights: true
    pretraining: *mace
    small: {training: {precision: 32-true, epochs: 1, steps_per_epoch: 3, options: {width: 4}}}
"""
S4, OMI = "S4-ECG (reduced)", "ECG-OMI (reduced, random weights)"


@pytest.fixture
def tiny(tmp_path: Path) -> Recipe:
    (tmp_path / "tiny.yaml").write_text(TINY)
    return load_recipe(str(tmp_path / "tiny.yaml"))


def test_small_models_say_so_and_keep_the_rest(tiny: Recipe) -> None:
    small, full = variant_of(tiny, small=True), variant_of(tiny, weights=True)
    assert [m.shown_as for m in small.models][1:] == [S4, OMI]
    assert [m.shown_as for m in full.models][1:] == ["S4-ECG", "ECG-OMI"]
    model = small.models[1]
    assert model.config().options == {"width": 8, "patch": 4, "depth": 1}
    assert model.config().epochs == 2
    assert full.models[1].config().epochs == 40
    assert small.models[0] == full.models[0]


def test_the_published_way_takes_the_study_s_choices(tiny: Recipe) -> None:
    recipe = variant_of(tiny, published=True)
    assert recipe.split == "study"
    flags, s4, ecgomi = recipe.models
    assert (flags.settings, s4.settings, ecgomi.settings) == ("default", "study", "study")
    assert (s4.reload, ecgomi.reload) == ("published", "trained")
    config, first = s4.config(), s4.pretraining_config()
    assert first is not None
    assert (config.optimizer, config.learning_rate, config.schedule) == ("adam", 1e-4, "plateau")
    assert (config.keep, first.keep, first.schedule) == ("best", "last", "constant")


def test_a_recipe_without_a_publication_or_small_scale_says_so() -> None:
    recipe = load_recipe("ptbxl")
    with pytest.raises(ConfigurationError, match="does not repeat a publication"):
        variant_of(recipe, published=True)
    with pytest.raises(ConfigurationError, match="does not define a small scale"):
        variant_of(recipe, small=True)


@pytest.mark.parametrize("published", [False, True])
def test_all_models_of_the_study_are_in_its_recipe(published: bool) -> None:
    recipe = variant_of(load_recipe("study"), small=True, published=published)
    titles = {model.title for model in recipe.models}
    named = load_publication("study").figures["auroc"]
    of_models = {name for name in named if "reading" not in name}
    assert of_models <= titles
    for model in recipe.models:
        assert model.is_network == ("reduced" in model.shown_as)
        first = model.pretraining_config()
        assert (first is not None) == model.is_network
    (hubert,) = (model for model in recipe.models if model.title == "HuBERT-ECG")
    assert hubert.shown_as == "HuBERT-ECG (reduced, random weights)"
    assert ("study-leads" in recipe.profiles()) == published


def test_both_ways_to_the_end(
    tiny: Recipe, twin: Path, tmp_path: Path, quick_reports: None
) -> None:
    small = variant_of(tiny, small=True)
    ours = done(small, twin, tmp_path / "ours")
    assert set(ours.evaluations) == {"acs", "mace"}
    mace, acs = (open_run(*ours.runs[task][S4]) for task in ("mace", "acs"))
    assert [step["task"] for step in acs.config["lineage"]] == ["mace", "acs"]
    assert [step["task"] for step in mace.config["lineage"]] == ["mace"]

    ids = pd.read_csv(twin / "holdout-labels" / "labels.csv", dtype=str)["ecg_id"]
    assert sorted(path.stem for path in ours.submissions) == sorted([OMI, S4])
    for path in ours.submissions:
        assert check_submission(path, ids).ok
        table = pd.read_csv(path, dtype={"ecg_id": str}).set_index("ecg_id")
        alone = pd.read_csv(tmp_path / "ours" / "holdout" / f"{path.stem}-mace.csv")
        assert list(table.columns) == ["acs", "mace"]
        assert table["mace"].to_numpy() == pytest.approx(alone["probability"].to_numpy())

    for folder in ours.evaluations.values():
        for name in (S4, OMI):
            assert name in (folder / "report.html").read_text()
        table = pd.read_csv(folder / "tables" / "discrimination.csv")
        assert {S4, OMI} <= set(table["model"])
    check_beside_published(ours)

    published = done(
        variant_of(tiny, small=True, published=True),
        twin,
        tmp_path / "published",
        beside=tmp_path / "ours",
    )
    check_reload(published)
    lost = tmp_path / "published" / "evaluation" / "acs" / "report.html"
    lost.unlink()
    lines: list[str] = []
    choices = Choices(beside=tmp_path / "ours")
    reproduce(
        variant_of(tiny, small=True, published=True),
        twin,
        tmp_path / "published",
        holdout=twin / "holdout",
        choices=choices,
        listener=Listener(report=lines.append),
    )
    assert [line[:7] for line in lines if line[0] == "["] == ["[20/20]"]  # one was done again
    assert lost.is_file()
    assert published.differences is not None
    page = published.differences.read_text()
    assert page.count("\n## ") == 8
    assert page.count(f"| {S4} |") == 7
    assert page.count(f"| {OMI} |") == 6
    assert "simulated" in page


def test_folders_that_do_not_go_together_are_told_at_once(
    tiny: Recipe, twin: Path, tmp_path: Path
) -> None:
    published = variant_of(tiny, published=True)
    out = tmp_path / "out"

    def refused(error: type[Exception], words: str, folder: Path = out, **other: Any) -> None:
        with pytest.raises(error, match=words):
            reproduce(other.pop("recipe", published), twin, folder, **other)
        assert not out.exists()

    refused(ConfigurationError, "is inside the dataset", twin)
    refused(ConfigurationError, "is inside the dataset", twin / "study")
    beside = {"choices": Choices(beside=tmp_path)}
    refused(ConfigurationError, "needs --published", recipe=tiny, **beside)
    refused(DataError, "no finished step of a recipe", **beside)
    refused(DataError, "no finished step", choices=Choices(beside=tmp_path / "nowhere"))
    refused(ConfigurationError, "are the same folder", choices=Choices(beside=out))
    step = {"digest": "", "made": ["prepared"], "seconds": 1, "files": []}
    (tmp_path / "prepared").mkdir()
    record = {"format": "acsbench-steps-1", "steps": {"preparing": step}}
    (tmp_path / "steps.json").write_text(json.dumps(record))
    refused(DataError, "3 steps are not finished, first .evaluating acs.", **beside)


def done(recipe: Recipe, twin: Path, out: Path, beside: Path | None = None) -> Reproduction:
    """Do a recipe, and make sure that a second call does nothing."""
    lines: list[str] = []
    words = {"holdout": twin / "holdout", "choices": Choices(beside=beside)}
    result = reproduce(recipe, twin, out, **words, listener=Listener(report=lines.append))
    steps = len(json.loads((out / "steps.json").read_text())["steps"])
    assert lines[-1].startswith(f"[{steps}/{steps}]")
    before = contents(out)
    lines.clear()
    again = reproduce(recipe, twin, out, **words, listener=Listener(report=lines.append))
    assert lines == [f"all {steps} steps are up to date"]
    assert contents(out) == before
    assert again.submissions == result.submissions
    return result


def contents(out: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in out.rglob("*")}


def check_beside_published(result: Reproduction) -> None:
    """The table has every published figure, and what the report says beside it."""
    assert result.beside_published is not None
    rows = pd.read_csv(result.beside_published)
    assert len(rows) == sum(map(len, load_publication("study").figures.values()))
    (row,) = rows[(rows["figure"] == "auroc") & (rows["model"] == S4)].to_dict("records")
    assert (row["published"], row["published_low"], row["published_high"]) == (0.703, 0.674, 0.731)
    content = json.loads((result.evaluations["acs"] / "evaluation.json").read_text())
    assert row["here"] == pytest.approx(content["models"][S4]["auroc"]["value"], abs=1e-5)
    assert rows["simulated"].all()
    shown = wide(rows, list(FIGURES))
    assert shown.loc[S4, "AUROC"].startswith("0.703 (0.674–0.731) | ")
    assert shown.loc["ResNet-18", "AUROC"] == "0.677 (0.647–0.706) | –"
    assert shown.loc["T abnormality (reading)", "PPV"].startswith("0.347 | ")


def check_reload(result: Reproduction) -> None:
    """The S4 that is judged is the reloaded one; what it was made of is still there."""
    run = open_run(*result.runs["acs"][S4])
    assert run.path.parent.name == "reloaded"
    trained = run.path.parents[1] / "runs" / run.path.name
    judged = run.predictions("valid")
    unfaulty = pd.read_csv(trained / "predictions-valid.csv", dtype={"ecg_id": str})
    assert list(judged.index) == list(unfaulty["ecg_id"])
    assert 0 < np.abs(judged.to_numpy() - unfaulty["probability"].to_numpy()).max() < 0.2
    assert "loader" in (run.path / "metrics.json").read_text()


RUN = """
import sys
from pathlib import Path
from acsbench.recipes.recipe import load_recipe
from acsbench.recipes.graph import Choices
from acsbench.recipes.reproduce import reproduce
from acsbench.recipes.variants import variant_of

if __name__ == "__main__":
    recipe, twin, out = map(Path, sys.argv[1:])
    small = variant_of(load_recipe(str(recipe)), small=True)
    reproduce(small, twin, out, holdout=twin / "holdout", choices=Choices(workers=2))
"""


@pytest.mark.slow
def test_killed_at_random_it_ends_as_if_it_had_not_been(
    tiny: Recipe, twin: Path, tmp_path: Path
) -> None:
    (tmp_path / "run.py").write_text(RUN)
    words = [sys.executable, tmp_path / "run.py", tmp_path / "tiny.yaml", twin]
    began = time.monotonic()
    subprocess.run([*words, tmp_path / "whole"], check=True)
    whole = time.monotonic() - began
    seed = np.random.SeedSequence().entropy
    rng = np.random.default_rng(seed)
    for delay in rng.uniform(0.1 * whole, 0.6 * whole, 3):
        process = subprocess.Popen([*words, tmp_path / "killed"], start_new_session=True)
        time.sleep(delay)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    subprocess.run([*words, tmp_path / "killed"], check=True)
    one, other = tmp_path / "whole", tmp_path / "killed"
    files = sorted(path.relative_to(one) for path in one.glob("submissions/*.csv"))
    files += sorted(path.relative_to(one) for path in one.glob("evaluation/*/tables/*.csv"))
    assert len(files) > 20
    for file in files:
        assert (one / file).read_bytes() == (other / file).read_bytes(), (file, seed)
    assert len(list((other / "runs").iterdir())) == len(list((one / "runs").iterdir()))
    assert not list(other.rglob("*.partial"))
