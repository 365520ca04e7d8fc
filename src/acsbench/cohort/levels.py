"""ECGs, visits and patients: the three things that a table may count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from acsbench.cohort.variables import Variable
from acsbench.datasets.flags import read_flags

LEVELS = ("ecg", "visit", "patient")
IDS = {"ecg": "ecg_id", "visit": "encounter_id", "patient": "patient_id"}
ABOUT = {
    "ecg": ("patient", "visit", "ecg"),
    "visit": ("patient", "visit"),
    "patient": ("patient", "visit"),
}
"""What a variable may be about, to be described at a level."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Level:
    """The units of one level, and which columns of a table each belongs to.

    A visit or a patient belongs to a column if one of its ECGs does.

    Args:
        name: one of `LEVELS`.
        columns: names of the columns; the first is the total.
        member: boolean, shape (units, columns).
        patient: number of each unit's patient, shape (units,).
        rows: rows of the table, the unit's own next to one another, shape (rows,).
        starts: where each unit begins in `rows`, shape (units,).
        row_member: boolean, shape (rows of the table, columns).
    """

    name: str
    columns: tuple[str, ...]
    member: NDArray[np.bool_]
    patient: NDArray[np.int64]
    rows: NDArray[np.int64]
    starts: NDArray[np.int64]
    row_member: NDArray[np.bool_]

    def counts(self) -> dict[str, int]:
        """Units of each column."""
        return dict(zip(self.columns, self.member.sum(axis=0).tolist(), strict=True))

    def describes(self, variable: Variable) -> bool:
        """Whether a unit of this level has one value of a variable."""
        return variable.about in ABOUT[self.name]

    def values(self, variable: Variable, by_row: Floats) -> Floats:
        """A variable's value for each unit in each column, shape (units, columns).

        Args:
            variable: says which of several values counts.
            by_row: its value for each row of the table, NaN where unknown, shape (rows,).

        Returns:
            NaN where unknown and where the unit is not in the column. A unit with several
            ECGs in a column has the highest or the lowest of their values.
        """
        here = np.where(self.row_member, by_row[:, None], np.nan)[self.rows]
        if self.name == "ecg":
            return here
        # fmax and fmin pass over unknown values.
        pick = np.fmax if variable.several == "highest" else np.fmin
        return np.asarray(pick.reduceat(here, self.starts, axis=0), dtype=np.float64)


def levels_of(table: pd.DataFrame, columns: Mapping[str, NDArray[np.bool_]]) -> dict[str, Level]:
    """The levels that a table of ECGs has.

    Args:
        table: one row per ECG: `ecg_id`, `patient_id`, and `encounter_id` where there are visits.
        columns: which rows are in each column of Table 1, each of shape (rows,); the first is
            the total.

    Returns:
        `ecg`, `visit` unless no ECG has one, `patient`.
    """
    row_member = np.column_stack([np.asarray(mask, dtype=bool) for mask in columns.values()])
    patient = pd.factorize(table["patient_id"])[0].astype(np.int64)
    levels = {}
    for name in LEVELS:
        if name == "ecg":
            codes = np.arange(len(table))
        elif IDS[name] in table:
            codes = pd.factorize(table[IDS[name]])[0]
        else:
            continue
        rows = np.argsort(codes, kind="stable")
        rows = rows[codes[rows] >= 0]
        starts = np.flatnonzero(np.diff(codes[rows], prepend=-1))
        if not len(starts):
            continue
        member = np.logical_or.reduceat(row_member[rows], starts, axis=0)
        levels[name] = Level(
            name, tuple(columns), member, patient[rows[starts]], rows, starts, row_member
        )
    return levels


def values_by_row(table: pd.DataFrame, variable: Variable) -> Floats:
    """A variable for each row: a number, or 1 and 0 for a share; NaN where unknown.

    Raises:
        DataError: a flag is neither yes nor no.
    """
    column = table[variable.column]
    if variable.kind == "share" and variable.value is None:
        return read_flags(column, rows=table.get("source_row"))
    if variable.value is not None:
        found = (column == variable.value).to_numpy(dtype=np.float64, na_value=np.nan)
        return np.where(column.isna(), np.nan, found)
    # A dataset may hold text where numbers were expected: that is unknown.
    return pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)


@dataclass(frozen=True)
class Summary:
    """A mean or a share with its standard errors.

    Args:
        known: units whose value is known.
        value: the mean, or the share among the known; NaN if none is known.
        se: standard error as if all units were independent.
        se_clustered: standard error with patients, not units, as independent.
    """

    known: int
    value: float
    se: float
    se_clustered: float


def summarise(values: Floats, patients: NDArray[np.int64]) -> Summary:
    """Mean of the known values, with a plain and a cluster-robust standard error.

    The plain one is the sample's standard deviation over the root of n; the clustered one the
    linearised standard error of a mean whose units come in clusters (Cochran, Sampling
    Techniques, 3rd edition, section 9A; equal to CR1 of an intercept-only regression).

    Args:
        values: one per unit, NaN where unknown, shape (n,).
        patients: number of each unit's patient, shape (n,).

    Examples:
        >>> summary = summarise(np.array([0.0, 0.0, 1.0, 1.0]), np.array([0, 0, 1, 1]))
        >>> summary.known, summary.value, round(summary.se, 3), summary.se_clustered
        (4, 0.5, 0.289, 0.5)
    """
    is_known = ~np.isnan(values)
    x, groups = values[is_known], patients[is_known]
    n = len(x)
    if n == 0:
        return Summary(0, np.nan, np.nan, np.nan)
    mean = float(x.mean())
    if n == 1:
        return Summary(1, mean, np.nan, np.nan)
    by_patient = np.bincount(groups, weights=x - mean)
    count = int(np.count_nonzero(np.bincount(groups)))
    clustered = np.nan
    if count > 1:
        clustered = float(np.sqrt(count / (count - 1) * (by_patient**2).sum()) / n)
    return Summary(n, mean, float(x.std(ddof=1) / np.sqrt(n)), clustered)
