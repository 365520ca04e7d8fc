"""Ids that differ only in what programs change: `.0`, upper and lower case, blanks, zeros."""

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

NO_PATIENT = MISSING | {"none", "<na>", "#n/a", "nat", "unknown", "missing", "-", "?"}
"""Words, in lower case, that are no patient's id: all unknown patients would become one."""

PATIENT_MISSING = "the patient is missing"
SAY_WHOSE = (
    "Say whose ECG it is; NA, unknown and the like are no ids, as all such ECGs would count as one "
    "patient's"
)
DIFFERENCES = "'.0', upper and lower case, blanks or leading zeros"
# Blanks of any width and signs that cannot be seen, such as U+200B and a byte-order mark.
_STEPS = ((r"[\s\p{Z}\p{Cf}]+", ""), (r"^([^0-9]*)0+([0-9])", r"\1\2"), (r"([0-9])\.0+$", r"\1"))


def is_no_patient(patients: pd.Series) -> pd.Series:
    """Which ids stand for an unknown patient, shape (n,)."""
    return patients.str.casefold().isin(list(NO_PATIENT))


def plain_ids(ids: Iterable[str]) -> list[str]:
    r"""Ids without what programs change.

    Of ids of one length no two become alike, unless in case.

    Examples:
        >>> plain_ids(["12", "12.0", "0012", " P 12", "p012", "10"])
        ['12', '12', '12', 'p12', 'p12', '10']
    """
    # One letter may be written as one sign or as two, and a digit in full width.
    normal = pc.utf8_normalize(pa.array(ids, pa.large_string()), form="NFKC")
    texts = pc.utf8_lower(normal)
    for pattern, replacement in _STEPS:
        texts = pc.replace_substring_regex(texts, pattern, replacement)
    found: list[str] = texts.to_pylist()
    return found


def alike(ids: pd.Series) -> tuple[int, int] | None:
    """The places of the first two ids that differ, but only in spelling."""
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
    """Make sure that no two patients' ids differ only in spelling.

    Such patients are one patient, whose ECGs would be in several splits.

    Args:
        patients: id of each row.
        rows: line of each row.
        file: named in the error.

    Raises:
        DataError: two ids do.
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
        fix="Write a patient's id in the same way in each row; give different patients ids that "
        "differ otherwise",
    )


def closest_ids(unknown: Collection[str], known: Iterable[str]) -> dict[str, str]:
    """The known id that is meant, where it differs only in spelling that programs change.

    Beside `DIFFERENCES` that is a prefix, quotation marks, and the end of a file's name.

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
