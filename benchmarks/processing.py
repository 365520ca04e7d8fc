"""Preparing printed ECGs: our CPU time per ECG against the study's work, rebuilt plainly.

Both sides read the same uncompressed npz files, from a warm cache, in one process, and take turns
several times; the medians of CPU time (`time.process_time`) are compared. Ours is what a worker of
`acsbench prepare` does: read and check, judge the quality, prepare, write the shard whole, hash it.
The study's is a loop over files: read, subtract each lead's mode (`scipy.stats.mode`) and save the
rows, which are loaded and filtered (`filtfilt`, designed anew for each item) later; or R-peaks by
biosppy's Hamilton detector, median beats and save. What reading the npz alone takes is the floor.
The prints are those of the simulated twin, or PTB-XL's recordings cut to prints.

    pip install biosppy
    OMP_NUM_THREADS=1 taskset -c 0 python benchmarks/processing.py
    OMP_NUM_THREADS=1 taskset -c 0 python benchmarks/processing.py --ptb-xl .cache/ptb-xl
    python benchmarks/processing.py --workers 2     # one process against two
    python benchmarks/processing.py --dask          # a LocalCluster, and one worker killed
"""

from __future__ import annotations

import argparse
import hashlib
import os
import signal
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import signal as sps
from scipy import stats

from _ludb import machine
from _ptbxl import FS, read
from acsbench.datasets.nightingale.waveforms import read_npz
from acsbench.datasets.simulated.twin import simulate_twin
from acsbench.ecg import Recording, print_page
from acsbench.ecg.leads import LEADS
from acsbench.ecg.printed import DIGITISATION_STEP
from acsbench.waveforms import process as processing
from acsbench.waveforms.shard import Source

PAGES = 256
SHARD = 32
"""ECGs of a shard where many are wanted."""


def simulated_pages(folder: Path, ecgs: int) -> list[NDArray[np.float64]]:
    """Prints of the simulated twin."""
    simulate_twin(folder / "twin", ecgs=ecgs, seed=1, tested_share=0.5)
    return [read_npz(path, "").raw for path in sorted(folder.rglob("*.npz"))]


def real_pages(folder: Path, ecgs: int) -> list[NDArray[np.float64]]:
    """PTB-XL's recordings cut to prints."""
    records = islice(read(folder, range(1, 11)), ecgs)
    return [
        print_page(Recording(str(ecg.ecg_id), ecg.signal, FS, LEADS), DIGITISATION_STEP)
        for ecg in records
    ]


def write_pages(folder: Path, pages: Sequence[NDArray[np.float64]], ecgs: int) -> list[Path]:
    """So many uncompressed npz files of 64-bit floats, of the prints in turn."""
    paths = [folder / "pages" / f"{number:05d}.npz" for number in range(ecgs)]
    paths[0].parent.mkdir()
    for number, path in enumerate(paths):
        np.savez(path, pages[number % len(pages)])
    return paths


def read_alone(paths: list[Path], out: Path) -> None:
    for path in paths:
        _load(path)


def study_rows(paths: list[Path], out: Path) -> None:
    """From npz to filtered rows as the study does it: one file after the other, twice."""
    for path in paths:
        raw = _load(path)
        rows = np.zeros((3, 5000))
        for number in range(12):
            lead = raw[number]
            known = lead[~np.isnan(lead)]
            if len(known):
                rows[number % 3] += np.nan_to_num(lead - stats.mode(known, keepdims=False).mode)
        np.save(out / f"{path.stem}.npy", rows)
    for path in paths:
        rows = np.load(out / f"{path.stem}.npy")
        b, a = sps.butter(5, [0.5 / 250, 50 / 250], btype="band")
        sps.filtfilt(b, a, rows)


def study_leads(paths: list[Path], out: Path) -> None:
    """From npz to twelve leads as the study does it."""
    from biosppy.signals.ecg import hamilton_segmenter

    window = np.hanning(400)
    for path in paths:
        raw = _load(path)
        peaks = hamilton_segmenter(np.nan_to_num(raw[13]), sampling_rate=500)["rpeaks"]
        leads = np.zeros((12, 5000))
        for number in range(12):
            lead = raw[number]
            known = np.flatnonzero(~np.isnan(lead))
            if not len(known):
                continue
            values = lead[known]
            beats = [
                values[peak - known[0] - 200 : peak - known[0] + 200]
                for peak in peaks
                if peak - known[0] - 200 >= 0 and peak - known[0] + 200 <= len(values)
            ]
            if not beats:
                continue
            beat = np.median(beats, axis=0) * window
            for peak in peaks:
                first, last = max(peak - 200, 0), min(peak + 200, 5000)
                leads[number, first:last] += beat[first - peak + 200 : last - peak + 200]
        leads[[6, 1, 10]] = np.nan_to_num(raw[12:])
        np.save(out / f"{path.stem}.npy", leads)


def ours(name: str) -> Callable[[list[Path], Path], None]:
    def prepared(paths: list[Path], out: Path) -> None:
        make(paths, out, name)

    return prepared


def make(paths: list[Path], out: Path, *names: str, **options: object) -> None:
    """What `acsbench prepare` does with the files, without the tables."""
    sources = [Source(path.stem, path, "pages", n, "path") for n, path in enumerate(paths)]
    processing.process(sources, read_npz, out, names, input_hash="", **options)


def _load(path: Path) -> NDArray[np.float64]:
    with np.load(path) as archive:
        return archive[archive.files[0]]


