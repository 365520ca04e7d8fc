"""The split manifest: what a split is, so that it can be verified without publishing an id."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from acsbench.cohort.build import Cohort
from acsbench.cohort.counts import split_counts
from acsbench.cohort.split import SPLITS
from acsbench.disclosure import shown_count
from acsbench.errors import DataError

Counts = dict[str, dict[str, dict[str, str]]]
Digests = dict[str, dict[str, str]]


@dataclass(frozen=True)
class Manifest:
    """What a split is.

    Args:
        method: how patients were split.
        seed: of a random split.
        input_hash: of the dataset.
        counts: by task, split and what is counted, as text: small cells are hidden.
        digests: by task and split: SHA-256 over the sorted patient ids.
        crossing: patients who are in one split of a task and in another of another task.
    """

    method: str
    seed: int | None
    input_hash: str
    counts: Counts
    digests: Digests
    crossing: str


def make_manifest(
    cohorts: Sequence[Cohort],
    splits: Mapping[str, pd.Series],
    *,
    method: str,
    seed: int | None,
    input_hash: str,
    show_small_cells: bool = False,
) -> Manifest:
    """Count and digest a split.

    Args:
        cohorts: one per task.
        splits: by task, the split of each patient id.
        method, seed, input_hash: see `Manifest`.
        show_small_cells: show counts from 1 to 10.

    Raises:
        DataError: a split of a task holds ECGs with one label only, or its training or
            validation split none at all.
    """
    counts: Counts = {}
    digests: Digests = {}
    places: dict[str, set[str]] = {}
    for cohort in cohorts:
        name = cohort.task.name
        assigned = cohort.table["patient_id"].map(splits[name])
        table = cohort.table.assign(split=assigned)
        shown = split_counts(table, show_small_cells)
        counts[name] = {str(row): dict(shown.loc[row]) for row in shown.index}
        digests[name] = {}
        for split in SPLITS:
            part = table[assigned == split]
            patients = sorted(set(part["patient_id"]))
            _check_labels(part, split, name)
            digests[name][split] = hashlib.sha256("\n".join(patients).encode()).hexdigest()
            for patient in patients:
                places.setdefault(patient, set()).add(split)
    crossing = shown_count(sum(len(found) > 1 for found in places.values()), show_small_cells)
    return Manifest(method, seed, input_hash, counts, digests, crossing)


def verify_manifest(manifest: Manifest, path: Path) -> None:
    """Compare a split with a manifest that somebody else made.

    Raises:
        DataError: the file is no manifest, or a split holds other patients.
    """
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
        expected: Digests = content["digests"]
        # Only the tasks that both have can be compared; there must be one.
        tasks = sorted(set(expected) & set(manifest.digests))
        different = [
            f"{split} of {task}"
            for task in tasks
            for split in SPLITS
            if expected[task][split] != manifest.digests[task][split]
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            "this is no split manifest", file=path, fix="Give a split-manifest.json"
        ) from error
    if not tasks:
        raise DataError(
            "the manifest is of other tasks", file=path, fix="Prepare the tasks that it names"
        )
    if different:
        raise DataError(
            f"the patients differ in {', '.join(different)}",
            file=path,
            fix="Use the same dataset, tasks, seed and --split as the manifest's maker",
        )


def _check_labels(part: pd.DataFrame, split: str, task: str) -> None:
    # The study's own split has no test part: its test set is the hidden holdout.
    if part["label"].nunique() < 2 and (len(part) or split != "test"):
        raise DataError(
            f"the split {split!r} of task {task!r} has {shown_count(len(part))} ECGs and not both "
            "labels",
            fix="Take a larger dataset, another seed or other folds",
        )
