"""A dataset becomes a prepared folder: tables per task, split manifest, waveform store.

`prepared.json` is written last: a folder that has it is finished.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from acsbench import __version__
from acsbench.cohort.build import Cohort, Step, build_cohort
from acsbench.cohort.manifest import Manifest, make_manifest, verify_manifest
from acsbench.cohort.split import (
    SPLITS,
    UNUSED,
    Folds,
    split_as_study,
    split_by_folds,
    split_patients,
)
from acsbench.cohort.task import Task, load_task
from acsbench.datasets import Dataset, Rejected
from acsbench.errors import ConfigurationError, DataError, did_you_mean
from acsbench.files import write_json, write_text, written_whole
from acsbench.waveforms.process import SIGNS, Progress, Source, process
from acsbench.waveforms.profiles import get_profile
from acsbench.waveforms.store import WaveformStore, open_store

PREPARED = "prepared.json"
MANIFEST = "split-manifest.json"
LEFT_OUT = "left-out.csv"
ECGS = "ecgs.parquet"
WAVEFORMS = "waveforms"
META = ("dataset", "simulated", "input_hash", "plan", "profiles", "tasks", "notes", "left_out")
SplitMethod = Literal["patients", "folds", "study"]


@dataclass(frozen=True, eq=False)
class Prepared:
    """A prepared folder; use `open_prepared`."""

    path: Path
    meta: dict[str, Any]

    @property
    def simulated(self) -> bool:
        """Whether the ECGs come from a simulator."""
        return bool(self.meta["simulated"])

    @property
    def tasks(self) -> list[str]:
        """Names of the tasks that were prepared."""
        return sorted(self.meta["tasks"])

    def task(self, name: str | None = None) -> Task:
        """A task, or the only one.

        Raises:
            ConfigurationError: it was not prepared, or there are several and none is named.
        """
        if name is None:
            if len(self.tasks) != 1:
                raise ConfigurationError(f"several tasks: choose {' or '.join(self.tasks)}")
            name = self.tasks[0]
        if name not in self.meta["tasks"]:
            raise ConfigurationError(
                f"task {name!r} was not prepared; {did_you_mean(name, self.tasks)}"
            )
        return Task.model_validate(self.meta["tasks"][name]["task"])

    def flow(self, task: Task) -> list[Step]:
        """How many ECGs and patients were left after each step."""
        return [Step(**step) for step in self.meta["tasks"][task.name]["flow"]]

    def table(self, task: Task) -> pd.DataFrame:
        """One row per ECG of a task: ids, label, split, covariates."""
        return pd.read_parquet(self.path / "tasks" / f"{task.name}.parquet")

    def ecgs(self) -> pd.DataFrame:
        """One row per prepared ECG of any task: ids and all columns of the dataset's tables."""
        return pd.read_parquet(self.path / ECGS)

    def manifest(self) -> dict[str, Any]:
        """The split manifest."""
        manifest: dict[str, Any] = json.loads((self.path / MANIFEST).read_text(encoding="utf-8"))
        return manifest

    def store(self, profile: str) -> WaveformStore:
        """The waveform store of a profile."""
        return open_store(self.path / WAVEFORMS / profile)

    def signs(self) -> pd.DataFrame:
        """Measured signs, one row per ECG, indexed by `ecg_id`; mV and beats per minute."""
        profile = self.meta["profiles"][0]
        return pd.read_parquet(self.path / WAVEFORMS / profile / SIGNS).set_index("ecg_id")


def open_prepared(path: Path) -> Prepared:
    """Open a prepared folder.

    Raises:
        DataError: the folder is not a finished one.
    """
    file = path / PREPARED
    fix = "Make it with acsbench prepare; an interrupted run resumes when repeated"
    try:
        meta = json.loads(file.read_text(encoding="utf-8"))
        return Prepared(path, {key: meta[key] for key in (*META, *meta)})
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DataError("this is no finished prepared folder", file=path, fix=fix) from error
    except (ValueError, KeyError, TypeError) as error:
        raise DataError("the file cannot be read", file=file, fix=fix) from error


