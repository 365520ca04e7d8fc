"""A dataset becomes a prepared folder: tables per task, split manifest, waveforms, signs.

`prepared.json` is written last: a folder that has it is finished. A second call with further
profiles adds them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from acsbench.cohort.build import Cohort, build_cohort
from acsbench.cohort.manifest import Manifest, make_manifest, verify_manifest
from acsbench.cohort.split import Folds, split_as_study, split_by_folds, split_patients
from acsbench.datasets import Dataset, Rejected
from acsbench.waveforms.plan import Plan, SplitMethod, make_plan
from acsbench.waveforms.prepared import PREPARED, WAVEFORMS, Prepared
from acsbench.waveforms.process import Progress, process
from acsbench.waveforms.publish import Content, publish
from acsbench.waveforms.quality import (
    QUALITY_REPORT,
    QualityChoice,
    left_out_for_quality,
    write_quality_report,
)
from acsbench.waveforms.shard import Source
from acsbench.waveforms.signs_table import SIGNS
from acsbench.waveforms.store import read_index

KEEP_ALL = QualityChoice()


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
        tasks: names or YAML files; by default, the dataset's tasks.
        profiles: preparation profiles, made in one pass over the recordings; a folder keeps
            those that it has.
        signs: measure ST60, T amplitude and the classical signs, which tabular models need.
            This takes many times as long as the waveforms.
        split: `patients` at random over all tasks together, the dataset's `folds`, or the
            `study`'s 70/30 of each task.
        folds: the dataset's folds of each split, for `folds`.
        seed: of the random split.
        manifest: split manifest that the split must agree with.
        skip_faulty: exclude, count and list what cannot be read, instead of stopping.
        quality: which ECGs are excluded for their quality, as a step of the flow.
        quality_examples: ECGs per fault to draw in the quality report; these are patients'
            waveforms.
        show_small_cells: show counts from 1 to 10 in the manifest; those of simulated ECGs are
            always shown.
        workers: processes.
        dask: address of a Dask scheduler to use instead.
        progress: called with the number of ECGs done and of all.

    Raises:
        DataErrors: ECGs cannot be used, and `skip_faulty` is false.
        ConfigurationError: there is no task, or `out` holds another preparation.
        DataError: the split does not agree with the manifest.
    """
    plan = make_plan(
        dataset,
        out,
        tasks=tasks,
        profiles=profiles,
        signs=signs,
        split=split,
        seed=seed,
        folds=folds,
        quality=quality,
    )
    joined = dataset.tables.joined()
    cohorts = [build_cohort(joined, t, dataset.table_name, dataset.all_rows) for t in plan.tasks]
    splits = _split(dataset, cohorts, plan, seed)
    show_small_cells = show_small_cells or dataset.simulated
    # Before the long work: are these splits valid?
    expected = None if dataset.rejected else manifest
    _manifest(cohorts, splits, plan, expected, show_small_cells)

    # Without a task (a holdout), every ECG is needed.
    needed = joined["ecg_id"] if not cohorts else pd.concat([c.table["ecg_id"] for c in cohorts])
    rejected = process(
        _sources(dataset, needed),
        dataset.read,
        out / WAVEFORMS,
        [*plan.profiles, *([SIGNS] if plan.signs else [])],
        input_hash=plan.input_hash,
        known_faults=dataset.problems,
        skip_faulty=skip_faulty,
        workers=workers,
        dask=dask,
        progress=progress,
    )
    index = read_index(out / WAVEFORMS / plan.profiles[0])
    poor = left_out_for_quality(index, quality)
    cohorts = [cohort.without(_ids(rejected), "waveform readable") for cohort in cohorts]
    if not quality.keeps_all:
        cohorts = [cohort.without(_ids(poor), "quality accepted") for cohort in cohorts]
    kept = set(index["ecg_id"]) - _ids(poor)
    content = Content(
        cohorts,
        splits,
        _manifest(cohorts, splits, plan, manifest, show_small_cells),
        ecgs=joined[joined["ecg_id"].isin(kept)],
        unreadable=[*dataset.rejected, *rejected],
        poor=poor,
    )
    # The folder must not look finished before the last file is written.
    (out / PREPARED).unlink(missing_ok=True)
    write_quality_report(
        out / QUALITY_REPORT,
        index,
        dataset,
        choice=quality,
        examples=quality_examples,
        show_small_cells=show_small_cells,
    )
    return publish(out, dataset, plan, content)


def _split(
    dataset: Dataset, cohorts: Sequence[Cohort], plan: Plan, seed: int
) -> dict[str, pd.Series]:
    """By task, the split of each patient id."""
    if plan.split == "study":
        return {cohort.task.name: split_as_study(cohort) for cohort in cohorts}
    if not cohorts:
        return {}
    if plan.split == "folds":
        split = split_by_folds(dataset.tables.ecg, plan.folds)
    else:
        split = split_patients(cohorts, seed)
    return {cohort.task.name: split for cohort in cohorts}


def _manifest(
    cohorts: Sequence[Cohort],
    splits: dict[str, pd.Series],
    plan: Plan,
    expected: Path | None,
    show_small_cells: bool,
) -> Manifest:
    """The manifest of the splits, which must agree with the expected one."""
    made = make_manifest(
        cohorts,
        splits,
        method=plan.split,
        seed=plan.seed,
        input_hash=plan.input_hash,
        show_small_cells=show_small_cells,
    )
    if expected is not None:
        verify_manifest(made, expected)
    return made


def _sources(dataset: Dataset, needed: pd.Series) -> list[Source]:
    """All recordings in the table's order; those that a task needs are wanted."""
    ecg, table = dataset.tables.ecg, str(dataset.tables.source)
    column = dataset.tables.path_column
    columns = (ecg["ecg_id"], ecg["path"], ecg["source_row"], ecg["ecg_id"].isin(needed))
    return [
        Source(ecg_id, dataset.root / path, table, int(row), column, bool(wanted))
        for ecg_id, path, row, wanted in zip(*columns, strict=True)
    ]


def _ids(rejected: Sequence[Rejected]) -> set[str]:
    return {item.ecg_id for item in rejected if item.ecg_id is not None}
