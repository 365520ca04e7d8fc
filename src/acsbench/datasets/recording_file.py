"""Any ECG on disk as a `Recording`: a WFDB record or a single clinical file."""

from __future__ import annotations

from pathlib import Path

from acsbench.datasets.clinical_file import is_clinical_file, read_clinical_file
from acsbench.datasets.wfdb_file import read_wfdb
from acsbench.datasets.wfdb_header import header_path, is_file, record_path
from acsbench.ecg.recording import Recording


def read_recording_file(path: Path, ecg_id: str, gain: float | None = None) -> Recording:
    """Read the twelve leads of a WFDB record or of a clinical file.

    Args:
        path: path of a WFDB record, with or without `.hea` or `.dat`, or of a clinical file.
        ecg_id: identifies the ECG.
        gain: counts per millivolt of WFDB leads without a gain in the header.

    Returns:
        The twelve leads in the standard order at the file's own rate and length, mV.

    Raises:
        ConfigurationError, DataError: as `read_wfdb` and `read_clinical_file`.
    """
    if is_wfdb_record(path):
        return read_wfdb(path, ecg_id, gain)
    return read_clinical_file(path, ecg_id)


def is_wfdb_record(path: Path) -> bool:
    """Whether a path names a WFDB record or one of its files."""
    return not is_clinical_file(path) or is_file(header_path(record_path(path)))
