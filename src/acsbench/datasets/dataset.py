"""What every reader gives: tables, a way to read one recording, and what was rejected."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from acsbench.datasets.schema import Tables
from acsbench.ecg.printed import PrintedPage
from acsbench.ecg.recording import Recording
from acsbench.errors import DataError

ReadRecording = Callable[[Path, str], Recording | PrintedPage]


@dataclass(frozen=True)
class Rejected:
    """An ECG that could not be used, and why.

    `ecg_id` is None where a row of another table is faulty and takes no ECG along, or where the
    ECGs that it concerns are left out for another fault already.
    """

    ecg_id: str | None
    error: DataError


@dataclass(frozen=True)
class Terms:
    """Under which terms a dataset may be used, for its data card.

    Args:
        licence: URL of the licence or agreement, or words.
        url: where the dataset is described.
        citation: the paper or record to cite.
    """

    licence: str = "Not stated: as the owner of the files decides"
    url: str = ""
    citation: str = ""


@dataclass(frozen=True, eq=False)
class Dataset:
    """A folder of ECGs, mapped to the common schema.

    Args:
        name: the dataset's name, shown in every result.
        root: the folder; `path` in the ECG table is relative to it.
        tables: patients, visits and ECGs.
        read: reads one recording, from its path and ECG id. A plain function, so that worker
            processes can take it along.
        sources: the files that the tables were read from.
        rejected: rows of the tables that could not be used, and the ECGs that depend on them.
        notes: what a user should know, such as files that no table mentions.
        simulated: no patient was involved; every table and figure says so.
        tasks: names of the tasks that are prepared unless others are asked for.
        labelled: false for ECGs that are only to be predicted, as of a holdout.
        terms: under which it may be used.
        own_columns: columns that mean something to the owner of the files alone. Who uses the
            dataset keeps those that are asked for.
        all_rows: `patient_id` of every row of the ECG table, including rejected rows.
    """

    name: str
    root: Path
    tables: Tables
    read: ReadRecording
    sources: tuple[Path, ...]
    rejected: tuple[Rejected, ...] = ()
    notes: tuple[str, ...] = ()
    simulated: bool = False
    tasks: tuple[str, ...] = ()
    labelled: bool = True
    terms: Terms = Terms()
    own_columns: tuple[str, ...] = ()
    all_rows: pd.DataFrame | None = None

    @property
    def table_name(self) -> str:
        """What messages call the tables: the file, where there is but one."""
        return str(self.tables.source) if self.tables.encounter is None else self.name

    @property
    def problems(self) -> list[DataError]:
        """What is wrong with the tables' rows, each told once however many ECGs it concerns."""
        return list(dict.fromkeys(item.error for item in self.rejected))

    def input_hash(self) -> str:
        """SHA-256 over the source tables and over name and size of every recording's files."""
        digest = hashlib.sha256()
        for source in self.sources:
            digest.update(source.read_bytes())
        folders: dict[str, dict[str, int]] = {}
        for relative in self.tables.ecg["path"]:
            folder, name = os.path.split(relative)  # a Path each takes five times as long
            if folder not in folders:
                folders[folder] = _file_sizes(self.root / folder)
            for suffix in ("", ".hea", ".dat", ".mat"):
                size = folders[folder].get(name + suffix)
                if size is not None:
                    digest.update(f"{relative}{suffix}:{size}\n".encode())
        return digest.hexdigest()


def _file_sizes(folder: Path) -> dict[str, int]:
    if not folder.is_dir():
        return {}
    sizes = {}
    with os.scandir(folder) as entries:
        for entry in entries:
            # A link to nowhere has no size; who reads the file tells what is wrong with it.
            with suppress(OSError):
                sizes[entry.name] = entry.stat().st_size
    return sizes
