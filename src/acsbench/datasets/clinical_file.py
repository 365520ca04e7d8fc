"""A clinical ECG file (Philips, GE, DICOM, HL7, SCP) as a `Recording`.

Needs the extra `acsbench[formats]`: ecgdatakit and pydicom.
"""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from acsbench.datasets.clinical.aecg import aecg_groups
from acsbench.datasets.clinical.decoded import decoded_groups
from acsbench.datasets.clinical.dicom import dicom_groups
from acsbench.datasets.clinical.groups import joined
from acsbench.datasets.clinical.muse import muse_groups
from acsbench.datasets.clinical.xml import xml_root, xml_text
from acsbench.datasets.file_leads import FileSignal, file_error, twelve_leads
from acsbench.ecg.recording import Recording
from acsbench.errors import ConfigurationError, DataError

SIERRA = "Philips Sierra XML"
MUSE = "GE MUSE XML"
DICOM = "DICOM Waveform"
AECG = "HL7 aECG"
LARGEST = {SIERRA: 1, MUSE: 16, DICOM: 16, AECG: 16, "SCP-ECG": 16}
"""Supported formats and their largest file, MiB.

A Sierra file can unpack to several hundred times its size, the others to a few times.
"""

SUFFIXES = (".xml", ".dcm", ".scp")

_ROOTS = {"restingecgdata": SIERRA, "restingecg": MUSE, "annotatedecg": AECG}
"""The root element of each XML format, in lower case."""

_DEFLATED = b"1.2.840.10008.1.2.1.99"
"""The DICOM transfer syntax that unpacks without a limit; ECG systems do not use it."""


def is_clinical_file(path: Path) -> bool:
    """Whether a path names a clinical file rather than a WFDB record.

    It does if it has the suffix of one, or another suffix and no WFDB header: DICOM files often
    have no suffix.
    """
    suffix = path.suffix.lower()
    if suffix in SUFFIXES:
        return True
    if suffix in (".hea", ".dat"):
        return False
    return path.is_file() and not path.with_name(path.name + ".hea").is_file()


def read_clinical_file(path: Path, ecg_id: str) -> Recording:
    """Read the twelve leads of a clinical ECG file.

    The longest original waveform group is the ECG; groups with different leads are joined by
    their time offsets (see `clinical.groups.joined`). Averaged beats are ignored.
    `file_leads.twelve_leads` handles names, signs, units, calibration pulses and missing limb
    leads. Remarks of the decoder become `UserWarning`s.

    Args:
        path: a file of one of the formats in `LARGEST`, which its content determines.
        ecg_id: identifies the ECG.

    Returns:
        The twelve leads in the standard order at the file's own rate and length, mV; NaN where a
        lead was not recorded.

    Raises:
        ConfigurationError: ecgdatakit or pydicom is not installed.
        DataError: the file is missing, too large, of another format, damaged or malicious; the
            timing of its leads is unknown; or as `twelve_leads`.
    """
    content = _content(path)
    name = ""
    try:
        text = xml_text(content)
        root = None if text is None else xml_root(text)
        name = _binary_format(path, content) if root is None else _ROOTS.get(root.tag.lower(), "")
        _check_format(name, content)
        if name == MUSE and root is not None:
            groups = muse_groups(root)
        elif name == AECG and root is not None:
            groups = aecg_groups(root)
        elif name == DICOM:
            groups = dicom_groups(path)
        else:
            groups = decoded_groups(path, None if _is_plain(content) else text)
        strips = joined(groups)
    except DataError as error:
        place = f"{name} file: " if name in LARGEST else ""
        raise file_error(path, place + error.problem, error.fix, error.private or "") from error
    signals = [FileSignal(strip.name, strip.samples, strip.unit[:16], strip.fs) for strip in strips]
    return twelve_leads(path, ecg_id, signals)


def _content(path: Path) -> bytes:
    if not path.is_file():
        raise file_error(path, "the file does not exist", "Check the path")
    largest = max(LARGEST.values())
    try:
        size = path.stat().st_size
        if size <= largest * 2**20:
            return path.read_bytes()
    except OSError as error:
        raise file_error(
            path, f"the file cannot be opened: {error.strerror}", "Check its permissions"
        ) from error
    raise file_error(path, *_too_large(size, largest))


def _too_large(size: int, largest: int) -> tuple[str, str]:
    return (
        f"it has {size / 2**20:.0f} MiB; the limit is {largest}",
        "Export the ten seconds of one ECG",
    )


def _binary_format(path: Path, content: bytes) -> str:
    if content[128:132] == b"DICM":
        return DICOM
    try:
        from ecgdatakit import FileParser
    except ImportError as error:
        raise ConfigurationError(
            "reading a clinical file needs ecgdatakit: install acsbench[formats]"
        ) from error
    detected = FileParser.detect_format(path)
    return str(detected["name"]) if detected else ""


def _check_format(name: str, content: bytes) -> None:
    if name not in LARGEST:
        raise DataError(
            "the file is neither a WFDB record nor of a supported clinical format: "
            + (f"found {name}" if name else "the format of its content is unknown"),
            fix=f"Convert it to WFDB, or export it as {', '.join(LARGEST)}",
        )
    if len(content) > LARGEST[name] * 2**20:
        problem, fix = _too_large(len(content), LARGEST[name])
        raise DataError(problem, fix=fix)
    if name == DICOM and _DEFLATED in content[:4096]:
        raise DataError(
            "it is deflated, and could unpack to any size",
            fix="Export it with the transfer syntax Explicit VR Little Endian",
        )


def _is_plain(content: bytes) -> bool:
    """Whether a standard XML parser reads the content; entities were rejected before."""
    try:
        ElementTree.fromstring(content)
    except (ElementTree.ParseError, ValueError, LookupError):
        return False
    return True
