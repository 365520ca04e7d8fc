"""Any folder of ECG files with a CSV that says whose they are and how they are labelled.

The files are WFDB records or single clinical files (see `clinical_file`), mixed as they come.
`labels.csv` needs the columns `record` (path below the folder; of a WFDB record with or without
suffix, of any other file with it) and `patient_id`; it may have `ecg_id` (else the record's
path), `encounter_id` (the visit), `age` (years), `sex`, `fold` (an integer) and any number of
labels (0/1, true/false; empty where unknown). An optional `dataset.yaml` gives `name`,
`description`, `simulated` and `tasks`.

ECGs that are only to be predicted need no `patient_id`, and no `labels.csv` either.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd

from acsbench.datasets.ages import (
    AGE_FIX,
    AGE_PROBLEM,
    OPEN_CLASS_NOTE,
    open_classes,
    read_ages,
)
from acsbench.datasets.clinical_file import SUFFIXES
from acsbench.datasets.dataset import Dataset
from acsbench.datasets.description import DESCRIPTION, read_description, terms_of
from acsbench.datasets.recording_file import read_recording_file
from acsbench.datasets.schema import OLDEST, Tables
from acsbench.datasets.source_table import RowCheck, read_table, reject_rows, to_numbers
from acsbench.datasets.wfdb_file import says_simulated
from acsbench.disclosure import shown_count
from acsbench.errors import DataError, DataErrors

LABELS = "labels.csv"
SEX = {"female": "female", "f": "female", "male": "male", "m": "male"}
BOOLEAN = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
KNOWN = {"record", "patient_id", "ecg_id", "encounter_id", "age", "sex", "fold", "source_row"}
FIX = "Give labels.csv the columns record and patient_id, one row per ECG"
PREDICT_ONLY = "ECGs that are only to be predicted need none: say --unlabelled"
NO_PATIENT = "nobody says whose the ECGs are: each counts as a patient of its own"


def open_wfdb_folder(root: Path) -> Dataset:
    """Read `labels.csv` and `dataset.yaml` of a folder of ECG files.

    Args:
        root: the folder.

    Raises:
        DataError: `labels.csv` is missing or lacks a column, or `dataset.yaml` cannot be read.
        DataErrors: not one row can be used.
    """
    path = root / LABELS
    return _open(root, read_table(path, ("record", "patient_id"), f"{FIX}. {PREDICT_ONLY}"), path)


def open_unlabelled_folder(root: Path) -> Dataset:
    """Read a folder of ECG files that are only to be predicted.

    Args:
        root: the folder. Its `labels.csv` names the ECGs, if there is one, and may say what
            models use, such as age and sex; without it, every ECG file below the folder counts.

    Returns:
        The dataset. Without a column `patient_id`, each ECG counts as a patient of its own.
        Without `labels.csv`, `source_row` counts the files in the order of their names, from 1.

    Raises:
        DataError: there is no ECG file, `labels.csv` lacks the column `record`, or
            `dataset.yaml` cannot be read.
        DataErrors: not one row can be used.
    """
    path = root / LABELS
    if path.is_file():
        raw = read_table(path, ("record",), FIX)
        ids = raw.get("ecg_id", raw["record"])
    else:
        path, ids = root, pd.Series(sorted(_records_below(root)), dtype=str)
        if ids.empty:
            raise DataError("no ECG file", file=root, fix="Name the folder that holds them")
        raw = pd.DataFrame({"record": ids, "source_row": range(1, len(ids) + 1)})
    if "patient_id" in raw:
        return _open(root, raw, path)
    opened = _open(root, raw.assign(patient_id="patient of " + ids), path)
    unfilled = opened.tables.unfilled | {"patient_id": NO_PATIENT}
    return replace(opened, tables=replace(opened.tables, unfilled=unfilled))


def _open(root: Path, raw: pd.DataFrame, path: Path) -> Dataset:
    """The dataset of a table, as text, that `path` holds."""
    description = read_description(root)
    text = raw.drop(columns="source_row").apply(lambda column: column.str.strip())
    records = text["record"].str.removesuffix(".hea").str.removesuffix(".dat")
    ids = text.get("ecg_id", records)
    readers = {"age": read_ages, "fold": to_numbers}
    numbers = {column: read(text[column]) for column, read in readers.items() if column in text}
    labels = {column: _typed(text[column]) for column in text if column not in KNOWN}
    checks = _row_checks(text, records, ids, numbers)
    keep, rejected = reject_rows(raw, ids, checks, path)

    if not keep.any():
        raise DataErrors([item.error for item in rejected])

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
    if "encounter_id" in text:
        ecg["encounter_id"] = text["encounter_id"].replace("", None)[keep].to_numpy(dtype=object)
    if "age" in ecg:
        ecg["age"] = ecg["age"].astype(float)
    if "fold" in ecg:
        ecg["fold"] = ecg["fold"].astype(int)
    patient = ecg[["patient_id"]].drop_duplicates().reset_index(drop=True)
    if "sex" in text:
        sex = text["sex"].str.casefold().map(SEX).groupby(text["patient_id"]).first()
        patient["sex"] = patient["patient_id"].map(sex).astype(object)
    unfilled = {c: f"{LABELS} has no such column" for c in ("age", "sex") if c not in text}
    simulated = bool(description.get("simulated", False)) or _first_says_simulated(root, ecg)
    return Dataset(
        name=str(description.get("name", root.resolve().name)),
        root=root,
        tables=Tables(
            patient=patient, ecg=ecg, source=path, unfilled=unfilled, path_column="record"
        ),
        read=read_recording_file,
        sources=tuple(file for file in (path, root / DESCRIPTION) if file.is_file()),
        rejected=rejected,
        notes=(
            *_notes(root, set(records), simulated),
            *([OPEN_CLASS_NOTE] if "age" in text and open_classes(text["age"]).any() else []),
        ),
        simulated=simulated,
        tasks=tuple(description.get("tasks", ())),
        terms=terms_of(description),
        own_columns=tuple(labels),
        listed=text[["patient_id"]].replace("", None),
    )


def _typed(text: pd.Series) -> pd.Series:
    """A column of one's own: booleans if every cell is one, else numbers if so, else text."""
    lower = text.str.casefold().str.removesuffix(".0")
    filled = lower[lower != ""]
    if filled.isin(list(BOOLEAN)).all():
        return lower.map(BOOLEAN).astype("boolean")
    numbers = to_numbers(text)
    return numbers if numbers[filled.index].notna().all() else text.where(text != "", None)


