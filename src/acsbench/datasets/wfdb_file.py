"""A WFDB record (PhysioNet's header and signal files) as a `Recording`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from acsbench.datasets.file_leads import (
    LEAVE_OUT,
    FileSignal,
    file_error,
    millivolts_per,
    twelve_leads,
)
from acsbench.datasets.wfdb_header import (
    NULL_SEGMENT,
    Header,
    SegmentLine,
    SignalLine,
    header_path,
    is_file,
    leaves_folder,
    line_error,
    read_header,
    record_path,
)
from acsbench.datasets.wfdb_signals import read_samples
from acsbench.ecg.leads import signed_lead
from acsbench.ecg.recording import Recording
from acsbench.errors import ConfigurationError

SIMULATED = "simulated"
_Key = tuple[tuple[str, int] | str, int]
"""Identifies a signal across segments: a signed lead or another name, and its number."""

LONGEST = 2 * 10**7
"""Most samples per signal of a joined record: 11 h at 500 Hz."""


def read_wfdb(record: Path, ecg_id: str, gain: float | None = None) -> Recording:
    """Read the twelve leads of a WFDB record; other signals are ignored.

    All samples of a frame are kept. The segments of a record are joined; leads missing in a
    segment are NaN. `file_leads.twelve_leads` handles names, signs, units, calibration pulses and
    missing limb leads.

    Args:
        record: path of the record, with or without the suffix of its header or signal file.
        ecg_id: identifies the ECG.
        gain: counts per millivolt of leads whose gain in the header is 0 or missing.

    Returns:
        The twelve leads in the standard order at the record's own rate and length, mV.

    Raises:
        DataError: the header or a signal file is missing, truncated or invalid; the gain of a
            lead is unknown; or as `twelve_leads`.
        ConfigurationError: `gain` is not a positive number.
    """
    if gain is not None and not 0 < gain < np.inf:
        raise ConfigurationError(
            f"the gain is {gain:g}, but must be positive (counts per millivolt)"
        )
    header = read_header(record_path(record))
    read = _join_segments if header.segments else _read_signals
    return twelve_leads(header.record, ecg_id, read(header, gain))


def says_simulated(record: Path) -> bool:
    """Whether a comment in the record's header says that it was simulated."""
    comments = read_header(record_path(record)).comments
    return any(SIMULATED in comment.casefold() for comment in comments)


def _read_signals(header: Header, gain: float | None) -> list[FileSignal]:
    """The signals of a record that has signal files, in their units."""
    lines = [_with_gain(header, line, gain) for line in header.signals]
    signals = []
    for line, counts in zip(lines, read_samples(header), strict=True):
        if line.gain is not None:  # only signals that are not leads have none
            # A gain near 0 gives infinite values, which are rejected as implausible.
            with np.errstate(over="ignore"):
                counts -= line.baseline
                counts /= line.gain
        rate = header.rate * line.samples_per_frame
        signals.append(FileSignal(line.name, counts, line.unit, rate))
    return signals


def _with_gain(header: Header, line: SignalLine, gain: float | None) -> SignalLine:
    """The line, with the caller's gain if it describes a lead and has none."""
    if line.gain is not None or signed_lead(line.name) is None or line.format == "0":
        return line
    if gain is None:
        raise line_error(
            header.record,
            line.line,
            f"states no gain for lead {line.name} (0 means unknown)",
            "Give the counts per millivolt: in the header, as gain in dataset.yaml, or with "
            "--gain (gain= in Python)",
        )
    return replace(line, gain=gain, unit="mV")


def _join_segments(header: Header, gain: float | None) -> list[FileSignal]:
    """The signals of a multi-segment record, one segment after the other."""
    parts = _segments(header)
    length = sum(segment.length for segment, _ in parts)
    if header.length not in (None, length):
        raise file_error(
            header.record,
            f"the header's segments have {length} samples in total; its record line states "
            f"{header.length}",
            "Correct the number of samples in the header",
        )
    per_frame = max(
        (line.samples_per_frame for _, part in parts if part for line in part.signals), default=1
    )
    if length * per_frame > LONGEST:
        raise file_error(
            header.record,
            f"the record's segments have {length * per_frame} samples per signal; the limit is "
            f"{LONGEST}",
            "Extract the part that you need",
        )
    joined: dict[_Key, NDArray[np.float64]] = {}
    first: dict[_Key, FileSignal] = {}
    start = 0
    for segment, part in parts:
        for key, signal in _of_segment(header, segment, part, gain).items() if part else ():
            seen = first.setdefault(key, signal)
            in_frame = round(signal.rate / header.rate)
            if signal.rate != seen.rate:
                raise line_error(
                    header.record,
                    segment.line,
                    f"names a segment with {signal.name} at {signal.rate:g} Hz; it has "
                    f"{seen.rate:g} Hz in an earlier segment",
                    f"Resample the segments to one rate, or {LEAVE_OUT}",
                )
            if isinstance(key[0], tuple):
                if key not in joined:
                    joined[key] = np.full(length * in_frame, np.nan)
                place = slice(start * in_frame, (start + segment.length) * in_frame)
                joined[key][place] = signal.samples
        start += segment.length
    return [
        replace(signal, samples=joined[key], unit="mV") if key in joined else signal
        for key, signal in first.items()
    ]


def _segments(header: Header) -> list[tuple[SegmentLine, Header | None]]:
    """The segments with their headers; None for the layout and where nothing was recorded."""
    parts: list[tuple[SegmentLine, Header | None]] = []
    for segment in header.segments:
        if segment.name == NULL_SEGMENT or not segment.length:
            parts.append((segment, None))
            continue
        if leaves_folder(segment.name):
            raise line_error(
                header.record, segment.line, "names a segment outside the header's folder"
            )
        path = header.record.parent / segment.name
        if not is_file(header_path(path)):
            raise line_error(
                header.record,
                segment.line,
                "names a segment without a header file",
                "Copy the records of all segments into the same folder",
            )
        part = read_header(path)
        if part.segments:
            raise line_error(header.record, segment.line, "names a segment that has segments")
        if part.rate != header.rate:
            raise line_error(
                header.record,
                segment.line,
                f"names a segment of {part.rate:g} Hz; the record has {header.rate:g} Hz",
            )
        if part.length not in (None, segment.length):
            raise line_error(
                header.record,
                segment.line,
                f"states {segment.length} samples; the segment's header states {part.length}",
            )
        parts.append((segment, replace(part, length=segment.length)))
    return parts


def _of_segment(
    header: Header, segment: SegmentLine, part: Header, gain: float | None
) -> dict[_Key, FileSignal]:
    """The signals of a segment; leads in mV, since units may differ between segments."""
    signals: dict[_Key, FileSignal] = {}
    for signal in _read_signals(part, gain):
        if not signal.name:
            raise line_error(
                header.record,
                segment.line,
                "names a segment with an unnamed signal",
                "Name the signals in the segment's header",
            )
        lead = signed_lead(signal.name)
        name = lead or signal.name
        if lead is not None:
            factor = millivolts_per(signal.unit)
            if factor is None:
                raise line_error(
                    header.record,
                    segment.line,
                    f"names a segment with {signal.name} in {signal.unit!r}, which is not a "
                    "voltage",
                    "State the unit as mV, uV or V",
                )
            signal = replace(signal, samples=signal.samples * factor)
        signals[name, sum(earlier == name for earlier, _ in signals)] = signal
    return signals
