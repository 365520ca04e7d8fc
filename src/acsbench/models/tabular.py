"""Logistic regression over a table: measured signs, age and sex, or readings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit

from acsbench.ecg.leads import LEADS
from acsbench.errors import ConfigurationError
from acsbench.models.registry import READINGS, SIGNS, STUDY, register_model

DEMOGRAPHICS = ("age", "female")
ST_AND_T = tuple(f"{sign}_{lead}" for sign in ("st60", "t_amplitude") for lead in LEADS)
STUDY_READINGS = ("has_depress", "has_st_eleva", "has_twave_inver", "has_twave_abnormal")
"""Readings that the study uses as signs of ischaemia."""
State = dict[str, NDArray[Any]]


class TabularModel(Protocol):
    """Interface of a tabular model."""

    features: Sequence[str]

    def fit(self, table: pd.DataFrame, labels: NDArray[np.int_], seed: int) -> None:
        """Fit to a table with the columns `features`, NaN where unknown."""

    def predict(self, table: pd.DataFrame) -> NDArray[np.float64]:
        """Probabilities, shape (rows,)."""

    def state(self) -> State:
        """Everything learned, as arrays."""

    def load_state(self, state: State) -> None:
        """Restore a model from `state`."""


@register_model(
    "logistic",
    kind="tabular",
    input=SIGNS,
    summary="logistic regression on ST level and T amplitude of each lead, age and sex",
    paper="Hastie, Tibshirani & Friedman, The Elements of Statistical Learning, 4.4",
)
@dataclass
class LogisticModel:
    """Logistic regression with median imputation, standardisation and ridge penalty.

    Args:
        features: columns of the table.
        strength: inverse of the penalty (scikit-learn's C); infinite for no penalty. The default
            was chosen by cross-validation over patients of PTB-XL's folds 1-6.
    """

    features: Sequence[str] = (*ST_AND_T, *DEMOGRAPHICS)
    strength: float = 0.03
    _state: State = field(default_factory=dict, init=False, repr=False)

    def fit(self, table: pd.DataFrame, labels: NDArray[np.int_], seed: int) -> None:
        """Fit to a table with the columns `features`, NaN where unknown.

        Raises:
            ConfigurationError: a column is missing.
        """
        from sklearn.impute import SimpleImputer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        # A feature without any value (a dataset without ages) stays, as a constant.
        imputer = SimpleImputer(strategy="median", keep_empty_features=True)
        scaler, regression = (
            StandardScaler(),
            LogisticRegression(C=self.strength, max_iter=2000, random_state=seed),
        )
        make_pipeline(imputer, scaler, regression).fit(columns_of(table, self.features), labels)
        self._state = {
            "median": imputer.statistics_,
            "mean": scaler.mean_,
            "scale": scaler.scale_,
            "coefficients": regression.coef_[0],
            "intercept": regression.intercept_,
        }

    def predict(self, table: pd.DataFrame) -> NDArray[np.float64]:
        """Probabilities, shape (rows,)."""
        if not self._state:
            raise ConfigurationError("the model is not fitted")
        state = self._state
        values = columns_of(table, self.features)
        values = np.where(np.isnan(values), state["median"], values)
        standardised = (values - state["mean"]) / state["scale"]
        logits = standardised @ state["coefficients"] + state["intercept"][0]
        return np.asarray(expit(logits), dtype=np.float64)

    def state(self) -> State:
        """Medians, means, scales and coefficients, each of shape (features,), and the intercept."""
        return dict(self._state)

    def load_state(self, state: State) -> None:
        """Restore a model from `state`."""
        self._state = dict(state)


def columns_of(table: pd.DataFrame, features: Sequence[str]) -> NDArray[np.float64]:
    """Columns of a table, shape (rows, features), NaN where unknown.

    Raises:
        ConfigurationError: a column is missing, or `features` is empty.
    """
    if not features:
        raise ConfigurationError("the model has no features: give at least one in its options")
    missing = [name for name in features if name not in table]
    if missing:
        raise ConfigurationError(f"the table lacks the column {missing[0]!r}")
    values = table[list(features)].to_numpy(dtype=np.float64)
    return np.where(np.isfinite(values), values, np.nan)


@register_model(
    "flags-logistic",
    kind="tabular",
    input=READINGS,
    summary="logistic regression on the cardiologist's readings of ST and T changes",
    paper=STUDY,
)
def flags_logistic(features: Sequence[str] = STUDY_READINGS) -> LogisticModel:
    """The study's logistic regression, without penalty."""
    return LogisticModel(tuple(features), np.inf)
