"""One clinical ECG file (Philips, GE, DICOM, HL7, SCP) as a `Recording`; ecgdatakit decodes it.

ecgdatakit and pydicom are an extra of their own: `acsbench[formats]`.
"""

from __future__ import annotations

import binascii
import re
import struct
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError
from xml.parsers.expat import ExpatError

import numpy as np

from acsbench.datasets.file_leads import FileSignal, file_error, twelve_leads
from acsbench.ecg.recording import Recording
from acsbench.errors import ConfigurationError

SIERRA = "Philips Sierra XML"
DICOM = "DICOM Waveform"
LARGEST = {SIERRA: 1, "GE MUSE XML": 16, DICOM: 16, "HL7 aECG": 16, "SCP-ECG": 16}
"""The formats that are read, as ecgdatakit calls them, and the largest file of each, MiB.

A Sierra file can unpack to several hundred times its size, the others to a few times theirs.
"""

SUFFIXES = (".xml", ".dcm", ".scp")
EXPORT = "Export the ECG again from the system it comes from, or leave it out with --on-error skip"

_DEFLATED = b"1.2.840.10008.1.2.1.99"
"""The DICOM transfer syntax that unpacks without a limit; no ECG system is known to use it."""

_SIGNAL_PARTS = re.compile(r"\blead\b|Section ([2-9]|1[0-2])\b")
_ENTITIES = re.compile(r"entity declarations|entities are disabled")
_HARMLESS = (ParseError, ExpatError, binascii.Error, struct.error, IndexError)
"""Causes whose words give places and sizes, and quote nothing from the file."""


def is_clinical_file(path: Path) -> bool:
    """Whether a path names a single clinical file rather than a WFDB record.

    So it is if it ends as such files do, or is a file of another name without a WFDB header
    beside it: DICOM files often have no suffix.
    """
    suffix = path.suffix.lower()
    if suffix in SUFFIXES:
        return True
    if suffix in (".hea", ".dat"):
        return False
    return path.is_file() and not path.with_name(path.name + ".hea").is_file()


def read_clinical_file(path: Path, ecg_id: str) -> Recording:
    """Read the twelve leads of a clinical ECG file; further leads and median beats are ignored.

    Names, signs, units, calibration pulses and absent limb leads are treated as by
    `file_leads.twelve_leads`.

    Args:
        path: a file of one of the formats in `LARGEST`; its content tells which.
        ecg_id: identifies the ECG.

    Returns:
        The twelve leads in the standard order at the file's own rate and length, mV.

    Raises:
        ConfigurationError: ecgdatakit or pydicom is not installed.
        DataError: the file is missing, too large, of another format, damaged or hostile; its
            leads began at different times; or as `twelve_leads`.
    """
    format_name = _detect_format(path)
    leads = _decode(path, format_name)
    _check_alike(path, leads)
    return twelve_leads(path, ecg_id, [_as_signal(lead) for lead in leads])


def _detect_format(path: Path) -> str:
    if not path.is_file():
        raise file_error(path, "the file does not exist", "Mind the spelling of the path")
    try:
        from ecgdatakit import FileParser
    except ImportError as error:
        raise ConfigurationError(
            "reading a clinical file needs ecgdatakit: install acsbench[formats]"
        ) from error
    try:
        detected = FileParser.detect_format(path)
        with path.open("rb") as file:
            beginning = file.read(4096)
    except OSError as error:
        raise file_error(
            path, f"the file cannot be opened ({type(error).__name__})", "Mind its permissions"
        ) from error
    name = detected["name"] if detected else ""
    if name not in LARGEST:
        raise file_error(
            path,
            "the file is neither a WFDB record nor of a clinical format that is read: "
            + (f"found {name}" if name else "its content is of no known format"),
            f"Convert it to WFDB, or export it as {', '.join(LARGEST)}",
        )
    size = path.stat().st_size
    if size > LARGEST[name] * 2**20:
        raise file_error(
            path,
            f"the {name} file has {size / 2**20:.0f} MiB; at most {LARGEST[name]} are read",
            "Export the ten seconds of one ECG",
        )
    if name == DICOM and _DEFLATED in beginning:
        raise file_error(
            path,
            "the DICOM file is deflated, and could unpack to any size",
            "Export it with the transfer syntax Explicit VR Little Endian",
        )
    return name


def _decode(path: Path, format_name: str) -> Sequence[Any]:
    """The leads of the rhythm recording as ecgdatakit gives them, in mV where it can."""
    from ecgdatakit import ChecksumWarning, ECGDataKitError, FileParser

    # Its warnings name the file, and most of them concern parts that are not used here.
    with warnings.catch_warnings(record=True) as remarks:
        warnings.simplefilter("always")
        try:
            leads = FileParser.parse(path, units="mV").leads
        except ImportError as error:
            raise ConfigurationError(
                "reading DICOM files needs pydicom: install acsbench[formats]"
            ) from error
        except (ECGDataKitError, OSError) as error:
            raise file_error(
                path,
                f"the {format_name} file cannot be decoded: {_reason(error, path)}",
                EXPORT,
                detail=str(error),
            ) from error
    for remark in remarks:
        # Whoever removes the name of a patient rarely mends the sums over header and record.
        said = str(remark.message)
        if issubclass(remark.category, ChecksumWarning) and _SIGNAL_PARTS.search(said):
            raise file_error(
                path,
                f"a checksum of the {format_name} file does not fit its signal",
                EXPORT,
                detail=said,
            )
    if not leads:
        raise file_error(path, f"the {format_name} file holds no leads", EXPORT)
    return leads


def _reason(error: Exception, path: Path) -> str:
    """What the decoder says, without the file's name or what it may quote of its content."""
    if _ENTITIES.search(str(error)):
        return "it declares XML entities, which no ECG needs and attacks use"
    cause = error.__cause__
    if cause is not None and not isinstance(cause, _HARMLESS):
        return f"its content is damaged ({type(cause).__name__})"
    said = str(error)
    for word in (f" in {path}", f" of {path}", str(path), path.name):
        said = said.replace(word, "")
    # An element that is missing is told by its bare name.
    return said if " " in said else f"{said} is missing"


def _check_alike(path: Path, leads: Sequence[Any]) -> None:
    starts = {int(lead.annotations.get("start_sample", 1)) for lead in leads}
    if len(starts) > 1:
        found = ", ".join(f"{value}" for value in sorted(starts))
        raise file_error(path, f"its leads differ in their first samples: {found}", EXPORT)


def _as_signal(lead: Any) -> FileSignal:
    unit = lead.units or lead.resolution_unit or ""
    if lead.is_raw and unit:
        unit = f"counts of {unit}"
    return FileSignal(
        # ecgdatakit calls the second lead of the same name II_2.
        name=re.sub(r"_\d+$", "", lead.label),
        samples=np.asarray(lead.samples, dtype=np.float64),
        unit=unit,
        rate=lead.sampling_rate,
    )
