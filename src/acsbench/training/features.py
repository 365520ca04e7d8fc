"""Inputs of a model besides the waveform: measured signs, readings, covariates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from acsbench.datasets.flags import read_flags
from acsbench.errors import ConfigurationError
from acsbench.models.registry import READINGS
from acsbench.models.tabular import DEMOGRAPHICS, STUDY_READINGS
from acsbench.training.config import Covariate
from acsbench.waveforms.prepared import Prepared

TROPONIN = "maxtrop_sameday"
"""Maximum of the day, ng/mL."""
COLUMNS: dict[Covariate, str] = {"age": "age", "sex": "sex", "troponin": TROPONIN}
"""Columns of the covariates in the dataset's tables."""


def feature_table(kind: str, prepared: Prepared, table: pd.DataFrame) -> pd.DataFrame:
    """Features of some ECGs for a tabular model, in the order of the table.

    Args:
        kind: input of the model: `signs` or `readings`.
        prepared: the prepared folder.
        table: one row per ECG, with `ecg_id`.

    Raises:
        ConfigurationError: the dataset does not have these features.
    """
    if kind == READINGS:
        return _readings(prepared, table)
    return _signs(prepared, table)


def covariates_of(
    prepared: Prepared, table: pd.DataFrame, names: Sequence[Covariate]
) -> NDArray[np.float32]:
    """Covariates of some ECGs, in the order of the table.

    Returns:
        Shape (ECGs, names), NaN where unknown: age in years, sex (female 1, male 0), troponin
        as log(1 + 1000 x), x in ng/mL.
    """
    if not names:
        return np.empty((len(table), 0), dtype=np.float32)
    columns = _covariates(_known(prepared, table))
    return np.column_stack([columns[name] for name in names]).astype(np.float32)


def check_covariates(
    prepared: Prepared, names: Sequence[Covariate], table: pd.DataFrame | None = None
) -> None:
    """Check that each covariate of a network is known for at least one ECG.

    Args:
        prepared: the prepared folder.
        names: the covariates.
        table: training ECGs, with `ecg_id`; by default all ECGs of the folder.

    Raises:
        ConfigurationError: a covariate has no column, or is missing for every ECG.
    """
    if not names:
        return
    everyone = prepared.ecgs()
    known = everyone if table is None else _known(prepared, table)
    columns = _covariates(known)
    whose = "ECG" if table is None else "training ECG"
    for name in names:
        column = COLUMNS[name]
        if column not in everyone:
            problem = f"{prepared.path} has no column {column!r}"
        elif np.isnan(columns[name]).all():
            problem = f"the column {column!r} is empty for every {whose} in {prepared.path}"
        else:
            continue
        raise ConfigurationError(
            f"the network needs the covariate {name}, but {problem}: prepare a dataset with this "
            "covariate, or use a network without it (--set covariates=[...])"
        )


def _covariates(known: pd.DataFrame) -> dict[Covariate, NDArray[np.float64]]:
    return {
        "age": _numbers(known, "age"),
        "sex": _female(known),
        # Its logarithm covers the range from healthy people to infarctions.
        "troponin": np.log1p(1000 * _numbers(known, TROPONIN).clip(min=0)),
    }


def _signs(prepared: Prepared, table: pd.DataFrame) -> pd.DataFrame:
    """Measured signs, age (years) and sex (female 1, male 0)."""
    signs = prepared.signs().loc[list(table["ecg_id"])].reset_index(drop=True)
    known = _known(prepared, table)
    values = (_numbers(known, "age"), _female(known))
    return signs.assign(**dict(zip(DEMOGRAPHICS, values, strict=True)))


def _readings(prepared: Prepared, table: pd.DataFrame) -> pd.DataFrame:
    """Flags of the cardiologist's reading, 0/1, NaN where unknown."""
    known = _known(prepared, table)
    absent = [name for name in STUDY_READINGS if name not in known]
    if absent:
        raise ConfigurationError(
            f"the model needs cardiologists' readings ({', '.join(STUDY_READINGS)}), but "
            f"{prepared.path} has no {absent[0]}; choose another model, such as logistic"
        )
    rows = known.get("source_row")
    return pd.DataFrame({name: read_flags(known[name], rows=rows) for name in STUDY_READINGS})


def _known(prepared: Prepared, table: pd.DataFrame) -> pd.DataFrame:
    """Rows of the dataset's tables for some ECGs."""
    return prepared.ecgs().set_index("ecg_id").loc[list(table["ecg_id"])]


def _numbers(known: pd.DataFrame, column: str) -> NDArray[np.float64]:
    if column not in known:
        return np.full(len(known), np.nan)
    try:
        values = known[column].to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:  # its text contains a patient's value
        raise ConfigurationError(
            f"the column {column!r} of the dataset contains values that are not numbers; correct "
            "them and prepare the dataset again"
        ) from error
    return np.where(np.isfinite(values), values, np.nan)


def _female(known: pd.DataFrame) -> NDArray[np.float64]:
    if "sex" not in known:
        return np.full(len(known), np.nan)
    sex = known["sex"].map({"female": 1.0, "male": 0.0})
    return np.asarray(sex, dtype=np.float64)
