"""Small datasets on disk, whole or damaged, for the tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from acsbench.datasets.simulated.wfdb_writer import write_record, write_wfdb_folder
from acsbench.ecg.recording import Recording

STATEMENTS = """,description,diagnostic,form,rhythm,diagnostic_class
NORM,normal,1.0,,,NORM
IMI,inferior infarction,1.0,,,MI
AMI,anterior infarction,1.0,,,MI
NDT,T change,1.0,1.0,,STTC
STD_,ST depression,,1.0,,
AFIB,atrial fibrillation,,,1.0,
"""


def wfdb_folder(folder: Path, ecgs: int = 40) -> Path:
    """A folder of simulated WFDB records with labels."""
    write_wfdb_folder(folder, ecgs, seed=3)
    return folder


def edit_labels(folder: Path, row: int, **cells: str) -> None:
    """Change cells of `labels.csv`; row 2 is the first below the header."""
    edit_csv(folder / "labels.csv", row, **cells)


def edit_csv(path: Path, row: int, **cells: str) -> None:
    """Change cells of a CSV; row 2 is the first below the header."""
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    for column, value in cells.items():
        table.loc[row - 2, column] = value
    table.to_csv(path, index=False)


def first_record(folder: Path) -> Path:
    """Path of the record that row 2 of `labels.csv` names, without suffix."""
    return folder / pd.read_csv(folder / "labels.csv")["record"].iloc[0]


def edit_header(folder: Path, old: str, new: str) -> None:
    """Replace text in the first record's header."""
    path = first_record(folder).with_suffix(".hea")
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def ptbxl_folder(folder: Path, ecgs: int = 40, fs: int = 500) -> Path:
    """A folder laid out as PTB-XL: two ECGs per patient, folds 1–10, a third with infarction."""
    rng = np.random.default_rng(0)
    column, below = {500: ("filename_hr", "records500"), 100: ("filename_lr", "records100")}[fs]
    (folder / below / "00000").mkdir(parents=True)
    rows = []
    for number in range(ecgs):
        patient = number // 2
        infarction = patient % 3 == 0
        name = f"{number + 1:05d}_{'hr' if fs == 500 else 'lr'}"
        signal = rng.normal(0, 0.1, (12, 10 * fs))
        signal[6:, ::fs] += 1.0 - 0.5 * infarction
        write_record(folder / below / "00000", Recording(name, signal, fs))
        rows.append(
            {
                "ecg_id": number + 1,
                "patient_id": float(patient + 100),
                "age": 300.0 if number == 0 else 40.0 + number % 50,
                "sex": patient % 2,
                "scp_codes": str({"IMI": 100.0} if infarction else {"NORM": 80.0}),
                "strat_fold": patient % 10 + 1,
                column: f"{below}/00000/{name}",
            }
        )
    pd.DataFrame(rows).to_csv(folder / "ptbxl_database.csv", index=False)
    (folder / "scp_statements.csv").write_text(STATEMENTS)
    return folder
