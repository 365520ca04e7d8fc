"""WFDB records of any form, written by the specification and not by the package under test."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from acsbench.ecg.leads import LEADS

BITS = {"80": 8, "310": 10, "311": 10, "212": 12, "16": 16, "61": 16, "160": 16, "24": 24, "32": 32}


def encode(samples: np.ndarray, form: str) -> bytes:
    """The bytes of samples in the order of the file, in one of the formats of signal(5)."""
    values = [int(value) for value in samples]
    if form == "8":
        return bytes(value % 256 for value in values)
    if form == "80":
        return bytes(value + 128 for value in values)
    if form == "160":
        return b"".join((value + 2**15).to_bytes(2, "little") for value in values)
    if form in ("16", "24", "32"):
        size = int(form) // 8
        return b"".join(value.to_bytes(size, "little", signed=True) for value in values)
    if form == "61":
        return b"".join(value.to_bytes(2, "big", signed=True) for value in values)
    content = b""
    per_group = 2 if form == "212" else 3
    for start in range(0, len(values), per_group):
        group = values[start : start + per_group]
        one, two, three = ([value % 2 ** BITS[form] for value in group] + [0, 0])[:3]
        if form == "212":
            packed = bytes([one & 255, one >> 8 | (two >> 8) << 4, two & 255])
            size = 1 + len(group)
        elif form == "311":
            packed = (one | two << 10 | three << 20).to_bytes(4, "little")
            size = 1 + len(group)
        else:
            words = (one << 1 | (three & 31) << 11, two << 1 | three >> 5 << 11)
            packed = b"".join(word.to_bytes(2, "little") for word in words)
            size = min(2 * len(group), 4)
        content += packed[:size]
    return content


def header_text(
    name: str,
    *,
    first: str | None = None,
    file: str = "r.dat",
    form: str = "16",
    gain: str = "1000(0)/mV",
    rest: str = "16 0 0 0 0",
    leads: Sequence[str] = LEADS,
    frames: int = 1000,
) -> str:
    """A header with one line per lead."""
    lines = [first or f"{name} {len(leads)} 500 {frames}"]
    lines += [f"{file} {form} {gain} {rest} {lead}" for lead in leads]
    return "\n".join(lines) + "\n"


def write_record(
    folder: Path,
    counts: np.ndarray,
    name: str = "r",
    *,
    header: str | bytes | None = None,
    form: str = "16",
    file: str | None = None,
    **kinds: object,
) -> Path:
    """Write counts, shape (leads, samples), one sample per frame, and a header."""
    folder, name = (folder / name).parent, (folder / name).name
    file = file or f"{name}.dat"
    (folder / file).parent.mkdir(parents=True, exist_ok=True)
    (folder / file).write_bytes(encode(counts.T.reshape(-1), form))
    if header is None:
        header = header_text(name, file=file, form=form, frames=counts.shape[1], **kinds)  # type: ignore[arg-type]
    content = header if isinstance(header, bytes) else header.encode()
    (folder / f"{name}.hea").write_bytes(content)
    return folder / name
