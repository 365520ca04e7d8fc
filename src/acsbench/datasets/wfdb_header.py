"""WFDB header files, as specified by PhysioNet's header(5).

Base time and date, counter frequency, resolution, checksum and block size are not read and may
have any form. Checksums and initial values are not compared with the signal, because they are
rarely updated when a record is cut or filtered.

References:
    https://physionet.org/physiotools/wag/header-5.htm
"""

from __future__ import annotations

import math
import os
import re
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from acsbench.datasets.file_leads import file_error
from acsbench.errors import DataError

HEADER = ".hea"
SIGNAL_SUFFIXES = (".dat", ".mat")
"""Usual suffixes of signal files; a record may be named by one."""

NULL_SEGMENT = "~"
LONGEST_LINE = 1000
CORRECT = "Correct this line of the header"
_COPY = "Copy the header again from its source"

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_REST = r"(?:/(?P<segments>\d{1,9}))?\s+(?P<signals>\d{1,9})(?:\s+(?P<rest>.*))?"
_BEHIND_NAME = re.compile(_REST)
# The name of a renamed record may contain blanks: it ends where the rest matches.
_RECORD = re.compile(rf".+?{_REST}")
_RATE = re.compile(rf"(?P<rate>{_NUMBER})(?:/[^(\s]*)?(?:\([^)]*\))?")
_SIGNAL = re.compile(
    r"(?P<file>.+?)\s+(?P<format>\d{1,4})(?P<layout>(?:[x:+]-?\d{0,15})*)(?:\s+(?P<rest>.*))?"
)
_GAIN = re.compile(
    rf"(?P<gain>{_NUMBER})?(?:\((?P<baseline>{_NUMBER})\))?(?:/(?P<unit>\S*))?(?=\s|$)"
)
_BROKEN_GAIN = re.compile(r"[(/]|[^\W\d]+(?:\s+-?\d+){5}(?:\s|$)")
"""Follows a gain that a blank splits: `(0)/mV`, `/mV`, or `V 16 0 …` of `µ V`."""
_INTEGERS = re.compile(r"(?:[-+]?\d{1,15}(?:\.0*)?(?:\s+|$)){0,5}")
_SEGMENT = re.compile(r"(?P<name>.+?)\s+(?P<length>\d{1,15})(?:\s.*)?")


@dataclass(frozen=True)
class SignalLine:
    """The header's description of a signal.

    Args:
        line: number in the header, from 1, including comments and blank lines.
        file: name of the signal file.
        format: number of its format; "0" is a signal that was not recorded.
        samples_per_frame: of this signal.
        skew: frames by which its samples are late in the file.
        offset: bytes before the first sample (samples, in a FLAC file).
        gain: counts per `unit`; None if it is 0 or missing, that is, unknown.
        baseline: count at 0 `unit`.
        unit: mV by default.
        initial: value before the first sample, for format 8.
        name: the description.
    """

    line: int
    file: str
    format: str
    samples_per_frame: int
    skew: int
    offset: int
    gain: float | None
    baseline: float
    unit: str
    initial: int
    name: str


@dataclass(frozen=True)
class SegmentLine:
    """The header's description of a segment.

    Args:
        line: number in the header.
        name: of the segment's record; `~` where nothing was recorded.
        length: in frames; 0 for the layout segment.
    """

    line: int
    name: str
    length: int


@dataclass(frozen=True)
class Header:
    """A record's header.

    Args:
        record: path of the record, without suffix.
        rate: frames per second.
        length: in frames; None if it is not stated.
        signals: of a record with signal files.
        segments: of a multi-segment record.
        comments: lines that start with `#`.
    """

    record: Path
    rate: float
    length: int | None
    signals: tuple[SignalLine, ...] = ()
    segments: tuple[SegmentLine, ...] = ()
    comments: tuple[str, ...] = field(default=(), repr=False)


