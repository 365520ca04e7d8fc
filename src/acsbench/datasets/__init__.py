"""Readers: from a folder on disk to tables in one schema, and to recordings one by one."""

from acsbench.datasets.dataset import Dataset, Rejected
from acsbench.datasets.registry import list_readers, open_dataset, reader_info, register_reader

__all__ = [
    "Dataset",
    "Rejected",
    "list_readers",
    "open_dataset",
    "reader_info",
    "register_reader",
]
