"""PTB-XL as the benchmarks need it: signals with patient and fold."""

from __future__ import annotations

import argparse
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import wfdb
from numpy.typing import NDArray

FS = 500.0


@dataclass(frozen=True, eq=False)
class Ecg:
    """One record: (12, 5000) mV in the standard order."""

    ecg_id: int
    patient_id: int
    fold: int
    signal: NDArray[np.float64]


def add_folder(parser: argparse.ArgumentParser) -> None:
    """The option that names the folder."""
    default = Path(__file__).resolve().parents[1] / ".cache" / "ptb-xl"
    parser.add_argument("--ptb-xl", type=Path, default=default, help="unpacked PTB-XL folder")


def read(folder: Path, folds: Collection[int], every: int = 1) -> Iterator[Ecg]:
    """Every n-th record of some folds, in the order of the table."""
    path = folder / "ptbxl_database.csv"
    if not path.is_file():
        raise SystemExit(f"there is no {path}; name the folder with --ptb-xl")
    table = pd.read_csv(path)
    for row in table[table["strat_fold"].isin(list(folds))].iloc[::every].itertuples():
        signal = wfdb.rdrecord(str(folder / str(row.filename_hr))).p_signal.T
        yield Ecg(int(row.ecg_id), int(row.patient_id), int(row.strat_fold), np.asarray(signal))