def prepare(
    dataset: Dataset,
    out: Path,
    *,
    tasks: Sequence[str] = (),
    profile: str = "study-rows",
    split: SplitMethod = "patients",
    folds: Folds | None = None,
    seed: int = 0,
    manifest: Path | None = None,
    skip_faulty: bool = False,
    show_small_cells: bool = False,
    workers: int = 1,
    progress: Progress | None = None,
) -> Prepared:
    """Prepare a dataset: cohorts, split by patient, waveforms, measured signs.

    Args:
        dataset: where the ECGs come from.
        out: the folder to write; an interrupted preparation resumes there.
        tasks: names or YAML files; the dataset's own unless given.
        profile: preparation profile of the waveforms.
        split: `patients` at random over all tasks together, the dataset's own `folds`, or the
            `study`'s 70/30 of each task.
        folds: the dataset's folds of each split, for `folds`.
        seed: of the random split.
        manifest: a split manifest that the split must agree with.
        skip_faulty: leave out what cannot be read, counted and listed, instead of stopping.
        show_small_cells: show counts from 1 to 10 in the manifest; those of simulated ECGs are
            always shown.
        workers: processes.
        progress: called with the number of ECGs done and of all.

    Raises:
        DataErrors: ECGs cannot be used, and `skip_faulty` is false.
        ConfigurationError: there is no task, or `out` holds another preparation.
        DataError: the split does not agree with the manifest.
    """
    names = list(tasks or dataset.tasks)
    if not names and dataset.labelled:
        raise ConfigurationError(f"{dataset.name} has no task of its own: name one with --task")
    loaded = [load_task(name) for name in names]
    if len({task.name for task in loaded}) < len(loaded):
        raise ConfigurationError("two tasks have the same name; give each its own")
    joined = dataset.tables.joined()
    cohorts = [build_cohort(joined, task, dataset.name) for task in loaded]
    splits = _split(dataset, cohorts, split, folds, seed)
    input_hash = dataset.input_hash()
    plan: dict[str, Any] = {
        "input_hash": input_hash,
        "tasks": {task.name: task.digest for task in loaded},
        "split": split,
        "seed": seed if split == "patients" else None,
        "folds": {name: list(numbers) for name, numbers in (folds or {}).items()},
    }
    _check_out(out, plan)
    # Before the long work: can these splits be used at all?
    made = make_manifest(cohorts, splits, method=split, seed=plan["seed"], input_hash=input_hash)
    if manifest is not None and not dataset.rejected:
        verify_manifest(made, manifest)

    # Without a task (a holdout), every ECG is wanted.
    needed = joined["ecg_id"] if not cohorts else pd.concat([c.table["ecg_id"] for c in cohorts])
    rejected = process(
        _sources(dataset, needed),
        dataset.read,
        out / WAVEFORMS / profile,
        get_profile(profile),
        input_hash=input_hash,
        known_faults=dataset.problems,
        skip_faulty=skip_faulty,
        workers=workers,
        progress=progress,
    )
    unreadable = {item.ecg_id for item in rejected if item.ecg_id is not None}
    cohorts = [cohort.without(unreadable, "waveform readable") for cohort in cohorts]
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
    prepared_ecgs = joined[joined["ecg_id"].isin(needed) & ~joined["ecg_id"].isin(unreadable)]
    left_out = [*dataset.rejected, *rejected]
    _write(out, dataset, cohorts, splits, made, left_out, profile, prepared_ecgs, plan)
    return open_prepared(out)


def _check_out(out: Path, plan: dict[str, Any]) -> None:
    """Make sure that no other preparation, and no folder of something else, is written over."""
    if not out.exists():
        return
    if not out.is_dir():
        raise ConfigurationError(f"{out} is a file; name a folder")
    if (out / PREPARED).is_file():
        earlier = open_prepared(out).meta["plan"]
        changed = [name for name in plan if earlier.get(name) != plan[name]]
        if changed:
            raise ConfigurationError(
                f"{out} holds another preparation ({', '.join(changed)} differ), which runs may "
                "have been trained on; remove it or choose another --out"
            )
    elif any(out.iterdir()) and not (out / WAVEFORMS).is_dir():
        raise ConfigurationError(f"{out} holds something else; name a new folder")


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


def _write(
    out: Path,
    dataset: Dataset,
    cohorts: Sequence[Cohort],
    splits: dict[str, pd.Series],
    manifest: Manifest,
    rejected: Sequence[Rejected],
    profile: str,
    ecgs: pd.DataFrame,
    plan: dict[str, Any],
) -> None:
    # Until the last file is there, the folder must not look finished.
    (out / PREPARED).unlink(missing_ok=True)
    for cohort in cohorts:
        split = cohort.table["patient_id"].map(splits[cohort.task.name])
        table = cohort.table.assign(split=split.fillna(UNUSED))
        with written_whole(out / "tasks" / f"{cohort.task.name}.parquet") as path:
            table.to_parquet(path, index=False)
        with written_whole(out / "tasks" / f"{cohort.task.name}.csv") as path:
            table.to_csv(path, index=False, lineterminator="\n")
    with written_whole(out / ECGS) as path:
        # Everything that is known of an ECG: readings, demography, outcomes for subgroups.
        ecgs.drop(columns=["path", "source_row"]).to_parquet(path, index=False)
    left_out = pd.DataFrame(
        [{"ecg_id": r.ecg_id, "reason": r.error.message(show_ids=True)} for r in rejected],
        columns=["ecg_id", "reason"],
    )
    write_text(out / LEFT_OUT, left_out.to_csv(index=False, lineterminator="\n"))
    write_json(out / MANIFEST, asdict(manifest))
    write_json(
        out / PREPARED,
        {
            "version": __version__,
            "dataset": dataset.name,
            "simulated": dataset.simulated,
            "input_hash": manifest.input_hash,
            "plan": plan,
            "profiles": [profile],
            "left_out": [item.error.problem for item in rejected],
            "notes": list(dataset.notes),
            "unfilled": dataset.tables.unfilled,
            "tasks": {
                cohort.task.name: {
                    "task": cohort.task.model_dump(),
                    "digest": cohort.task.digest,
                    "flow": [asdict(step) for step in cohort.flow],
                }
                for cohort in cohorts
            },
        },
    )


def splits_of(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """A task's table, split by split."""
    return {name: table[table["split"] == name].reset_index(drop=True) for name in SPLITS}
