"""What an evaluation starts from: who counts, and what each model said about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from acsbench.cohort.build import Step
from acsbench.cohort.counts import SPLIT_NAMES
from acsbench.cohort.split import SPLITS, UNUSED
from acsbench.errors import ConfigurationError, DataError

TEST, VALIDATION = "test", "valid"
COLUMNS = ("ecg_id", "patient_id", "label", "split")


@dataclass(frozen=True, eq=False)
class EvaluationCohort:
    """The ECGs of a task, checked on construction.

    Args:
        table: one row per ECG: `ecg_id`, `patient_id`, `label` (0/1) and `split` (`train`,
            `valid`, `test`, or `unused`, which is left out). Kept in the order of `ecg_id`, so
            that results do not depend on that of the rows.
        task_name, task_version, task_hash: the task.
        label_note: a sentence on what the labels are, repeated on the report and the figures.
        unit: what one prediction is about, `ecg` or `encounter`.
        dataset: the dataset's name.
        simulated: no patient was involved; every table and figure says so.
        flow: how many ECGs and patients were left after each step.
        provenance: further facts to record, such as hashes and the command.
        evaluated: the split whose labels the models are judged by, `test` or `valid`.
        covariates: whatever else is known of each ECG, indexed by `ecg_id`: of the task's own
            and, if others are there, of those that the task's population leaves out.
        elsewhere: other tasks on ECGs that this one leaves out.
        label_is_reading: the label is what somebody read in the ECG, not the patient's outcome.

    Raises:
        ConfigurationError: patients are not named, so that no interval can be computed.
        DataError: a column is missing, an ECG occurs twice, a label is not 0/1, a split is
            unknown or empty, a patient is in two splits, or the labels of a split are all the
            same.
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
    evaluated: str = TEST
    covariates: pd.DataFrame = field(default_factory=pd.DataFrame)
    elsewhere: Sequence[Elsewhere] = ()
    label_is_reading: bool = False

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
        # Python strings are looked up far faster than those of Arrow.
        table = table[table["split"] != UNUSED].astype({"ecg_id": object})
        table = table.sort_values("ecg_id", ignore_index=True)
        _check(table, self.evaluated)
        object.__setattr__(self, "table", table)
        index = pd.Index(self.covariates.index, dtype=object)
        object.__setattr__(self, "covariates", self.covariates.set_axis(index))

    @property
    def dataset_title(self) -> str:
        """The dataset's name, which says so if it is simulated."""
        mark = self.simulated and "simulated" not in self.dataset.lower()
        return f"{self.dataset} (simulated)" if mark else self.dataset

    @property
    def chooses_thresholds(self) -> bool:
        """Whether there are validation ECGs besides those that are evaluated."""
        return self.evaluated == TEST and bool((self.table["split"] == VALIDATION).any())

    def split(self, name: str) -> pd.DataFrame:
        """The rows of a split, in the order of `ecg_id`."""
        return self.table[self.table["split"] == name].reset_index(drop=True)

    def covariates_of(self, split: str) -> pd.DataFrame:
        """What is known of the ECGs of a split, row by row."""
        ids = self.split(split)["ecg_id"]
        return self.covariates.reindex(pd.Index(ids)).reset_index(drop=True)

    def patient_numbers(self, patient_ids: pd.Series) -> NDArray[np.intp]:
        """A number for each patient, the same in all splits and tasks; numbers count faster."""
        known = [self.table["patient_id"], *(o.table["patient_id"] for o in self.elsewhere)]
        everyone = pd.Index(sorted({str(patient) for ids in known for patient in ids}))
        return everyone.get_indexer(pd.Index(patient_ids.astype(str)))

    def sample(self, split: str, probabilities: pd.Series) -> Sample:
        """A split with the probabilities of one model, row by row."""
        rows = self.split(split)
        return Sample(
            rows["label"].to_numpy(dtype=np.int64),
            self.patient_numbers(rows["patient_id"]),
            probabilities.loc[rows["ecg_id"]].to_numpy(dtype=np.float64),
        )


