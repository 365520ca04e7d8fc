"""The same stores under every BLAS kernel: equal bytes within one, close numbers across them.

OpenBLAS has a kernel for each kind of processor, and the last bit of a product of matrices depends
on it. For each kernel that this processor runs, a process of its own (with OPENBLAS_CORETYPE set)
prepares simulated prints three times: in one process with all BLAS threads, in two processes, and
on a Dask cluster of two workers. threadpoolctl must report the kernel in NumPy's and in SciPy's
OpenBLAS. The three folders must be equal, byte for byte. Across kernels, the largest difference
of a stored sample and of a measured sign is printed.

    python benchmarks/blas_kernels.py
    python benchmarks/blas_kernels.py --kernels Haswell Nehalem --ecgs 32
    python benchmarks/blas_kernels.py --reference tests/waveforms/prepared_elsewhere.npz

The last line writes the prints and the results of this processor that a test compares with the
results of the processor on which it runs. Write them anew only if a preparation is changed.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_info

from _ludb import machine
from acsbench.ecg.filters import bandpass
from acsbench.ecg.printed import DIGITISATION_STEP, PrintedPage
from acsbench.ecg.twelve_leads import reconstruct_twelve_leads
from acsbench.waveforms import process as processing
from acsbench.waveforms.profiles import get_profile
from acsbench.waveforms.shard import to_integers
from acsbench.waveforms.standard import RATE, StandardEcgs, standardise
from acsbench.waveforms.store import open_store
from processing import digest, make, simulated_pages, write_pages

KERNELS = (
    *("Prescott", "Core2", "Penryn", "Nehalem", "Barcelona", "Bulldozer", "Piledriver"),
    *("Sandybridge", "Haswell", "Zen", "SkylakeX", "Cooperlake", "SapphireRapids"),
)
NOT_THIS_KERNEL = 3
"""Exit status of a child in which OpenBLAS took another kernel."""
PROFILES = ("study-rows", "study-leads", "leads", "hubert")
LARGEST = 0.002
"""What a stored sample may differ by across kernels, in its unit; the documentation says so."""
LARGEST_SIGN = 1e-3
"""What a measured sign may differ by across kernels, in its unit."""
THINNED = 7
"""The reference keeps one sample of so many, so that it stays small."""


def loaded() -> set[str]:
    """The kernels that the OpenBLAS libraries of this process took."""
    return {lib["architecture"] for lib in threadpool_info() if lib["internal_api"] == "openblas"}


def prepare(kernel: str, pages: Path, out: Path) -> None:
    """What a child does: prepare three times under one kernel, and compare."""
    if {name.casefold() for name in loaded()} != {kernel.casefold()}:
        sys.exit(NOT_THIS_KERNEL)
    from distributed import LocalCluster

    paths = sorted(pages.glob("*.npz"))
    processing.SHARD_ECGS = max(1, len(paths) // 4)
    names = (*PROFILES, "signs")
    make(paths, out / "one", *names)
    make(paths, out / "two", *names, workers=2)
    with LocalCluster(n_workers=2, threads_per_worker=2, dashboard_address=None) as cluster:
        make(paths, out / "dask", *names, dask=cluster.scheduler_address)
    expected = digest(out / "one")
    result = {
        "two processes": digest(out / "two") == expected,
        "Dask": digest(out / "dask") == expected,
        "alone": alone(paths),
    }
    print(json.dumps(result))


def alone(paths: list[Path]) -> bool:
    """Whether each page gives alone what it gives among the others."""
    pages = np.stack([np.load(path)["arr_0"] for path in paths]).astype(np.float32)
    together = reconstruct_twelve_leads(pages)
    filtered = bandpass(together.signal, 500)
    for number, page in enumerate(pages):
        found = reconstruct_twelve_leads(page)
        if not (
            np.array_equal(found.signal, together.signal[number])
            and np.array_equal(found.error, together.error[number], equal_nan=True)
            and np.array_equal(bandpass(found.signal[3], 500), filtered[number, 3])
        ):
            return False
    return True


def apart(one: Path, two: Path, name: str) -> tuple[float, float]:
    """The largest difference of two stores in their unit, and the share of samples that differ.

    The difference is NaN if a sample is missing in one of them alone.
    """
    stores = [open_store(folder / "one" / name) for folder in (one, two)]
    a, b = (store.read(np.arange(len(store))) for store in stores)
    difference = np.where(np.isnan(a) & np.isnan(b), 0, np.abs(a - b))
    return float(difference.max()), float((difference != 0).mean())


def write_reference(file: Path) -> None:
    """Two prints in steps of the digitisation, and every `THINNED`-th sample of their results."""
    with tempfile.TemporaryDirectory() as folder:
        pages = simulated_pages(Path(folder), 4)[:2]
    steps = np.stack([np.rint(page / DIGITISATION_STEP) for page in pages])
    printed = [PrintedPage("", page * DIGITISATION_STEP, RATE) for page in steps]
    ecgs = StandardEcgs([standardise(page) for page in printed])
    results = {}
    for name in PROFILES:
        profile = get_profile(name)
        values = profile.prepare(ecgs)[..., ::THINNED]
        results[name] = to_integers(np.nan_to_num(values), profile.scale)
    np.savez_compressed(file, steps=np.nan_to_num(steps, nan=-32768).astype(np.int16), **results)


def signs_apart(one: Path, two: Path) -> tuple[float, int]:
    """The largest difference of a measured sign, and how many texts or flags differ."""
    a, b = (
        pd.read_parquet(folder / "one" / "signs" / "signs.parquet").drop(columns="ecg_id")
        for folder in (one, two)
    )
    numeric = a.select_dtypes("floating").columns
    apart = np.abs(a[numeric].to_numpy(float) - b[numeric].to_numpy(float))
    missing = int((a[numeric].isna() != b[numeric].isna()).to_numpy().sum())
    rest = a.drop(columns=numeric), b.drop(columns=numeric)
    return float(np.nanmax(apart)), missing + int((~_equal(*rest)).sum())


def _equal(a: pd.DataFrame, b: pd.DataFrame) -> np.ndarray:
    return ((a == b) | (a.isna() & b.isna())).to_numpy(bool, na_value=False)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kernels", nargs="+", default=KERNELS)
    parser.add_argument("--ecgs", type=int, default=64)
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--reference", type=Path, help="write the reference of the test, and end")
    options = parser.parse_args()
    if options.reference:
        write_reference(options.reference)
        return 0
    if options.child:
        kernel, pages, out = options.child
        prepare(kernel, Path(pages), Path(out))
        return 0

    print(f"{machine()}; {options.ecgs} simulated prints; without a setting: {loaded()}")
    failed, first = False, ""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pages = simulated_pages(folder, options.ecgs)
        write_pages(folder, pages, options.ecgs)
        for kernel in options.kernels:
            done = subprocess.run(
                [sys.executable, __file__, "--child", kernel, folder / "pages", folder / kernel],
                env=os.environ | {"OPENBLAS_CORETYPE": kernel},
                capture_output=True,
                text=True,
                check=False,
            )
            # An instruction that the processor lacks ends the child; any other signal is a fault.
            if done.returncode in (NOT_THIS_KERNEL, -signal.SIGILL):
                print(f"{kernel:15s} not in this OpenBLAS, or not for this processor")
                continue
            if done.returncode:
                print(f"{kernel:15s} FAILED\n{done.stderr}")
                failed = True
                continue
            equal = json.loads(done.stdout.splitlines()[-1])
            unequal = [words for words, ok in equal.items() if not ok]
            failed |= bool(unequal)
            print(f"{kernel:15s} equal bytes: {'NO, ' + ', '.join(unequal) if unequal else 'yes'}")
            first = first or kernel
            if kernel == first:
                continue
            for profile in PROFILES:
                largest, share = apart(folder / first, folder / kernel, profile)
                failed |= not largest <= LARGEST
                print(f"    {profile:12s} at most {largest:.1e} from {first}, {share:.2e} differ")
            largest, others = signs_apart(folder / first, folder / kernel)
            failed |= largest > LARGEST_SIGN or others > 0
            print(f"    {'signs':12s} at most {largest:.1e} from {first}, {others} flags differ")
    print("FAILED" if failed else "all equal within a kernel, all close across kernels")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
