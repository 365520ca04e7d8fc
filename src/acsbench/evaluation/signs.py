"""The signs that a reader of the ECG saw: what the models are measured against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from acsbench.datasets.flags import read_flags

Flags = NDArray[np.bool_]

SIGNS: Mapping[str, tuple[str, ...]] = {
    "ST elevation": ("has_st_eleva", "scp_STE_"),
    "ST depression": ("has_depress", "scp_STD_"),
    "T inversion": ("has_twave_inver", "scp_INVT"),
    "T abnormality": ("has_twave_abnormal", "scp_TAB_", "scp_NT_", "scp_NDT"),
}
"""The study's four flags, and the columns of the datasets that hold them; any of them counts."""

ST_CHANGE = ("ST elevation", "ST depression")
T_CHANGE = ("T inversion", "T abnormality")


def read_signs(covariates: pd.DataFrame) -> dict[str, Flags]:
    """The signs that a dataset has, row by row; one that is not known counts as not seen.

    Args:
        covariates: one row per ECG, with whichever of the columns of `SIGNS` there are.

    Raises:
        DataError: a flag is neither yes nor no.
    """
    return {
        sign: np.logical_or.reduce([as_flag(covariates, column) for column in present])
        for sign, columns in SIGNS.items()
        if (present := [column for column in columns if column in covariates])
    }


def as_flag(table: pd.DataFrame, column: str) -> Flags:
    """A column of yes and no as booleans; unknown is no.

    Raises:
        DataError: a value is neither yes nor no.
    """
    return read_flags(table[column], rows=table.get("source_row")) == 1


def any_of(signs: Mapping[str, Flags], names: Sequence[str] = tuple(SIGNS)) -> Flags:
    """Where at least one of some signs was seen."""
    return np.logical_or.reduce([signs[name] for name in names if name in signs])
