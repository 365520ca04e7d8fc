"""The holdout: hidden labels, who belongs to whom, and its public and private part."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from acsbench.datasets.ages import AGE_FIX, AGE_PROBLEM, read_ages
from acsbench.datasets.flags import read_flags
from acsbench.datasets.schema import OLDEST
from acsbench.errors import DataError
from acsbench.spelling import PATIENT_MISSING, SAY_WHOSE, check_patients, is_no_patient
from acsbench.tables import is_missing, read_csv, to_numbers

ID, PATIENT = "ecg_id", "patient_id"
AGE = "age"
COVARIATES = ("sex", "race", AGE)
SIGN_PREFIX = "has_"
"""Columns with flags of a reading, such as `has_st_eleva`; they are no tasks either."""

_FIX = f"Give a CSV file with the columns {ID}, {PATIENT} and one for each task"


@dataclass(frozen=True, eq=False)
class Holdout:
    """ECGs whose labels are hidden.

    Args:
        ecg_ids: of all ECGs to be predicted.
        patients: whom they belong to, numbered from 0, shape (n,).
        patient_ids: of the patients, by number.
        labels: of each task, shape (n,): 0 or 1, or NaN for an ECG that is not in the task.
        covariates: columns that tell groups and signs, one row per ECG; `age` in years and flags
            as 1 and 0, NaN where unknown.
        digest: SHA-256 of all of it.
    """

    ecg_ids: tuple[str, ...]
    patients: NDArray[np.intp]
    patient_ids: tuple[str, ...]
    labels: Mapping[str, NDArray[np.float64]]
    covariates: pd.DataFrame
    digest: str

    @property
    def tasks(self) -> tuple[str, ...]:
        """Names of the tasks."""
        return tuple(self.labels)


def read_holdout(path: Path) -> Holdout:
    """Read the hidden labels; see `holdout_of` for the columns.

    Raises:
        DataError: the file cannot be read, or as for `holdout_of`.
    """
    return _holdout(read_csv(path, (ID, PATIENT), fix=_FIX), path)


def holdout_of(table: pd.DataFrame, file: Path | str | None = None) -> Holdout:
    """The holdout from its table.

    Args:
        table: one row per ECG: `ecg_id`, `patient_id`, a column of 0 and 1 per task, empty where
            an ECG is not in the task (one that is empty throughout is no task); and, if they are
            known, `sex`, `race`, `age` and flags of a reading whose names begin with `has_`.
        file: that errors name.

    Raises:
        DataError: a column is missing, an id is missing or occurs twice, a label is something
            else than 0, 1 or empty, an age is no age, a flag is neither yes nor no, or a task has
            fewer than two patients with, or without, the event.
    """
    return _holdout(table.set_axis(range(2, len(table) + 2)), file)


def _holdout(table: pd.DataFrame, file: Path | str | None) -> Holdout:
    """The holdout from its table, whose index holds the rows that errors name."""
    for column in (ID, PATIENT):
        if column not in table:
            found = f"no column {column!r}; found {len(table.columns)} columns"
            raise DataError(found, file=file, column=column, fix=_FIX)
    for column in table.columns[table.columns.duplicated()]:
        raise DataError(
            "the column is there twice", file=file, column=str(column), fix="Keep one of them"
        )
    ids, patients = (_ids(table, column, file) for column in (ID, PATIENT))
    check_patients(patients, patients.index.to_series(), file)
    covariates = _covariates(table, file)
    others = table[[column for column in table if column not in (ID, PATIENT, *covariates)]]
    texts = {str(column): _as_text(others[column]) for column in others}
    # A column without a value is a task that this holdout has no labels of.
    tasks = [task for task, text in texts.items() if not is_missing(text).all()]
    if not tasks:
        raise DataError("there is no column with labels", file=file, fix="Add acs, mace or both")
    numbers, names = pd.factorize(patients)
    labels = {task: _labels(texts[task], task, numbers, file) for task in tasks}
    return Holdout(
        ecg_ids=tuple(ids),
        patients=numbers.astype(np.intp),
        patient_ids=tuple(names),
        labels=labels,
        covariates=covariates.reset_index(drop=True),
        digest=_digest(ids, patients, labels, table[list(covariates)]),
    )


def read_ids(path: Path) -> tuple[str, ...]:
    """The ids of a table of ECGs, such as the list that participants predict.

    Raises:
        DataError: the file cannot be read, has no column `ecg_id`, or an id is missing or occurs
            twice.
    """
    fix = "Give the ids of the ECGs in a CSV file with the column ecg_id"
    return tuple(_ids(read_csv(path, (ID,), fix=fix), ID, path))


def public_part(holdout: Holdout, share: float = 0.5, seed: int = 0) -> NDArray[np.bool_]:
    """Which ECGs belong to the public part, shape (n,); the others are the private one.

    Patients are divided, whole and for all tasks at once. Which part a patient belongs to is told
    by a hash of the seed and the patient's id alone: it stays the same whatever becomes of labels
    and of other patients, and the public share is about, not exactly, what was asked for.

    Args:
        holdout: the holdout.
        share: of the patients whose ECGs are public, in [0, 1].
        seed: chooses another division.
    """
    limit = round(share * 2**64)
    public = [
        int.from_bytes(hashlib.sha256(f"{seed}:{patient}".encode()).digest()[:8]) < limit
        for patient in holdout.patient_ids
    ]
    return np.array(public, dtype=bool)[holdout.patients]


def _as_text(column: pd.Series) -> pd.Series:
    """A column of a file or of a table in memory; empty where a value is missing."""
    plain = column.map(lambda value: int(value) if isinstance(value, (bool, np.bool_)) else value)
    return plain.astype(object).where(column.notna(), "").astype(str).str.strip()


def _ids(table: pd.DataFrame, column: str, file: Path | str | None) -> pd.Series:
    """A column of ids as text; those of ECGs occur once."""
    ids = _as_text(table[column])
    faults = [
        (ids == "", "the ECG has no id", "Give it one, or remove the row"),
        (ids.duplicated(), "a row above has the same id", "Keep one row for each ECG"),
    ]
    if column == PATIENT:
        faults = [(is_no_patient(ids), PATIENT_MISSING, SAY_WHOSE)]
    for wrong, problem, fix in faults:
        if wrong.any():
            row = int(ids.index[wrong][0])
            raise DataError(
                problem, file=file, row=row, column=column, private=ids[row] or None, fix=fix
            )
    return ids


def _covariates(table: pd.DataFrame, file: Path | str | None) -> pd.DataFrame:
    """Groups and signs: flags and ages as numbers, sex and race as they are written."""
    known = [c for c in table if c in COVARIATES or str(c).startswith(SIGN_PREFIX)]
    covariates = table[known].copy()
    lines = table.index.to_series()
    for name in known:
        text = _as_text(covariates[name])
        if name == AGE:
            covariates[name] = _ages(text, file)
        elif name in COVARIATES:
            covariates[name] = covariates[name].mask(is_missing(text))
        else:
            covariates[name] = read_flags(text, file, lines)
    return covariates


def _ages(text: pd.Series, file: Path | str | None) -> pd.Series:
    """Ages in years; the oldest may be written as a class, such as `>89` or `90+`."""
    ages = read_ages(text.mask(is_missing(text)))
    wrong = ~is_missing(text) & ~ages.between(0, OLDEST)
    if wrong.any():
        row = int(text.index[wrong][0])
        raise DataError(
            AGE_PROBLEM,
            file=file,
            row=row,
            column=AGE,
            private=f"found {text[row]!r}",
            fix=f"{AGE_FIX}, or leave the cell empty",
        )
    return ages


def _labels(
    text: pd.Series, task: str, patients: NDArray[np.intp], file: Path | str | None
) -> NDArray[np.float64]:
    """The labels of a task; NaN where an ECG has none."""
    labels = to_numbers(text)
    wrong = ~is_missing(text) & ~np.isin(labels, (0, 1))
    if wrong.any():
        row = int(text.index[wrong][0])
        raise DataError(
            "the label is something else than 0 or 1",
            file=file,
            row=row,
            column=task,
            private=f"found {text[row]!r}",
            fix="Write 0 or 1, or leave the label empty where the ECG is not in the task; a column "
            f"that is no task is named {', '.join(COVARIATES)}, or begins with {SIGN_PREFIX}",
        )
    for value, who in ((1, "with"), (0, "without")):
        if len(np.unique(patients[labels == value])) < 2:
            raise DataError(
                f"fewer than two patients are {who} the event",
                file=file,
                column=task,
                fix="Leave the task out, or hold out more patients",
            )
    return labels


def _digest(
    ids: pd.Series,
    patients: pd.Series,
    labels: Mapping[str, NDArray[np.float64]],
    covariates: pd.DataFrame,
) -> str:
    columns: dict[str, Sequence[object]] = {ID: list(ids), PATIENT: list(patients)}
    columns |= {task: values.tolist() for task, values in labels.items()}
    columns |= {str(name): covariates[name].astype(str).tolist() for name in covariates}
    digest = hashlib.sha256()
    for name, values in columns.items():
        digest.update(repr((name, values)).encode())
    return digest.hexdigest()
