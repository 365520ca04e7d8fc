"""A dataset becomes a prepared folder: tables per task, split manifest, waveforms, signs.

`prepared.json` is written last: a folder that has it is finished. A second call with further
profiles adds them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from acsbench import __version__
from acsbench.cohort.build import UNLABELLED, Cohort, asked_for, build_cohort
from acsbench.cohort.manifest import make_manifest, verify_manifest
from acsbench.cohort.split import UNUSED, Folds, split_as_study, split_by_folds, split_patients
from acsbench.cohort.task import Task, load_task
from acsbench.cohort.variables import VARIABLES
from acsbench.datasets import Dataset, Rejected
from acsbench.errors import ConfigurationError
from acsbench.files import write_json, write_text, written_whole
from acsbench.waveforms.croissant import CROISSANT, croissant
from acsbench.waveforms.prepared import (
    ECGS,
    MANIFEST,
    PREPARED,
    WAVEFORMS,
    Prepared,
    open_prepared,
    splits_of,
)
from acsbench.waveforms.process import Progress, process
from acsbench.waveforms.profiles import get_profile
from acsbench.waveforms.quality import (
    QUALITY_REPORT,
    QualityChoice,
    left_out_for_quality,
    write_quality_report,
)
from acsbench.waveforms.shard import SIGNS, Source
from acsbench.waveforms.store import open_store

LEFT_OUT = "left-out.csv"
SplitMethod = Literal["patients", "folds", "study"]
KEEP_ALL = QualityChoice()

__all__ = ["LEFT_OUT", "Prepared", "open_prepared", "prepare", "splits_of"]


def prepare(
    dataset: Dataset,
    out: Path,
    *,
    tasks: Sequence[str] = (),
    profiles: Sequence[str] = ("study-rows",),
    signs: bool = True,
    split: SplitMethod = "patients",
    folds: Folds | None = None,
    seed: int = 0,
    manifest: Path | None = None,
    skip_faulty: bool = False,
    quality: QualityChoice = KEEP_ALL,
    quality_examples: int = 0,
    show_small_cells: bool = False,
    workers: int = 1,
    dask: str | None = None,
    progress: Progress | None = None,
) -> Prepared:
    """Prepare a dataset: cohorts, split by patient, waveforms, measured signs.

    Args:
        dataset: where the ECGs come from.
        out: the folder to write; an interrupted preparation resumes there.
        tasks: names or YAML files; the dataset's own unless given.
        profiles: preparation profiles of the waveforms, all made in one pass; those that a
            folder has already stay.
        signs: measure ST60, T amplitude and the classical signs as well, which takes many times as
            long as the waveforms; tabular models need them.
        split: `patients` at random over all tasks together, the dataset's own `folds`, or the
            `study`'s 70/30 of each task.
        folds: the dataset's folds of each split, for `folds`.
        seed: of the random split.
        manifest: a split manifest that the split must agree with.
        skip_faulty: leave out what cannot be read, counted and listed, instead of stopping.
        quality: which ECGs are left out for their quality, counted as a step of the flow.
        quality_examples: ECGs of each fault that the quality report shows; these are patients'
            waveforms.
        show_small_cells: show counts from 1 to 10 in the manifest; those of simulated ECGs are
            always shown.
        workers: processes.
        dask: address of a Dask scheduler that does the work instead.
        progress: called with the number of ECGs done and of all.

    Raises:
        DataErrors: ECGs cannot be used, and `skip_faulty` is false.
        ConfigurationError: there is no task, or `out` holds another preparation.
        DataError: the split does not agree with the manifest.
    """
    names = list(tasks or dataset.tasks)
    if names and not dataset.labelled:
        raise ConfigurationError("ECGs without labels have no task: name none with --task")
    if not names and dataset.labelled:
        raise ConfigurationError(
            f"{dataset.name} has no task of its own: name one with --task. {UNLABELLED}"
        )
    loaded = [load_task(name) for name in names]
    if len({task.name for task in loaded}) < len(loaded):
        raise ConfigurationError("two tasks have the same name; give each its own")
    joined = dataset.tables.joined()
    cohorts = [build_cohort(joined, task, dataset.table_name, dataset.all_rows) for task in loaded]
    splits = _split(dataset, cohorts, split, folds, seed)
    input_hash = dataset.input_hash()
    plan: dict[str, Any] = {
        "input_hash": input_hash,
        "tasks": {task.name: task.digest for task in loaded},
        "split": split,
        "seed": seed if split == "patients" else None,
        "folds": {name: list(numbers) for name, numbers in (folds or {}).items()},
        "quality": asdict(quality) | {"reasons": sorted(quality.reasons)},
    }
    earlier = _earlier(out, plan)
    profiles = list(dict.fromkeys([*earlier["profiles"], *profiles]))
    if not profiles:
        raise ConfigurationError("name at least one profile")
    signs = signs or earlier["signs"]
    # Before the long work: can these splits be used at all?
    made = make_manifest(cohorts, splits, method=split, seed=plan["seed"], input_hash=input_hash)
    if manifest is not None and not dataset.rejected:
        verify_manifest(made, manifest)

    # Without a task (a holdout), every ECG is wanted.
    needed = joined["ecg_id"] if not cohorts else pd.concat([c.table["ecg_id"] for c in cohorts])
    rejected = process(
        _sources(dataset, needed),
        dataset.read,
        out / WAVEFORMS,
        [*(get_profile(name).name for name in profiles), *([SIGNS] if signs else [])],
        input_hash=input_hash,
        known_faults=dataset.problems,
        skip_faulty=skip_faulty,
        workers=workers,
        dask=dask,
        progress=progress,
    )
    unreadable = {item.ecg_id for item in rejected if item.ecg_id is not None}
    cohorts = [cohort.without(unreadable, "waveform readable") for cohort in cohorts]
    index = open_store(out / WAVEFORMS / profiles[0]).index
    poor = left_out_for_quality(index, quality)
    if not quality.keeps_all:
        unwanted = {item.ecg_id for item in poor if item.ecg_id is not None}
        cohorts = [cohort.without(unwanted, "quality accepted") for cohort in cohorts]
        unreadable |= unwanted
    made = make_manifest(
        cohorts,
        splits,
        method=split,
        seed=plan["seed"],
        input_hash=input_hash,
        show_small_cells=show_small_cells or dataset.simulated,
    )
    if manifest is not None:
        verify_manifest(made, manifest)
    kept = joined["ecg_id"].isin(needed) & ~joined["ecg_id"].isin(unreadable)
    unused = _unused_columns(dataset, [cohort.task for cohort in cohorts])
    prepared_ecgs = joined[kept].drop(columns=unused)
    # Until the last file is there, the folder must not look finished.
    (out / PREPARED).unlink(missing_ok=True)
    write_quality_report(
        out / QUALITY_REPORT,
        index,
        dataset,
        choice=quality,
        examples=quality_examples,
        show_small_cells=show_small_cells or dataset.simulated,
    )
    _write_tables(out, cohorts, splits, prepared_ecgs, [*dataset.rejected, *rejected, *poor])
    write_json(out / MANIFEST, asdict(made))
    write_json(
        out / PREPARED,
        {
            "version": __version__,
            "dataset": dataset.name,
            "simulated": dataset.simulated,
            "input_hash": input_hash,
            "plan": plan,
            "profiles": profiles,
            "signs": signs,
            "left_out": [item.error.problem for item in [*dataset.rejected, *rejected]],
            "notes": [*dataset.notes, *_note_of(unused)],
            "terms": asdict(dataset.terms),
            "unfilled": dataset.tables.unfilled,
            "tasks": {cohort.task.name: _task_entry(cohort) for cohort in cohorts},
        },
    )
    prepared = open_prepared(out)
    write_json(out / CROISSANT, croissant(prepared))
    return prepared


def _unused_columns(dataset: Dataset, tasks: Sequence[Task]) -> list[str]:
    """Columns of the owner's own that nothing here asks for: names and dates may be in them."""
    own = dataset.own_columns
    wanted = {variable.column for variable in VARIABLES}.union(*(asked_for(t, own) for t in tasks))
    return [column for column in own if column not in wanted]


