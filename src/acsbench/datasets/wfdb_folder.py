"""Any folder of ECG files with a CSV that says whose they are and how they are labelled.

The files are WFDB records or single clinical files (see `clinical_file`), mixed as they come.
`labels.csv` needs the columns `record` (path below the folder; of a WFDB record with or without
suffix, of any other file with it) and `patient_id`; it may have `ecg_id` (else the record's
path), `encounter_id` (the visit), `age` (years), `sex`, `fold` (an integer) and any number of
labels (0/1, true/false; empty where unknown). An optional `dataset.yaml` gives `name`,
`description`, `simulated`, `tasks` and `gain` (counts per millivolt of WFDB records whose headers
state none), and on the table `missing_values` (further words for a missing value),
`text_columns` (not numbers, whatever they hold) and `exact_ids` (patients whose ids differ only
in spelling are different ones).

Records that a multi-segment record consists of, and the layout of it, count as parts of it.

ECGs that are only to be predicted need no `patient_id`, and no `labels.csv` either.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path, PurePosixPath

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
from acsbench.datasets.description import DESCRIPTION, gain_of, read_description, terms_of
from acsbench.datasets.own_columns import own_column
from acsbench.datasets.recording_file import read_recording_file
from acsbench.datasets.schema import OLDEST, Tables
from acsbench.datasets.source_table import (
    RowCheck,
    no_patient,
    reject_rows,
    to_numbers,
    without_missing,
)
from acsbench.datasets.wfdb_file import says_simulated
from acsbench.datasets.wfdb_header import HEADER, SIGNAL_SUFFIXES, segments_named
from acsbench.disclosure import shown_count
from acsbench.errors import DataError, DataErrors
from acsbench.files import is_clutter
from acsbench.tables import MISSING, read_csv

LABELS = "labels.csv"
SEX = {"female": "female", "f": "female", "male": "male", "m": "male"}
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
    raw = read_csv(path, ("record", "patient_id"), fix=f"{FIX}. {PREDICT_ONLY}")
    return _open(root, raw, path)


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
        raw = read_csv(path, ("record",), fix=FIX)
    else:
        path, files = root, sorted(_records_below(root))
        if not files:
            raise DataError("no ECG file", file=root, fix="Name the folder that holds them")
        raw = pd.DataFrame({"record": files}, index=range(1, len(files) + 1), dtype="str")
    if "patient_id" in raw:
        return _open(root, raw, path)
    ids = raw.get("ecg_id", raw["record"])
    raw = raw.assign(patient_id="patient of " + ids)
    return _open(root, raw, path, {"patient_id": NO_PATIENT})


def _open(
    root: Path, raw: pd.DataFrame, path: Path, unfilled: Mapping[str, str] | None = None
) -> Dataset:
    """The dataset of a table, as text, that `path` holds."""
    description = read_description(root)
    words = MISSING | {str(word).casefold() for word in description.get("missing_values", ())}
    text = without_missing(raw, ("age", "sex", "fold", "encounter_id"), words)
    records = text["record"]
    for suffix in (HEADER, *SIGNAL_SUFFIXES):
        records = records.str.removesuffix(suffix)
    ids = text.get("ecg_id", records)
    readers = {"age": read_ages, "fold": to_numbers}
    numbers = {column: read(text[column]) for column, read in readers.items() if column in text}
    as_text = description.get("text_columns", ())
    own = {
        str(column): own_column(text[column], words, as_text=column in as_text)
        for column in text
        if column not in KNOWN
    }
    checks = _row_checks(text, records, ids, numbers)
    checks += [check for column in own.values() for check in column.checks]
    keep, rejected = reject_rows(raw, ids, checks, path)

    if not keep.any():
        raise DataErrors([item.error for item in rejected])

    ecg = pd.DataFrame(
        {
            "ecg_id": ids,
            "patient_id": text["patient_id"],
            "path": records,
            "source_row": raw.index,
            **numbers,
            **{name: column.typed for name, column in own.items()},
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
    absent = {c: f"{LABELS} has no such column" for c in ("age", "sex") if c not in text}
    simulated = bool(description.get("simulated", False)) or _first_says_simulated(root, ecg)
    return Dataset(
        name=str(description.get("name", root.resolve().name)),
        root=root,
        tables=Tables(
            patient=patient,
            ecg=ecg,
            source=path,
            unfilled={**absent, **(unfilled or {})},
            path_column="record",
            exact_ids=bool(description.get("exact_ids", False)),
        ),
        read=partial(read_recording_file, gain=gain_of(description)),
        sources=tuple(file for file in (path, root / DESCRIPTION) if file.is_file()),
        rejected=rejected,
        notes=(
            *_notes(root, set(records), simulated),
            *(column.note for column in own.values() if column.note),
            *([OPEN_CLASS_NOTE] if "age" in text and open_classes(text["age"]).any() else []),
        ),
        simulated=simulated,
        tasks=tuple(description.get("tasks", ())),
        terms=terms_of(description),
        own_columns=tuple(own),
        listed=text[["patient_id"]].replace("", None),
    )


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
        no_patient(text["patient_id"]),
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
    names = {
        name
        for file in root.rglob("*")
        if not is_clutter(name := file.relative_to(root).as_posix())
    }
    records = {name.removesuffix(HEADER) for name in names if name.endswith(HEADER)}
    segments = set()
    for record in records:
        # A record that consists of others has no signal file: few headers must be opened.
        if not any(f"{record}{suffix}" in names for suffix in SIGNAL_SUFFIXES):
            below = PurePosixPath(record).parent
            segments |= {(below / name).as_posix() for name in segments_named(root / record)}
    files = {name for name in names if PurePosixPath(name).suffix.lower() in SUFFIXES}
    return (records - segments) | files
