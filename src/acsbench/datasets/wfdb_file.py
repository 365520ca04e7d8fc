"""One WFDB record (PhysioNet's header and signal files) as a `Recording`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import wfdb

from acsbench.ecg.leads import LEADS, canonical_lead
from acsbench.ecg.recording import Recording
from acsbench.errors import DataError

MILLIVOLTS = {"mv": 1.0, "uv": 1e-3, "µv": 1e-3, "μv": 1e-3, "v": 1e3, "nv": 1e-6}
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
        DataError: header or signal file is missing, unreadable or truncated; a unit is no
            voltage; a lead is missing, named twice or without one valid sample.
    """
    record = _without_suffix(record)
    content = _read_record(record)
    rows = _lead_rows(record, content)
    factors = np.array([_to_millivolts(record, content, row) for row in rows])
    leads = content.p_signal.T[rows] * factors[:, None]
    empty = [name for name, lead in zip(LEADS, leads, strict=True) if not np.isfinite(lead).any()]
    if empty:
        raise _problem(
            record,
            f"lead {', '.join(empty)} has no valid sample",
            "Leave the record out with --on-error skip",
        )
    return Recording(ecg_id=ecg_id, signal=leads, fs=content.fs, leads=LEADS)


def _read_record(record: Path) -> wfdb.Record:
    """Header and signal in one go: parsing the header takes most of the time."""
    try:
        content = wfdb.rdrecord(str(record))
    except UNREADABLE as error:
        # What is wrong? Header first, then the files' sizes, then something else.
        _check_signal_files(record, _read_header(record))
        raise _problem(
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


def _problem(record: Path, problem: str, fix: str) -> DataError:
    # The name of a record is an id: it is shown on request only.
    return DataError(problem, private=str(record), fix=fix)


def _read_header(record: Path) -> wfdb.Record:
    if not record.with_name(record.name + ".hea").is_file():
        raise _problem(
            record, "the record has no header file (.hea)", "Copy the header beside the signal"
        )
    try:
        header = wfdb.rdheader(str(record))
    except UNREADABLE as error:
        raise _problem(
            record,
            f"the header cannot be read ({type(error).__name__})",
            "Copy the header again from its source",
        ) from error
    _check_described(record, header)
    return header


def _check_described(record: Path, header: wfdb.Record) -> None:
    if not header.n_sig or not header.sig_name or not header.sig_len or not header.fs:
        raise _problem(
            record, "the header describes no signal", "Copy the header again from its source"
        )


def _lead_rows(record: Path, header: wfdb.Record) -> list[int]:
    names = [canonical_lead(name or "") for name in header.sig_name]
    twice = sorted({name for name in names if name is not None and names.count(name) > 1})
    if twice:
        raise _problem(
            record,
            f"lead {', '.join(twice)} is there more than once",
            "Rename or remove one of them in the header",
        )
    missing = [lead for lead in LEADS if lead not in names]
    if missing:
        raise _problem(
            record,
            f"lead {', '.join(missing)} is missing; found {len(header.sig_name)} signals",
            "Twelve leads are needed; leave the record out with --on-error skip",
        )
    return [names.index(lead) for lead in LEADS]


def _to_millivolts(record: Path, header: wfdb.Record, row: int) -> float:
    unit = (header.units[row] or "mV").strip()
    factor = MILLIVOLTS.get(unit.casefold())
    if factor is None:
        raise _problem(
            record,
            f"lead {canonical_lead(header.sig_name[row])} is in {unit!r}, which is no voltage",
            "Give the unit in the header as mV, uV or V",
        )
    return factor


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
            raise _problem(
                record, "the signal file that the header names is missing", "Copy it to the header"
            )
        found = path.stat().st_size
        if found < int(expected.get(name, 0)):
            raise _problem(
                record,
                f"the signal file is truncated: {found} of {int(expected[name])} bytes",
                "Copy it again from its source",
            )