def _note_of(unused: Sequence[str]) -> list[str]:
    return [f"columns that no task names are not copied: {', '.join(unused)}"] if unused else []


def _earlier(out: Path, plan: dict[str, Any]) -> dict[str, Any]:
    """What the folder holds of this preparation; nothing else is written over.

    Raises:
        ConfigurationError: it holds another preparation, or something else.
    """
    nothing: dict[str, Any] = {"profiles": [], "signs": False}
    if not out.exists():
        return nothing
    if not out.is_dir():
        raise ConfigurationError(f"{out} is a file; name a folder")
    if (out / PREPARED).is_file():
        earlier = open_prepared(out).meta
        changed = [name for name in plan if earlier["plan"].get(name) != plan[name]]
        if changed:
            raise ConfigurationError(
                f"{out} holds another preparation ({', '.join(changed)} differ), which runs may "
                "have been trained on; remove it or choose another --out"
            )
        return earlier
    if any(out.iterdir()) and not (out / WAVEFORMS).is_dir():
        raise ConfigurationError(f"{out} holds something else; name a new folder")
    return nothing


def _split(
    dataset: Dataset,
    cohorts: Sequence[Cohort],
    method: SplitMethod,
    folds: Folds | None,
    seed: int,
) -> dict[str, pd.Series]:
    """By task, the split of each patient id."""
    if method == "study":
        return {cohort.task.name: split_as_study(cohort) for cohort in cohorts}
    if not cohorts:
        return {}
    if method == "folds":
        split = split_by_folds(dataset.tables.ecg, folds or {})
    else:
        split = split_patients(cohorts, seed)
    return {cohort.task.name: split for cohort in cohorts}


def _sources(dataset: Dataset, needed: pd.Series) -> list[Source]:
    """All recordings in the table's order; those that a task needs are wanted."""
    ecg, table = dataset.tables.ecg, str(dataset.tables.source)
    column = dataset.tables.path_column
    columns = (ecg["ecg_id"], ecg["path"], ecg["source_row"], ecg["ecg_id"].isin(needed))
    return [
        Source(ecg_id, dataset.root / path, table, int(row), column, bool(wanted))
        for ecg_id, path, row, wanted in zip(*columns, strict=True)
    ]


def _write_tables(
    out: Path,
    cohorts: Sequence[Cohort],
    splits: dict[str, pd.Series],
    ecgs: pd.DataFrame,
    left_out: Sequence[Rejected],
) -> None:
    for cohort in cohorts:
        split = cohort.table["patient_id"].map(splits[cohort.task.name])
        table = cohort.table.assign(split=split.fillna(UNUSED))
        with written_whole(out / "tasks" / f"{cohort.task.name}.parquet") as path:
            table.to_parquet(path, index=False)
        with written_whole(out / "tasks" / f"{cohort.task.name}.csv") as path:
            table.to_csv(path, index=False, lineterminator="\n")
    with written_whole(out / ECGS) as path:
        # What is known of an ECG: readings, demography, outcomes for subgroups.
        ecgs.drop(columns=["path", "source_row"]).to_parquet(path, index=False)
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
