"""What an upload is, where it is no CSV text."""

from __future__ import annotations

_EXPORT = "save it as CSV in UTF-8"

_BY_FIRST_BYTES = (
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook or another Office file", _EXPORT),
    (b"\x93NUMPY", "a NumPy array (.npy)", "write its numbers as CSV, with their ids"),
    (b"PAR1", "a Parquet table", _EXPORT),
    (b"\x89HDF\r\n", "an HDF5 file", "write its numbers as CSV, with their ids"),
    (b"%PDF", "a PDF document", "give the CSV file itself"),
    (b"\x89PNG", "a picture", "give the CSV file itself"),
    (b"\xff\xd8\xff", "a picture", "give the CSV file itself"),
    (b"\x1f\x8b", "compressed (gzip)", "unpack it first"),
    (b"BZh", "compressed (bzip2)", "unpack it first"),
    (b"\xfd7zXZ", "compressed (xz)", "unpack it first"),
    (b"\x28\xb5\x2f\xfd", "compressed (Zstandard)", "unpack it first"),
    (b"7z\xbc\xaf", "a 7z archive", "unpack it first"),
    (b"\xff\xfe", "text in UTF-16 or UTF-32", "save it as UTF-8"),
    (b"\xfe\xff", "text in UTF-16 or UTF-32", "save it as UTF-8"),
    (b"\x00\x00\xfe\xff", "text in UTF-16 or UTF-32", "save it as UTF-8"),
)

_BY_FIRST_LETTER = {
    "{": ("JSON", "write one line per ECG, as CSV"),
    "[": ("JSON", "write one line per ECG, as CSV"),
    "<": ("a web page or XML", "give the CSV file itself"),
}

_SAMPLE = 4096
LONGEST_LINE = 10_000
"""Bytes; an id and two numbers take a hundredth of it."""


def not_csv_text(content: bytes) -> str | None:
    """Why bytes cannot be CSV text in UTF-8, in a sentence; None if they can.

    Args:
        content: the whole file.

    Examples:
        >>> not_csv_text(b"PAR1...")
        'the file is a Parquet table; save it as CSV in UTF-8'
        >>> not_csv_text(b"ecg_id,acs")
    """
    if not content.strip(b"\xef\xbb\xbf \t\r\n"):
        return "the file is empty"
    for first, kind, fix in _BY_FIRST_BYTES:
        if content.startswith(first):
            return f"the file is {kind}; {fix}"
    if content.startswith(b"PK\x03\x04"):
        return _zip_kind(content)
    if b"\x00" in content:
        return _with_zero_bytes(content)
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = _line_of(content, error.start)
        return (
            f"line {line} is not UTF-8 (byte 0x{content[error.start]:02x}); the file may be in "
            "Latin-1 or Windows-1252: save it as UTF-8"
        )
    first_letter = content[:_SAMPLE].removeprefix(b"\xef\xbb\xbf").lstrip()[:1].decode("latin-1")
    if first_letter in _BY_FIRST_LETTER:
        kind, fix = _BY_FIRST_LETTER[first_letter]
        return f"the file looks like {kind}; {fix}"
    start = _start_of_long_line(content)
    if start is not None:
        return (
            f"line {_line_of(content, start)} has more than {LONGEST_LINE:,} bytes; write an id "
            "and its predictions on each line"
        )
    return None


def _start_of_long_line(content: bytes) -> int | None:
    """Where the first line begins that is longer than any line should be, if there is one."""
    start = 0
    while start + LONGEST_LINE < len(content):
        # The last end of line within reach skips many lines at once.
        reach = start, start + LONGEST_LINE + 1
        end = max(content.rfind(b"\n", *reach), content.rfind(b"\r", *reach))
        if end < 0:
            return start
        start = end + 1
    return None


def _zip_kind(content: bytes) -> str:
    if b"xl/" in content:
        return f"the file is an Excel workbook; {_EXPORT}"
    if b".npy" in content[:_SAMPLE]:
        return "the file is a NumPy archive (.npz); write its numbers as CSV, with their ids"
    return "the file is a zip archive; unpack it and give the CSV file itself"


def _with_zero_bytes(content: bytes) -> str:
    sample = content[:_SAMPLE]
    # ASCII letters in UTF-16 or UTF-32 have a zero byte beside each, or three.
    if sample.count(b"\x00") > len(sample) / 3 and not sample.strip(b"\x00").isspace():
        return "the file is text in UTF-16 or UTF-32, or binary; save it as CSV in UTF-8"
    line = _line_of(content, content.index(b"\x00"))
    return f"line {line} holds a zero byte; the file is binary or damaged: {_EXPORT}"


def _line_of(content: bytes, place: int) -> int:
    """The number of the line, from 1, that holds a byte; as editors count, which know all ends."""
    before = content[:place]
    return before.count(b"\n") + before.count(b"\r") - before.count(b"\r\n") + 1
