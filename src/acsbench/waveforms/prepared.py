"""A prepared folder: tables per task, split manifest, waveform stores, measured signs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from acsbench.cohort.build import Step
from acsbench.cohort.manifest import Manifest
from acsbench.cohort.split import SPLITS
from acsbench.cohort.task import Task, load_task
from acsbench.disclosure import too_few_patients
from acsbench.errors import ConfigurationError, DataError, did_you_mean
from acsbench.shipped import is_path
from acsbench.waveforms.signs_table import SIGNS, SIGNS_TABLE
from acsbench.waveforms.store import (
    AGAIN,
    WaveformStore,
    check_entries,
    open_store,
    read_index,
    read_json,
    read_table,
)

PREPARED = "prepared.json"
MANIFEST = "split-manifest.json"
ECGS = "ecgs.parquet"
LEFT_OUT = "left-out.csv"
WAVEFORMS = "waveforms"
TASK_COLUMNS = ("ecg_id", "patient_id", "label", "split")
META: dict[str, type] = {
    "dataset": str,
    "simulated": bool,
    "input_hash": str,
    "plan": dict,
    "profiles": list,
    "signs": bool,
    "tasks": dict,
    "notes": list,
    "left_out": list,
    "terms": dict,
}
"""Required entries of `prepared.json`."""


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

        Args:
            name: its name, or the path of its YAML file.

        Raises:
            ConfigurationError: the task was not prepared, its file has changed since, or a name
                is needed because there are several tasks.
            DataError: the file does not hold a task.
        """
        if not self.tasks:
            raise ConfigurationError(
                f"{self.path} was prepared without labels, only for acsbench predict: prepare "
                "labelled ECGs with --task"
            )
        if name is None:
            if len(self.tasks) != 1:
                raise ConfigurationError(f"several tasks: choose {' or '.join(self.tasks)}")
            name = self.tasks[0]
        wanted = load_task(name) if is_path(name) else None
        name = name if wanted is None else wanted.name
        if name not in self.meta["tasks"]:
            raise ConfigurationError(
                f"task {name!r} was not prepared; {did_you_mean(name, self.tasks)}"
            )
        task = Task.model_validate(self.meta["tasks"][name]["task"])
        if wanted is not None and wanted.digest != task.digest:
            raise ConfigurationError(
                f"the file of task {name!r} has changed since {self.path} was prepared: prepare "
                "the dataset again, into another folder"
            )
        return task

    def may_show(self, rows: pd.DataFrame) -> bool:
        """Whether metrics of some ECGs may be shown.

        At least eleven patients must have the event and eleven must not, unless simulated.

        Args:
            rows: rows of a task's table, with `label` and `patient_id`.
        """
        return self.simulated or not too_few_patients(rows["label"], rows["patient_id"])

    def flow(self, task: Task) -> list[Step]:
        """Counts of ECGs and patients after each step."""
        return [Step(**step) for step in self.meta["tasks"][task.name]["flow"]]

    def table(self, task: Task) -> pd.DataFrame:
        """One row per ECG of a task: ids, label, split, covariates."""
        return read_table(self.path / "tasks" / f"{task.name}.parquet", TASK_COLUMNS)

    def ecgs(self) -> pd.DataFrame:
        """One row per prepared ECG of any task, with the columns of the dataset's tables."""
        return read_table(self.path / ECGS, ("ecg_id",))

    def manifest(self) -> Manifest:
        """The split manifest.

        Raises:
            DataError: it cannot be read, or lacks a task.
        """
        path = self.path / MANIFEST
        content = read_json(path)
        check_entries(path, content, {"method": str, "digests": dict})
        check_entries(path, content["digests"], dict.fromkeys(self.tasks, dict))
        for task in self.tasks:
            check_entries(path, content["digests"][task], dict.fromkeys(SPLITS, str))
        try:
            return Manifest(**content)
        except TypeError as error:
            raise DataError("the file holds something else", file=path, fix=AGAIN) from error

    def store(self, profile: str) -> WaveformStore:
        """The waveform store of a profile.

        Raises:
            ConfigurationError: it was not prepared.
        """
        if profile not in self.meta["profiles"]:
            raise ConfigurationError(
                f"{self.path} has no waveforms of profile {profile!r}: repeat acsbench prepare "
                f"with --profile {profile}, which adds them"
            )
        return open_store(self.path / WAVEFORMS / profile)

    def signs(self) -> pd.DataFrame:
        """Measured signs, one row per ECG, indexed by `ecg_id`; mV and beats per minute.

        Raises:
            ConfigurationError: they were not measured.
        """
        if not self.meta["signs"]:
            raise ConfigurationError(
                f"{self.path} has no measured signs: repeat acsbench prepare with --signs, "
                "which adds them"
            )
        table = read_table(self.path / WAVEFORMS / SIGNS / SIGNS_TABLE, ("ecg_id", "heart_rate"))
        return table.set_index("ecg_id")

    def quality(self) -> pd.DataFrame:
        """Quality of each prepared ECG: `ecg_id, quality, reasons`."""
        index = read_index(self.path / WAVEFORMS / self.meta["profiles"][0])
        kept = index["ecg_id"].isin(self.ecgs()["ecg_id"])
        return index.loc[kept, ["ecg_id", "quality", "reasons"]].reset_index(drop=True)


def open_prepared(path: Path) -> Prepared:
    """Open a prepared folder.

    Raises:
        DataError: the folder is not a finished one.
    """
    file = path / PREPARED
    if not file.is_file():
        raise DataError(
            "this is not a finished prepared folder",
            file=path,
            fix="Run acsbench prepare; an interrupted run resumes when repeated",
        )
    meta = read_json(file)
    check_entries(file, meta, META)
    return Prepared(path, meta)


def splits_of(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """A task's table of each split."""
    return {name: table[table["split"] == name].reset_index(drop=True) for name in SPLITS}
