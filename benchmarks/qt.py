"""QT against the marks of cardiologists in LUDB and against two devices, by definition of QT.

A QT interval in many leads can mean several things: that of the typical lead (the median over the
leads of each lead's own QT), or from the earliest QRS onset to the latest T end in any lead, which
devices take as the global QT (as far as these extremes are not one lead's noise: here the second
or third lead from the end as well). Ours is the first: it is read from a trace that sums all leads.
Differences are ours less marked, ms, of each record's mean over its beats with marks in at least
six leads; by lead, of each beat.

    OMP_NUM_THREADS=1 python benchmarks/qt.py --ludb .cache/ludb
    OMP_NUM_THREADS=1 python benchmarks/qt.py --sierra ../shared/data/formats/sierra
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from _ludb import MarkedEcg, machine, read
from acsbench.datasets.clinical_file import read_clinical_file
from acsbench.ecg import measure
from acsbench.ecg.delineation import delineate_beats

SAME_BEAT = 0.15  # s between our R-peak and the marked one
LONGEST_QT = 0.6  # s after the R-peak
FEWEST_LEADS = 6
DEFINITIONS = (
    "median over leads of QT",
    "third earliest onset to third latest end",
    "second earliest to second latest",
    "earliest onset to latest end",
)


def marked(ecg: MarkedEcg, lead: int, r_peak: float) -> tuple[float, float] | None:
    """Marked QRS onset and T end of the beat in a lead, samples; None if one of them lacks."""
    qrs, t = ecg.qrs[lead], ecg.t[lead]
    if not len(qrs) or not len(t):
        return None
    onset, peak, _ = qrs[np.abs(qrs[:, 1] - r_peak).argmin()]
    after = t[(t[:, 1] > peak) & (t[:, 1] < peak + LONGEST_QT * ecg.fs)]
    if abs(peak - r_peak) > SAME_BEAT * ecg.fs or onset < 0 or not len(after) or after[0, 2] < 0:
        return None
    return float(onset), float(after[0, 2])


def compare(ecg: MarkedEcg) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Ours less marked, ms.

    Returns:
        By lead, shape (beats, leads), NaN without marks; by definition, and of the common onset
        and T end from their medians over the leads, shape (beats, definitions + 2).
    """
    beats = delineate_beats(ecg.signal, ecg.fs)
    by_lead, whole = [], []
    for common, leads in zip(beats.common, beats.leads, strict=True):
        onset, end = common[1, 0], common[2, 2]
        marks = [marked(ecg, lead, common[1, 1]) for lead in range(len(ecg.leads))]
        known = np.array([pair for pair in marks if pair is not None])
        if len(known) < FEWEST_LEADS or not np.isfinite(end - onset):
            continue
        by_lead.append(
            [
                np.nan if pair is None else (own[2, 2] - onset) - (pair[1] - pair[0])
                for own, pair in zip(leads, marks, strict=True)
            ]
        )
        onsets, ends = np.sort(known, axis=0).T
        intervals = (
            np.median(known[:, 1] - known[:, 0]),
            *(ends[-place] - onsets[place - 1] for place in (3, 2, 1)),
        )
        whole.append(
            [
                *(end - onset - interval for interval in intervals),
                onset - np.median(onsets),
                end - np.median(ends),
            ]
        )
    shape = len(ecg.leads), len(DEFINITIONS) + 2
    per_ms = 1000 / ecg.fs
    return (
        np.array(by_lead).reshape(-1, shape[0]) * per_ms,
        np.array(whole).reshape(-1, shape[1]) * per_ms,
    )


def line(name: str, values: NDArray[np.float64]) -> str:
    known = values[np.isfinite(values)]
    return (
        f"{name:52s} {len(known):5d}  {known.mean():6.1f}  {np.median(known):6.1f}"
        f"  {known.std():5.1f}"
    )


def run(records: list[MarkedEcg]) -> None:
    compared = [compare(ecg) for ecg in records]
    print(f"{'ours less marked, ms':52s}     n    mean  median     SD")
    for half, part in (
        ("chosen on", compared[::2]),
        ("test", compared[1::2]),
        ("all", compared),
    ):
        means = np.array([whole.mean(axis=0) for _, whole in part if len(whole)])
        for place, name in enumerate(
            (*DEFINITIONS, "QRS onset, median lead", "T end, median lead")
        ):
            print(line(f"{half}: {name}", means[:, place]))
    by_lead = np.concatenate([found for found, _ in compared])
    for lead, name in enumerate(records[0].leads):
        print(line(f"own QT in lead {name}", by_lead[:, lead]))


def devices(folder: Path) -> None:
    """QT of the device's whole ECG and of its leads, in Philips files, beside ours."""
    for path in sorted([*folder.glob("*.XML"), *folder.glob("*.xml")]):
        data = path.read_bytes()
        text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8")
        values = {
            tag: [float(v) for v in re.findall(rf"<{tag}>\s*(\d+)\s*</{tag}>", text)]
            for tag in ("meanqtint", "qtint")
        }
        ours = measure(read_clinical_file(path, "a"))["qt_interval"].iloc[0]
        leads = np.array(values["qtint"][:12])
        print(
            f"{path.name}: device {values['meanqtint'][0]:.0f} ms (its leads: median "
            f"{np.median(leads):.0f}, from {leads.min():.0f} to {leads.max():.0f}), ours {ours:.0f}"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = Path(__file__).resolve().parents[1] / ".cache" / "ludb"
    parser.add_argument("--ludb", type=Path, default=default, help="unpacked LUDB folder")
    parser.add_argument("--sierra", type=Path, help="folder of Philips Sierra XML files")
    options = parser.parse_args()
    ecgs = read(options.ludb)
    print(f"{machine()}\n{len(ecgs)} records of LUDB")
    run(ecgs)
    if options.sierra:
        devices(options.sierra)
