"""ECGs that the simulated twin makes per second and core: simulate, print, compress, write.

Only the work on waveforms is timed, in one process; drawing the tables takes seconds at full size
and is stated apart. Files go to a new temporary folder each time. Both clocks are given: a busy
machine or a slow disk stretches the wall clock, not the processor's.

    OMP_NUM_THREADS=1 python benchmarks/simulator.py --ecgs 400 --repeats 5
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from _ludb import machine
from acsbench.datasets.simulated.sizes import ECGS, sizes_of_twin
from acsbench.datasets.simulated.tables import draw_population
from acsbench.datasets.simulated.twin import simulate_twin


def seconds(ecgs: int, tables_only: bool) -> tuple[float, float]:
    """Wall and processor time of one simulated dataset."""
    with tempfile.TemporaryDirectory() as folder:
        wall, processor = time.perf_counter(), time.process_time()
        simulate_twin(
            Path(folder) / "twin", ecgs=ecgs, seed=1, tested_share=0.5, tables_only=tables_only
        )
        return time.perf_counter() - wall, time.process_time() - processor


def run(ecgs: int, repeats: int) -> None:
    seconds(32, tables_only=False)  # the first call of everything pays for imports
    speeds: dict[str, list[float]] = {"wall clock": [], "processor": []}
    for _ in range(repeats):
        whole, tables = seconds(ecgs, False), seconds(ecgs, True)
        for (name, values), with_waves, without in zip(speeds.items(), whole, tables, strict=True):
            values.append(ecgs / (with_waves - without))
            print(f"  {name}: {values[-1]:.0f} ECGs/s", flush=True)
    for name, values in speeds.items():
        print(
            f"{name}: median {statistics.median(values):.0f} ECGs per second and core, "
            f"{min(values):.0f} to {max(values):.0f} in {repeats} runs of {ecgs}"
        )
    start = time.perf_counter()
    draw_population(sizes_of_twin(ECGS), 1)
    print(f"tables of {ECGS:,} ECGs: {time.perf_counter() - start:.1f} s to draw")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ecgs", type=int, default=400)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    print(machine())
    run(options.ecgs, options.repeats)
