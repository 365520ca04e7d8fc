"""WFDB signal files, as specified by PhysioNet's signal(5).

References:
    https://physionet.org/physiotools/wag/signal-5.htm
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acsbench.datasets.file_leads import LEAVE_OUT, file_error
from acsbench.datasets.wfdb_header import (
    CORRECT,
    Header,
    SignalLine,
    is_file,
    leaves_folder,
    line_error,
)
from acsbench.errors import ConfigurationError

NULL = "0"
"""The format of a signal that was not recorded."""
DIFFERENCES = "8"
"""The format of differences between samples; it cannot mark missing samples."""
FLAC = {"508": 8, "516": 16, "524": 24}
"""Bits per sample of the compressed formats."""

BYTES = {
    "8": (1,),
    "16": (2,),
    "24": (3,),
    "32": (4,),
    "61": (2,),
    "80": (1,),
    "160": (2,),
    "212": (2, 3),
    "310": (2, 4, 4),
    "311": (2, 3, 4),
}
"""Bytes of the first, the first two, … samples of a group, by format."""

_BITS = {
    "16": 16,
    "24": 24,
    "32": 32,
    "61": 16,
    "80": 8,
    "160": 16,
    "212": 12,
    "310": 10,
    "311": 10,
}
INVALID = {name: -(2 ** (bits - 1)) for name, bits in (_BITS | FLAC).items()}
"""The value of a missing sample, by format."""

_COPY = "Copy it again from its source"


def read_samples(header: Header) -> list[NDArray[np.float64]]:
    """Read the signal files of a record.

    Args:
        header: of a record with signal files, not segments.

    Returns:
        Counts of each signal in the header's order, at its own rate, shape (frames × its samples
        per frame,), NaN where a sample is missing.

    Raises:
        DataError: a signal file is missing, truncated, outside the record's folder or in an
            unsupported format.
    """
    record = header.record
    recorded = [line for line in header.signals if line.format != NULL]
    groups = [list(lines) for _, lines in groupby(recorded, key=lambda line: line.file)]
    if not groups:
        raise file_error(record, "the header names no signal file", CORRECT)
    for number, lines in enumerate(groups):
        _check_lines(record, lines, [earlier[0].file for earlier in groups[:number]])
    frames = header.length
    if frames is None:
        frames = min(_frames(record, lines) for lines in groups)
    else:
        for lines in groups:
            _warn_of_rest(record, lines, frames)
    read: dict[int, NDArray[np.float64]] = {}
    for lines in groups:
        signals = _read_flac if lines[0].format in FLAC else _read_file
        for line, counts in zip(lines, signals(record, lines, frames), strict=True):
            read[line.line] = _aligned(line, counts, frames)
    for line in header.signals:
        if line.format == NULL:
            read[line.line] = np.full(frames * line.samples_per_frame, np.nan)
    return [read[line.line] for line in header.signals]


def _check_lines(record: Path, lines: Sequence[SignalLine], earlier: Sequence[str]) -> None:
    """Check that the lines of a file agree, and that the file may be read."""
    first = lines[0]
    for line in lines:
        if line.format not in BYTES and line.format not in FLAC:
            known = ", ".join(sorted((*BYTES, *FLAC), key=int))
            raise line_error(
                record,
                line.line,
                f"states format {line.format}, which is not supported",
                f"Convert the record to one of the formats {known}, or {LEAVE_OUT}",
            )
        if line.format != first.format:
            raise line_error(
                record, line.line, f"states another format than line {first.line} for the same file"
            )
        if line.offset not in (0, first.offset):
            raise line_error(
                record,
                line.line,
                f"states another byte offset than line {first.line} for the same file",
            )
    if first.file in earlier:
        raise line_error(
            record,
            first.line,
            "names the file of an earlier line, after a line with another file",
            "Put the lines of a file one after the other, in the order of its signals",
        )
    if first.file == "-":
        raise line_error(
            record, first.line, "names the standard input as signal file", "Name the file"
        )
    if leaves_folder(first.file):
        raise line_error(
            record,
            first.line,
            "names a signal file outside the header's folder",
            "Copy the signal file into the header's folder, and correct this line",
        )
    if not is_file(record.parent / first.file):
        raise file_error(
            record,
            f"the signal file that the header names is missing (line {first.line})",
            "Copy it to the place that the header names",
            detail=first.file,
        )
    if first.format in FLAC and len({line.samples_per_frame for line in lines}) > 1:
        raise line_error(record, first.line, "starts a FLAC file with different samples per frame")


def _frames(record: Path, lines: Sequence[SignalLine]) -> int:
    """Number of frames in a file, if the header does not state it."""
    first = lines[0]
    path = record.parent / first.file
    if first.format in FLAC:
        with _flac(record, path) as file:
            frames = max(0, int(file.frames) - first.offset) // first.samples_per_frame
        return _some(record, frames)
    samples = _samples_in(path.stat().st_size - first.offset, BYTES[first.format])
    frames, rest = divmod(samples, sum(line.samples_per_frame for line in lines))
    # The last group of packed samples may be padded.
    if rest >= len(BYTES[first.format]):
        raise file_error(
            record,
            f"the size of the signal file does not fit its {len(lines)} signals: the number of "
            "signals or the format is wrong, or the file is truncated",
            "Correct the header, or copy the signal file again",
        )
    return _some(record, frames)


def _warn_of_rest(record: Path, lines: Sequence[SignalLine], frames: int) -> None:
    """Warn about samples after the stated length; the number of signals may be wrong."""
    first = lines[0]
    if first.format in FLAC:
        return
    per_frame = sum(line.samples_per_frame for line in lines)
    samples = _samples_in(
        (record.parent / first.file).stat().st_size - first.offset, BYTES[first.format]
    )
    rest = samples - (frames + max(line.skew for line in lines)) * per_frame
    if rest >= max(per_frame, len(BYTES[first.format])):
        warnings.warn(
            f"the signal file of a WFDB record has {samples / per_frame:.10g} frames, but its "
            f"header states {frames}; the rest is not read. If the number of signals or the "
            "format in the header is wrong, the leads are wrong as well",
            UserWarning,
            stacklevel=2,
        )


def _some(record: Path, frames: int) -> int:
    if not frames:
        raise file_error(record, "the signal file has no samples", _COPY)
    return frames


def _samples_in(size: int, needed: tuple[int, ...]) -> int:
    groups, rest = divmod(max(0, size), needed[-1])
    return groups * len(needed) + sum(rest >= part for part in needed[:-1])


def _bytes_of(samples: int, needed: tuple[int, ...]) -> int:
    groups, rest = divmod(samples, len(needed))
    return groups * needed[-1] + (needed[rest - 1] if rest else 0)


def _read_file(record: Path, lines: Sequence[SignalLine], frames: int) -> list[NDArray[np.integer]]:
    """Counts of each signal of a file, with the additional frames that a skew needs."""
    first, path = lines[0], record.parent / lines[0].file
    needed = BYTES[first.format]
    per_frame = sum(line.samples_per_frame for line in lines)
    expected = first.offset + _bytes_of(frames * per_frame, needed)
    size = path.stat().st_size
    if size < expected:
        raise file_error(record, f"the signal file is truncated: {size} of {expected} bytes", _COPY)
    available = _samples_in(size - first.offset, needed) // per_frame
    ahead = min(frames + max(line.skew for line in lines), available)
    try:
        content = np.fromfile(
            path, np.uint8, _bytes_of(ahead * per_frame, needed), offset=first.offset
        )
    except OSError as error:
        raise file_error(
            record, f"the signal file cannot be opened: {error.strerror}", "Check its permissions"
        ) from error
    content = np.pad(content, (0, -len(content) % needed[-1]))
    samples = _DECODERS[first.format](content)
    table = samples[: ahead * per_frame].reshape(-1, per_frame)
    signals = []
    start = 0
    for line in lines:
        counts = table[:, start : start + line.samples_per_frame].reshape(-1)
        if first.format == DIFFERENCES:
            counts = counts.cumsum(dtype=np.int64) + line.initial
        signals.append(counts)
        start += line.samples_per_frame
    return signals


def _read_flac(record: Path, lines: Sequence[SignalLine], frames: int) -> list[NDArray[np.integer]]:
    first, path = lines[0], record.parent / lines[0].file
    per_frame = first.samples_per_frame
    with _flac(record, path) as file:
        bits = {"PCM_S8": 8, "PCM_16": 16, "PCM_24": 24}.get(file.subtype, 32)
        if file.channels != len(lines) or bits > FLAC[first.format]:
            raise line_error(
                record,
                first.line,
                f"describes {len(lines)} signals of {FLAC[first.format]} bits; the FLAC file has "
                f"{file.channels} of {bits} bits",
            )
        if file.frames < first.offset + frames * per_frame:
            raise file_error(
                record,
                f"the signal file is truncated: {file.frames} of "
                f"{first.offset + frames * per_frame} samples",
                _COPY,
            )
        ahead = (frames + max(line.skew for line in lines)) * per_frame
        file.seek(first.offset)
        try:
            # libsndfile cannot read blocks of more than 2**24 samples.
            blocks = list(file.blocks(2**18, frames=ahead, dtype="int32", always_2d=True))
        except RuntimeError as error:
            raise file_error(record, "the FLAC file is damaged", _COPY) from error
    samples = np.concatenate(blocks) >> (32 - bits)
    if len(samples) < frames * per_frame:
        raise file_error(record, "the FLAC file is damaged", _COPY)
    return list(samples.T)


def _flac(record: Path, path: Path) -> Any:
    try:
        import soundfile
    except (ImportError, OSError) as error:
        raise ConfigurationError(
            "WFDB records in FLAC need soundfile and libsndfile: install both"
        ) from error
    try:
        return soundfile.SoundFile(path)
    except RuntimeError as error:
        raise file_error(
            record, "the signal file is not a FLAC file, or is damaged", _COPY
        ) from error


def _aligned(line: SignalLine, counts: NDArray[np.integer], frames: int) -> NDArray[np.float64]:
    """A signal's counts without its skew, NaN where missing."""
    length = frames * line.samples_per_frame
    shifted = counts[line.skew * line.samples_per_frame :][:length]
    aligned = shifted.astype(np.float64)
    if line.format in INVALID:
        aligned[shifted == INVALID[line.format]] = np.nan
    if len(aligned) < length:
        aligned = np.pad(aligned, (0, length - len(aligned)), constant_values=np.nan)
    return aligned


