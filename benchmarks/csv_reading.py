"""Time and memory of the strict CSV reader beside pandas' C parser, on made-up tables of ECGs.

    python benchmarks/csv_reading.py [rows]

Each reader runs in a process of its own, so that its memory can be told. The tables have ten
columns; of one the reports are in quotation marks, and of one some have line breaks as well.
"""

from __future__ import annotations

import io
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from acsbench.tables import parse_csv

HEADER = "ecg_id,patient_id,age,sex,fold,troponin,report,acs,mace,record"
REPORTS = {
    "plain": "sinus rhythm",
    "quoted": '"sinus rhythm, normal ECG"',
    "with line breaks": '"sinus rhythm,\nnormal ""ECG"""',
}


def with_pandas(path: Path) -> int:
    return len(pd.read_csv(io.BytesIO(path.read_bytes()), dtype=str, keep_default_na=False))


def strictly(path: Path) -> int:
    return len(parse_csv(path.read_bytes(), file=path).cells)


def measure(read: Callable[[Path], int], path: Path, queue: multiprocessing.Queue) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    rows = read(path)
    seconds = time.process_time() - start
    memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    queue.put((rows, seconds, memory))


def main(rows: int) -> None:
    troponin = np.random.default_rng(0).random(rows)
    context = multiprocessing.get_context("spawn")
    print(f"{rows:,} rows; seconds of processor time, MiB beyond what was loaded")
    for kind, report in REPORTS.items():
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "table.csv"
            lines = (
                f"e{n:07d},p{n // 3:06d},{20 + n % 70},female,{n % 10},{troponin[n]:.3f},{report},"
                f"{n % 2},0,files/p{n // 3:06d}/{n}"
                for n in range(rows)
            )
            path.write_text("\n".join([HEADER, *lines]) + "\n")
            for name, read in (("pandas", with_pandas), ("strict", strictly)):
                queue = context.Queue()
                process = context.Process(target=measure, args=(read, path, queue))
                process.start()
                found, seconds, memory = queue.get()
                process.join()
                assert found == rows
                print(f"{kind:16}  {name:6}  {seconds:6.2f} s  {memory:6.0f} MiB")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 800_000)