def record_path(path: Path) -> Path:
    """The record of a path, which may be the path of its header or signal file."""
    if path.suffix == HEADER:
        return path.with_suffix("")
    if path.suffix in SIGNAL_SUFFIXES and not is_file(header_path(path)):
        return path.with_suffix("")
    return path


def is_file(path: Path) -> bool:
    """Whether a file exists; False for an invalid name."""
    try:
        return path.is_file()
    except OSError:
        return False


def header_path(record: Path) -> Path:
    """The header file of a record, which may have dots in its name."""
    return record.with_name(record.name + HEADER)


def read_header(record: Path) -> Header:
    """Read a record's header.

    Args:
        record: its path, without suffix.

    Raises:
        DataError: the header is missing, or one of its lines is invalid.
    """
    lines, comments = _lines(record)
    if not lines:
        raise file_error(record, "the header has no record line", _COPY)
    number, first = lines[0]
    segments, count, rest = _record_line(record, number, first)
    rate = _rate(record, number, rest)
    length = _length(record, number, rest)
    parse = _signal_line if segments is None else _segment_line
    expected = count if segments is None else segments
    _check_count(record, lines, expected, "signals" if segments is None else "segments")
    described = tuple(parse(record, *line) for line in lines[1:])
    return Header(
        record,
        rate,
        length,
        signals=tuple(item for item in described if isinstance(item, SignalLine)),
        segments=tuple(item for item in described if isinstance(item, SegmentLine)),
        comments=comments,
    )


def segments_named(record: Path) -> list[str]:
    """Names of a record's segments; empty without segments or without a readable header."""
    try:
        lines, _ = _lines(record)
    except DataError:
        return []
    match = _match_record(record, lines[0][1]) if lines else None
    if match is None or match["segments"] is None:
        return []
    return [found["name"] for _, line in lines[1:] if (found := _SEGMENT.fullmatch(line))]


def leaves_folder(name: str) -> bool:
    """Whether a file name in a header points outside the header's folder."""
    return PurePath(name).is_absolute() or PurePath(os.path.normpath(name)).parts[:1] == ("..",)


def _lines(record: Path) -> tuple[list[tuple[int, str]], tuple[str, ...]]:
    """Non-blank lines with their numbers, and the comments."""
    try:
        content = header_path(record).read_bytes()
    except FileNotFoundError:
        raise file_error(
            record,
            "the record has no header file (.hea)",
            "Copy the header into the signal's folder",
        ) from None
    except OSError as error:
        raise file_error(
            record, f"the header cannot be opened: {error.strerror}", "Check its permissions"
        ) from error
    lines, comments = [], []
    for number, line in enumerate(re.split(r"\r\n|\r|\n", _decoded(record, content)), start=1):
        text = line.strip()
        if text.startswith("#"):
            comments.append(text.lstrip("# \t"))
        elif len(text) > LONGEST_LINE:
            raise line_error(record, number, f"has {len(text)} characters", _COPY)
        elif text:
            lines.append((number, text))
    return lines, tuple(comments)


def _decoded(record: Path, content: bytes) -> str:
    """The header's text, in UTF-8 or else in a Western European encoding."""
    for encoding in ("utf-8-sig", "cp1252", "latin-1"):
        try:
            text = content.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    if "\0" in text:
        raise file_error(record, "the header is not a text file in UTF-8 or Latin-1", _COPY)
    return text


def line_error(record: Path, number: int, problem: str, fix: str = CORRECT) -> DataError:
    """An error in one line of a header."""
    return file_error(record, f"line {number} of the header {problem}", fix)


def _match_record(record: Path, line: str) -> re.Match[str] | None:
    """The parts of a record line; its name is that of the file, and may contain anything."""
    behind = line[len(record.name) :]
    if line.startswith(record.name) and re.match(r"/\d+\s|\s", behind):
        return _BEHIND_NAME.fullmatch(behind)
    return _RECORD.fullmatch(line)