def _format_24(content: NDArray[np.uint8]) -> NDArray[np.int32]:
    groups = content.reshape(-1, 3).astype(np.int32)
    return _signed(groups[:, 0] | groups[:, 1] << 8 | groups[:, 2] << 16, 24)


def _format_212(content: NDArray[np.uint8]) -> NDArray[np.int32]:
    first, middle, last = content.reshape(-1, 3).astype(np.int32).T
    samples = np.stack([first | (middle & 0x0F) << 8, last | (middle & 0xF0) << 4], axis=1)
    return _signed(samples.reshape(-1), 12)


def _format_310(content: NDArray[np.uint8]) -> NDArray[np.int32]:
    one, other = content.view("<u2").reshape(-1, 2).astype(np.int32).T
    samples = [one >> 1 & 0x3FF, other >> 1 & 0x3FF, one >> 11 | other >> 11 << 5]
    return _signed(np.stack(samples, axis=1).reshape(-1), 10)


def _format_311(content: NDArray[np.uint8]) -> NDArray[np.int32]:
    word = content.view("<u4").astype(np.int64)
    samples = [word & 0x3FF, word >> 10 & 0x3FF, word >> 20 & 0x3FF]
    return _signed(np.stack(samples, axis=1).reshape(-1).astype(np.int32), 10)


def _signed(samples: NDArray[np.int32], bits: int) -> NDArray[np.int32]:
    """Two's complement of a number of bits."""
    return np.where(samples >= 2 ** (bits - 1), samples - 2**bits, samples).astype(np.int32)


_DECODERS: dict[str, Callable[[NDArray[np.uint8]], NDArray[np.integer]]] = {
    "8": lambda content: content.view(np.int8),
    "16": lambda content: content.view("<i2"),
    "24": _format_24,
    "32": lambda content: content.view("<i4"),
    "61": lambda content: content.view(">i2"),
    "80": lambda content: content.astype(np.int16) - 128,
    "160": lambda content: content.view("<u2").astype(np.int32) - 2**15,
    "212": _format_212,
    "310": _format_310,
    "311": _format_311,
}
"""From bytes of complete groups to counts, by format."""
