import numpy as np
import pytest

from acsbench.datasets.simulated.person import draw_person
from acsbench.datasets.simulated.population import simulate_patients, waveform_rng


@pytest.fixture(scope="module")
def drawn():
    return simulate_patients(1500, seed=1)


def test_ids_are_unmistakably_simulated(drawn):
    table, parameters = drawn
    assert table["ecg_id"].str.fullmatch(r"sim-e\d{6}").all()
    assert table["patient_id"].str.fullmatch(r"sim-p\d{5}").all()
    assert table["ecg_id"].is_unique
    assert [ecg.ecg_id for ecg in parameters] == table["ecg_id"].tolist()


def test_patients_have_one_to_four_ecgs(drawn):
    counts = drawn[0]["patient_id"].value_counts()
    assert counts.min() == 1
    assert counts.max() == 4
    assert counts.mean() == pytest.approx(1.8, abs=0.1)


def test_what_belongs_to_the_patient_is_the_same_in_each_ecg(drawn):
    table, parameters = drawn
    assert (table.groupby("patient_id")[["age", "sex", "acs"]].nunique() == 1).all().all()
    people = dict(zip(table["patient_id"], (ecg.person for ecg in parameters), strict=True))
    assert all(
        ecg.person is people[patient]
        for patient, ecg in zip(table["patient_id"], parameters, strict=True)
    )


def test_prevalence_and_severity(drawn):
    table, _ = drawn
    patients = table.drop_duplicates("patient_id")
    assert patients["acs"].mean() == pytest.approx(0.35, abs=0.05)
    severity = table.loc[table["acs"] == 1, "severity"]
    assert severity.median() < 0.25
    assert severity.max() > 0.8
    assert (table.loc[table["acs"] == 0, "severity"] == 0).all()
    assert (table["culprit"].notna() == (table["acs"] == 1)).all()
    assert table["age"].between(18, 98).all()
    assert set(table["sex"]) == {"female", "male"}


def test_each_ecg_is_the_same_however_many_are_drawn(drawn):
    table, parameters = drawn
    small, few = simulate_patients(100, seed=1)
    assert small.equals(table.head(100))
    assert few == parameters[:100]
    assert not simulate_patients(100, seed=2)[0].equals(small)


def test_waveforms_have_streams_of_their_own():
    draws = {waveform_rng(seed, index).random() for seed in (1, 2) for index in range(3)}
    assert len(draws) == 6
    assert waveform_rng(1, 2).random() == waveform_rng(1, 2).random()


def test_healthy_people_have_no_disease():
    people = [draw_person(np.random.default_rng(i), age=80, healthy=True) for i in range(50)]
    assert {person.conduction for person in people} == {"normal"}
    assert all(person.hypertrophy == 0 and person.scar is None for person in people)


@pytest.mark.parametrize(("n_ecgs", "seed"), [(0, 1), (5, -1)])
def test_impossible_numbers_are_refused(n_ecgs, seed):
    with pytest.raises(ValueError, match="expected"):
        simulate_patients(n_ecgs, seed)
