"""What every reader returns: tables, a function to read one recording, and rejected rows."""

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
    """An ECG that cannot be used, and why.

    `ecg_id` is None if a faulty row of another table affects no ECG, or only ECGs that are
    already rejected.
    """

    ecg_id: str | None
    error: DataError


@dataclass(frozen=True)
class Terms:
    """Terms of use of a dataset, for its data card.

    Args:
        licence: URL of the licence or agreement, or text.
        url: description of the dataset.
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
        read: reads one recording, from its path and ECG id; worker processes must be able to
            import it.
        sources: the files of the tables.
        rejected: rows that cannot be used, and the ECGs that depend on them.
        notes: what a user should know, such as files that no table mentions.
        simulated: True if no patient was involved; every table and figure says so.
        tasks: names of the default tasks.
        labelled: False for ECGs to predict, such as a holdout.
        terms: terms of use.
        own_columns: columns that are not part of the schema; only those that a task names are
            kept.
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
        """Name of the tables in messages: the file, if there is only one."""
        return str(self.tables.source) if self.tables.encounter is None else self.name

    @property
    def problems(self) -> list[DataError]:
        """Errors of the tables' rows, each once, however many ECGs it affects."""
        return list(dict.fromkeys(item.error for item in self.rejected))

    def input_hash(self) -> str:
        """SHA-256 of the source tables and of the names and sizes of the recordings' files."""
        digest = hashlib.sha256()
        for source in self.sources:
            digest.update(source.read_bytes())
        folders: dict[str, dict[str, int]] = {}
        for relative in self.tables.ecg["path"]:
            folder, name = os.path.split(relative)  # pathlib takes five times as long
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
            # A broken link has no size; reading the file will report it.
            with suppress(OSError):
                sizes[entry.name] = entry.stat().st_size
    return sizes
