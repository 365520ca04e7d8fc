from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from acsbench.cohort.build import Cohort, Step, build_cohort
from acsbench.cohort.manifest import Manifest
from acsbench.cohort.split import split_patients
from acsbench.cohort.task import Task, load_task
from acsbench.datasets import open_dataset
from acsbench.datasets.simulated.twin import simulate_twin
from acsbench.evaluation import EvaluationCohort, ModelPredictions, Settings
from acsbench.evaluation.analysis import Analysis
from acsbench.evaluation.inputs import read_cohort
from acsbench.waveforms.prepared import Prepared

FAST = Settings(resamples=30, show_small_cells=True)


@dataclass(frozen=True)
class Made:
    """A made-up study: 300 patients, and models of chosen strength."""

    cohort: EvaluationCohort
    model: Callable[..., ModelPredictions]


def make_study(patients: int = 300, prevalence: float = 0.4, seed: int = 0, **other: Any) -> Made:
    rng = np.random.default_rng(seed)
    patient = np.repeat(np.arange(patients), rng.integers(1, 4, patients))
    label = (rng.random(patients) < prevalence).astype(int)[patient]
    # Both labels in every split, whatever the numbers.
    split = np.array(["train", "valid", "test"])[patient % 3]
    table = pd.DataFrame(
        {
            "ecg_id": [f"ecg{i:04d}" for i in range(len(patient))],
            "patient_id": [f"pat{i:04d}" for i in patient],
            "label": label,
            "split": split,
        }
    )
    table = table.sample(frac=1, random_state=seed).reset_index(drop=True)
    settings: dict[str, Any] = {
        "table": table,
        "task_name": "made-up",
        "task_version": 3,
        "task_hash": "0123456789ab",
        "label_note": "Heads or tails.",
        "unit": "ecg",
        "dataset": "dice",
        "simulated": False,
        "flow": [
            Step("read", len(table) + 50, patients + 20),
            Step("known", len(table), patients),
        ],
        "provenance": {"split": "seed 0", "command": "acsbench evaluate <here>"},
    }
    cohort = EvaluationCohort(**(settings | other))
    of_patient = dict(
        zip(sorted(set(table["patient_id"])), rng.standard_normal(patients), strict=True)
    )

    def model(
        name: str, strength: float, seed: int = 1, notes: dict[str, str] | None = None
    ) -> ModelPredictions:
        own = np.random.default_rng(seed)
        rows = cohort.table
        logits = (
            strength * rows["label"].to_numpy()
            + rows["patient_id"].map(of_patient).to_numpy()
            + own.standard_normal(len(rows))
        )
        values = pd.Series(1 / (1 + np.exp(-logits)), index=pd.Index(rows["ecg_id"]))
        return ModelPredictions(name, values[(rows["split"] != "train").to_numpy()], notes or {})

    return Made(cohort, model)


@pytest.fixture(scope="session")
def make() -> Callable[..., Made]:
    return make_study


@pytest.fixture(scope="session")
def study() -> Made:
    return make_study()


@dataclass(frozen=True, eq=False)
class TablesOnly(Prepared):
    """A prepared folder without files: the tables of a dataset, and no waveforms."""

    joined: pd.DataFrame
    cohorts: Sequence[Cohort]

    def flow(self, task: Task) -> list[Step]:
        return list(self._cohort(task).flow)

    def table(self, task: Task) -> pd.DataFrame:
        table = self._cohort(task).table
        return table.assign(split=table["patient_id"].map(split_patients(self.cohorts, 0)))

    def ecgs(self) -> pd.DataFrame:
        known = pd.concat([cohort.table["ecg_id"] for cohort in self.cohorts])
        return self.joined[self.joined["ecg_id"].isin(known)]

    def manifest(self) -> Manifest:
        digests = {c.task.name: {"train": "1", "valid": "2", "test": "3"} for c in self.cohorts}
        return Manifest("patients", 0, "", {}, digests, "0")

    def _cohort(self, task: Task) -> Cohort:
        return next(cohort for cohort in self.cohorts if cohort.task.name == task.name)


@pytest.fixture(scope="session")
def twin(tmp_path_factory: pytest.TempPathFactory) -> TablesOnly:
    """The simulated twin of the study's dataset, half of it tested, without waveforms."""
    folder = tmp_path_factory.mktemp("twin") / "twin"
    simulate_twin(folder, ecgs=6000, seed=3, tested_share=0.5, tables_only=True)
    joined = open_dataset("nightingale", folder).tables.joined()
    tasks = [load_task(name) for name in ("acs", "mace")]
    meta = {
        "simulated": True,
        "dataset": "twin",
        "input_hash": "0" * 64,
        "profiles": [],
        "tasks": {task.name: {"task": task.model_dump()} for task in tasks},
    }
    cohorts = [build_cohort(joined, task, "twin") for task in tasks]
    return TablesOnly(Path("twin"), meta, joined, cohorts)


@pytest.fixture(scope="session")
def guesses(twin: TablesOnly) -> Callable[..., pd.Series]:
    """Probabilities of every ECG, which know more or less of who was treated."""
    table = twin.ecgs()
    patient = pd.factorize(table["patient_id"])[0]
    treated = table["stent_or_cabg_010_day"].fillna(False).to_numpy(dtype=float)

    def made(strength: float, seed: int = 0) -> pd.Series:
        rng = np.random.default_rng(seed)
        noise = rng.standard_normal(len(table)) + rng.standard_normal(len(table))[patient]
        logits = strength * (treated - 0.4) + 0.5 * noise - 0.5
        return pd.Series(1 / (1 + np.exp(-logits)), index=pd.Index(table["ecg_id"], dtype=object))

    return made


@pytest.fixture(scope="session")
def twin_analysis(twin: TablesOnly, guesses: Callable[..., pd.Series]) -> Analysis:
    """Three models of falling strength on the twin."""
    cohort = read_cohort(twin, twin.task("acs"))
    models = [
        ModelPredictions(name, guesses(strength, seed))
        for seed, (name, strength) in enumerate({"good": 0.9, "fair": 0.5, "poor": 0.1}.items())
    ]
    return Analysis(cohort, models, FAST)