def _record_line(record: Path, number: int, line: str) -> tuple[int | None, int, list[str]]:
    """Number of segments, number of signals, and the rest."""
    match = _match_record(record, line)
    if match is None:
        raise line_error(
            record,
            number,
            "is not a record line, which starts with the record's name and the number of signals",
        )
    segments = None if match["segments"] is None else int(match["segments"])
    return segments, int(match["signals"]), (match["rest"] or "").split()


def _rate(record: Path, number: int, rest: list[str]) -> float:
    if not rest:
        raise line_error(
            record,
            number,
            "states no sampling frequency (the specified default, 250 Hz, is rarely meant)",
            "Add it after the number of signals",
        )
    match = _RATE.fullmatch(rest[0])
    rate = float(match["rate"]) if match else math.nan
    if not (math.isfinite(rate) and rate > 0):
        raise line_error(record, number, f"states {rest[0][:20]!r} as sampling frequency")
    return rate


def _length(record: Path, number: int, rest: list[str]) -> int | None:
    if len(rest) < 2 or ":" in rest[1] or "/" in rest[1]:  # the base time may follow directly
        return None
    try:
        length = float(rest[1])
    except ValueError:
        length = math.nan
    if not (length >= 0 and length.is_integer()):
        raise line_error(record, number, f"states {rest[1][:20]!r} as number of samples")
    return int(length) or None


def _check_count(record: Path, lines: list[tuple[int, str]], count: int, what: str) -> None:
    if not count:
        raise line_error(record, lines[0][0], f"states 0 as number of {what}", _COPY)
    found = len(lines) - 1
    if found == count:
        return
    beyond = f"; line {lines[count + 1][0]} is the first extra line" if found > count else ""
    raise line_error(
        record,
        lines[0][0],
        f"states {count} as number of {what}, but {found} lines describe them{beyond}",
        "Correct the number, or the lines below it",
    )


def _signal_line(record: Path, number: int, line: str) -> SignalLine:
    match = _SIGNAL.fullmatch(line)
    if match is None:
        raise line_error(
            record, number, "is not a signal line, which starts with a file name and a format"
        )
    layout = dict(re.findall(r"([x:+])(-?\d*)", match["layout"]))
    rest = match["rest"] or ""
    gain = _GAIN.match(rest)
    if gain is None:
        raise line_error(record, number, f"states {rest.split()[0][:20]!r} as gain")
    behind = rest[gain.end() :].lstrip()
    if _BROKEN_GAIN.match(behind):
        raise line_error(record, number, "has a blank in the gain or its unit")
    integers = _INTEGERS.match(behind)
    numbers = [] if integers is None else [int(float(x)) for x in integers.group().split()]
    adc_zero, initial = (numbers + [0] * 5)[1:3]
    per_unit = float(gain["gain"] or 0)
    baseline = float(adc_zero if gain["baseline"] is None else gain["baseline"])
    if not (math.isfinite(per_unit) and math.isfinite(baseline)):
        raise line_error(record, number, f"states {gain.group()[:20]!r} as gain")
    per_frame = int(layout.get("x") or 1)
    skew, offset = int(layout.get(":") or 0), int(layout.get("+") or 0)
    if per_frame < 1 or skew < 0 or offset < 0:
        raise line_error(record, number, f"states {match['format'] + match['layout']!r} as format")
    return SignalLine(
        line=number,
        file=match["file"],
        format=match["format"],
        samples_per_frame=per_frame,
        skew=skew,
        offset=offset,
        gain=per_unit or None,
        baseline=baseline,
        unit=gain["unit"] or "mV",
        initial=initial,
        name=behind[integers.end() if integers else 0 :].strip(),
    )


def _segment_line(record: Path, number: int, line: str) -> SegmentLine:
    match = _SEGMENT.fullmatch(line)
    if match is None:
        raise line_error(
            record, number, "is not a segment line, which has a record's name and its length"
        )
    return SegmentLine(number, match["name"], int(match["length"]))
