"""R-peak detectors against the QRS complexes that cardiologists marked in LUDB.

A detection counts if it lies within 150 ms of a mark. LUDB marks a middle part of each
recording, so detections before the first or after the last mark (less 150 ms) are left out.
Detectors take turns on each record, so that a busy machine slows them alike; times are given as
ratios to ours on twelve leads. NeuroKit2 is compared if it is installed.

    OMP_NUM_THREADS=1 python benchmarks/rpeaks.py --ludb .cache/ludb
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from wfdb.processing import xqrs_detect

from _ludb import MarkedEcg, arguments, machine, read
from acsbench.ecg.rpeaks import detect_r_peaks

Detector = Callable[[NDArray[np.float64], float], NDArray[np.int64]]
TOLERANCE = 0.150  # s


def detectors() -> dict[str, Detector]:
    found: dict[str, Detector] = {
        "acsbench, 12 leads": detect_r_peaks,
        "acsbench, lead II": lambda signal, fs: detect_r_peaks(signal[1], fs),
        "wfdb xqrs, lead II": lambda signal, fs: xqrs_detect(signal[1], fs, verbose=False),
    }
    try:
        import neurokit2
    except ImportError:
        print("NeuroKit2 is not installed: left out")
        return found

    def neurokit(signal: NDArray[np.float64], fs: float) -> NDArray[np.int64]:
        clean = neurokit2.ecg_clean(signal[1], sampling_rate=fs)
        return np.asarray(neurokit2.ecg_peaks(clean, sampling_rate=fs)[1]["ECG_R_Peaks"])

    return {**found, "NeuroKit2, lead II": neurokit}


def count(marked: NDArray[np.int64], found: NDArray[np.int64], tolerance: float) -> NDArray:
    """Hits, misses and false detections; each detection serves one mark."""
    found = found[(found >= marked[0] - tolerance) & (found <= marked[-1] + tolerance)]
    free = np.ones(len(found), dtype=bool)
    hits = 0
    for mark in marked:
        distance = np.where(free, np.abs(found - mark), np.inf)
        if len(found) and distance.min() <= tolerance:
            free[distance.argmin()] = False
            hits += 1
    return np.array([hits, len(marked) - hits, int(free.sum())])


def run(records: list[MarkedEcg]) -> None:
    compared = detectors()
    counts = {name: np.zeros(3, dtype=int) for name in compared}
    seconds = dict.fromkeys(compared, 0.0)
    for detect in compared.values():  # the first call of each pays for imports and filters
        detect(records[0].signal, records[0].fs)
    for record in records:
        marked = record.qrs[record.leads.index("ii")][:, 1]
        for name, detect in compared.items():
            start = time.perf_counter()
            found = np.asarray(detect(record.signal, record.fs))
            seconds[name] += time.perf_counter() - start
            counts[name] += count(marked, found, TOLERANCE * record.fs)
    reference = seconds["acsbench, 12 leads"]
    print(f"{'':20s}  sensitivity     PPV      F1  missed  false  time (ratio)  ms per ECG")
    for name, (hits, missed, false) in counts.items():
        print(
            f"{name:20s}  {hits / (hits + missed):11.4f}  {hits / (hits + false):6.4f}"
            f"  {2 * hits / (2 * hits + missed + false):6.4f}  {missed:6d}  {false:5d}"
            f"  {seconds[name] / reference:12.2f}  {1000 * seconds[name] / len(records):10.2f}"
        )


if __name__ == "__main__":
    options = arguments(__doc__.splitlines()[0])
    ecgs = read(options.ludb)
    beats = sum(len(ecg.qrs[ecg.leads.index("ii")]) for ecg in ecgs)
    print(f"{machine()}\n{len(ecgs)} records of LUDB, {beats} marked beats in lead II")
    run(ecgs)
