"""A folder of ECG files with a CSV file of patients and labels.

The files are WFDB records or clinical files (see `clinical_file`), in any mixture. `labels.csv`
needs the columns `record` (path below the folder; the suffix of a WFDB record is optional) and
`patient_id`. Optional columns are `ecg_id` (default: the record's path), `encounter_id`, `age`
(years), `sex`, `fold` (an integer) and any number of labels (0/1 or true/false, empty if
unknown).

An optional `dataset.yaml` gives `name`, `description`, `simulated`, `tasks`, `gain` (counts per
millivolt of WFDB records whose headers state no gain), `missing_values` (further words for a
missing value), `text_columns` (columns to keep as text) and `exact_ids` (true if patient ids that
differ only in spelling are different patients).

The segments and the layout of a multi-segment record are not ECGs of their own. ECGs to predict
need no `patient_id` and no `labels.csv`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path, PurePosixPath

import pandas as pd

from acsbench.datasets.ages import OPEN_CLASS_NOTE, open_classes, read_ages
from acsbench.datasets.clinical_file import SUFFIXES
from acsbench.datasets.dataset import Dataset
from acsbench.datasets.description import DESCRIPTION, gain_of, read_description, terms_of
from acsbench.datasets.own_columns import own_column
from acsbench.datasets.recording_file import read_recording_file
from acsbench.datasets.registry import register_reader
from acsbench.datasets.schema import Tables, sex_of
from acsbench.datasets.source_table import (
    RowCheck,
    age_check,
    patient_check,
    reject_rows,
    without_missing,
)
from acsbench.datasets.wfdb_file import says_simulated
from acsbench.datasets.wfdb_header import HEADER, SIGNAL_SUFFIXES, segments_named
from acsbench.disclosure import shown_count
from acsbench.errors import DataError, DataErrors
from acsbench.files import is_clutter
from acsbench.tables import MISSING, read_csv, to_numbers

LABELS = "labels.csv"
KNOWN = {"record", "patient_id", "ecg_id", "encounter_id", "age", "sex", "fold", "source_row"}
FIX = "Write labels.csv with the columns record and patient_id, one row per ECG"
CORRECT = "Correct the cell"
EACH_ITS_OWN = "the patients are unknown: each ECG counts as a patient of its own"


def open_unlabelled_folder(root: Path) -> Dataset:
    """Read a folder of ECGs to predict.

    Args:
        root: the folder. An optional `labels.csv` names the ECGs and their covariates; without
            it, every ECG file below the folder is read.

    Returns:
        The dataset. Without a column `patient_id`, each ECG counts as a patient of its own.
        Without `labels.csv`, `source_row` is the position among the sorted file names, from 1.

    Raises:
        DataError: there is no ECG file, `labels.csv` has no column `record`, or `dataset.yaml`
            cannot be read.
        DataErrors: no row can be used.
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
    return _open(root, raw, path, {"patient_id": EACH_ITS_OWN})


@register_reader(
    "wfdb_folder",
    summary="a folder of ECG files with a labels.csv",
    unlabelled=open_unlabelled_folder,
)
def open_wfdb_folder(root: Path) -> Dataset:
    """Read `labels.csv` and `dataset.yaml` of a folder of ECG files.

    Args:
        root: the folder.

    Raises:
        DataError: `labels.csv` or one of its columns is missing, or `dataset.yaml` cannot be read.
        DataErrors: no row can be used.
    """
    path = root / LABELS
    fix = f"{FIX}. For ECGs to predict, use --unlabelled"
    raw = read_csv(path, ("record", "patient_id"), fix=fix)
    return _open(root, raw, path)


def _open(
    root: Path, raw: pd.DataFrame, path: Path, unfilled: Mapping[str, str] | None = None
) -> Dataset:
    """The dataset of the table `raw`, the text of the file `path`."""
    description = read_description(root)
    words = MISSING | {str(word).casefold() for word in description.get("missing_values", ())}
    text = without_missing(raw, ("age", "sex", "fold", "encounter_id"), words)
    records = text["record"]
    for suffix in (HEADER, *SIGNAL_SUFFIXES):
        records = records.str.removesuffix(suffix)
    ids = text.get("ecg_id", records)
    numbers = {}
    if "age" in text:
        numbers["age"] = read_ages(text["age"])
    if "fold" in text:
        numbers["fold"] = pd.Series(to_numbers(text["fold"]), index=text.index)
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
    if "fold" in ecg:
        ecg["fold"] = ecg["fold"].astype(int)
    patient = ecg[["patient_id"]].drop_duplicates().reset_index(drop=True)
    if "sex" in text:
        sex = text["sex"].map(sex_of).groupby(text["patient_id"]).first()
        patient["sex"] = patient["patient_id"].map(sex).astype(object)
    absent = {c: f"{LABELS} has no column {c!r}" for c in ("age", "sex") if c not in text}
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
        all_rows=text[["patient_id"]].replace("", None),
    )


def _row_checks(
    text: pd.DataFrame,
    records: pd.Series,
    ids: pd.Series,
    numbers: dict[str, pd.Series],
) -> list[RowCheck]:
    id_column = "ecg_id" if "ecg_id" in text else "record"
    checks = [
        RowCheck("record", records == "", "the record is missing", "Add the record's path"),
        RowCheck("record", records.duplicated(), "a row above has this record", "Keep one row"),
        RowCheck(id_column, ids == "", "the ECG's id is missing", "Add an id"),
        RowCheck(id_column, ids.duplicated(), "a row above has the same id", "Keep one row"),
        patient_check(text["patient_id"]),
    ]
    if "age" in numbers:
        checks.append(age_check(text["age"], numbers["age"]))
    if "sex" in text:
        sexes = text["sex"].map(sex_of)
        bad = (text["sex"] != "") & sexes.isna()
        checks.append(RowCheck("sex", bad, "the sex is neither female nor male", CORRECT))
        bad = sexes.groupby(text["patient_id"]).transform("nunique") > 1
        problem = "the patient has another sex in another row"
        checks.append(RowCheck("sex", bad, problem, CORRECT))
    if "fold" in numbers:
        bad = numbers["fold"] % 1 != 0
        checks.append(RowCheck("fold", bad, "the fold is not an integer", CORRECT))
    return checks


def _first_says_simulated(root: Path, ecg: pd.DataFrame) -> bool:
    """Whether the first record's header says so; `dataset.yaml` may be lost."""
    try:
        return says_simulated(root / ecg["path"].iloc[0])
    except DataError:
        return False


def _notes(root: Path, named: set[str], simulated: bool) -> tuple[str, ...]:
    unnamed = len(_records_below(root) - named)
    count = shown_count(unnamed, simulated)
    return (f"ECG files that {LABELS} does not name: {count}",) if unnamed else ()


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
        # Only records without a signal file can have segments: open few headers.
        if not any(f"{record}{suffix}" in names for suffix in SIGNAL_SUFFIXES):
            below = PurePosixPath(record).parent
            segments |= {(below / name).as_posix() for name in segments_named(root / record)}
    files = {name for name in names if PurePosixPath(name).suffix.lower() in SUFFIXES}
    return (records - segments) | files
