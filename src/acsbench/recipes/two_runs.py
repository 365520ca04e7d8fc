"""Two runs of a recipe that are compared: the study's way and ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from acsbench.errors import ConfigurationError, DataError
from acsbench.recipes.results import Results, open_results
from acsbench.recipes.steps import Made, made_in
from acsbench.runs import Run, open_run
from acsbench.statistics import Estimate, auroc
from acsbench.waveforms.prepared import Prepared, open_prepared


@dataclass(frozen=True)
class Network:
    """Names of the steps of a network that was pre-trained on one task and trained on another.

    Args:
        shown_as: name in the report.
        pretraining, training: the steps.
        reloaded: the step that repeats the study's reload, if there is one.
    """

    shown_as: str
    pretraining: str
    training: str
    reloaded: str | None = None


@dataclass(frozen=True, eq=False)
class Side:
    """One of the two runs.

    Args:
        made: files of its steps.
        prepared: tables and splits.
        results: its evaluation.
        task: the evaluated task.
    """

    made: Made
    prepared: Prepared
    results: Results
    task: str

    @staticmethod
    def of(made: Made, preparing: str, task: str) -> Side:
        """A run by the files of its steps and the name of the step that prepares."""
        results = open_results(made[evaluating(task)][0])
        return Side(made, open_prepared(made[preparing][0]), results, task)

    def run(self, step: str) -> Run:
        """The run that a step has trained."""
        return open_run(self.made[step][0])

    def rows(self, split: str) -> pd.DataFrame:
        """ECGs of the task in a split."""
        table = self.prepared.table(self.prepared.task(self.task))
        return table[table["split"] == split].reset_index(drop=True)

    def may_show(self, rows: pd.DataFrame) -> bool:
        """Whether results of these ECGs exist and may be shown."""
        exist = len(set(rows["label"])) == 2 and len(set(rows["patient_id"])) > 1
        return exist and self.prepared.may_show(rows)

    def auroc(self, step: str, split: str) -> Estimate | None:
        """AUROC of the run of a step in a split; None if it may not be shown."""
        rows = self.rows(split)
        if not self.may_show(rows):
            return None
        scores = self.run(step).predictions(split).loc[rows["ecg_id"]]
        return auroc(rows["label"], scores, rows["patient_id"])


@dataclass(frozen=True, eq=False)
class Pair:
    """Both runs, and the networks that they share."""

    ours: Side
    published: Side
    networks: Sequence[Network]


def evaluating(task: str) -> str:
    """Name of the step that evaluates a task."""
    return f"evaluating {task}"


def check_beside(beside: Path, out: Path, needed: Sequence[str]) -> None:
    """Check that a folder contains the other run of the recipe.

    Args:
        beside: the folder.
        out: folder of this run.
        needed: names of the steps that must be finished.

    Raises:
        ConfigurationError: both folders are the same.
        DataError: the folder contains no recipe, another recipe, or an unfinished one.
    """
    if beside.resolve() == out.resolve():
        raise ConfigurationError(
            "--beside and --out are the same folder; give --beside the folder of the run without "
            "--published"
        )
    made = made_in(beside)
    missing = [
        name for name in needed if name not in made or not all(path.exists() for path in made[name])
    ]
    if missing:
        raise DataError(
            f"{len(missing)} steps are not finished, first {missing[0]!r}",
            file=beside,
            fix="Finish that run with the same --scale, --weights and --seed",
        )
