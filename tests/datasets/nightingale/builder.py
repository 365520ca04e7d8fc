"""A small dataset in the layout of ed-bwh-ecg, and ways to edit it."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from acsbench.datasets.nightingale.columns import ECG, ENCOUNTER, INCOME, RACES, Kind
from acsbench.ecg.printed import DIGITISATION_STEP, print_page
from acsbench.ecg.recording import Recording

PATIENTS = 48
"""Half of them tested, half of each with the outcome."""

VISITS_WITHOUT_ECG, EXCLUDED_VISITS = 4, 4
VISITS = PATIENTS + VISITS_WITHOUT_ECG + EXCLUDED_VISITS
"""One of each patient, then further ones without an ECG, then excluded ones."""

ECGS_WITHOUT_VISIT = 8
ECGS = 68
"""One of each visit that has any, a second one of every sixth patient; then those without visit."""

MISSING_LEAD, GAPS, JITTER = 20, 21, 22
"""Lines of `ecg-metadata.csv` whose pages have a missing lead, gaps, and borders off."""


def nightingale_folder(root: Path, *, races: str = "race_", waveforms: bool = True) -> Path:
    """Write the dataset below `root`; gives `root/ed-bwh-ecg/v1`, which holds the tables."""
    rng = np.random.default_rng(5)
    folder = root / "ed-bwh-ecg" / "v1"
    folder.mkdir(parents=True)
    patients = [f"pat{number:08x}" for number in rng.choice(2**32, PATIENTS, replace=False)]
    ecg_ids = [f"ecg{number:010x}" for number in rng.choice(2**40, ECGS, replace=False)]
    visits, visit_patients = _visits(rng, patients)
    ecgs, of_visit = _ecgs(rng, patients, visit_patients, ecg_ids)
    links = [(ecg_id, visits["ed_enc_id"][v]) for ecg_id, v in of_visit.items()]
    index = {"ecg_id": sorted(ecg_ids), "npy_index": rng.permutation(ECGS)}
    for name, table in (
        ("patient", _patients(rng, patients, races)),
        ("ed-encounter", pd.DataFrame(visits)),
        ("ecg-metadata", pd.DataFrame(ecgs)),
        ("ecg-ed-enc", pd.DataFrame(links, columns=["ecg_id", "ed_enc_id"])),
        ("ecg-npy-index", pd.DataFrame(index)),
    ):
        table.to_csv(folder / f"{name}.csv", index=False)
    if waveforms:
        for number, ecg_id in enumerate(ecg_ids):
            write_page(folder, ecg_id, _page(rng, number + 2))
    return folder


def write_page(folder: Path, ecg_id: str, page: np.ndarray, name: str = "arr_0") -> Path:
    """Write a waveform file where the dataset has it."""
    path = waveform_path(folder, ecg_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, **{name: page})
    return path


def waveform_path(folder: Path, ecg_id: str) -> Path:
    """Where the waveform of an ECG lies."""
    stem = ecg_id.removeprefix("ecg")
    return folder / "ecg-waveforms-npz" / stem[:2] / f"{stem}.npz"


def waveform_of_row(folder: Path, row: int) -> Path:
    """Where the waveform lies that a line of `ecg-metadata.csv` names."""
    return waveform_path(folder, cell(folder / "ecg-metadata.csv", row, "ecg_id"))


def strips(folder: Path) -> np.ndarray:
    """Write `ecg-waveform.npy`, in which row and lead can be told from every value."""
    row, lead = np.arange(ECGS)[:, None, None], np.arange(3)[:, None]
    array = np.broadcast_to(row + lead / 10, (ECGS, 3, 1000)).astype(np.float64)
    np.save(folder / "ecg-waveform.npy", array)
    return array


def cell(path: Path, row: int, column: str) -> str:
    """A cell as written; row 2 is the first below the header."""
    lines = _lines(path)
    return lines[row - 1][lines[0].index(column)]


def edit(path: Path, row: int, **cells: str) -> None:
    """Change cells; row 2 is the first below the header."""
    lines = _lines(path)
    for column, value in cells.items():
        lines[row - 1][lines[0].index(column)] = value
    _write(path, lines)


def edit_column(path: Path, column: str, change: Callable[[str], str]) -> None:
    """Change every cell of a column."""
    lines = _lines(path)
    place = lines[0].index(column)
    for line in lines[1:]:
        line[place] = change(line[place])
    _write(path, lines)


def drop_column(path: Path, column: str) -> None:
    """Take a column out."""
    lines = _lines(path)
    place = lines[0].index(column)
    _write(path, [line[:place] + line[place + 1 :] for line in lines])


def repeat_row(path: Path, row: int) -> None:
    """Add a copy of a row at the end."""
    lines = _lines(path)
    _write(path, [*lines, lines[row - 1]])


def cut_row(path: Path, row: int) -> None:
    """Take the last cell off a row."""
    lines = _lines(path)
    lines[row - 1].pop()
    _write(path, lines)


def _lines(path: Path) -> list[list[str]]:
    with path.open(newline="") as file:
        return list(csv.reader(file))


def _write(path: Path, lines: list[list[str]]) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(lines)


def _patients(rng: np.random.Generator, ids: list[str], races: str) -> pd.DataFrame:
    race = rng.integers(0, len(RACES), len(ids))
    shares = rng.dirichlet(np.ones(len(INCOME)), len(ids)).round(5)
    return pd.DataFrame(
        {
            "patient_ngsci_id": ids,
            "sex": rng.choice(["Female", "Male"], len(ids)),
            **{
                name.replace("race_", races): (race == n).astype(int)
                for n, name in enumerate(RACES)
            },
            **{name: shares[:, n] for n, name in enumerate(INCOME)},
        }
    )


def _visits(rng: np.random.Generator, patients: list[str]) -> tuple[dict[str, object], np.ndarray]:
    """Columns of the visits, and each visit's patient as a number."""
    patient = np.r_[np.arange(PATIENTS), rng.integers(0, PATIENTS, VISITS - PATIENTS)]
    numbers = np.arange(VISITS)
    tested, outcome = numbers % 2 == 0, numbers % 4 < 2
    excluded = numbers >= PATIENTS + VISITS_WITHOUT_ECG
    start = pd.Timestamp("2110-03-04") + pd.to_timedelta(rng.integers(0, 10**7, VISITS), "s")
    known: dict[str, object] = {
        "ed_enc_id": [f"enc{number:06x}" for number in rng.choice(2**24, VISITS, replace=False)],
        "patient_ngsci_id": [patients[p] for p in patient],
        "start_datetime": start,
        "end_datetime": start + pd.Timedelta("5h"),
        "age_at_admit": rng.integers(20, 95, VISITS),
        "macetrop_030_pos": outcome & ~tested,
        "macetrop_pos_or_death_030": outcome & ~tested,
        "stent_010_day": outcome & tested,
        "stent_or_cabg_010_day": outcome & tested,
        "test_010_day": tested,
        "cath_010_day": tested,
        "maxtrop_sameday": np.where(numbers % 3 == 0, 0.04, np.nan),
        "first_test": np.where(tested, "cath", ""),
        "exclude_modeling": excluded,
        "exclude": excluded,
    }
    other = {Kind.FLAG: np.zeros(VISITS, bool), Kind.NUMBER: "", Kind.TEXT: "other"}
    columns = {
        name: known[name] if name in known else other[kind]
        for name, kind in ENCOUNTER.columns.items()
    }
    return columns, patient


