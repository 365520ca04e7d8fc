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
from acsbench.datasets.schema import OLDEST
from acsbench.errors import DataError

ID, PATIENT = "ecg_id", "patient_id"
AGE = "age"
COVARIATES = ("sex", "race", AGE)
SIGN_PREFIX = "has_"
"""Columns with flags of a reading, such as `has_st_eleva`; they are no tasks either."""


@dataclass(frozen=True, eq=False)
class Holdout:
    """ECGs whose labels are hidden.

    Args:
        ecg_ids: of all ECGs to be predicted.
        patients: whom they belong to, numbered from 0, shape (n,).
        patient_ids: of the patients, by number.
        labels: of each task, shape (n,): 0 or 1, or NaN for an ECG that is not in the task.
        covariates: columns that tell groups and signs, one row per ECG.
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
    return holdout_of(_read_table(path), path)


def holdout_of(table: pd.DataFrame, file: Path | str | None = None) -> Holdout:
    """The holdout from its table.

    Args:
        table: one row per ECG: `ecg_id`, `patient_id`, a column of 0 and 1 per task, empty where
            an ECG is not in the task (one that is empty throughout is no task); and, if they are
            known, `sex`, `race`, `age` and flags of a reading whose names begin with `has_`.
        file: that errors name.

    Raises:
        DataError: a column is missing, an id is missing or occurs twice, a label is something
            else than 0, 1 or empty, or a task has fewer than two patients with, or without, the
            event.
    """
    for column in (ID, PATIENT):
        if column not in table:
            raise DataError(
                "the column is missing", file=file, column=column, fix=f"Give {ID} and {PATIENT}"
            )
    ids, patients = (_texts(table, column, file) for column in (ID, PATIENT))
    twice = ids.duplicated().to_numpy()
    if twice.any():
        row = int(np.flatnonzero(twice)[0])
        raise DataError(
            "the ECG occurs twice",
            file=file,
            row=row + 2,
            column=ID,
            private=ids.iloc[row],
            fix="Keep one row for each ECG",
        )
    if AGE in table:
        _check_ages(table[AGE], file)
    known = [c for c in table if c in COVARIATES or str(c).startswith(SIGN_PREFIX)]
    others = table[[column for column in table if column not in (ID, PATIENT, *known)]]
    # A table in memory may hold "" where one from a file holds nothing; a column of nothing else
    # is a task that this holdout has no labels of.
    others = others.mask(others == "").dropna(axis="columns", how="all")
    tasks = [str(column) for column in others]
    if not tasks:
        raise DataError("there is no column with labels", file=file, fix="Add acs, mace or both")
    numbers, names = pd.factorize(patients)
    labels = {task: _labels(others, task, numbers, file) for task in tasks}
    return Holdout(
        ecg_ids=tuple(ids),
        patients=numbers.astype(np.intp),
        patient_ids=tuple(names),
        labels=labels,
        covariates=table[known].reset_index(drop=True),
        digest=_digest(ids, patients, labels, table[known]),
    )


def read_ids(path: Path) -> tuple[str, ...]:
    """The ids of a table of ECGs, such as the list that participants predict.

    Raises:
        DataError: the file cannot be read, has no column `ecg_id`, or an id is missing or occurs
            twice.
    """
    table = _read_table(path)
    if ID not in table:
        raise DataError("the column is missing", file=path, column=ID, fix="Give the ECGs' ids")
    ids = _texts(table, ID, path)
    if ids.duplicated().any():
        row = int(np.flatnonzero(ids.duplicated().to_numpy())[0]) + 2
        raise DataError(
            "the ECG occurs twice", file=path, row=row, column=ID, fix="Keep one row for each ECG"
        )
    return tuple(ids)


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


def _read_table(path: Path) -> pd.DataFrame:
    """A CSV file as text."""
    try:
        return pd.read_csv(path, dtype=str, encoding="utf-8-sig")
    except (ValueError, OSError) as error:
        raise DataError(
            f"the table cannot be read ({type(error).__name__})",
            file=path,
            fix="Give a CSV file in UTF-8 with a header",
        ) from error


def _texts(table: pd.DataFrame, column: str, file: Path | str | None) -> pd.Series:
    """A column of ids as text."""
    missing = table[column].isna().to_numpy() | (table[column].astype(str) == "").to_numpy()
    if missing.any():
        raise DataError(
            f"{missing.sum():,} rows have no id",
            file=file,
            row=int(np.flatnonzero(missing)[0]) + 2,
            column=column,
            fix="Fill them in, or leave those rows out",
        )
    return table[column].astype(str).reset_index(drop=True)


def _check_ages(ages: pd.Series, file: Path | str | None) -> None:
    """Refuse an age that no subgroup could hold; an empty one is unknown."""
    filled = ages.notna() & (ages.astype(str).str.strip() != "")
    bad = (filled & ~read_ages(ages).between(0, OLDEST)).to_numpy()
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise DataError(
            AGE_PROBLEM,
            file=file,
            row=row + 2,
            column=AGE,
            private=f"found {ages.iloc[row]!r}",
            fix=f"{AGE_FIX}, or leave the cell empty",
        )


def _labels(
    table: pd.DataFrame, task: str, patients: NDArray[np.intp], file: Path | str | None
) -> NDArray[np.float64]:
    """The labels of a task; NaN where an ECG has none."""
    column = table[task]
    labels = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    wrong = column.notna().to_numpy() & ~np.isin(labels, (0, 1))
    if wrong.any():
        raise DataError(
            f"{wrong.sum():,} labels are something else than 0 or 1",
            file=file,
            row=int(np.flatnonzero(wrong)[0]) + 2,
            column=task,
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
