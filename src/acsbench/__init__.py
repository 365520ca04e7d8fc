"""acsbench: acute coronary syndrome in the ECG, from files on disk to a report."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from os import PathLike

    from acsbench.ecg.recording import Recording

__version__ = "0.1.0"


def read_ecg(path: str | PathLike[str], *, gain: float | None = None) -> Recording:
    """Read one ECG from a WFDB record or from a clinical file.

    Args:
        path: a WFDB record, with or without `.hea` or `.dat`, or a file of Philips Sierra XML,
            GE MUSE XML, DICOM, HL7 aECG or SCP-ECG.
        gain: counts per millivolt of WFDB leads whose header states no gain, or 0.

    Returns:
        The twelve leads in the standard order at the file's own rate and length, mV; its
        `ecg_id` is the file's name.

    Raises:
        acsbench.errors.DataError: the file cannot be read; the message says why.
    """
    from pathlib import Path

    from acsbench.datasets.recording_file import read_recording_file

    return read_recording_file(Path(path), Path(path).name, gain)
