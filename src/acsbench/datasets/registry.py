"""The readers of datasets, by name."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from acsbench.datasets.dataset import Dataset
from acsbench.errors import ConfigurationError, DataError, did_you_mean

Open = Callable[[Path], Dataset]
"""From a folder to its dataset."""


@dataclass(frozen=True)
class ReaderInfo:
    """A reader.

    Args:
        name: the reader's name.
        summary: what it reads, in one line.
        open: opens a folder.
        open_unlabelled: opens a folder of ECGs to predict; it needs no labels and no patients.
    """

    name: str
    summary: str
    open: Open
    open_unlabelled: Open


_READERS: dict[str, ReaderInfo] = {}
# Each of these modules registers its readers when it is imported.
_MODULES = (
    "acsbench.datasets.nightingale.holdout",
    "acsbench.datasets.nightingale.reader",
    "acsbench.datasets.ptbxl",
    "acsbench.datasets.wfdb_folder",
)


def register_reader(
    name: str, *, summary: str, unlabelled: Open | None = None
) -> Callable[[Open], Open]:
    """Register the decorated function as a reader.

    Args:
        name, summary: as in `ReaderInfo`.
        unlabelled: opens a folder of ECGs to predict; the decorated function if None.

    Raises:
        ValueError: the name is taken.
    """

    def register(open: Open) -> Open:
        if name in _READERS:
            raise ValueError(f"a reader {name!r} is already registered")
        _READERS[name] = ReaderInfo(name, summary, open, unlabelled or open)
        return open

    return register


def list_readers() -> list[str]:
    """Names of all readers."""
    for module in _MODULES:
        importlib.import_module(module)
    return sorted(_READERS)


def reader_info(name: str) -> ReaderInfo:
    """A reader by name.

    Raises:
        ConfigurationError: no reader has that name.
    """
    known = list_readers()
    if name not in known:
        raise ConfigurationError(f"no reader {name!r}; {did_you_mean(name, known)}")
    return _READERS[name]


def open_dataset(name: str, root: Path, *, labelled: bool = True) -> Dataset:
    """Open a dataset.

    Args:
        name: one of `list_readers()`.
        root: its folder.
        labelled: False for ECGs to predict, which need no label and no patient.

    Raises:
        ConfigurationError: no reader has that name.
        DataError, DataErrors: the folder or its tables cannot be used.
    """
    reader = reader_info(name)
    if not root.is_dir():
        raise DataError("the folder does not exist", file=root, fix="Check the path")
    if labelled:
        return reader.open(root)
    return replace(reader.open_unlabelled(root), labelled=False, tasks=())
