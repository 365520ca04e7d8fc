import pandas as pd
import pytest

from acsbench.errors import ConfigurationError, DataError
from acsbench.evaluation import ModelPredictions
from acsbench.evaluation.cohort import check_models


def changed(study, **columns):
    return study.cohort.table.assign(**columns)


def test_patients_must_be_named(make, study):
    """An interval that needs patients is refused, not guessed."""
    table = study.cohort.table
    with pytest.raises(ConfigurationError, match="patient_id"):
        make(table=table.drop(columns="patient_id"))
    with pytest.raises(ConfigurationError, match="patient_id"):
        make(table=table.assign(patient_id=table["patient_id"].mask(table.index == 4)))


def test_no_patient_crosses_splits(make, study):
    table = study.cohort.table
    patient = table.loc[table["split"] == "train", "patient_id"].iloc[0]
    first_test = table.index[table["split"] == "test"][0]
    table = table.assign(patient_id=table["patient_id"].mask(table.index == first_test, patient))
    with pytest.raises(DataError, match="1 patients have ECGs in more than one split") as caught:
        make(table=table)
    assert patient in caught.value.message(show_ids=True)
    assert patient not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.drop(columns="label"), "lacks a column"),
        (lambda t: pd.concat([t, t.iloc[:2]]), "2 ECGs are listed twice"),
        (lambda t: t.assign(label=t["label"] * 2), "neither 0 nor 1"),
        (lambda t: t.assign(split="val"), "a split called 'val'"),
        (lambda t: t[t["split"] != "test"], "0 ECGs of the test split do not have both"),
        (lambda t: t.assign(label=t["label"].mask(t["split"] == "valid", 1)), "validation split"),
        (lambda t: t.assign(label=t["label"].mask(t["split"] == "test", 0)), "test split"),
        (
            lambda t: t.assign(patient_id=t["patient_id"].mask(t["split"] == "test", "one")),
            "belong to one patient",
        ),
    ],
)
def test_broken_cohorts(make, study, change, words):
    with pytest.raises(DataError, match=words):
        make(table=change(study.cohort.table))


def test_order_of_rows_does_not_matter(make, study):
    shuffled = study.cohort.table.sample(frac=1, random_state=4)
    assert make(table=shuffled).cohort.table.equals(study.cohort.table)


def test_unused_rows_are_left_out(make, study):
    table = study.cohort.table
    table = table.assign(split=table["split"].replace("train", "unused"))
    assert set(make(table=table).cohort.table["split"]) == {"valid", "test"}


def test_without_validation_ecgs_no_threshold_is_chosen(make, study):
    table = study.cohort.table
    assert study.cohort.chooses_thresholds
    assert not make(table=table[table["split"] != "valid"]).cohort.chooses_thresholds
    assert not make(evaluated="valid").cohort.chooses_thresholds


def parts(study):
    probabilities = study.model("a", 1).probabilities
    return [probabilities.loc[list(study.cohort.split(s)["ecg_id"])] for s in ("valid", "test")]


def test_models_must_fit(study):
    good = study.model("a", 1)
    valid, test = parts(study)
    check_models(study.cohort, [good])
    check_models(study.cohort, [ModelPredictions("a", test)])
    with pytest.raises(ConfigurationError, match="no predictions"):
        check_models(study.cohort, [])
    with pytest.raises(ConfigurationError, match="two models are called 'a'"):
        check_models(study.cohort, [good, study.model("a", 2)])
    for probabilities, words in (
        (test.iloc[1:], r"1 of \d+ test ECGs have no prediction"),
        (pd.concat([test, valid.iloc[:3]]), r"of \d+ validation ECGs have no prediction"),
        (pd.concat([test, test.iloc[:2]]), "2 ECGs are predicted twice"),
        (test + 1, "are no probabilities"),
        (test * float("nan"), "are no probabilities"),
    ):
        with pytest.raises(DataError, match=words):
            check_models(study.cohort, [ModelPredictions("a", probabilities)])


def test_samples_are_aligned(study):
    model = study.model("a", 1)
    shuffled = model.probabilities.sample(frac=1, random_state=0)
    first = study.cohort.sample("test", model.probabilities)
    second = study.cohort.sample("test", shuffled)
    assert (first.probabilities == second.probabilities).all()
    rows = study.cohort.split("test")
    assert list(first.labels) == list(rows["label"])
    numbers = dict(zip(rows["patient_id"], first.patients, strict=True))
    assert len(set(numbers.values())) == rows["patient_id"].nunique()
    assert [numbers[patient] for patient in rows["patient_id"]] == list(first.patients)


def test_a_simulated_dataset_is_called_so_once(make):
    assert make(simulated=True).cohort.dataset_title == "dice (simulated)"
    assert make(simulated=True, dataset="simulated").cohort.dataset_title == "simulated"
