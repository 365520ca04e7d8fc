"""What an evaluation starts from: who counts, and what each model said about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from acsbench.cohort.build import Step
from acsbench.cohort.counts import SPLIT_NAMES
from acsbench.cohort.split import SPLITS, UNUSED
from acsbench.errors import ConfigurationError, DataError

COLUMNS = ("ecg_id", "patient_id", "label", "split")


@dataclass(frozen=True, eq=False)
class EvaluationCohort:
    """The ECGs of a task, checked on construction.

    Args:
        table: one row per ECG: `ecg_id`, `patient_id`, `label` (0/1) and `split` (`train`,
            `valid`, `test`, or `unused`, which is left out). Kept in the order of `ecg_id`, so
            that results do not depend on that of the rows.
        task_name, task_version, task_hash: the task.
        label_note: a sentence on what the labels are, repeated on the report and the figure.
        unit: what one prediction is about, `ecg` or `encounter`.
        dataset: the dataset's name.
        simulated: no patient was involved; every table and figure says so.
        flow: how many ECGs and patients were left after each step.
        provenance: further facts to record, such as hashes and the command.

    Raises:
        ConfigurationError: patients are not named, so that no interval can be computed.
        DataError: a column is missing, an ECG occurs twice, a label is not 0/1, a split is
            unknown or empty, a patient is in two splits, or the test or validation labels are
            all the same.
    """

    table: pd.DataFrame
    task_name: str
    task_version: int
    task_hash: str
    label_note: str
    unit: str
    dataset: str
    simulated: bool
    flow: Sequence[Step] = ()
    provenance: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if "patient_id" not in self.table or self.table["patient_id"].isna().any():
            raise ConfigurationError(
                "the ECGs of a patient resemble one another, and intervals must know which belong "
                "together: give every ECG a patient_id"
            )
        for column in COLUMNS:
            if column not in self.table:
                raise DataError(
                    "the cohort lacks a column", column=column, fix=f"It needs {', '.join(COLUMNS)}"
                )
        table = self.table[list(COLUMNS)]
        table = table[table["split"] != UNUSED].sort_values("ecg_id", ignore_index=True)
        _check(table)
        object.__setattr__(self, "table", table)

    @property
    def dataset_title(self) -> str:
        """The dataset's name, which says so if it is simulated."""
        mark = self.simulated and "simulated" not in self.dataset.lower()
        return f"{self.dataset} (simulated)" if mark else self.dataset

    def split(self, name: str) -> pd.DataFrame:
        """The rows of a split, in the order of `ecg_id`."""
        return self.table[self.table["split"] == name].reset_index(drop=True)

    def sample(self, split: str, probabilities: pd.Series) -> Sample:
        """A split with the probabilities of one model, row by row."""
        rows = self.split(split)
        return Sample(
            rows["label"].to_numpy(dtype=np.int64),
            rows["patient_id"].to_numpy(dtype=object),
            probabilities.loc[rows["ecg_id"]].to_numpy(dtype=np.float64),
        )


@dataclass(frozen=True, eq=False)
class Sample:
    """ECGs as statistics take them: labels, patients, probabilities, each of shape (n,)."""

    labels: NDArray[np.int64]
    patients: NDArray[np.object_]
    probabilities: NDArray[np.float64]

    def patients_by_label(self) -> tuple[int, int]:
        """How many patients have an ECG with label 1, and how many one with label 0."""
        with_label, without = (len(set(self.patients[self.labels == label])) for label in (1, 0))
        return with_label, without


@dataclass(frozen=True, eq=False)
class ModelPredictions:
    """What one model said.

    Args:
        name: shown in tables and figures.
        valid, test: probabilities indexed by `ecg_id`, one for each ECG of the split.
        notes: what a reader should know of the model, such as how it handled class imbalance.
    """

    name: str
    valid: pd.Series
    test: pd.Series
    notes: Mapping[str, str] = field(default_factory=dict)


def check_models(cohort: EvaluationCohort, models: Sequence[ModelPredictions]) -> None:
    """Make sure that every model has a name of its own and one probability per ECG.

    Raises:
        ConfigurationError: there is no model, or two have the same name.
        DataError: a probability is missing, belongs to no ECG of the split, or is none.
    """
    names = [model.name for model in models]
    if not names:
        raise ConfigurationError("there are no predictions to evaluate")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigurationError(f"two models are called {twice[0]!r}; give each its own name")
    for model in models:
        for split, series in (("valid", model.valid), ("test", model.test)):
            _check_series(series, cohort.split(split)["ecg_id"], f"{model.name}, {split}")


def _check_series(series: pd.Series, ids: pd.Series, source: str) -> None:
    fix = "Predict every ECG of the split once"
    given = pd.Index(series.index)
    missing = pd.Index(ids).difference(given)
    surplus = given.difference(pd.Index(ids))
    for problem, found in (
        (f"{given.duplicated().sum()} ECGs are predicted twice", given[given.duplicated()]),
        (f"{len(missing)} ECGs of the split have no prediction", missing),
        (f"{len(surplus)} predictions are for ECGs outside the split", surplus),
    ):
        if len(found):
            raise DataError(problem, file=source, private=some_ids(found), fix=fix)
    values = pd.to_numeric(series, errors="coerce").to_numpy(dtype=np.float64)
    wrong = ~((values >= 0) & (values <= 1))
    if wrong.any():
        raise DataError(
            f"{wrong.sum()} predictions are no probabilities",
            file=source,
            private=some_ids(given[wrong]),
            fix="Give numbers from 0 to 1",
        )


def _check(table: pd.DataFrame) -> None:
    twice = table.loc[table["ecg_id"].duplicated(), "ecg_id"]
    if len(twice):
        raise DataError(
            f"{len(twice)} ECGs are listed twice",
            column="ecg_id",
            private=some_ids(twice),
            fix="Keep one row for each",
        )
    if not table["label"].isin([0, 1]).all():
        raise DataError(
            "a label is neither 0 nor 1", column="label", fix="Leave out ECGs without a label"
        )
    unknown = sorted(set(table["split"].astype(str)) - set(SPLITS))
    if unknown:
        raise DataError(
            f"there is a split called {unknown[0]!r}",
            column="split",
            fix=f"Use {', '.join(SPLITS)} or {UNUSED}",
        )
    splits = table.drop_duplicates(["patient_id", "split"])
    crossing = splits.loc[splits["patient_id"].duplicated(), "patient_id"].unique()
    if len(crossing):
        raise DataError(
            f"{len(crossing)} patients have ECGs in more than one split",
            column="split",
            private=some_ids(crossing),
            fix="Split by patient, so that no model is tested on patients it has seen",
        )
    for split in ("valid", "test"):
        labels = table.loc[table["split"] == split, "label"]
        if labels.nunique() < 2:
            raise DataError(
                f"the {len(labels)} ECGs of the {SPLIT_NAMES[split]} split do not have both labels",
                column="split",
                fix="Check the split and the task's label",
            )
    if table.loc[table["split"] == "test", "patient_id"].nunique() < 2:
        raise DataError(
            "all test ECGs belong to one patient",
            column="patient_id",
            fix="Give patients their own ids, and the test split more of them",
        )


def some_ids(ids: pd.Series | pd.Index | NDArray[np.object_], shown: int = 20) -> str:
    """The first ids of many, for messages that may name them."""
    text = ", ".join(str(value) for value in ids[:shown])
    return text if len(ids) <= shown else f"{text} and {len(ids) - shown} more"