def cpu(work: Callable[[list[Path], Path], None], paths: list[Path]) -> float:
    """CPU milliseconds per ECG."""
    with tempfile.TemporaryDirectory() as out:
        start = time.process_time()
        work(paths, Path(out))
        return 1000 * (time.process_time() - start) / len(paths)


def compare(paths: list[Path], repeats: int) -> None:
    sides: dict[str, Callable[[list[Path], Path], None]] = {
        "reading the npz alone": read_alone,
        "three rows, study": study_rows,
        "three rows, acsbench": ours("study-rows"),
        "twelve leads, study": study_leads,
        "twelve leads by regression, acsbench": ours("leads"),
        "twelve leads by median beat, acsbench": ours("study-leads"),
        "twelve leads for HuBERT, acsbench": ours("hubert"),
    }
    for work in sides.values():  # the first call of each pays for imports, filters and memory
        cpu(work, paths[: processing.SHARD_ECGS])
    times: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(repeats):
        for name, work in sides.items():
            times[name].append(cpu(work, paths))
    print(f"CPU ms per ECG, {len(paths)} prints, median (range) of {repeats} turns")
    for name, values in times.items():
        median = statistics.median(values)
        print(f"  {name:38s} {median:7.3f}  ({min(values):.3f} to {max(values):.3f})")

    def ratio(name: str, to: str) -> str:
        turns = [a / b for a, b in zip(times[name], times[to], strict=True)]
        return f"{statistics.median(turns):.2f}  ({min(turns):.2f} to {max(turns):.2f})"

    rows, leads = "three rows, acsbench", "twelve leads by regression, acsbench"
    print("ratios turn by turn")
    print(f"  rows: the study takes       {ratio('three rows, study', rows)} times as long")
    print(f"  rows: above the floor by    {ratio(rows, 'reading the npz alone')}")
    print(f"  leads: the study takes      {ratio('twelve leads, study', leads)} times as long")


def compare_workers(paths: list[Path], workers: int, repeats: int) -> None:
    """Wall-clock time of one process and of several, with and without the start of these."""
    several, alone, started = [], [], []
    for _ in range(repeats):
        alone.append(wall(paths, 1))
        several.append(wall(paths, workers))
        # As many shards as processes, of one ECG each: nothing but their start.
        started.append(wall(paths[: workers * SHARD : SHARD], workers, shard=1))
        print(
            f"  1 process {alone[-1]:.2f} s, {workers} processes {several[-1]:.2f} s, "
            f"of which their start takes {started[-1]:.2f} s"
        )
    for words, begun in (("start included", [0.0] * repeats), ("once they run", started)):
        turns = [a / (s - b) for a, s, b in zip(alone, several, begun, strict=True)]
        print(
            f"{workers} processes are {statistics.median(turns):.2f} times as fast as one "
            f"({min(turns):.2f} to {max(turns):.2f}), {words}; {len(paths)} ECGs"
        )


def wall(paths: list[Path], workers: int, shard: int = 0) -> float:
    """Seconds for rows and HuBERT's input of all ECGs."""
    processing.SHARD_ECGS = shard or SHARD
    with tempfile.TemporaryDirectory() as out:
        start = time.perf_counter()
        make(paths, Path(out), "study-rows", "hubert", workers=workers)
        return time.perf_counter() - start


def compare_dask(paths: list[Path]) -> None:
    """The same bytes from a cluster, also when one of its workers is killed midway."""
    from distributed import LocalCluster

    with tempfile.TemporaryDirectory() as name:
        out = Path(name)
        make(paths, out / "here", "study-rows")
        with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
            start = time.perf_counter()
            make(paths, out / "cluster", "study-rows", dask=cluster.scheduler_address)
            print(f"LocalCluster of 2: {time.perf_counter() - start:.2f} s")
            victim = next(iter(cluster.workers.values())).pid
            watcher = threading.Thread(
                target=_kill_after_first_shard, args=(out / "killed" / "study-rows", victim)
            )
            watcher.start()
            make(paths, out / "killed", "study-rows", dask=cluster.scheduler_address)
            watcher.join()
        same = digest(out / "here") == digest(out / "cluster")
        survived = digest(out / "here") == digest(out / "killed")
        print(f"same bytes: {same}; same bytes with one worker killed midway: {survived}")


def _kill_after_first_shard(folder: Path, process: int) -> None:
    while not any(folder.glob("shard-*.json")):
        time.sleep(0.001)
    os.kill(process, signal.SIGKILL)


def digest(folder: Path) -> str:
    """Digest of all files of a folder, with their names."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.*")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ecgs", type=int, default=512)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--workers", type=int, help="compare one process with so many")
    parser.add_argument("--dask", action="store_true", help="compare with a LocalCluster")
    parser.add_argument("--ptb-xl", type=Path, help="unpacked PTB-XL folder: its ECGs as prints")
    options = parser.parse_args()
    print(f"{machine()}; prints {'of PTB-XL' if options.ptb_xl else 'simulated'}")
    with tempfile.TemporaryDirectory() as folder:
        different = min(options.ecgs, PAGES)
        made = (
            real_pages(options.ptb_xl, different)
            if options.ptb_xl
            else simulated_pages(Path(folder), different)
        )
        files = write_pages(Path(folder), made, options.ecgs)
        if options.dask or options.workers:
            processing.SHARD_ECGS = SHARD  # so that few ECGs make many shards
        if options.dask:
            compare_dask(files)
        elif options.workers:
            compare_workers(files, options.workers, options.repeats)
        else:
            compare(files, options.repeats)
