"""Readers: a folder on disk becomes tables in one schema and recordings, one by one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from acsbench.datasets.dataset import Dataset, Rejected
from acsbench.datasets.nightingale import open_nightingale, open_nightingale_holdout
from acsbench.datasets.ptbxl import open_ptbxl
from acsbench.datasets.wfdb_folder import open_unlabelled_folder, open_wfdb_folder
from acsbench.errors import ConfigurationError, DataError, did_you_mean

READERS: dict[str, Callable[[Path], Dataset]] = {
    "nightingale": open_nightingale,
    "nightingale_holdout": open_nightingale_holdout,
    "ptbxl": open_ptbxl,
    "wfdb_folder": open_wfdb_folder,
}

UNLABELLED_READERS: dict[str, Callable[[Path], Dataset]] = {
    "nightingale": open_nightingale_holdout,
    "wfdb_folder": open_unlabelled_folder,
}
"""Readers of ECGs that come without the tables which their dataset has otherwise."""

__all__ = ["READERS", "Dataset", "Rejected", "open_dataset"]


def open_dataset(name: str, root: Path, *, labelled: bool = True) -> Dataset:
    """Open a dataset by the name of its reader.

    Args:
        name: one of `READERS`.
        root: its folder.
        labelled: false if its ECGs are only to be predicted: they need no label then, and no
            patient.

    Raises:
        ConfigurationError: there is no such reader.
        DataError, DataErrors: the folder or its tables cannot be used.
    """
    if name not in READERS:
        raise ConfigurationError(f"no dataset {name!r}; {did_you_mean(name, READERS)}")
    if not root.is_dir():
        raise DataError("the folder does not exist", file=root, fix="Mind the spelling of the path")
    if labelled:
        return READERS[name](root)
    return replace(UNLABELLED_READERS.get(name, READERS[name])(root), labelled=False, tasks=())
