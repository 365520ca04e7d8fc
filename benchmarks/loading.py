"""Random batches for training: from a waveform store, and the study's way.

The study's data set loads one `.npy` file of three rows per ECG and filters it, whenever it is
asked for. A store is filtered once, memory-mapped and read a batch at a time. Both give the same
float32 rows, in one process; they take turns, and ECGs per second of CPU time and of the wall
clock are compared, from a warm cache. The store has the size of a real one, so that a batch is
spread over its shards; its waveforms repeat, which matters to neither side.

    OMP_NUM_THREADS=1 taskset -c 0 python benchmarks/loading.py
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import signal as sps

from _ludb import machine
from acsbench.datasets.nightingale.waveforms import read_npz
from acsbench.datasets.simulated.twin import simulate_twin
from acsbench.ecg.printed import rows_from_print
from acsbench.waveforms.process import process
from acsbench.waveforms.shard import Source
from acsbench.waveforms.store import INDEX, STORE, WaveformStore, open_store

BATCH = 64
SIMULATED = 256

Load = Callable[[NDArray[np.int64]], NDArray[np.float32]]


def write_store(folder: Path, pages: list[Path], ecgs: int) -> WaveformStore:
    """A store of so many ECGs: the shard of the pages, copied under further numbers."""
    sources = [Source(path.stem, path, "pages", n, "path") for n, path in enumerate(pages)]
    process(sources, read_npz, folder, ["study-rows"], input_hash="")
    path = folder / "study-rows"
    meta = json.loads((path / STORE).read_text())
    index = pd.read_parquet(path / INDEX)
    shards = -(-ecgs // len(pages))
    content = (path / "shard-00000.npy").read_bytes()
    for number in range(1, shards):
        (path / f"shard-{number:05d}.npy").write_bytes(content)
    digest = meta["shards"][0]["files"]["shard-00000.npy"]
    meta["shards"] = [
        meta["shards"][0] | {"files": {f"shard-{number:05d}.npy": digest}}
        for number in range(shards)
    ]
    (path / STORE).write_text(json.dumps(meta))
    pd.concat([index.assign(shard=number) for number in range(shards)]).to_parquet(path / INDEX)
    return open_store(path)


def write_rows(folder: Path, pages: list[Path], ecgs: int) -> list[Path]:
    """The study's files: unfiltered rows, one `.npy` each."""
    folder.mkdir()
    rows = [rows_from_print(read_npz(path, "").raw) for path in pages]
    paths = [folder / f"{number:05d}.npy" for number in range(ecgs)]
    for number, path in enumerate(paths):
        np.save(path, rows[number % len(rows)])
    return paths


def study(paths: list[Path]) -> Load:
    """Load and filter each file, and stack them."""

    def item(path: Path) -> NDArray[np.float32]:
        b, a = sps.butter(5, [0.5 / 250, 50 / 250], btype="band")
        return sps.filtfilt(b, a, np.load(path)).astype(np.float32)

    return lambda places: np.stack([item(paths[place % len(paths)]) for place in places])


def seconds(load: Load, batches: list[NDArray[np.int64]]) -> tuple[float, float]:
    """Wall and processor time."""
    wall, processor = time.perf_counter(), time.process_time()
    for batch in batches:
        load(batch)
    return time.perf_counter() - wall, time.process_time() - processor


def run(store: WaveformStore, paths: list[Path], repeats: int) -> None:
    rng = np.random.default_rng(0)
    sides = {"study": (study(paths), 4), "store": (store.read, 200)}
    for load, _ in sides.values():
        load(rng.integers(len(paths), size=BATCH))
    np.testing.assert_allclose(
        store.read(np.arange(8)), study(paths)(np.arange(8)), atol=2e-3
    )  # the study's transfer function has lost some digits
    store.read(np.arange(len(store))[::7])  # a warm cache
    speeds: dict[str, list[list[float]]] = {name: [[], []] for name in sides}
    for _ in range(repeats):
        for name, (load, count) in sides.items():
            batches = [rng.integers(len(store), size=BATCH) for _ in range(count)]
            for values, spent in zip(speeds[name], seconds(load, batches), strict=True):
                values.append(count * BATCH / spent)
    for number, clock in enumerate(("wall clock", "CPU time")):
        for name in sides:
            values = speeds[name][number]
            print(
                f"{clock}: {name} {statistics.median(values):,.0f} ECGs per second "
                f"({min(values):,.0f} to {max(values):,.0f})"
            )
        pairs = zip(speeds["store"][number], speeds["study"][number], strict=True)
        ratios = [ours / theirs for ours, theirs in pairs]
        print(
            f"{clock}: {statistics.median(ratios):.0f} times as many "
            f"({min(ratios):.0f} to {max(ratios):.0f})"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ecgs", type=int, default=20_000)
    parser.add_argument("--files", type=int, default=2_000, help="files of the study's way")
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        simulate_twin(folder / "twin", ecgs=SIMULATED, seed=1, tested_share=0.5)
        pages = sorted((folder / "twin").rglob("*.npz"))
        made = write_store(folder / "waveforms", pages, options.ecgs)
        files = write_rows(folder / "rows", pages, options.files)
        print(f"{machine()}\n{len(made):,} ECGs in {len(made.shards)} shards, batches of {BATCH}")
        run(made, files, options.repeats)
