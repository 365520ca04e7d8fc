"""Writers of clinical ECG files for the tests, independent of the package that reads them.

Each takes counts of the analogue-digital converter, shape (leads, samples), so that what is read
can be compared exactly.
"""

from __future__ import annotations

import base64
import binascii
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.integer]

LEAD_CODES = {
    "I": 1, "II": 2, "V1": 3, "V2": 4, "V3": 5, "V4": 6, "V5": 7, "V6": 8,
    "III": 61, "aVR": 62, "aVL": 63, "aVF": 64, "-aVR": 65,
}  # fmt: skip
"""The numbers of the leads in EN 1064 (SCP-ECG), which ISO/IEEE 11073 (DICOM) took over."""


def write_muse(
    path: Path, counts: Counts, leads: Sequence[str], *, fs: int = 500, microvolts: float = 4.88
) -> None:
    """GE MUSE XML with a median beat and the rhythm."""
    median = muse_waveform(counts[:, :600] // 2, leads, kind="Median", fs=fs, microvolts=microvolts)
    write_muse_waveforms(path, median, muse_waveform(counts, leads, fs=fs, microvolts=microvolts))


def write_muse_waveforms(path: Path, *waveforms: str) -> None:
    """GE MUSE XML with waveforms as `muse_waveform` gives them."""
    path.write_text(
        '<?xml version="1.0" encoding="ISO-8859-1"?>\n'
        '<!DOCTYPE RestingECG SYSTEM "restecg.dtd">\n'
        f"<RestingECG>{''.join(waveforms)}</RestingECG>"
    )


def muse_waveform(
    counts: Counts,
    leads: Sequence[str],
    *,
    kind: str = "Rhythm",
    fs: int = 500,
    microvolts: float = 4.88,
    start: float | None = None,
    offsets: Sequence[float] | None = None,
) -> str:
    """A waveform of GE MUSE XML: Base64 of 16-bit integers, with CRC-32, lead by lead."""
    offset = [f"<LeadTimeOffset>{time}</LeadTimeOffset>" for time in offsets or ()]
    data = "".join(
        f"<LeadData><LeadByteCountTotal>{2 * len(row)}</LeadByteCountTotal>"
        f"<LeadSampleCountTotal>{len(row)}</LeadSampleCountTotal>"
        f"<LeadAmplitudeUnitsPerBit>{microvolts}</LeadAmplitudeUnitsPerBit>"
        f"<LeadAmplitudeUnits>MICROVOLTS</LeadAmplitudeUnits><LeadID>{lead}</LeadID>"
        f"<LeadSampleSize>2</LeadSampleSize>{time}"
        f"<LeadDataCRC32>{zlib.crc32(row.astype('<i2').tobytes())}</LeadDataCRC32>"
        f"<WaveFormData>{base64.encodebytes(row.astype('<i2').tobytes()).decode()}</WaveFormData>"
        "</LeadData>"
        for lead, row, time in zip(leads, counts, offset or [""] * len(leads), strict=True)
    )
    begin = "" if start is None else f"<WaveformStartTime>{start:g}</WaveformStartTime>"
    return (
        f"<Waveform><WaveformType>{kind}</WaveformType>{begin}<NumberofLeads>{len(leads)}"
        f"</NumberofLeads><SampleBase>{fs}</SampleBase><SampleExponent>0</SampleExponent>"
        f"{data}</Waveform>"
    )


def write_aecg(
    path: Path, counts: Counts, leads: Sequence[str], *, fs: int = 500, microvolts: float = 2.5
) -> None:
    """HL7 aECG with one series of one sequence set."""
    write_aecg_series(path, aecg_series(aecg_set(counts, leads, fs=fs, microvolts=microvolts)))


def write_aecg_series(path: Path, *series: str) -> None:
    """HL7 aECG (implementation guide of 21 March 2005) with series as `aecg_series` gives them."""
    components = "".join(f"<component>{one}</component>" for one in series)
    path.write_text(
        '<?xml version="1.0" encoding="UTF-8"?>\n<AnnotatedECG xmlns="urn:hl7-org:v3" '
        f'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">{components}</AnnotatedECG>'
    )


def aecg_series(
    *sets: str, code: str = "RHYTHM", derived: str = "", low: str = "", tag: str = "series"
) -> str:
    """A series of sequence sets; `derived` is one of tag `derivedSeries`."""
    time = f'<effectiveTime><low value="{low}"/></effectiveTime>' if low else ""
    components = "".join(f"<component>{one}</component>" for one in sets)
    return (
        f'<{tag}><code code="{code}" codeSystem="2.16.840.1.113883.5.4"/>{time}{components}'
        + (f"<derivation>{derived}</derivation>" if derived else "")
        + f"</{tag}>"
    )


def aecg_set(
    counts: Counts,
    leads: Sequence[str],
    *,
    fs: int = 500,
    microvolts: float = 2.5,
    absolute: str = "20060101120000.000",
    relative: float | None = None,
) -> str:
    """A sequence set: a time base, and digits with origin and scale for each lead."""
    sequences = "".join(
        f'<component><sequence><code code="MDC_ECG_LEAD_{lead.upper()}" '
        'codeSystem="2.16.840.1.113883.6.24"/><value xsi:type="SLIST_PQ">'
        f'<origin value="0" unit="uV"/><scale value="{microvolts}" unit="uV"/>'
        f"<digits>{' '.join(map(str, row))}</digits></value></sequence></component>"
        for lead, row in zip(leads, counts, strict=True)
    )
    head = f'value="{absolute}"' if relative is None else f'value="{relative}" unit="s"'
    kind = "TIME_ABSOLUTE" if relative is None else "TIME_RELATIVE"
    return (
        f'<sequenceSet><component><sequence><code code="{kind}" '
        'codeSystem="2.16.840.1.113883.5.4"/><value xsi:type="GLIST_TS">'
        f'<head {head}/><increment value="{1 / fs}" unit="s"/></value></sequence></component>'
        f"{sequences}</sequenceSet>"
    )


def write_dicom(
    path: Path,
    counts: Counts,
    leads: Sequence[str],
    *,
    fs: int = 500,
    microvolts: float = 1.25,
    deflated: bool = False,
) -> None:
    """DICOM 12-lead ECG waveform with one multiplex group."""
    group = dicom_group(counts, leads, fs=fs, microvolts=microvolts)
    write_dicom_groups(path, group, deflated=deflated)


def write_dicom_groups(
    path: Path, *groups: Any, deflated: bool = False, big_endian: bool = False
) -> None:
    """DICOM 12-lead ECG waveform with groups as `dicom_group` gives them, written by pydicom."""
    from pydicom import uid
    from pydicom.dataset import Dataset, FileMetaDataset

    dataset = Dataset()
    dataset.SOPClassUID = uid.TwelveLeadECGWaveformStorage
    dataset.SOPInstanceUID = uid.generate_uid()
    dataset.PatientName = "Doe^Jane"
    dataset.PatientID = "4711"
    dataset.Modality = "ECG"
    dataset.WaveformSequence = list(groups)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.file_meta.TransferSyntaxUID = (
        uid.DeflatedExplicitVRLittleEndian
        if deflated
        else uid.ExplicitVRBigEndian
        if big_endian
        else uid.ExplicitVRLittleEndian
    )
    dataset.save_as(path, enforce_file_format=True)


def dicom_group(
    counts: Counts,
    leads: Sequence[str],
    *,
    fs: int = 500,
    microvolts: float = 1.25,
    start: float | None = None,
    originality: str = "ORIGINAL",
    label: str = "",
) -> Any:
    """A multiplex group, a pydicom data set; `start` in seconds."""
    from pydicom.dataset import Dataset

    group = Dataset()
    group.WaveformOriginality = originality
    if label:
        group.MultiplexGroupLabel = label
    if start is not None:
        group.MultiplexGroupTimeOffset = start * 1000
    group.NumberOfWaveformChannels, group.NumberOfWaveformSamples = counts.shape
    group.SamplingFrequency = fs
    channels = []
    for lead in leads:
        channel = Dataset()
        channel.ChannelSourceSequence = [dicom_code(f"2:{LEAD_CODES[lead]}", "MDC", f"Lead {lead}")]
        channel.ChannelSensitivity = microvolts
        channel.ChannelSensitivityUnitsSequence = [dicom_code("uV", "UCUM", "microvolt")]
        channel.ChannelSensitivityCorrectionFactor = 1
        channel.ChannelBaseline = 0
        channel.WaveformBitsStored = 16
        channels.append(channel)
    group.ChannelDefinitionSequence = channels
    group.WaveformBitsAllocated = 16
    group.WaveformSampleInterpretation = "SS"
    group.WaveformData = counts.T.astype("<i2").tobytes()
    return group


def dicom_code(value: str, scheme: str, meaning: str) -> Any:
    """A coded entry, a pydicom data set."""
    from pydicom.dataset import Dataset

    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def write_scp(
    path: Path,
    counts: Counts | Sequence[Counts],
    leads: Sequence[str],
    *,
    fs: int = 500,
    microvolts: float = 5.0,
    huffman: bool = True,
    starts: Sequence[int] | None = None,
) -> None:
    """SCP-ECG (EN 1064): second differences with the default Huffman table, or plain amplitudes.

    Leads may have different lengths, a sequence of rows then.
    """
    starts = starts or [1] * len(leads)
    table = b"".join(
        struct.pack("<IIB", start, start + len(row) - 1, LEAD_CODES[lead])
        for lead, start, row in zip(leads, starts, counts, strict=True)
    )
    rows = [_huffman(row) if huffman else row.astype("<i2").tobytes() for row in counts]
    head = struct.pack("<HHBB", round(microvolts * 1000), 1_000_000 // fs, 2 if huffman else 0, 0)
    sizes = b"".join(struct.pack("<H", len(row)) for row in rows)
    bodies = {
        1: struct.pack("<BHB", 8, 1, 2) + struct.pack("<BH", 255, 0),
        3: bytes([len(leads), 0x04 | len(leads) << 3 & 0xFF]) + table,
        6: head + sizes + b"".join(rows),
    }
    if huffman:
        bodies[2] = struct.pack("<H", 19999)
    sections = {number: _section(number, body) for number, body in sorted(bodies.items())}
    first = 6 + 16 + 10 * 12
    places, index = {0: (16 + 120, 7)}, first + 1
    for number, section in sections.items():
        places[number] = (len(section), index)
        index += len(section)
    pointers = b"".join(struct.pack("<HII", n, *places.get(n, (0, 0))) for n in range(12))
    content = _section(0, pointers, b"SCPECG") + b"".join(sections.values())
    content = struct.pack("<I", 6 + len(content)) + content
    path.write_bytes(struct.pack("<H", binascii.crc_hqx(content, 0xFFFF)) + content)


def _section(number: int, body: bytes, reserved: bytes = bytes(6)) -> bytes:
    body += bytes(len(body) % 2)
    content = struct.pack("<HIBB", number, 16 + len(body), 20, 20) + reserved + body
    return struct.pack("<H", binascii.crc_hqx(content, 0xFFFF)) + content


def _huffman(row: Counts) -> bytes:
    """Second differences in the default code of EN 1064, table C.1."""
    values = [int(value) for value in row]
    differences = [
        value if n < 2 else value - 2 * values[n - 1] + values[n - 2]
        for n, value in enumerate(values)
    ]
    bits = "".join(_code(difference) for difference in differences)
    bits += "0" * (-len(bits) % 16)
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


def _code(value: int) -> str:
    if value == 0:
        return "0"
    if abs(value) <= 8:
        return "1" * abs(value) + "0" + ("1" if value < 0 else "0")
    if -128 <= value <= 127:
        return "1111111110" + f"{value & 0xFF:08b}"
    return "1111111111" + f"{value & 0xFFFF:016b}"
