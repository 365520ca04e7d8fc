"""Splits that no patient crosses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from acsbench.cohort.build import Cohort
from acsbench.disclosure import shown_count
from acsbench.errors import ConfigurationError, DataError

SPLITS = ("train", "valid", "test")
UNUSED = "unused"
DEFAULT_SHARES = (0.7, 0.15, 0.15)
STUDY_VALID_SHARE = 0.3

Folds = Mapping[str, Sequence[int]]


def split_patients(
    cohorts: Sequence[Cohort], seed: int, shares: tuple[float, float, float] = DEFAULT_SHARES
) -> pd.Series:
    """Assign every patient of all tasks together to one split, at random within strata.

    A stratum holds the patients with the same tasks and the same labels (positive if any of
    the patient's ECGs is). The result does not depend on the order of the rows.

    Args:
        cohorts: one per task.
        seed: of the random numbers.
        shares: of train, valid and test; they add up to 1.

    Returns:
        Split by patient id.
    """
    if not np.isclose(sum(shares), 1) or min(shares) < 0:
        raise ConfigurationError(f"the shares {shares} are not positive or do not add up to 1")
    any_event = {
        cohort.task.name: cohort.table.groupby("patient_id")["label"].max() for cohort in cohorts
    }
    # A patient outside a task's population has no label in it: a stratum of its own (-1).
    patterns = pd.DataFrame(any_event).fillna(-1).astype(int).sort_index()
    rng = np.random.default_rng(seed)
    split = pd.Series("", index=patterns.index, dtype=object)
    borders = np.cumsum(shares)
    for _, stratum in patterns.groupby(list(patterns.columns)):
        # A random start keeps small strata from all rounding towards the same split.
        places = (rng.permutation(len(stratum)) + rng.random()) / len(stratum)
        number = np.searchsorted(borders, places, side="right").clip(max=len(SPLITS) - 1)
        split[stratum.index] = np.array(SPLITS, dtype=object)[number]
    return split


def split_as_study(cohort: Cohort) -> pd.Series:
    """The study's own split of a task: 70 % of its patients to train, 30 % to valid, none to test.

    Equal to scikit-learn's `train_test_split(patients, test_size=0.3, random_state=0)` over the
    patients in the order in which they first appear. Made for each task by itself, so that a
    patient of two tasks may train one and validate the other.

    Args:
        cohort: its table in the order of the dataset's own table of ECGs.

    Returns:
        Split by patient id.
    """
    patients = pd.unique(cohort.table["patient_id"])
    # The legacy generator, because the study's split came from it.
    order = np.random.RandomState(0).permutation(len(patients))
    held_out = int(np.ceil(STUDY_VALID_SHARE * len(patients)))
    split = np.full(len(patients), "train", dtype=object)
    split[order[:held_out]] = "valid"
    return pd.Series(split, index=pd.Index(patients, name="patient_id"))


def split_by_folds(ecg: pd.DataFrame, folds: Folds) -> pd.Series:
    """Assign patients by the dataset's own folds.

    Args:
        ecg: `patient_id` and `fold`, one row per ECG.
        folds: the folds of `train`, `valid` and `test`; patients of other folds are `unused`.

    Returns:
        Split by patient id.

    Raises:
        ConfigurationError: a fold is named twice, a split has none, or there are no folds.
        DataError: a patient is in two splits.
    """
    if "fold" not in ecg:
        raise ConfigurationError("the dataset has no folds of its own; use --split patients")
    missing = [name for name in SPLITS if not folds.get(name)]
    named = [fold for name in SPLITS for fold in folds.get(name, ())]
    if missing or len(named) != len(set(named)):
        raise ConfigurationError(
            "every fold belongs to one split and every split has a fold, as in "
            "train=1-6,valid=7,test=8"
        )
    split_of = {fold: name for name in SPLITS for fold in folds[name]}
    by_ecg = ecg["fold"].map(split_of).fillna(UNUSED)
    splits = by_ecg.groupby(ecg["patient_id"]).agg(["first", "nunique"])
    crossing = int((splits["nunique"] > 1).sum())
    if crossing:
        raise DataError(
            f"{shown_count(crossing)} patients have ECGs in folds of different splits",
            column="fold",
            private=", ".join(map(str, splits.index[splits["nunique"] > 1][:20])),
            fix="Keep all ECGs of a patient in one fold, or use --split patients",
        )
    return splits["first"]


def parse_folds(text: str) -> dict[str, list[int]]:
    """Folds per split from text.

    >>> parse_folds("train=1-3,5,valid=7,test=8")
    {'train': [1, 2, 3, 5], 'valid': [7], 'test': [8]}

    Raises:
        ConfigurationError: the text has another form.
    """
    folds: dict[str, list[int]] = {}
    name = ""
    try:
        for item in text.split(","):
            if "=" in item:
                name, _, item = (part.strip() for part in item.partition("="))
            if name not in SPLITS:
                raise ValueError(name)
            first, _, last = item.partition("-")
            folds.setdefault(name, []).extend(range(int(first), int(last or first) + 1))
    except ValueError as error:
        raise ConfigurationError(
            f"{text!r} does not name folds; write them as train=1-6,valid=7,test=8"
        ) from error
    return folds
