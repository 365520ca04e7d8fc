"""What a file is if it is not CSV text."""

from __future__ import annotations

import csv
from pathlib import Path

from acsbench.errors import DataError

_EXPORT = "Save it as CSV in UTF-8"
_AS_UTF_8 = "Save it as UTF-8"
_WRITE_CSV = "Write its numbers as CSV, with their ids"

_BY_FIRST_BYTES = (
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook or another Office file", _EXPORT),
    (b"\x93NUMPY", "a NumPy array (.npy)", _WRITE_CSV),
    (b"PAR1", "a Parquet table", _EXPORT),
    (b"\x89HDF\r\n", "an HDF5 file", _WRITE_CSV),
    (b"%PDF", "a PDF document", "Give the CSV file itself"),
    (b"\x89PNG", "a picture", "Give the CSV file itself"),
    (b"\xff\xd8\xff", "a picture", "Give the CSV file itself"),
    (b"\x1f\x8b", "compressed (gzip)", "Unpack it first"),
    (b"BZh", "compressed (bzip2)", "Unpack it first"),
    (b"\xfd7zXZ", "compressed (xz)", "Unpack it first"),
    (b"\x28\xb5\x2f\xfd", "compressed (Zstandard)", "Unpack it first"),
    (b"7z\xbc\xaf", "a 7z archive", "Unpack it first"),
)

_UTF_16 = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")
"""Byte-order marks, of UTF-32 as well."""

_BY_FIRST_LETTER = {
    "{": ("JSON", "Write one line per ECG, as CSV"),
    "[": ("JSON", "Write one line per ECG, as CSV"),
    "<": ("a web page or XML", "Give the CSV file itself"),
}

_SAMPLE = 4096
LONGEST_LINE = 1_000_000
"""Default limit, bytes."""


def check_csv_text(
    content: bytes, *, file: Path | None = None, longest_line: int = LONGEST_LINE
) -> None:
    """Check that bytes can be CSV text in UTF-8.

    Args:
        content: the whole file.
        file: for errors.
        longest_line: limit, bytes.

    Raises:
        DataError: the file is of another kind or in another encoding.

    Examples:
        >>> check_csv_text(b"PAR1...")
        Traceback (most recent call last):
        acsbench.errors.DataError: the file is a Parquet table. Save it as CSV in UTF-8
        >>> check_csv_text(b"ecg_id,acs")
    """
    if not content.strip(b"\xef\xbb\xbf \t\r\n"):
        raise empty_file(file)
    if content.startswith(_UTF_16):
        raise DataError("the text is not UTF-8 but UTF-16 or UTF-32", file=file, fix=_AS_UTF_8)
    for first, kind, fix in _BY_FIRST_BYTES:
        if content.startswith(first):
            raise DataError(f"the file is {kind}", file=file, fix=fix)
    if content.startswith(b"PK\x03\x04"):
        kind, fix = _zip_kind(content)
        raise DataError(f"the file is {kind}", file=file, fix=fix)
    if b"\x00" in content:
        raise _zero_bytes(content, file)
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(
            f"the text is not UTF-8 (byte 0x{content[error.start]:02x}); it may be in Latin-1 or "
            "Windows-1252",
            file=file,
            row=_line_of(content, error.start),
            column=_column_of(content, error.start),
            fix=_AS_UTF_8,
        ) from error
    first_letter = content[:_SAMPLE].removeprefix(b"\xef\xbb\xbf").lstrip()[:1].decode("latin-1")
    if first_letter in _BY_FIRST_LETTER:
        kind, fix = _BY_FIRST_LETTER[first_letter]
        raise DataError(f"the file looks like {kind}", file=file, fix=fix)
    start = _start_of_long_line(content, longest_line)
    if start is not None:
        raise DataError(
            f"the line has more than {longest_line:,} bytes",
            file=file,
            row=_line_of(content, start),
            fix="Write one ECG on each line",
        )


def empty_file(file: Path | None) -> DataError:
    """The error for a file without text."""
    return DataError("the file is empty", file=file, fix="Give a CSV file with a header")


def _start_of_long_line(content: bytes, longest: int) -> int | None:
    """Start of the first line that is too long, or None."""
    start = 0
    while start + longest < len(content):
        # Skip all lines that end within the limit.
        reach = start, start + longest + 1
        end = max(content.rfind(b"\n", *reach), content.rfind(b"\r", *reach))
        if end < 0:
            return start
        start = end + 1
    return None


def _zip_kind(content: bytes) -> tuple[str, str]:
    if b"xl/" in content:
        return "an Excel workbook", _EXPORT
    if b".npy" in content[:_SAMPLE]:
        return "a NumPy archive (.npz)", _WRITE_CSV
    return "a zip archive", "Unpack it and give the CSV file itself"


def _zero_bytes(content: bytes, file: Path | None) -> DataError:
    sample = content[:_SAMPLE]
    # An ASCII letter in UTF-16 or UTF-32 has one or three zero bytes.
    if sample.count(b"\x00") > len(sample) / 3 and not sample.strip(b"\x00").isspace():
        return DataError(
            "the text is not UTF-8 but UTF-16 or UTF-32, or the file is binary",
            file=file,
            fix=_EXPORT,
        )
    place = content.index(b"\x00")
    return DataError(
        "the line has a zero byte: the file is binary or damaged",
        file=file,
        row=_line_of(content, place),
        column=_column_of(content, place),
        fix=_EXPORT,
    )


def _column_of(content: bytes, place: int) -> str | None:
    """Name of the column of a byte, as far as header and line show it."""
    header, *_ = content[:_SAMPLE].removeprefix(b"\xef\xbb\xbf").lstrip().splitlines()
    start = max(content.rfind(b"\n", 0, place), content.rfind(b"\r", 0, place)) + 1
    before = content[start:place].decode("latin-1")
    try:
        [names], [cells] = csv.reader([header.decode("utf-8")]), csv.reader([before + "x"])
    except (ValueError, csv.Error):
        return None
    number = len(cells) - 1
    return names[number].strip() if place >= len(header) and number < len(names) else None


def _line_of(content: bytes, place: int) -> int:
    """Number of the line of a byte, from 1, as editors count: with all kinds of line ends."""
    before = content[:place]
    return before.count(b"\n") + before.count(b"\r") - before.count(b"\r\n") + 1
