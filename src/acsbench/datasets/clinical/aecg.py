"""HL7 aECG: series of sequence sets; each has a time base, and leads as origin, scale, digits."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Literal
from xml.etree.ElementTree import Element

import numpy as np

from acsbench.datasets.clinical.amplitude import EXPORT, LOWEST, number, scaled
from acsbench.datasets.clinical.groups import Group, Strip
from acsbench.ecg.leads import signed_lead
from acsbench.errors import DataError

_SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "μs": 1e-6}
_MOMENT = re.compile(r"(\d{4})(\d\d)(\d\d)(\d\d)?(\d\d)?(\d\d)?(\.\d+)?(?:([+-])(\d\d)(\d\d))?")
_LEAD = re.compile(r"^.*_ECG_LEAD_", re.IGNORECASE)

IMPOSSIBLE = 5.0
"""A count of -32768 above this amplitude, mV, is a marker: aECG is not limited to 16 bits."""


def aecg_groups(root: Element) -> list[Group]:
    """The sequence sets of all series of an `AnnotatedECG` document.

    Args:
        root: as `xml_root` gives it.

    Raises:
        DataError: a series is damaged or has no rate, unit or gain.
    """
    groups = []
    all_series = root.findall("component/series")
    alone = sum(not _is_averaged(series) for series in all_series) == 1
    for series in all_series:
        groups += _groups_of(series, "original", alone=alone)
        for derived in series.iterfind("derivation/derivedSeries"):
            groups += _groups_of(derived, "derived", alone=False)
    return groups


def _groups_of(
    series: Element, kind: Literal["original", "derived"], *, alone: bool
) -> list[Group]:
    sets = series.findall("component/sequenceSet")
    if _is_averaged(series) or (kind == "derived" and series.find("code") is None):
        return [Group((), "averaged")] if sets else []
    low = _moment(_attribute(series, "effectiveTime/low", "value"))
    zero = low if low is not None else 0.0 if alone else None
    groups = [_group(sequence_set, kind, zero) for sequence_set in sets]
    return [group for group in groups if group.strips]


def _is_averaged(series: Element) -> bool:
    code = _attribute(series, "code", "code").upper()
    return "BEAT" in code or "MEDIAN" in code


def _group(
    sequence_set: Element, kind: Literal["original", "derived"], zero: float | None
) -> Group:
    fs = None
    start = None
    leads = []
    for sequence in sequence_set.iterfind("component/sequence"):
        code = _attribute(sequence, "code", "code")
        value = sequence.find("value")
        if value is None:
            continue
        if code.upper().startswith("TIME_"):
            fs, start = _time(value, code.upper() == "TIME_ABSOLUTE", zero)
        elif _LEAD.match(code) and not value.get("nullFlavor"):
            leads.append((_LEAD.sub("", code), value))
    if leads and fs is None:
        raise DataError("its leads have no valid time increment, the sampling rate", fix=EXPORT)
    return Group(tuple(_strip(name, value, fs or 1.0, start) for name, value in leads), kind)


def _time(value: Element, absolute: bool, zero: float | None) -> tuple[float, float | None]:
    """The sampling rate, Hz, and the moment of the first sample, s."""
    increment = number(_attribute(value, "increment", "value"))
    unit = _attribute(value, "increment", "unit")
    if not increment or increment <= 0 or unit not in _SECONDS:
        raise DataError(
            f"the time increment of its leads has the unit {unit!r} or is not positive",
            fix="It must be in s, ms or us. " + EXPORT,
        )
    fs = 1 / (increment * _SECONDS[unit])
    # 1/360 s is written with few digits.
    fs = round(fs) if abs(fs - round(fs)) < 1e-3 * fs and fs > 50 else fs
    head = _attribute(value, "head", "value")
    if absolute:
        return fs, _moment(head)
    relative, unit = number(head or "0"), _attribute(value, "head", "unit") or "s"
    if relative is None or zero is None or unit not in _SECONDS:
        return fs, None
    return fs, zero + relative * _SECONDS[unit]


def _strip(name: str, value: Element, fs: float, start: float | None) -> Strip:
    if signed_lead(name) is None:
        return Strip(name, np.empty(0), "", fs)  # only messages use it
    digits = value.find("digits")
    text = "" if digits is None else (digits.text or "")
    try:
        counts = np.array(text.split(), dtype=np.float64)
        if np.isinf(counts).any():
            raise ValueError("a number is infinite")
    except ValueError as error:
        raise DataError(
            f"lead {name} has digits that are not numbers", fix=EXPORT, private=str(error)
        ) from error
    unit = _attribute(value, "scale", "unit")
    if not len(counts):
        raise DataError(f"lead {name} has no digits", fix=EXPORT)
    samples, unit = scaled(counts, name, number(_attribute(value, "scale", "value")), unit)
    if unit == "mV":
        samples[(counts == LOWEST) & (np.abs(samples) > IMPOSSIBLE)] = np.nan
    origin = number(_attribute(value, "origin", "value")) or 0.0
    if origin:
        zero, zero_unit = scaled(origin, name, 1.0, _attribute(value, "origin", "unit") or unit)
        if zero_unit != unit:
            raise DataError(
                f"the origin of lead {name} is in {zero_unit!r}, its scale in {unit!r}", fix=EXPORT
            )
        samples += zero
    return Strip(name, samples, unit, fs, start)


def _attribute(node: Element, path: str, name: str) -> str:
    child = node.find(path)
    return "" if child is None else (child.get(name) or "").strip()


def _moment(text: str) -> float | None:
    """Seconds of an HL7 time stamp since an epoch, or None if it has no day."""
    match = _MOMENT.fullmatch(text)
    if match is None:
        return None
    *parts, fraction, sign, hours, minutes = match.groups()
    year, month, day, hour, minute, second = (int(part or 0) for part in parts)
    shift = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    try:
        zone = timezone(-shift if sign == "-" else shift)
        moment = datetime(year, month, day, hour, minute, second, tzinfo=zone)
    except ValueError:
        return None
    return (moment - datetime(2000, 1, 1, tzinfo=UTC)).total_seconds() + float(fraction or 0)
