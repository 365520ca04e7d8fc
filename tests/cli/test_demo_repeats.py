"""One seed gives one demo: the same figures, predictions and board."""

from __future__ import annotations

import json
import multiprocessing
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from acsbench.cli.demo import command
from acsbench.leaderboard.boards import ranking
from acsbench.leaderboard.database.connect import open_database
from acsbench.leaderboard.phases import current_phase
from acsbench.leaderboard.settings import open_folder
from acsbench.recipes import recipe as recipes
from acsbench.recipes.recipe import Recipe

TIMES = r"\d{8}T\d{6}\.\d{3}Z|\d{4}-\d{2}-\d{2} \d{2}:\d{2} UTC"
VARYING = {"environment.json", "steps.json", "croissant.json", "prepared.json"}
"""Files that say when, where and how long something was done."""


def figures(demo: Path) -> dict[str, Any]:
    """All that a demo found, by file, without times and paths."""
    (study,) = demo.glob("study-*")
    found: dict[str, Any] = {}
    for path in sorted(study.rglob("*")):
        parts = path.relative_to(study).parts
        if path.is_dir() or parts[0] == "board" or path.name in VARYING:
            continue
        name = re.sub(TIMES, "TIME", "/".join(parts))
        if path.suffix in (".safetensors", ".npy", ".parquet", ".png"):
            found[name] = path.read_bytes()
            continue
        text = path.read_text("utf-8").replace(str(demo), "DEMO")
        text = re.sub(TIMES, "TIME", text)
        if path.name == "history.csv":
            text = re.sub(r",[^,]*$", "", text, flags=re.MULTILINE)  # seconds
        if path.name == "evaluation.json":
            content = json.loads(text)
            # Digests of files that hold a time.
            content.get("files", {}).clear()
            text = json.dumps(content)
        found[name] = text
    folder = open_folder(study / "board")
    database = open_database(folder.database_url)
    try:
        phase = current_phase(database)
        assert phase is not None
        rows = ranking(database, "acs", phase).rows
        found["board"] = repr([replace(row, received_at=None) for row in rows])
        found["partition"] = folder.settings.partition_seed
    finally:
        database.dispose()
    return found


def spin() -> None:
    while True:
        pass


@contextmanager
def busy(loops: int) -> Iterator[None]:
    """A machine with something else to do."""
    processes = [multiprocessing.Process(target=spin, daemon=True) for _ in range(loops)]
    for process in processes:
        process.start()
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.join()


@pytest.mark.slow
def test_the_demo_gives_the_same_on_a_busy_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = recipes.load_recipe("demo")
    short = {"epochs": 2, "steps_per_epoch": 2, "options": {"width": 4, "hidden": 8}}

    def shortened(name: str) -> Recipe:
        models = [
            model.model_copy(
                update={
                    "training": short,
                    "pretraining": model.pretraining.model_copy(update={"training": {}}),
                }
            )
            if model.pretraining
            else model
            for model in whole.models
        ]
        return whole.model_copy(update={"models": models})

    monkeypatch.setattr(recipes, "load_recipe", shortened)
    command(out=tmp_path / "idle", ecgs=1000, seed=5)
    with busy(2):
        command(out=tmp_path / "busy", ecgs=1000, seed=5)
    one, other = figures(tmp_path / "idle"), figures(tmp_path / "busy")
    assert list(one) == list(other)
    differing = [name for name in one if one[name] != other[name]]
    assert differing == []
    assert one["partition"] == 5
    assert sum(name.startswith("evaluation/") for name in one) > 20
