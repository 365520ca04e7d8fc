"""Any folder of WFDB records with a CSV that says whose they are and how they are labelled.

`labels.csv` needs the columns `record` (path below the folder, with or without suffix) and
`patient_id`; it may have `ecg_id` (else the record's path), `age` (years), `sex`, `fold` (an
integer) and any number of labels (0/1, true/false; empty where unknown). An optional
`dataset.yaml` gives `name`, `description`, `simulated` and `tasks`.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from acsbench.datasets.dataset import Dataset
from acsbench.datasets.description import DESCRIPTION, read_description
from acsbench.datasets.schema import OLDEST, Tables
from acsbench.datasets.source_table import RowCheck, read_table, reject_rows, to_numbers
from acsbench.datasets.wfdb_file import read_wfdb

LABELS = "labels.csv"
SEX = {"female": "female", "f": "female", "male": "male", "m": "male"}
BOOLEAN = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
KNOWN = {"record", "patient_id", "ecg_id", "age", "sex", "fold", "source_row"}
FIX = "Give labels.csv the columns record and patient_id, one row per ECG"


def open_wfdb_folder(root: Path) -> Dataset:
    """Read `labels.csv` and `dataset.yaml` of a folder of WFDB records.

    Args:
        root: the folder.

    Raises:
        DataError: `labels.csv` is missing or lacks a column, or `dataset.yaml` cannot be read.
    """
    description = read_description(root)
    path = root / LABELS
    raw = read_table(path, ("record", "patient_id"), FIX)
    text = raw.drop(columns="source_row").apply(lambda column: column.str.strip())
    records = text["record"].str.removesuffix(".hea").str.removesuffix(".dat")
    ids = text.get("ecg_id", records)
    numbers = {column: to_numbers(text[column]) for column in ("age", "fold") if column in text}
    labels = {column: _boolean(text[column]) for column in text if column not in KNOWN}
    checks = _row_checks(text, records, ids, numbers, labels)
    keep, rejected = reject_rows(raw, ids, checks, path)

    ecg = pd.DataFrame(
        {
            "ecg_id": ids,
            "patient_id": text["patient_id"],
            "path": records,
            "source_row": raw["source_row"],
            **numbers,
            **labels,
        }
    )[keep].reset_index(drop=True)
    if "age" in ecg:
        ecg["age"] = ecg["age"].astype(float)
    if "fold" in ecg:
        ecg["fold"] = ecg["fold"].astype(int)
    patient = ecg[["patient_id"]].drop_duplicates().reset_index(drop=True)
    if "sex" in text:
        sex = text["sex"].str.casefold().map(SEX).groupby(text["patient_id"]).first()
        patient["sex"] = patient["patient_id"].map(sex).astype(object)
    unfilled = {c: f"{LABELS} has no such column" for c in ("age", "sex") if c not in text}
    return Dataset(
        name=str(description.get("name", root.resolve().name)),
        root=root,
        tables=Tables(
            patient=patient, ecg=ecg, source=path, unfilled=unfilled, path_column="record"
        ),
        read=read_wfdb,
        sources=tuple(file for file in (path, root / DESCRIPTION) if file.is_file()),
        rejected=rejected,
        notes=_notes(root, set(records)),
        simulated=bool(description.get("simulated", False)),
        tasks=tuple(description.get("tasks", ())),
    )


def _boolean(text: pd.Series) -> pd.Series:
    """A label column as nullable booleans; a column of anything else is kept as it is."""
    lower = text.str.casefold().str.removesuffix(".0")
    if not lower.isin([*BOOLEAN, ""]).all() and not lower.isin(list(BOOLEAN)).any():
        return text
    return lower.map(BOOLEAN).astype("boolean")


def _row_checks(
    text: pd.DataFrame,
    records: pd.Series,
    ids: pd.Series,
    numbers: dict[str, pd.Series],
    labels: dict[str, pd.Series],
) -> list[RowCheck]:
    checks = [
        RowCheck("record", records == "", "no record is named", "Give the record's path"),
        RowCheck(
            "ecg_id" if "ecg_id" in text else "record",
            ids.duplicated(),
            "a row above has the same id",
            "Keep one row per ECG",
        ),
        RowCheck(
            "patient_id", text["patient_id"] == "", "the patient is missing", "Say whose it is"
        ),
    ]
    if "age" in numbers:
        bad = (text["age"] != "") & ~numbers["age"].between(0, OLDEST)
        checks.append(RowCheck("age", bad, "the age is no number from 0 to 120", "Mend the cell"))
    if "sex" in text:
        bad = (text["sex"] != "") & ~text["sex"].str.casefold().isin(list(SEX))
        checks.append(RowCheck("sex", bad, "the sex is neither female nor male", "Mend the cell"))
        sexes = text["sex"].str.casefold().map(SEX)
        bad = sexes.groupby(text["patient_id"]).transform("nunique") > 1
        checks.append(
            RowCheck("sex", bad, "the same patient has another sex in another row", "Mend it")
        )
    if "fold" in numbers:
        bad = numbers["fold"].isna() | (numbers["fold"] % 1 != 0)
        checks.append(RowCheck("fold", bad, "the fold is no integer", "Mend the cell"))
    for name, values in labels.items():
        if values.dtype == "boolean":
            bad = (text[name] != "") & values.isna()
            checks.append(
                RowCheck(name, bad, "the label is neither 0 nor 1", "Empty the cell if unknown")
            )
    return checks


def _notes(root: Path, listed: set[str]) -> tuple[str, ...]:
    found = {header.relative_to(root).with_suffix("").as_posix() for header in root.rglob("*.hea")}
    unlisted = len(found - listed)
    return (f"{unlisted} records in the folder are not in {LABELS}",) if unlisted else ()
