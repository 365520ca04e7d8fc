"""Measured signs against statements of cardiologists: LUDB and PTB-XL.

The criteria are rules from the literature; nothing is fitted. Limits that the literature leaves
open were chosen on PTB-XL's folds 1-6; folds 7-8 are the test. A statement counts as made if
PTB-XL names it, whatever its likelihood. Each sign is one number, the evidence over its limit;
what cannot be judged counts as none. The areas' intervals take patients as independent.

    OMP_NUM_THREADS=1 python benchmarks/criteria.py --ludb .cache/ludb --ptbxl .cache/ptb-xl
"""

from __future__ import annotations

import argparse
import ast
import time
from pathlib import Path

import numpy as np
import pandas as pd
import wfdb
from numpy.typing import NDArray

from _ludb import machine
from _ludb import read as read_ludb
from acsbench.ecg import Recording, measure, print_page
from acsbench.ecg.criteria import CRITERIA, Finding, assess
from acsbench.statistics import auroc

STATEMENTS = {
    "STD_": ("st-depression",),
    "INVT": ("t-inversion",),
    "ISC_": ("st-depression", "t-inversion"),
    "ISCA, ISCL, ISCI …": ("st-depression", "t-inversion"),
    "INJ…": ("st-depression",),
    "STE_": ("st-elevation",),
    "QWAVE": ("pathological-q",),
    "LVH": ("lvh",),
    "CLBBB": ("lbbb",),
    "CRBBB": ("rbbb",),
    "AFIB": ("atrial-fibrillation",),
}
"""Statements of PTB-XL, and the criteria whose stronger evidence is compared with them."""


def states(codes: set[str], statement: str) -> bool:
    if statement == "INJ…":
        return any(code.startswith("INJ") for code in codes)
    if statement.startswith("ISCA,"):
        return any(code.startswith("ISC") and code != "ISC_" for code in codes)
    return statement in codes


def scores(findings: list[list[Finding]], criteria: tuple[str, ...]) -> NDArray[np.float64]:
    chosen = [[found.score for found in ecg if found.criterion in criteria] for ecg in findings]
    return np.nan_to_num(np.array(chosen), nan=0.0).max(axis=1)


def ludb(folder: Path) -> None:
    """ST elevation in recordings with STEMI, and in those without any change of ST or T."""
    known = pd.read_csv(folder / "ludb.csv", dtype=str).set_index("ID")
    stemi, without = [], []
    for ecg in read_ludb(folder):
        row = known.loc[ecg.name].fillna("").str.strip()
        age = float(row["Age"]) if row["Age"].isdigit() else None
        sex = {"M": "male", "F": "female"}.get(row["Sex"])
        table = measure(Recording(ecg.name, ecg.signal, ecg.fs, ecg.leads))
        found = {finding.criterion: finding for finding in assess(table, age, sex)}["st-elevation"]
        if "stemi:" in row["Ischemia"].lower().replace("nstemi", ""):
            stemi.append(found.present)
            levels = table.set_index("lead").loc[["V1", "V2", "V3", "V4"], "j_level"]
            print(
                f"  STEMI, J level in V1–V4: {' '.join(f'{mv:.2f}' for mv in levels)} mV;"
                f" {found.sentence}"
            )
        elif not row["Ischemia"] and not row["Non-specific repolarization abnormalities"]:
            without.append(found.present)
    print(
        f"  ST elevation in {sum(map(bool, stemi))} of {len(stemi)} with STEMI, in"
        f" {sum(map(bool, without))} of {len(without)} without ischaemia or repolarisation"
        f" findings ({sum(map(bool, without)) / len(without):.1%})"
    )


def ptbxl(folder: Path) -> None:
    known = pd.read_csv(folder / "ptbxl_database.csv")
    recordings = []
    for name in known["filename_hr"]:
        record = wfdb.rdrecord(str(folder / name))
        recordings.append(Recording(name, record.p_signal.T, record.fs, record.sig_name))
    people = [
        (None if age > 89 else age, "female" if sex else "male")
        for age, sex in zip(known["age"], known["sex"], strict=True)
    ]
    start = time.process_time()
    tables = [measure(recording) for recording in recordings]
    spent = time.process_time() - start
    findings = [assess(table, *who) for table, who in zip(tables, people, strict=True)]
    both = time.process_time() - start
    print(
        f"  {len(tables)} ECGs: {len(tables) / spent:.0f} measured, {len(tables) / both:.0f}"
        " measured and judged, per second of one core's time"
    )
    statements(known, findings)
    beside_the_report(known, tables)
    printed(recordings, tables, people, findings)


