"""Who was tested: measured covariates of those who have the label and of those who have not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from acsbench.evaluation.analysis import Analysis
from acsbench.evaluation.groups import HIGH_INCOME, RACES, READINGS
from acsbench.evaluation.signs import as_flag, read_signs
from acsbench.statistics import (
    effective_sample_size,
    fit_propensity,
    inverse_probability_weights,
    standardised_differences,
)

NUMBERS = {
    "age": "Age",
    "vent_rate": "Heart rate",
    "qrs_duration": "QRS duration",
    "qtc_interval": "Corrected QT interval",
    "maxtrop_sameday": "Troponin of the day, log",
}
LOGGED = ("maxtrop_sameday",)
TRUNCATION = 0.99

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Selection:
    """How the evaluated ECGs were selected among all that could have been.

    Args:
        names: of the covariates.
        candidates, selected: ECGs that could have had the label, and those that have it.
        weights: of the evaluated ECGs, shape (n,).
        before, after: standardised differences between the selected and everybody, without and
            with weights, shape (p,).
        effective: evaluated ECGs of equal weight that would say as much.
    """

    names: tuple[str, ...]
    candidates: int
    selected: int
    weights: Floats
    before: Floats
    after: Floats
    effective: float


def fit_selection(analysis: Analysis) -> Selection | None:
    """Weigh the evaluated ECGs so that they stand for all whose label could have been known.

    The probability of selection is a logistic regression on whatever is measured of everybody.

    Returns:
        None if the dataset holds no ECGs besides those of the task, or no covariates, or if
        these tell the selected from the others without error.
    """
    table = analysis.cohort.covariates
    selected = table.index.isin(set(analysis.cohort.table["ecg_id"]))
    if selected.all() or not selected.any():
        return None
    covariates = design_of(table)
    if covariates.empty:
        return None
    columns = covariates.to_numpy(dtype=np.float64)
    try:
        propensities = fit_propensity(selected, columns)
    except ValueError:
        return None
    weights = inverse_probability_weights(selected, propensities, truncate=TRUNCATION)
    of_ecg = pd.Series(weights, index=table.index[selected])
    evaluated = analysis.cohort.split(analysis.cohort.evaluated)["ecg_id"]
    of_evaluated = np.asarray(of_ecg.loc[list(evaluated)], dtype=np.float64)
    return Selection(
        names=tuple(covariates.columns),
        candidates=len(table),
        selected=int(selected.sum()),
        weights=of_evaluated,
        before=standardised_differences(columns, selected),
        after=standardised_differences(columns, selected, weights),
        effective=effective_sample_size(of_evaluated),
    )


def design_of(table: pd.DataFrame) -> pd.DataFrame:
    """Covariates as numbers without gaps: an unknown one is the mean, and said to be unknown.

    Args:
        table: one row per ECG, with whichever of the columns there are.

    Returns:
        One column per covariate that varies; none that repeats another.
    """
    columns: dict[str, pd.Series] = {}
    for column, name in NUMBERS.items():
        if column in table:
            values = pd.to_numeric(table[column], errors="coerce").astype(float)
            if column in LOGGED:
                values = pd.Series(np.log1p(values.clip(lower=0)), table.index)
            columns[name] = values
    if "sex" in table:
        columns["Female"] = (table["sex"] == "female").astype(float)
    for name, column in RACES.items():
        # The last of the flags follows from the others.
        if column in table and name != "Other race":
            columns[name] = pd.Series(as_flag(table, column).astype(float), table.index)
    if all(column in table for column in HIGH_INCOME):
        columns["Block’s returns above $100,000"] = table[list(HIGH_INCOME)].sum(
            axis=1, min_count=1
        )
    for name, seen in read_signs(table).items():
        columns[name] = pd.Series(seen.astype(float), table.index)
    for name, flags in READINGS.items():
        for column in flags:
            if column in table:
                columns[name] = pd.Series(as_flag(table, column).astype(float), table.index)
    filled = {}
    for name, values in columns.items():
        unknown = values.isna()
        if unknown.all():
            continue
        filled[name] = values.fillna(values.mean())
        if unknown.any():
            filled[f"{name}, unknown"] = unknown.astype(float)
    design = pd.DataFrame(filled, index=table.index).astype(float)
    return _without_repetition(design.loc[:, design.std() > 0])


def _without_repetition(design: pd.DataFrame) -> pd.DataFrame:
    """The columns that do not follow from those before them."""
    kept: list[str] = []
    centred = (design - design.mean()) / design.std()
    for name in design:
        if np.linalg.matrix_rank(centred[[*kept, name]]) == len(kept) + 1:
            kept.append(str(name))
    return design[kept]
