"""DICOM waveforms (PS3.3 C.10.9): multiplex groups of interleaved channels."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from acsbench.datasets.clinical.amplitude import EXPORT, LOWEST, number, scaled
from acsbench.datasets.clinical.groups import Group, Strip, warn
from acsbench.datasets.file_leads import millivolts_per
from acsbench.ecg.leads import LEADS, says_opposite, signed_lead
from acsbench.errors import ConfigurationError, DataError

_TYPES = {
    (8, "SB"): "i1", (8, "UB"): "u1", (16, "SS"): "i2", (16, "US"): "u2",
    (32, "SL"): "i4", (32, "UL"): "u4", (64, "SV"): "i8", (64, "UV"): "u8",
}  # fmt: skip
"""Number types by Waveform Bits Allocated and Sample Interpretation."""

_CODES = dict(zip((1, 2, 61, 62, 63, 64, 3, 4, 5, 6, 7, 8), LEADS, strict=True)) | {65: "-aVR"}
"""Lead codes of EN 1064, which MDC (`2:1`) and SCPECG (`5.6.3-9-1`) share (PS3.16 CID 3001)."""

_AVERAGED = ("MEDIAN", "REPRESENTATIVE", "AVERAGE", "BEAT", "TEMPLATE")
_NOT_RECORDED = ("DISCONNECTED", "INVALID")


def dicom_groups(path: Path) -> list[Group]:
    """The multiplex groups of a DICOM file.

    Args:
        path: a file with the DICOM preamble.

    Raises:
        ConfigurationError: pydicom is not installed.
        DataError: an element is damaged, or a waveform has no rate, unit or gain.
    """
    try:
        from pydicom import dcmread
    except ImportError as error:
        raise ConfigurationError("DICOM files need pydicom: install acsbench[formats]") from error
    with warnings.catch_warnings():
        # pydicom's warnings quote values; this module checks the waveforms itself.
        warnings.filterwarnings("ignore", module="pydicom")
        try:
            dataset = dcmread(path, specific_tags=["WaveformSequence"])
            order = "<" if dataset.file_meta.TransferSyntaxUID.is_little_endian else ">"
            items = list(dataset.get("WaveformSequence") or [])
            items = [item for item in items if item.get("WaveformData")]
            groups = [_group(item, order, alone=len(items) == 1) for item in items]
        except DataError:
            raise
        except Exception as error:  # pydicom decodes values lazily, with many kinds of errors
            raise DataError(
                "one of its elements is damaged", fix=EXPORT, private=str(error)
            ) from error
    if not groups:
        raise DataError(
            "it has no Waveform Sequence (5400,0100) with samples",
            fix="It may be an image or a report. Export the ECG as a DICOM waveform",
        )
    return groups


def _group(item: Any, order: str, *, alone: bool) -> Group:
    label = str(item.get("MultiplexGroupLabel") or "").upper()
    if any(word in label for word in _AVERAGED):
        return Group((), "averaged")
    kind: Literal["original", "derived"] = (
        "derived" if str(item.get("WaveformOriginality") or "").upper() == "DERIVED" else "original"
    )
    fs = number(str(item.get("SamplingFrequency")))
    if fs is None or fs <= 0:
        raise DataError("a waveform group has no valid Sampling Frequency (003A,001A)", fix=EXPORT)
    counts = _counts(item, order)
    offset = number(str(item.get("MultiplexGroupTimeOffset")))
    start = offset / 1000 if offset is not None else 0.0 if alone else None
    channels = list(item.get("ChannelDefinitionSequence") or [])
    if len(channels) != len(counts):
        raise DataError(
            f"a waveform group has {len(counts)} channels and defines {len(channels)}", fix=EXPORT
        )
    strips = [_strip(*pair, fs, start) for pair in zip(channels, counts, strict=True)]
    return Group(tuple(strips), kind)


def _counts(item: Any, order: str) -> NDArray[np.float64]:
    """Shape (channels, samples), NaN where a sample is missing."""
    bits = int(item.get("WaveformBitsAllocated") or 0)
    interpretation = str(item.get("WaveformSampleInterpretation") or "").upper()
    if (bits, interpretation) not in _TYPES:
        raise DataError(
            f"a waveform group has samples of {bits} bits, interpreted as {interpretation[:4]!r}",
            fix="Export the ECG with 16 bits (Sample Interpretation SS)",
        )
    number_type = np.dtype(order + _TYPES[bits, interpretation])
    channels = int(item.get("NumberOfWaveformChannels") or 0)
    samples = int(item.get("NumberOfWaveformSamples") or 0)
    data = bytes(item.get("WaveformData") or b"")
    expected = channels * samples * number_type.itemsize
    if not 0 < expected <= len(data):
        raise DataError(
            f"Waveform Data has {len(data)} bytes; {channels} channels of {samples} samples need "
            f"{expected}",
            fix=EXPORT,
        )
    stored = np.frombuffer(data[:expected], number_type).reshape(samples, channels).T
    counts = stored.astype(np.float64)
    padding = bytes(item.get("WaveformPaddingValue") or b"")
    if len(padding) >= number_type.itemsize:
        counts[stored == np.frombuffer(padding[: number_type.itemsize], number_type)[0]] = np.nan
    if interpretation == "SS":
        counts[counts == LOWEST] = np.nan
    return counts


def _strip(channel: Any, counts: NDArray[np.float64], fs: float, start: float | None) -> Strip:
    name = _name(channel)
    code, meaning, _ = _coded(channel, "ChannelSensitivityUnitsSequence")
    by_code, by_meaning = millivolts_per(code), millivolts_per(meaning)
    unit = meaning if by_code is None and by_meaning else code
    if by_code and by_meaning and by_code != by_meaning and signed_lead(name):
        raise DataError(
            f"the unit of lead {name} has the code {code[:16]!r} and the meaning {meaning[:16]!r}",
            fix="Correct the code or the meaning of the channel's unit",
        )
    if signed_lead(name) is None:
        return Strip(name, counts, unit, fs, start)
    status = str(channel.get("ChannelStatus") or "OK").upper()
    if any(word in status for word in _NOT_RECORDED):
        counts = np.full(len(counts), np.nan)
    if status != "OK":
        warn(f"a DICOM file gives a lead the status {status[:16]}")
    # A channel may start later than its group; round to samples.
    skew = number(str(channel.get("ChannelTimeSkew"))) or 0.0
    skew_samples = round(skew * fs + (number(str(channel.get("ChannelSampleSkew"))) or 0.0))
    start = None if start is None else start + skew_samples / fs
    gain = number(str(channel.get("ChannelSensitivity")))
    correction = number(str(channel.get("ChannelSensitivityCorrectionFactor")))
    if gain is not None and correction is not None:
        gain *= correction
    zero = number(str(channel.get("ChannelBaseline"))) or 0.0
    samples, unit = scaled(counts, name, gain, unit, zero)
    return Strip(name, samples, unit, fs, start)


def _name(channel: Any) -> str:
    """The lead's name from the code or meaning of its source, or from its label."""
    code, meaning, scheme = _coded(channel, "ChannelSourceSequence")
    digits = code.removeprefix("2:").removeprefix("5.6.3-9-")
    if digits.isdecimal() and (digits != code or scheme in ("MDC", "SCPECG")):
        code = _CODES.get(int(digits), code)
    meaning, _, remark = (part.strip() for part in meaning.partition(","))
    if says_opposite(remark):  # as in "aVR, inverted"
        meaning = f"{meaning} (-)"
    label = str(channel.get("ChannelLabel") or "").strip()
    names = {"code": code, "meaning": meaning, "label": label}
    names = {what: name for what, name in names.items() if name}
    leads = {what: name for what, name in names.items() if signed_lead(name)}
    if len({signed_lead(name) for name in leads.values()}) > 1:
        found = " and ".join(f"the {what} {name[:20]!r}" for what, name in leads.items())
        raise DataError(
            f"a channel has {found}, which are different leads",
            fix="Correct the channel's source code, meaning or label",
        )
    return next(iter([*leads.values(), *reversed(names.values())]), "")


def _coded(item: Any, sequence: str) -> tuple[str, str, str]:
    """Value, meaning and scheme of a coded entry, each "" if it is absent."""
    entries = item.get(sequence)
    if not entries:
        return "", "", ""
    tags = ("CodeValue", "LongCodeValue", "CodeMeaning", "CodingSchemeDesignator")
    value, long_value, meaning, scheme = (str(entries[0].get(tag) or "").strip() for tag in tags)
    return value or long_value, meaning, scheme
