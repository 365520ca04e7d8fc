"""Ids that differ only in spelling: `.0`, upper and lower case, blanks, zeros."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from acsbench.errors import DataError
from acsbench.tables import MISSING

_UNKNOWN = MISSING | {"none", "<na>", "#n/a", "nat", "unknown", "missing", "-", "?"}
"""Words, in lower case, for an unknown patient; as ids, they would merge all unknown patients."""

PATIENT_MISSING = "the patient is missing"
SAY_WHOSE = (
    "Write the patient's id; NA, unknown and the like are not ids, because they would merge all "
    "such ECGs into one patient"
)
DIFFERENCES = "'.0', upper and lower case, blanks or leading zeros"
# Blanks of any width and invisible characters, such as U+200B and a byte-order mark.
_STEPS = ((r"[\s\p{Z}\p{Cf}]+", ""), (r"^([^0-9]*)0+([0-9])", r"\1\2"), (r"([0-9])\.0+$", r"\1"))


def is_no_patient(patients: pd.Series) -> pd.Series:
    """Which ids stand for an unknown patient, shape (n,)."""
    return patients.str.casefold().isin(list(_UNKNOWN))


def plain_ids(ids: Iterable[str]) -> list[str]:
    r"""Ids in a common spelling.

    Two ids of the same length that differ in more than case remain different.

    Examples:
        >>> plain_ids(["12", "12.0", "0012", " P 12", "p012", "10"])
        ['12', '12', '12', 'p12', 'p12', '10']
    """
    # NFKC: a letter may be one character or two, and a digit may have full width.
    normal = pc.utf8_normalize(pa.array(ids, pa.large_string()), form="NFKC")
    texts = pc.utf8_lower(normal)
    for pattern, replacement in _STEPS:
        texts = pc.replace_substring_regex(texts, pattern, replacement)
    found: list[str] = texts.to_pylist()
    return found


def alike(ids: pd.Series) -> tuple[int, int] | None:
    """Positions of the first two ids that differ only in spelling."""
    different = ids.drop_duplicates()
    plain = pd.Series(plain_ids(different.astype(str)))
    again = plain.duplicated()
    if not again.any():
        return None
    second = int(again.to_numpy().argmax())
    first = int((plain == plain[second]).to_numpy().argmax())
    places = np.flatnonzero(~ids.duplicated().to_numpy())
    return int(places[first]), int(places[second])


def check_patients(patients: pd.Series, rows: pd.Series, file: Path | str | None) -> None:
    """Check that no two patient ids differ only in spelling.

    They probably mean one patient, who would be in several splits.

    Args:
        patients: id of each row.
        rows: line of each row.
        file: for errors.

    Raises:
        DataError: two ids differ only in spelling.
    """
    found = alike(patients)
    if found is None:
        return
    first, second = found
    raise DataError(
        f"the patient's id differs from the one in row {rows.iloc[first]} only in {DIFFERENCES}",
        file=file,
        row=int(rows.iloc[second]),
        column="patient_id",
        private=f"{patients.iloc[first]!r} and {patients.iloc[second]!r}",
        fix="Write a patient's id in the same way in each row; change the ids of different "
        "patients so that they differ in more than spelling",
    )


def closest_ids(unknown: Collection[str], known: Iterable[str]) -> dict[str, str]:
    """Known ids for unknown ids that differ only in spelling.

    Also ignores the prefix `ecg`, quotation marks, and suffixes of files.

    Examples:
        >>> closest_ids([" ECG07", "7.0", "x"], ["ecg07"])
        {' ECG07': 'ecg07', '7.0': 'ecg07'}
    """
    if not unknown:
        return {}
    known = list(known)
    by_core: dict[str, str | None] = {}
    for ecg_id, core in zip(known, _cores(known), strict=True):
        by_core[core] = None if core in by_core else ecg_id
    unknown = list(unknown)
    found = zip(unknown, map(by_core.get, _cores(unknown)), strict=True)
    return {ecg_id: meant for ecg_id, meant in found if meant is not None}


def _cores(ids: Iterable[str]) -> list[str]:
    stripped = (re.sub(r"\.(npz|npy|csv|dat|hea)$", "", i.strip("'\" \t")) for i in ids)
    return [plain.removeprefix("ecg").lstrip("0") for plain in plain_ids(list(stripped))]
