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
from numpy.typing import NDArray

from acsbench.ecg.leads import LEADS, LIMB_LEADS, canonical_lead, limb_leads
from acsbench.ecg.recording import Recording
from acsbench.errors import ConfigurationError, DataError

SIERRA = "Philips Sierra XML"
DICOM = "DICOM Waveform"
LARGEST = {SIERRA: 1, "GE MUSE XML": 16, DICOM: 16, "HL7 aECG": 16, "SCP-ECG": 16}
"""The formats that are read, as ecgdatakit calls them, and the largest file of each, MiB.

A Sierra file can unpack to several hundred times its size, the others to a few times theirs.
"""

SUFFIXES = (".xml", ".dcm", ".scp")
EXPORT = "Export the ECG again from the system it comes from, or leave it out with --on-error skip"

HIGHEST = 1000.0
"""No electrode gives a volt, mV: beyond it, the file's unit or gain is wrong."""

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

    Limb leads that the file leaves out are derived from I and II. The calibration pulse that
    Philips appends to each lead is cut off.

    Args:
        path: a file of one of the formats in `LARGEST`; its content tells which.
        ecg_id: identifies the ECG.

    Returns:
        The twelve leads in the standard order at the file's own rate and length, mV.

    Raises:
        ConfigurationError: ecgdatakit or pydicom is not installed.
        DataError: the file is missing, too large, of another format, damaged or hostile; a lead
            is missing, there twice, in no voltage, of another length or rate, or without one
            valid sample.
    """
    format_name = _detect_format(path)
    leads = _decode(path, format_name)
    _check_alike(path, leads)
    named = _standard_leads(path, leads)
    if "I" in named and "II" in named:
        derived = limb_leads(named["I"], named["II"])
        named = dict(zip(LIMB_LEADS, derived, strict=True)) | named
    missing = [lead for lead in LEADS if lead not in named]
    if missing:
        raise _problem(
            path,
            f"lead {', '.join(missing)} is missing; found {len(leads)} leads",
            "Twelve leads are needed; leave the file out with --on-error skip",
        )
    signal = np.stack([named[lead] for lead in LEADS])
    if format_name == SIERRA:
        signal = _without_calibration(signal)
    empty = [lead for lead, row in zip(LEADS, signal, strict=True) if not np.isfinite(row).any()]
    if empty:
        raise _problem(path, f"lead {', '.join(empty)} has no valid sample", EXPORT)
    return Recording(ecg_id=ecg_id, signal=signal, fs=leads[0].sampling_rate, leads=LEADS)


def _problem(path: Path, problem: str, fix: str, detail: str = "") -> DataError:
    # The name of a file is an id: it is shown on request only.
    return DataError(problem, private=f"{path}: {detail}" if detail else str(path), fix=fix)


def _detect_format(path: Path) -> str:
    if not path.is_file():
        raise _problem(path, "the file does not exist", "Mind the spelling of the path")
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
        raise _problem(
            path, f"the file cannot be opened ({type(error).__name__})", "Mind its permissions"
        ) from error
    name = detected["name"] if detected else ""
    if name not in LARGEST:
        raise _problem(
            path,
            "the file is neither a WFDB record nor of a clinical format that is read: "
            + (f"found {name}" if name else "its content is of no known format"),
            f"Convert it to WFDB, or export it as {', '.join(LARGEST)}",
        )
    size = path.stat().st_size
    if size > LARGEST[name] * 2**20:
        raise _problem(
            path,
            f"the {name} file has {size / 2**20:.0f} MiB; at most {LARGEST[name]} are read",
            "Export the ten seconds of one ECG",
        )
    if name == DICOM and _DEFLATED in beginning:
        raise _problem(
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
            raise _problem(
                path,
                f"the {format_name} file cannot be decoded: {_reason(error, path)}",
                EXPORT,
                detail=str(error),
            ) from error
    for remark in remarks:
        # Whoever removes the name of a patient rarely mends the sums over header and record.
        said = str(remark.message)
        if issubclass(remark.category, ChecksumWarning) and _SIGNAL_PARTS.search(said):
            raise _problem(
                path,
                f"a checksum of the {format_name} file does not fit its signal",
                EXPORT,
                detail=said,
            )
    if not leads:
        raise _problem(path, f"the {format_name} file holds no leads", EXPORT)
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
    for what, values in (
        ("sampling rates, Hz", {lead.sampling_rate for lead in leads}),
        ("numbers of samples", {len(lead.samples) for lead in leads}),
        ("first samples", {int(lead.annotations.get("start_sample", 1)) for lead in leads}),
    ):
        if len(values) > 1:
            found = ", ".join(f"{value:g}" for value in sorted(values))
            raise _problem(path, f"its leads differ in their {what}: {found}", EXPORT)


def _standard_leads(path: Path, leads: Sequence[Any]) -> dict[str, NDArray[np.float64]]:
    """Those of the twelve leads that are there, by name, mV."""
    named = {}
    for lead in leads:
        # ecgdatakit calls the second lead of the same name II_2.
        name = canonical_lead(re.sub(r"_\d+$", "", lead.label))
        if name is None:
            continue
        if name in named:
            raise _problem(path, f"lead {name} is there more than once", EXPORT)
        if lead.is_raw or lead.units != "mV":
            unit = lead.units or lead.resolution_unit
            told = f"in {unit!r}, which is no voltage" if unit else "in no unit that the file tells"
            raise _problem(path, f"lead {name} is {told}", EXPORT)
        named[name] = np.asarray(lead.samples, dtype=np.float64)
        if (np.abs(named[name]) > HIGHEST).any():
            raise _problem(
                path, f"lead {name} has samples beyond 1 V: unit or gain is wrong", EXPORT
            )
    return named


def _without_calibration(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    """The signal up to where all leads show the same pulse from 0 to 1 mV.

    Some exports append it to each lead, some do not.
    """
    differing = np.flatnonzero(np.ptp(signal, axis=0) > 0)
    end = differing[-1] + 1 if len(differing) else signal.shape[1]
    pulse = signal[0, end:]
    is_calibration = len(pulse) > 0 and np.allclose([pulse.min(), pulse.max()], [0, 1], atol=0.02)
    return signal[:, :end] if is_calibration else signal
