"""Philips Sierra XML and SCP-ECG, decoded by ecgdatakit."""

from __future__ import annotations

import binascii
import re
import struct
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from xml.parsers.expat import ExpatError

import numpy as np

from acsbench.datasets.clinical.amplitude import EXPORT, LOWEST, scaled
from acsbench.datasets.clinical.groups import Group, Strip, warn
from acsbench.ecg.leads import signed_lead
from acsbench.errors import DataError

_SIGNAL_PARTS = re.compile(r"\blead\b|Section ([2-9]|1[0-2])\b")
_PLACES_ONLY = (ExpatError, binascii.Error, struct.error)
"""Causes with messages about places and sizes, without content of the file."""


def decoded_groups(path: Path, text: str | None = None) -> list[Group]:
    """The rhythm of a Philips Sierra or SCP-ECG file, without averaged beats.

    Args:
        path: the file.
        text: the text of an XML file in an encoding that ecgdatakit does not support.

    Raises:
        DataError: the file is damaged, or a lead has no gain.
    """
    if text is None:
        return [Group(tuple(_strip(lead) for lead in _decode(path)))]
    # ecgdatakit reads files only.
    with TemporaryDirectory() as folder:
        copy = Path(folder) / "ecg.xml"
        copy.write_text(text, encoding="utf-8")
        return [Group(tuple(_strip(lead) for lead in _decode(copy)))]


def _decode(path: Path) -> list[Any]:
    from ecgdatakit import ChecksumWarning, ECGDataKitError, FileParser

    with warnings.catch_warnings(record=True) as remarks:
        warnings.simplefilter("always")
        try:
            leads: list[Any] = FileParser.parse(path, auto_scale=False).leads
        except (ECGDataKitError, OSError) as error:
            raise DataError(
                f"it cannot be decoded: {_reason(error, path)}",
                fix=EXPORT,
                private=str(error),
            ) from error
    for remark in remarks:
        said = str(remark.message)
        # Checksums of header and record are often wrong because names were removed.
        if issubclass(remark.category, ChecksumWarning) and _SIGNAL_PARTS.search(said):
            raise DataError("a checksum does not match its signal", fix=EXPORT, private=said)
        if not said.startswith("auto_scale=False"):
            warn(said)
    if not leads:
        raise DataError("it has no leads", fix=EXPORT)
    return leads


def _strip(lead: Any) -> Strip:
    # ecgdatakit calls the second lead of the same name II_2.
    name = re.sub(r"_\d+$", "", lead.label)
    fs = float(lead.sampling_rate)
    start = (int(lead.annotations.get("start_sample", 1)) - 1) / fs
    counts = np.asarray(lead.samples, dtype=np.float64)
    if signed_lead(name) is None:
        return Strip(name, counts, lead.resolution_unit, fs, start)
    # Without a unit ecgdatakit leaves the gain at 1.
    gain = lead.resolution if lead.resolution_unit else None
    # SCP-ECG can add averaged beats to the counts, which are then of another unit.
    if lead.resolution in (lead.adc_resolution, lead.adc_resolution / 1000):
        counts[counts == LOWEST] = np.nan
    samples, unit = scaled(counts, name, gain, lead.resolution_unit, lead.offset)
    return Strip(name, samples, unit, fs, start)


def _reason(error: Exception, path: Path) -> str:
    """The decoder's message, without the file's name and content."""
    if isinstance(error, OSError):
        return error.strerror or "it cannot be opened"
    cause = error.__cause__
    said = str(error).replace(f"{path.name} holds", "it holds")
    if "cannot decode" in said or not (cause is None or isinstance(cause, _PLACES_ONLY)):
        return "its content is damaged"
    # A missing element is named by one word.
    return said if " " in said else f"{said} is missing"