def statements(known: pd.DataFrame, findings: list[list[Finding]]) -> None:
    codes = [set(ast.literal_eval(text)) for text in known["scp_codes"]]
    test = (known["strat_fold"] >= 7).to_numpy()
    print("  statement              n  test  AUROC all             AUROC test (folds 7-8)")
    for statement, criteria in STATEMENTS.items():
        labels = np.array([states(made, statement) for made in codes])
        evidence = scores(findings, criteria)
        areas = [
            auroc(labels[rows], evidence[rows], known["patient_id"].to_numpy()[rows])
            for rows in (slice(None), test)
        ]
        print(
            f"  {statement:18s} {labels.sum():5d} {labels[test].sum():5d}  "
            + "   ".join(f"{area!s:20s}" for area in areas)
            + f"  {' or '.join(criteria)}"
        )


def beside_the_report(known: pd.DataFrame, tables: list[pd.DataFrame]) -> None:
    """Rate, intervals and axis beside what the report says of them, in words."""
    whole = pd.DataFrame([table.iloc[0] for table in tables]).reset_index(drop=True)
    codes = known["scp_codes"].map(ast.literal_eval).map(set)
    print("  in words of the report: measured median (10th–90th percentile)")
    for statement, column in (
        ("STACH", "heart_rate"),
        ("SBRAD", "heart_rate"),
        ("1AVB", "pr_interval"),
        ("LNGQT", "qtc_framingham"),
        ("NORM", "qtc_framingham"),
        ("NORM", "pr_interval"),
        ("NORM", "qrs_duration"),
    ):
        values = whole.loc[codes.map(lambda made, s=statement: s in made), column].astype(float)
        low, middle, high = values.quantile([0.1, 0.5, 0.9])
        print(
            f"  {statement:6s} {column:15s} {middle:5.0f} ({low:.0f}–{high:.0f}),"
            f" n = {len(values)}, {values.isna().sum()} not measured"
        )
    for axis, values in whole["qrs_axis"].astype(float).groupby(known["heart_axis"]):
        low, middle, high = values.quantile([0.1, 0.5, 0.9])
        print(f"  axis {axis:5s} {middle:5.0f}° ({low:.0f}–{high:.0f}), n = {len(values)}")


def printed(
    recordings: list[Recording],
    tables: list[pd.DataFrame],
    people: list[tuple[float | None, str]],
    findings: list[list[Finding]],
) -> None:
    """The same ECGs from their 3 × 4 print, every fifth."""
    chosen = range(0, len(recordings), 5)
    pages = [
        measure(Recording(recordings[k].ecg_id, print_page(recordings[k], 0.005)[:12], 500.0))
        for k in chosen
    ]
    print(f"  from the printed page less from 10 s, {len(pages)} ECGs, leads together:")
    # J points are of different beats; that from QRS onset to J tells how they compare.
    for column, unit in (
        ("qrs_duration", "ms"),
        ("j_level", "mV"),
        ("st60", "mV"),
        ("t_amplitude", "mV"),
    ):
        pairs = np.array(
            [
                (page[column].to_numpy(float), tables[k][column].to_numpy(float))
                for k, page in zip(chosen, pages, strict=True)
            ]
        )
        error = (pairs[:, 0] - pairs[:, 1]).ravel()
        error = error[np.isfinite(error)]
        print(
            f"  {column:13s} bias {error.mean():7.3f} SD {error.std():6.3f} {unit}, median"
            f" absolute {np.median(np.abs(error)):.3f}, n = {len(error)}"
        )
    print("  criterion            10 s  print   both  agree  kappa")
    judged = [assess(page, *people[k]) for k, page in zip(chosen, pages, strict=True)]
    for number, name in enumerate(CRITERIA):
        whole = np.array([bool(findings[k][number].present) for k in chosen])
        page = np.array([bool(found[number].present) for found in judged])
        agree = (whole == page).mean()
        chance = whole.mean() * page.mean() + (1 - whole.mean()) * (1 - page.mean())
        kappa = (agree - chance) / (1 - chance) if chance < 1 else np.nan
        print(
            f"  {name:20s} {whole.sum():4d}  {page.sum():5d}  {(whole & page).sum():5d}"
            f"  {agree:5.3f}  {kappa:5.2f}"
        )


if __name__ == "__main__":
    cache = Path(__file__).resolve().parents[1] / ".cache"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ludb", type=Path, default=cache / "ludb")
    parser.add_argument("--ptbxl", type=Path, default=cache / "ptb-xl")
    options = parser.parse_args()
    print(machine())
    print("LUDB")
    ludb(options.ludb)
    print("PTB-XL")
    ptbxl(options.ptbxl)