def _row_checks(
    text: pd.DataFrame,
    records: pd.Series,
    ids: pd.Series,
    numbers: dict[str, pd.Series],
) -> list[RowCheck]:
    id_column = "ecg_id" if "ecg_id" in text else "record"
    checks = [
        RowCheck("record", records == "", "no record is named", "Give the record's path"),
        RowCheck("record", records.duplicated(), "a row above has this record", "Keep one row"),
        RowCheck(id_column, ids == "", "the ECG has no id", "Give it one"),
        RowCheck(id_column, ids.duplicated(), "a row above has the same id", "Keep one row"),
        RowCheck(
            "patient_id", text["patient_id"] == "", "the patient is missing", "Say whose it is"
        ),
    ]
    if "age" in numbers:
        bad = (text["age"] != "") & ~numbers["age"].between(0, OLDEST)
        checks.append(RowCheck("age", bad, AGE_PROBLEM, AGE_FIX))
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
    return checks


def _first_says_simulated(root: Path, ecg: pd.DataFrame) -> bool:
    """Whether the first record's header says so, for folders that lost their description."""
    try:
        return says_simulated(root / ecg["path"].iloc[0])
    except DataError:
        return False


def _notes(root: Path, listed: set[str], simulated: bool) -> tuple[str, ...]:
    unlisted = len(_records_below(root) - listed)
    count = shown_count(unlisted, simulated)
    return (f"ECG files that {LABELS} does not name: {count}",) if unlisted else ()


def _records_below(root: Path) -> set[str]:
    """The WFDB records and clinical files of a folder, as `record` names them."""
    found = set()
    for file in root.rglob("*"):
        name = file.relative_to(root).as_posix()
        if file.suffix == ".hea":
            found.add(name.removesuffix(".hea"))
        elif file.suffix.lower() in SUFFIXES:
            found.add(name)
    return found
