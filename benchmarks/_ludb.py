"""LUDB as the benchmarks need it: signals and marked P waves, QRS complexes, T waves by lead."""

from __future__ import annotations

import argparse
import os
import platform
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import wfdb
from numpy.typing import NDArray


@dataclass(frozen=True)
class MarkedEcg:
    """One record: (leads, samples) mV, and per lead rows of (onset, peak, end), -1 if unmarked.

    LUDB's headers give each lead a gain of its own, such that every lead ranges over exactly
    1 mV. The stored integers fit Einthoven's relations to 0.6 % and are taken as microvolts.
    """

    name: str
    signal: NDArray[np.float64]
    fs: float
    leads: tuple[str, ...]
    p: list[NDArray[np.int64]]
    qrs: list[NDArray[np.int64]]
    t: list[NDArray[np.int64]]


def read(folder: Path) -> list[MarkedEcg]:
    """All records of an unpacked LUDB, in the order of their numbers."""
    headers = sorted((folder / "data").glob("*.hea"), key=lambda path: int(path.stem))
    if not headers:
        raise SystemExit(f"no LUDB records in {folder / 'data'}; name the folder with --ludb")
    return [_read_record(str(path.with_suffix(""))) for path in headers]


def _read_record(path: str) -> MarkedEcg:
    record = wfdb.rdrecord(path, physical=False)
    marks = [wfdb.rdann(path, lead) for lead in record.sig_name]
    return MarkedEcg(
        Path(path).name,
        record.d_signal.T / 1000,
        record.fs,
        tuple(record.sig_name),
        [_waves(mark, "p") for mark in marks],
        [_waves(mark, "N") for mark in marks],
        [_waves(mark, "t") for mark in marks],
    )


def _waves(marks: wfdb.Annotation, symbol: str) -> NDArray[np.int64]:
    padded = ["", *marks.symbol, ""]
    samples = [-1, *marks.sample, -1]
    rows = [
        (
            samples[k - 1] if padded[k - 1] == "(" else -1,
            samples[k],
            samples[k + 1] if padded[k + 1] == ")" else -1,
        )
        for k in range(1, len(padded) - 1)
        if padded[k] == symbol
    ]
    return np.array(rows, dtype=np.int64).reshape(-1, 3)


def arguments(description: str, figure: str = "") -> argparse.Namespace:
    """The command line that the benchmarks share; with what the figure shows, if there is one."""
    parser = argparse.ArgumentParser(description=description)
    default = Path(__file__).resolve().parents[1] / ".cache" / "ludb"
    parser.add_argument("--ludb", type=Path, default=default, help="unpacked LUDB folder")
    if figure:
        parser.add_argument("--figure", type=Path, help=f"SVG file to write: {figure}")
    return parser.parse_args()


def machine() -> str:
    """The processor and the interpreter, in words."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.split(":")[1].strip() for line in lines if "model name" in line)
    except (OSError, StopIteration):
        model = platform.processor() or platform.machine()
    versions = f"Python {platform.python_version()}, NumPy {np.__version__}"
    return f"{model}, {os.cpu_count()} cores; {versions}"
