from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from acsbench.errors import ConfigurationError
from acsbench.models.registry import READINGS, SIGNS
from acsbench.models.tabular import STUDY_READINGS
from acsbench.training.features import check_covariates, covariates_of, feature_table
from acsbench.waveforms.prepared import Prepared

ORDER = pd.DataFrame({"ecg_id": ["c", "a", "b"]})


class Told(Prepared):
    """A prepared folder of which only the tables are asked."""

    def __init__(self, **columns: object):
        super().__init__(Path("prepared"), {})
        object.__setattr__(self, "columns", columns)

    def ecgs(self) -> pd.DataFrame:
        return pd.DataFrame({"ecg_id": ["a", "b", "c"], **self.columns})

    def signs(self) -> pd.DataFrame:
        table = pd.DataFrame({"ecg_id": ["a", "b", "c"], "st60_V2": [0.1, 0.2, np.nan]})
        return table.set_index("ecg_id")


def test_covariates_are_in_the_order_of_table_and_names() -> None:
    prepared = Told(
        age=[50.0, np.nan, 70.0],
        sex=["female", "male", None],
        maxtrop_sameday=pd.array([0.0, 1.0, None], dtype="Float64"),
    )
    told = covariates_of(prepared, ORDER, ["sex", "age", "troponin"])
    expected = [[np.nan, 70, np.nan], [1, 50, 0], [0, np.nan, np.log(1001)]]
    np.testing.assert_allclose(told, expected, rtol=1e-6)
    assert told.dtype == np.float32


def test_without_names_or_columns_nothing_is_known() -> None:
    assert covariates_of(Told(), ORDER, []).shape == (3, 0)
    assert np.isnan(covariates_of(Told(), ORDER, ["age", "sex", "troponin"])).all()


ALL = pd.DataFrame({"ecg_id": ["a", "b", "c"]})


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"age": [50.0, 60, 70]}, "covariate troponin, but prepared has no column 'maxtrop_samed"),
        ({"maxtrop_sameday": [np.nan] * 3}, "empty for every training ECG"),
        ({"maxtrop_sameday": [np.inf] * 3}, "empty for every training ECG"),
        ({"maxtrop_sameday": ["high", "low", ""]}, "values that are not numbers"),
        ({"maxtrop_sameday": pd.array([None] * 3, dtype="Float64")}, "empty for every training"),
    ],
)
def test_covariates_that_nobody_has_are_refused(columns: dict, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        check_covariates(Told(**columns), ["troponin"], ALL)


def test_a_covariate_may_be_missing_of_some_or_of_all_that_do_not_train() -> None:
    prepared = Told(age=[50.0, np.nan, np.nan], sex=[None, "male", None])
    check_covariates(prepared, ["age", "sex"], ALL)
    check_covariates(prepared, ["age", "sex"])
    check_covariates(prepared, [], ALL)
    with pytest.raises(
        ConfigurationError, match="covariate sex, but the column 'sex' is empty for every train"
    ):
        check_covariates(prepared, ["age", "sex"], ALL.iloc[[0]])


def test_signs_come_with_age_and_sex() -> None:
    table = feature_table(SIGNS, Told(age=[50, 60, 70], sex=["female", "male", "male"]), ORDER)
    expected = {"st60_V2": [np.nan, 0.1, 0.2], "age": [70.0, 50, 60], "female": [0.0, 1, 0]}
    pd.testing.assert_frame_equal(table, pd.DataFrame(expected))


def test_readings_are_numbers_and_may_be_unknown() -> None:
    flags = {name: pd.array([True, None, False], dtype="boolean") for name in STUDY_READINGS}
    table = feature_table(READINGS, Told(**flags), ORDER)
    assert list(table.columns) == list(STUDY_READINGS)
    np.testing.assert_array_equal(table["has_depress"], [0.0, 1.0, np.nan])


def test_a_dataset_without_readings_is_told_so() -> None:
    with pytest.raises(ConfigurationError, match="has no has_st_eleva; choose another model"):
        feature_table(READINGS, Told(has_depress=[0, 0, 1]), ORDER)