@dataclass(frozen=True, eq=False)
class Sample:
    """ECGs as statistics take them: labels, numbers of patients, probabilities, shape (n,)."""

    labels: NDArray[np.int64]
    patients: NDArray[np.intp]
    probabilities: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Elsewhere:
    """Another task, on ECGs that the evaluated one leaves out.

    Args:
        name, label_note: the task.
        table: `ecg_id`, `patient_id`, `label` of the ECGs in the evaluated split, whose patients
            no model has been trained on.
    """

    name: str
    label_note: str
    table: pd.DataFrame


@dataclass(frozen=True, eq=False)
class ModelPredictions:
    """What one model said.

    Args:
        name: shown in tables and figures.
        probabilities: indexed by `ecg_id`: of every evaluated ECG, of all or none of the
            validation split, and of whatever else.
        notes: what a reader should know of the model, such as how it handled class imbalance.
    """

    name: str
    probabilities: pd.Series
    notes: Mapping[str, str] = field(default_factory=dict)

    def covers(self, ids: pd.Series) -> bool:
        """Whether each of these ECGs has a probability."""
        return bool(ids.isin(self.probabilities.index).all())


def check_models(cohort: EvaluationCohort, models: Sequence[ModelPredictions]) -> None:
    """Make sure that every model has a name of its own and one probability per ECG.

    Raises:
        ConfigurationError: there is no model, or two have the same name.
        DataError: a probability is missing, given twice, or is none.
    """
    names = [model.name for model in models]
    if not names:
        raise ConfigurationError("there are no predictions to evaluate")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigurationError(f"two models are called {twice[0]!r}; give each its own name")
    for model in models:
        _check_series(model.probabilities, model.name)
        for split in needed_splits(cohort, model.probabilities.index):
            check_covered(
                cohort.split(split)["ecg_id"], model.probabilities.index, split, model.name
            )


def needed_splits(cohort: EvaluationCohort, given: pd.Index) -> list[str]:
    """The evaluated split, and the validation split if any of its ECGs is predicted."""
    needed = [cohort.evaluated]
    if cohort.chooses_thresholds and cohort.split(VALIDATION)["ecg_id"].isin(given).any():
        needed.insert(0, VALIDATION)
    return needed


def check_covered(wanted: pd.Series, given: pd.Index, split: str, source: Path | str) -> None:
    """Make sure that all ECGs of a split are predicted.

    Raises:
        DataError: some are not.
    """
    missing = wanted[~wanted.isin(given)]
    if len(missing):
        raise DataError(
            f"{len(missing):,} of {len(wanted):,} {SPLIT_NAMES[split]} ECGs have no prediction",
            file=source,
            column="ecg_id",
            private=some_ids(missing),
            fix="Predict every ECG of the split",
        )


def _check_series(series: pd.Series, source: str) -> None:
    twice = series.index[series.index.duplicated()]
    values = pd.to_numeric(series, errors="coerce").to_numpy(dtype=np.float64)
    no_probability = series.index[~((values >= 0) & (values <= 1))]
    for problem, found, fix in (
        ("ECGs are predicted twice", twice, "Predict every ECG once"),
        ("predictions are no probabilities", no_probability, "Give numbers from 0 to 1"),
    ):
        if len(found):
            raise DataError(
                f"{len(found)} {problem}", file=source, private=some_ids(found), fix=fix
            )


def _check(table: pd.DataFrame, evaluated: str) -> None:
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
    for split in (VALIDATION, TEST):
        labels = table.loc[table["split"] == split, "label"]
        # Without validation ECGs no threshold is chosen; without evaluated ones there is nothing.
        if labels.nunique() < 2 and (len(labels) or split == evaluated):
            raise DataError(
                f"the {len(labels)} ECGs of the {SPLIT_NAMES[split]} split do not have both labels",
                column="split",
                fix="Check the split and the task's label",
            )
    if table.loc[table["split"] == evaluated, "patient_id"].nunique() < 2:
        raise DataError(
            f"all {SPLIT_NAMES[evaluated]} ECGs belong to one patient",
            column="patient_id",
            fix="Give patients their own ids, and the split more of them",
        )


def some_ids(ids: pd.Series | pd.Index | NDArray[np.object_], shown: int = 20) -> str:
    """The first ids of many, for messages that may name them."""
    text = ", ".join(str(value) for value in ids[:shown])
    return text if len(ids) <= shown else f"{text} and {len(ids) - shown} more"
