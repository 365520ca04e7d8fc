import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import train_test_split

from acsbench.cohort.build import Cohort
from acsbench.cohort.split import (
    SPLITS,
    UNUSED,
    parse_folds,
    split_as_study,
    split_by_folds,
    split_patients,
)
from acsbench.errors import ConfigurationError, DataError
from tests.cohort.test_build import task


def cohort(name: str, patients: list, labels: list[int]) -> Cohort:
    table = pd.DataFrame(
        {
            "ecg_id": [f"{name}{i}" for i in range(len(patients))],
            "patient_id": [str(p) for p in patients],
            "label": labels,
        }
    )
    return Cohort(task(name=name), table, ())


def random_cohort(name: str, seed: int, ecgs: int = 3000, people: int = 1000) -> Cohort:
    rng = np.random.default_rng(seed)
    patients, labels = rng.integers(people, size=ecgs), rng.random(ecgs) < 0.2
    return cohort(name, patients.tolist(), labels.astype(int).tolist())


def test_no_patient_is_in_two_splits_of_any_task() -> None:
    cohorts = [random_cohort("a", 0), random_cohort("b", 1)]
    split = split_patients(cohorts, seed=0)
    assert split.index.is_unique
    owner: dict[str, str] = {}
    for one in cohorts:
        for patient, name in zip(
            one.table["patient_id"], one.table["patient_id"].map(split), strict=True
        ):
            assert owner.setdefault(patient, name) == name
    shared = set(cohorts[0].table["patient_id"]) & set(cohorts[1].table["patient_id"])
    assert len(shared) > 500


def test_shares_and_event_rates_are_kept() -> None:
    one = random_cohort("a", 0)
    assigned = one.table["patient_id"].map(split_patients([one], seed=0))
    assert assigned.value_counts(normalize=True)["train"] == pytest.approx(0.7, abs=0.03)
    rates = one.table.groupby(assigned)["label"].mean()
    assert rates.max() - rates.min() < 0.04


def test_seed_and_nothing_else_decides() -> None:
    one = random_cohort("a", 0, ecgs=300)
    shuffled = Cohort(one.task, one.table.sample(frac=1, random_state=1), ())
    first = split_patients([one], seed=0)
    pd.testing.assert_series_equal(first, split_patients([shuffled], seed=0))
    assert not first.equals(split_patients([one], seed=1))


@given(st.integers(0, 10_000), st.integers(3, 40))
def test_everyone_is_in_a_split(seed: int, people: int) -> None:
    one = cohort("a", list(range(people)), [i % 2 for i in range(people)])
    assert set(split_patients([one], seed=seed)) <= set(SPLITS)


FOLDS = {"train": [1, 2], "valid": [3], "test": [4]}


def test_folds() -> None:
    ecg = pd.DataFrame({"patient_id": list("aabcd"), "fold": [1, 2, 3, 4, 5]})
    split = split_by_folds(ecg, FOLDS)
    assert split.to_dict() == {"a": "train", "b": "valid", "c": "test", "d": UNUSED}


def test_a_patient_in_folds_of_two_splits_is_refused_without_an_id() -> None:
    ecg = pd.DataFrame({"patient_id": ["secret", "secret"], "fold": [1, 4]})
    with pytest.raises(DataError, match="different splits") as error:
        split_by_folds(ecg, FOLDS)
    assert "secret" not in str(error.value)
    assert "secret" in error.value.message(show_ids=True)


@pytest.mark.parametrize(
    "folds", [{"train": [1], "valid": [2]}, {"train": [1], "valid": [1], "test": [2]}]
)
def test_folds_that_are_no_split(folds) -> None:
    with pytest.raises(ConfigurationError, match="every fold"):
        split_by_folds(pd.DataFrame({"patient_id": ["a"], "fold": [1]}), folds)


def test_a_dataset_without_folds() -> None:
    with pytest.raises(ConfigurationError, match="no folds"):
        split_by_folds(pd.DataFrame({"patient_id": ["a"]}), FOLDS)


@pytest.mark.parametrize("text", ["", "train", "train=a", "learn=1", "train=1-x", "1-6"])
def test_text_that_names_no_folds(text: str) -> None:
    with pytest.raises(ConfigurationError, match="does not name folds"):
        parse_folds(text)


@pytest.mark.parametrize("people", [1, 2, 3, 10, 1757, 1758])
def test_the_studys_split_is_scikit_learns(people: int) -> None:
    if people == 1:
        patients = ["x"]
        expected_valid = {"x"}
    else:
        patients = [f"p{i}" for i in np.random.default_rng(people).permutation(people)]
        expected_valid = set(train_test_split(patients, test_size=0.3, random_state=0)[1])
    # A patient's further ECGs do not change the order of first appearance.
    one = cohort("a", [*patients, *patients[:1]], [0] * (people + 1))
    split = split_as_study(one)
    assert set(split.index[split == "valid"]) == expected_valid
