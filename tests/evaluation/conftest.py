from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest

from acsbench.cohort.build import Step
from acsbench.evaluation import EvaluationCohort, ModelPredictions


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
        parts = {s: values[(rows["split"] == s).to_numpy()] for s in ("valid", "test")}
        return ModelPredictions(name, parts["valid"], parts["test"], notes or {})

    return Made(cohort, model)


@pytest.fixture
def make() -> Callable[..., Made]:
    return make_study


@pytest.fixture(scope="session")
def study() -> Made:
    return make_study()
