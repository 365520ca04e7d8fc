"""Faults put into real ECGs: how many are found, and how many ECGs are suspected without one.

Each PTB-XL record gets each fault once, in one random lead (or its electrodes exchanged), as a
recording and as a print. Sensitivity is the share in which that fault is found in that lead;
an alarm is a fault found in the record as it is. PTB-XL holds real faults: some alarms are right,
and its own remarks on noise and drift are compared below.

    OMP_NUM_THREADS=1 python benchmarks/quality.py --ptbxl .cache/ptb-xl
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from _ludb import machine
from acsbench.datasets import open_dataset
from acsbench.ecg.leads import LEADS
from acsbench.ecg.printed import DIGITISATION_STEP, PrintedPage, print_page
from acsbench.ecg.quality import REASONS, Quality, assess_quality, overview
from acsbench.ecg.recording import Recording

Signal = NDArray[np.float64]
FS = 500.0
TIME = np.arange(5000) / FS


def lost(lead: Signal, rng: np.random.Generator) -> Signal:
    return np.full_like(lead, np.nan)


def flat(lead: Signal, rng: np.random.Generator) -> Signal:
    return lead * 0 + rng.normal()


def clipped(lead: Signal, rng: np.random.Generator) -> Signal:
    """The upper or lower half of the amplitude is cut off."""
    sign = 1 if abs(lead.max()) > abs(lead.min()) else -1
    middle = float(np.median(lead))
    return middle + sign * np.minimum(sign * (lead - middle), 0.5 * np.abs(lead - middle).max())


def muscle(lead: Signal, rng: np.random.Generator) -> Signal:
    return lead + rng.normal(0, 0.08, len(lead))


def mains(lead: Signal, rng: np.random.Generator) -> Signal:
    return lead + 0.15 * np.sin(2 * np.pi * 50 * TIME + rng.uniform(0, 6))


def wander(lead: Signal, rng: np.random.Generator) -> Signal:
    return lead + 2.5 * np.sin(2 * np.pi * 0.25 * TIME + rng.uniform(0, 6))


LEAD_FAULTS: dict[str, tuple[str, Callable[[Signal, np.random.Generator], Signal]]] = {
    "lost lead": ("missing", lost),
    "flat lead": ("flat", flat),
    "clipped lead": ("clipped", clipped),
    "muscle noise, 0.08 mV": ("noisy", muscle),
    "mains, 0.15 mV": ("noisy", mains),
    "wander, 5 mV": ("noisy", wander),
}


def arms_exchanged(signal: Signal) -> Signal:
    one, two, three, avr, avl, avf = signal[:6]
    return np.concatenate([[-one, three, two, avl, avr, avf], signal[6:]])


def arm_and_leg_exchanged(signal: Signal) -> Signal:
    one, two, three, avr, avl, avf = signal[:6]
    return np.concatenate([[-three, -two, -one, avf, avl, avr], signal[6:]])


def hurried(signal: Signal) -> Signal:
    """As of a wrong sampling rate: implausible if it was above 60 per minute before."""
    return np.tile(signal[:, ::4], 4)


WHOLE_FAULTS = {
    "arms exchanged": ("swapped", "RA/LA", arms_exchanged),
    "right arm and left leg exchanged": ("swapped", "RA/LL", arm_and_leg_exchanged),
    "four times the rate": ("rate", None, hurried),
}


def judge(signals: list[Signal], printed: bool) -> list[Quality]:
    views = []
    for signal in signals:
        recording = Recording("", signal, FS)
        page = print_page(recording, step=DIGITISATION_STEP) if printed else None
        views.append(overview(recording if page is None else PrintedPage("", page, FS)))
    return assess_quality(views)


def run(signals: list[Signal], printed: bool) -> None:
    rng = np.random.default_rng(0)
    print("as prints" if printed else "as recordings")
    for name, (reason, damage) in LEAD_FAULTS.items():
        leads = rng.integers(len(LEADS), size=len(signals))
        damaged = [signal.copy() for signal in signals]
        for signal, lead in zip(damaged, leads, strict=True):
            signal[lead] = damage(signal[lead], rng)
        judged = zip(judge(damaged, printed), leads, strict=True)
        found = [LEADS[lead] in quality.faults.get(reason, ()) for quality, lead in judged]
        print(f"  {name:34s} found in {np.mean(found):6.1%}")
    for name, (reason, place, exchange) in WHOLE_FAULTS.items():
        judged_all = judge([exchange(signal) for signal in signals], printed)
        wanted = () if place is None else (place,)
        found = [quality.faults.get(reason) == wanted for quality in judged_all]
        print(f"  {name:34s} found in {np.mean(found):6.1%}")
    clean = judge(signals, printed)
    for reason in REASONS:
        share = np.mean([reason in quality.faults for quality in clean])
        print(f"  alarm without a fault put in: {reason:10s}{share:6.1%}")
    share = np.mean([bool(quality.faults) for quality in clean])
    print(f"  alarm without a fault put in: any       {share:6.1%}")


def compare_remarks(signals: list[Signal], remarks: pd.DataFrame) -> None:
    """How often PTB-XL's own remarks and the fault `noisy` go together."""
    noisy = np.array(["noisy" in quality.faults for quality in judge(signals, False)])
    print("share that is noisy, of ECGs with and without PTB-XL's remark")
    for column in remarks:
        marked = remarks[column].notna().to_numpy()
        shares = f"{noisy[marked].mean():6.1%} of {marked.sum()}, {noisy[~marked].mean():6.1%}"
        print(f"  {column:20s} {shares}")


def run_time(signals: list[Signal]) -> None:
    for printed in (False, True):
        ecgs = [Recording("", signal, FS) for signal in signals[:256]]
        pages = [PrintedPage("", print_page(ecg, DIGITISATION_STEP), FS) for ecg in ecgs]
        start = time.process_time()
        for first in range(0, 256, 16):
            batch = (pages if printed else ecgs)[first : first + 16]
            assess_quality([overview(ecg) for ecg in batch])
        spent = 1000 * (time.process_time() - start) / 256
        print(f"CPU ms per {'print' if printed else 'recording'}: {spent:.2f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = Path(__file__).resolve().parents[1] / ".cache" / "ptb-xl"
    parser.add_argument("--ptbxl", type=Path, default=default, help="unpacked PTB-XL folder")
    parser.add_argument("--every", type=int, default=4, help="take every so manieth record")
    options = parser.parse_args()
    dataset = open_dataset("ptbxl", options.ptbxl)
    ecg = dataset.tables.ecg[:: options.every]
    records = [
        dataset.read(options.ptbxl / path, ecg_id).signal[:, :5000].astype(np.float64)
        for path, ecg_id in zip(ecg["path"], ecg["ecg_id"], strict=True)
    ]
    print(f"{machine()}\n{len(records)} records")
    for on_paper in (False, True):
        run(records, on_paper)
    table = pd.read_csv(options.ptbxl / "ptbxl_database.csv", dtype={"ecg_id": str})
    columns = ["static_noise", "burst_noise", "baseline_drift", "electrodes_problems"]
    compare_remarks(records, table.set_index("ecg_id").loc[ecg["ecg_id"].astype(str), columns])
    run_time(records)