def _ecgs(
    rng: np.random.Generator, patients: list[str], visit_patients: np.ndarray, ecg_ids: list[str]
) -> tuple[dict[str, object], dict[str, int]]:
    """Columns of the ECGs, and the visit of each ECG that has one, as a number."""
    with_ecg = np.r_[:PATIENTS, PATIENTS + VISITS_WITHOUT_ECG : VISITS]
    visit = np.r_[with_ecg, with_ecg[:PATIENTS:6]]
    patient = np.r_[visit_patients[visit], rng.integers(0, PATIENTS, ECGS_WITHOUT_VISIT)]
    other = {Kind.FLAG: rng.integers(0, 2, ECGS), Kind.NUMBER: 88, Kind.TEXT: "ms"}
    known: dict[str, object] = {
        "patient_ngsci_id": [patients[p] for p in patient],
        "ecg_id": ecg_ids,
        "date": "2110-03-04",
    }
    columns = {
        name: known[name] if name in known else other[kind] for name, kind in ECG.columns.items()
    }
    return columns, dict(zip(ecg_ids, map(int, visit), strict=False))


def _page(rng: np.random.Generator, row: int) -> np.ndarray:
    """A page of a regular rhythm; some lines have what digitising leaves."""
    times = np.arange(5000) / 500
    phase = times % 0.8
    beat = sum(
        height * np.exp(-(((phase - at) / width) ** 2))
        for height, at, width in ((0.12, 0.2, 0.02), (1.0, 0.36, 0.012), (0.25, 0.6, 0.04))
    )
    leads = rng.uniform(0.3, 1.2, (12, 1)) * beat + rng.normal(0, 0.005, (12, 5000))
    page = print_page(Recording("page", leads, 500), step=DIGITISATION_STEP)
    if row == MISSING_LEAD:
        page[7] = np.nan
    if row == GAPS:
        page[12:, 2000:2010] = np.nan
    if row == JITTER:
        page[0, 1250:1254] = page[0, 1249]
        page[3, 1250:1253] = np.nan
    return page
