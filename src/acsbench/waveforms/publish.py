"""The files of a prepared folder, other than waveforms and signs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from acsbench import __version__
from acsbench.cohort.build import Cohort, asked_for
from acsbench.cohort.manifest import Manifest
from acsbench.cohort.split import UNUSED
from acsbench.cohort.task import Task
from acsbench.cohort.variables import VARIABLES
from acsbench.datasets import Dataset, Rejected
from acsbench.files import write_json, write_text, written_whole
from acsbench.waveforms.croissant import CROISSANT, croissant
from acsbench.waveforms.plan import Plan
from acsbench.waveforms.prepared import ECGS, LEFT_OUT, MANIFEST, PREPARED, Prepared, open_prepared


@dataclass(frozen=True, eq=False)
class Content:
    """What is published.

    Args:
        cohorts: of each task.
        splits: by task, the split of each patient id.
        manifest: of the splits.
        ecgs: one row per prepared ECG of any task.
        unreadable: ECGs without a usable row or recording.
        poor: ECGs excluded for their quality.
    """

    cohorts: Sequence[Cohort]
    splits: dict[str, pd.Series]
    manifest: Manifest
    ecgs: pd.DataFrame
    unreadable: Sequence[Rejected]
    poor: Sequence[Rejected]


def publish(out: Path, dataset: Dataset, plan: Plan, content: Content) -> Prepared:
    """Write tables, manifest, `prepared.json` and the Croissant description."""
    unused = _unused_columns(dataset, plan.tasks)
    _write_tables(out, content, unused)
    write_json(out / MANIFEST, asdict(content.manifest))
    notes = [f"columns that no task names are not copied: {', '.join(unused)}"] if unused else []
    meta = {
        "version": __version__,
        "dataset": dataset.name,
        "simulated": dataset.simulated,
        "input_hash": plan.input_hash,
        "plan": plan.fixed(),
        "profiles": list(plan.profiles),
        "signs": plan.signs,
        "left_out": [item.error.problem for item in content.unreadable],
        "notes": [*dataset.notes, *notes],
        "terms": asdict(dataset.terms),
        "unfilled": dataset.tables.unfilled,
        "tasks": {cohort.task.name: _task_entry(cohort) for cohort in content.cohorts},
    }
    write_json(out / PREPARED, meta)
    prepared = open_prepared(out)
    write_json(out / CROISSANT, croissant(prepared))
    return prepared


def _unused_columns(dataset: Dataset, tasks: Sequence[Task]) -> list[str]:
    """The user's own columns that no task and no variable names; they may identify patients."""
    own = dataset.own_columns
    wanted = {variable.column for variable in VARIABLES}.union(*(asked_for(t, own) for t in tasks))
    return [column for column in own if column not in wanted]


def _write_tables(out: Path, content: Content, unused: Sequence[str]) -> None:
    for cohort in content.cohorts:
        split = cohort.table["patient_id"].map(content.splits[cohort.task.name])
        table = cohort.table.assign(split=split.fillna(UNUSED))
        with written_whole(out / "tasks" / f"{cohort.task.name}.parquet") as path:
            table.to_parquet(path, index=False)
        with written_whole(out / "tasks" / f"{cohort.task.name}.csv") as path:
            table.to_csv(path, index=False, lineterminator="\n")
    with written_whole(out / ECGS) as path:
        ecgs = content.ecgs.drop(columns=["path", "source_row", *unused])
        ecgs.to_parquet(path, index=False)
    left_out = [*content.unreadable, *content.poor]
    reasons = pd.DataFrame(
        [{"ecg_id": r.ecg_id, "reason": r.error.message(show_ids=True)} for r in left_out],
        columns=["ecg_id", "reason"],
    )
    write_text(out / LEFT_OUT, reasons.to_csv(index=False, lineterminator="\n"))


def _task_entry(cohort: Cohort) -> dict[str, Any]:
    return {
        "task": cohort.task.model_dump(),
        "digest": cohort.task.digest,
        "flow": [asdict(step) for step in cohort.flow],
    }
