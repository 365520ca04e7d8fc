"""GE MUSE XML: waveforms of the rhythm and of the median beat, with leads in Base64."""

from __future__ import annotations

import base64
import dataclasses
import zlib
from collections.abc import Sequence
from xml.etree.ElementTree import Element

import numpy as np

from acsbench.datasets.clinical.amplitude import EXPORT, number, scaled
from acsbench.datasets.clinical.groups import Group, Strip, is_complete, warn
from acsbench.ecg.leads import signed_lead
from acsbench.errors import DataError

_AVERAGED = ("median", "average", "representative")


def muse_groups(root: Element) -> list[Group]:
    """The waveforms of a `RestingECG` document.

    Args:
        root: as `xml_root` gives it.

    Raises:
        DataError: a rhythm waveform is damaged or has no rate, unit or gain.
    """
    for element in root.iter():
        element.tag = element.tag.lower()
    groups = []
    for waveform in root.iterfind("waveform"):
        if _text(waveform, "waveformtype").lower().startswith(_AVERAGED):
            groups.append(Group((), "averaged"))
            continue
        base = number(_text(waveform, "samplebase"))
        exponent = number(_text(waveform, "sampleexponent")) or 0.0
        if base is None or base <= 0 or abs(exponent) > 9:
            raise DataError("a waveform has no valid SampleBase, its sampling rate", fix=EXPORT)
        fs = base * 10.0**exponent
        start = number(_text(waveform, "waveformstarttime"))
        strips = [_strip(data, fs, start) for data in waveform.iterfind("leaddata")]
        if strips:
            groups.append(Group(tuple(strips)))
    return _with_times(groups)


def _text(node: Element, tag: str) -> str:
    child = node.find(tag)
    return "" if child is None else "".join(child.itertext()).strip()


def _strip(data: Element, fs: float, start: float | None) -> Strip:
    lead = _text(data, "leadid")
    if not lead:
        raise DataError("a lead of the rhythm has no LeadID", fix=EXPORT)
    if signed_lead(lead) is None:
        return Strip(lead, np.empty(0), "", fs)  # only messages use it
    try:
        payload = base64.b64decode("".join(_text(data, "waveformdata").split()), validate=True)
    except ValueError as error:
        raise DataError(f"lead {lead} is not valid Base64", fix=EXPORT) from error
    size = int(number(_text(data, "leadsamplesize")) or 2)
    if size not in (1, 2, 4) or len(payload) % size or not payload:
        raise DataError(
            f"lead {lead} has {len(payload)} bytes in samples of {size} bytes", fix=EXPORT
        )
    counts = np.frombuffer(payload, dtype=f"<i{size}").astype(np.float64)
    for tag, found in (("LeadByteCountTotal", len(payload)), ("LeadSampleCountTotal", len(counts))):
        announced = number(_text(data, tag.lower()))
        if announced is not None and announced != found:
            raise DataError(f"lead {lead} has {tag} {announced:.0f}, but holds {found}", fix=EXPORT)
    checksum = _text(data, "leaddatacrc32")
    if checksum.isdigit() and int(checksum) != zlib.crc32(payload):
        raise DataError(f"the checksum of lead {lead} does not match its signal", fix=EXPORT)
    counts[counts == -(2.0 ** (8 * size - 1))] = np.nan
    offset = number(_text(data, "leadtimeoffset"))
    when = None if start is None and offset is None else (start or 0.0) + (offset or 0.0)
    unit = _text(data, "leadamplitudeunits")
    for tag in ("FirstSampleBaseline", "LeadOffsetFirstSample"):
        if number(_text(data, tag.lower())):
            warn(f"a GE MUSE file states {tag}, which is not documented; it is not applied")
    if _text(data, "leadoff").upper() == "TRUE":
        warn("a GE MUSE file marks a lead as off")
    gain = number(_text(data, "leadamplitudeunitsperbit"))
    return Strip(lead, *scaled(counts, lead, gain, unit), fs, when)


def _with_times(groups: Sequence[Group]) -> list[Group]:
    """The groups with their starts in seconds.

    GE does not document the unit of WaveformStartTime and LeadTimeOffset: milliseconds, seconds
    or samples. The right one makes the leads follow one another.
    """
    strips = [strip for group in groups for strip in group.strips]
    starts = sorted({strip.start for strip in strips if strip.start is not None})
    unit = None
    alone = [group for group in groups if len({strip.start for strip in group.strips}) == 1]
    if len(starts) > 1 and not any(is_complete([group]) for group in alone):
        lasting = [min(s.seconds for s in strips if s.start == start) for start in starts]
        steps = np.diff(starts)
        for seconds in (1e-3, 1.0, 1 / strips[0].fs):
            if np.allclose(steps * seconds, lasting[:-1], rtol=0.25):
                unit = seconds
                break
        else:
            raise DataError(
                "its leads begin at different times, and do not follow one another whether "
                "WaveformStartTime and LeadTimeOffset are in ms, s or samples",
                fix="Export the ECG with all leads recorded together",
            )
    # MUSE may write a start of 0 for several waveforms that do not start together.
    together = len(starts) <= 1 and sum(bool(group.strips) for group in groups) == 1

    def placed(strip: Strip) -> Strip:
        start = 0.0 if together else None if unit is None else (strip.start or 0.0) * unit
        return dataclasses.replace(strip, start=start)

    return [
        dataclasses.replace(group, strips=tuple(placed(strip) for strip in group.strips))
        for group in groups
    ]
