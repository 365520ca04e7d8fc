import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
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


@settings(deadline=None)
@given(st.integers(0, 10_000), st.integers(3, 40))
def test_everyone_is_in_a_split(seed: int, people: int) -> None:
    one = cohort("a", list(range(people)), [i % 2 for i in range(people)])
    assert set(split_patients([one], seed=seed)) <= set(SPLITS)


shares = st.sampled_from([(0.7, 0.15, 0.15), (0.6, 0.3, 0.1), (0.2, 0.3, 0.5), (0.8, 0.2, 0.0)])
patterns_of_labels = st.lists(
    st.sampled_from([(0, 0), (0, 1), (1, 0), (1, 1), (0, None), (1, None), (None, 0), (None, 1)]),
    min_size=4,
    max_size=120,
)


@settings(deadline=None)
@given(patterns_of_labels, shares, st.integers(0, 1000))
def test_every_stratum_is_divided_as_asked_to_less_than_a_patient(
    labels: list[tuple[int | None, int | None]], wanted: tuple[float, float, float], seed: int
) -> None:
    """A stratum has the same tasks and labels; outside a task is not the same as negative."""
    cohorts = []
    for place, name in enumerate("ab"):
        known = [(p, pair[place]) for p, pair in enumerate(labels) if pair[place] is not None]
        if known:
            cohorts.append(cohort(name, [p for p, _ in known], [label for _, label in known]))
    split = split_patients(cohorts, seed, wanted)
    stratum = pd.Series({str(p): pair for p, pair in enumerate(labels)})
    for members in stratum.groupby(stratum).groups.values():
        found = split[members].value_counts()
        for name, share in zip(SPLITS, wanted, strict=True):
            assert abs(found.get(name, 0) - share * len(members)) < 1
    assert set(split.index) == set(stratum.index)


def test_strata_of_one_patient_do_not_all_go_to_training() -> None:
    """Nine tasks give each of 400 patients a pattern of its own."""
    people = range(400)
    cohorts = [cohort(f"t{bit}", list(people), [p >> bit & 1 for p in people]) for bit in range(9)]
    found = split_patients(cohorts, seed=3, shares=(0.5, 0.3, 0.2)).value_counts(normalize=True)
    # Three standard errors of a share of 0.5 among 400.
    assert found.to_dict() == pytest.approx({"train": 0.5, "valid": 0.3, "test": 0.2}, abs=0.075)


def test_a_seed_gives_the_same_split_in_later_versions() -> None:
    one = cohort("a", list(range(12)), [0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0])
    two = cohort("b", list(range(4, 12)), [1, 0, 1, 0, 0, 1, 0, 0])
    split = split_patients([one, two], seed=5, shares=(0.5, 0.25, 0.25))
    assert "".join(split[str(p)][1] for p in range(12)) == "arerrrrrraae"  # train, valid, test
    assert split.index.name == "patient_id"


def test_a_patient_is_positive_if_any_ecg_is() -> None:
    patients = [p for p in range(100) for _ in range(2)]
    labels = [int(p < 40 and first) for p in range(100) for first in (True, False)]
    for seed in range(5):
        # By chance alone, as where they counted as negative, the numbers would not be these.
        split = split_patients([cohort("a", patients, labels)], seed, shares=(0.5, 0.25, 0.25))
        positive = split[[str(p) for p in range(40)]].value_counts().to_dict()
        assert positive == {"train": 20, "valid": 10, "test": 10}


def test_shares_that_add_up_to_almost_1_leave_nobody_out() -> None:
    patients = list(range(200_000))
    split = split_patients(
        [cohort("a", patients, [0] * len(patients))], seed=0, shares=(0.33333, 0.33333, 0.33333)
    )
    assert set(split) == set(SPLITS)


@pytest.mark.parametrize(
    "wrong", [(0.5, 0.5, 0.5), (0.7, 0.2, 0.0), (1.2, -0.1, -0.1), (0.6, 0.6, -0.2)]
)
def test_shares_that_are_none_are_refused(wrong: tuple[float, float, float]) -> None:
    with pytest.raises(ConfigurationError, match="not positive or do not add up") as error:
        split_patients([cohort("a", [1, 2], [0, 1])], 0, wrong)
    assert str(wrong) in str(error.value)


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
    assert error.value.problem.startswith("<11 patients")
    assert (error.value.column, error.value.private) == ("fold", "secret")
    assert error.value.fix == "Keep all ECGs of a patient in one fold, or use --split patients"


def test_of_many_crossing_patients_the_first_twenty_are_named() -> None:
    patients = [f"p{i:02d}" for i in range(30)]
    folds = [1] * 30 + [4] * 30
    ecg = pd.DataFrame({"patient_id": [*patients * 2, "a", "a"], "fold": [*folds, 1, 2]})
    with pytest.raises(DataError) as error:
        split_by_folds(ecg, FOLDS)
    assert error.value.private == ", ".join(patients[:20])


@pytest.mark.parametrize(
    "folds", [{"train": [1], "valid": [2]}, {"train": [1], "valid": [1], "test": [2]}]
)
def test_folds_that_are_no_split(folds) -> None:
    with pytest.raises(ConfigurationError, match="every fold"):
        split_by_folds(pd.DataFrame({"patient_id": ["a"], "fold": [1]}), folds)


def test_a_dataset_without_folds() -> None:
    with pytest.raises(ConfigurationError, match="no folds"):
        split_by_folds(pd.DataFrame({"patient_id": ["a"]}), FOLDS)


@settings(deadline=None)
@given(
    st.fixed_dictionaries(
        {
            name: st.lists(st.tuples(st.integers(0, 99), st.integers(0, 5)), min_size=1, max_size=3)
            for name in SPLITS
        }
    )
)
def test_folds_are_read_as_they_are_written(folds: dict[str, list[tuple[int, int]]]) -> None:
    text = ",".join(
        f"{name}=" + ",".join(f"{a}-{a + more}" if more else f"{a}" for a, more in ranges)
        for name, ranges in folds.items()
    )
    expected = {
        name: [fold for a, more in ranges for fold in range(a, a + more + 1)]
        for name, ranges in folds.items()
    }
    assert parse_folds(text) == expected
    assert parse_folds(text.replace("=", " = ").replace(",", " , ")) == expected


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
    assert split.to_dict() == {p: "valid" if p in expected_valid else "train" for p in patients}
    assert split.index.tolist() == list(patients)
    assert split.index.name == "patient_id"
