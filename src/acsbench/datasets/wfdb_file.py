"""One WFDB record (PhysioNet's header and signal files) as a `Recording`."""

from __future__ import annotations

from pathlib import Path

import wfdb

from acsbench.datasets.file_leads import FileSignal, file_error, twelve_leads
from acsbench.ecg.recording import Recording

SIMULATED = "simulated"
UNREADABLE = (ValueError, IndexError, KeyError, TypeError, AttributeError, OSError)
"""What wfdb raises for files that are not as they should be."""

BYTES_PER_SAMPLE = {"80": 1.0, "212": 1.5, "16": 2.0, "61": 2.0, "160": 2.0, "24": 3.0, "32": 4.0}


def read_wfdb(record: Path, ecg_id: str) -> Recording:
    """Read the twelve leads of a WFDB record; further signals are ignored.

    Args:
        record: path of the record, with or without `.hea` or `.dat`.
        ecg_id: identifies the ECG.

    Returns:
        The twelve leads in the standard order at the record's own rate and length, mV.

    Raises:
        DataError: header or signal file is missing, unreadable or truncated; or as
            `twelve_leads`.
    """
    record = _without_suffix(record)
    content = _read_record(record)
    signals = [
        FileSignal(name or "", samples, (unit or "mV").strip(), content.fs)
        for name, unit, samples in zip(
            content.sig_name, content.units, content.p_signal.T, strict=True
        )
    ]
    return twelve_leads(record, ecg_id, signals)


def _read_record(record: Path) -> wfdb.Record:
    """Header and signal in one go: parsing the header takes most of the time."""
    try:
        content = wfdb.rdrecord(str(record))
    except UNREADABLE as error:
        # What is wrong? Header first, then the files' sizes, then something else.
        _check_signal_files(record, _read_header(record))
        raise file_error(
            record,
            f"the signal cannot be read ({type(error).__name__})",
            "Copy the record again from its source",
        ) from error
    _check_described(record, content)
    _check_signal_files(record, content)
    return content


def says_simulated(record: Path) -> bool:
    """Whether a comment in the record's header says that it was simulated."""
    comments = _read_header(_without_suffix(record)).comments or []
    return any(SIMULATED in comment.casefold() for comment in comments)


def _without_suffix(record: Path) -> Path:
    return record.with_suffix("") if record.suffix in (".hea", ".dat") else record


def _read_header(record: Path) -> wfdb.Record:
    if not record.with_name(record.name + ".hea").is_file():
        raise file_error(
            record, "the record has no header file (.hea)", "Copy the header beside the signal"
        )
    try:
        header = wfdb.rdheader(str(record))
    except UNREADABLE as error:
        raise file_error(
            record,
            f"the header cannot be read ({type(error).__name__})",
            "Copy the header again from its source",
        ) from error
    _check_described(record, header)
    return header


def _check_described(record: Path, header: wfdb.Record) -> None:
    if not header.n_sig or not header.sig_name or not header.sig_len or not header.fs:
        raise file_error(
            record, "the header describes no signal", "Copy the header again from its source"
        )


def _check_signal_files(record: Path, header: wfdb.Record) -> None:
    """Compare the files' sizes with what the header promises, where the format has a size."""
    expected: dict[str, float] = {}
    for number, name in enumerate(header.file_name):
        size = BYTES_PER_SAMPLE.get(header.fmt[number])
        offset = header.byte_offset[number] or 0
        frame = header.samps_per_frame[number] or 1
        if size is not None:
            expected[name] = expected.get(name, offset) + header.sig_len * frame * size
    for name in dict.fromkeys(header.file_name):
        path = record.parent / name
        if not path.is_file():
            raise file_error(
                record, "the signal file that the header names is missing", "Copy it to the header"
            )
        found = path.stat().st_size
        if found < int(expected.get(name, 0)):
            raise file_error(
                record,
                f"the signal file is truncated: {found} of {int(expected[name])} bytes",
                "Copy it again from its source",
            )
