"""The twin's tables against the published figures, and against themselves."""

import numpy as np
import pandas as pd
import pytest

from acsbench.datasets.simulated.people import below_quota
from acsbench.datasets.simulated.roster import NO_VISIT, Kind, draw_roster, spread
from acsbench.datasets.simulated.sizes import sizes_of_holdout, sizes_of_twin
from acsbench.datasets.simulated.tables import draw_population

# nightingale.md: visits, patients, ECGs, age and its standard error, shares.
SHARES = ("Female", "race_black", "race_hispanic", "race_white", "race_other", "treated")
PUBLISHED = {
    "all": (51_158, 35_595, 73_392, 54.91, 0.070, (0.561, 0.233, 0.165, 0.522, 0.079, 0.0207)),
    "tested": (1_952, 1_758, 3_925, 63.51, 0.227, (0.381, 0.145, 0.097, 0.692, 0.065, 0.387)),
    "untested": (49_206, 34_465, 69_467, 54.43, 0.073, (0.571, 0.238, 0.169, 0.513, 0.080, 0.0)),
}


@pytest.fixture(scope="module")
def full():
    return draw_population(sizes_of_twin(112_900), seed=1)


def joined(population):
    """One row per ECG of an included visit, as the study joins and excludes."""
    table = population.ecg.drop(columns="patient_ngsci_id").merge(population.ecg_encounter)
    table = table.merge(population.encounter).merge(population.patient)
    return table[~table["exclude_modeling"]]


def test_sizes_of_the_tables(full):
    assert full.patient.shape == (44_713, 12)
    assert full.encounter.shape == (71_460, 28)
    assert full.ecg.shape == (112_900, 39)
    assert full.encounter["patient_ngsci_id"].isin(full.patient["patient_ngsci_id"]).all()


def test_every_published_figure_is_met_within_its_sampling_error(full):
    included = joined(full)
    tested = included["cath_010_day"]
    assert included.loc[tested, "patient_ngsci_id"].drop_duplicates().isin(
        included.loc[~tested, "patient_ngsci_id"]
    ).sum() == pytest.approx(628, rel=0.10)
    for name, group in (
        ("all", included),
        ("tested", included[tested]),
        ("untested", included[~tested]),
    ):
        visits, patients, ecgs, age, error, shares = PUBLISHED[name]
        assert group["ed_enc_id"].nunique() == visits
        assert group["patient_ngsci_id"].nunique() == patients
        assert len(group) == ecgs
        ages = group["age_at_admit"]
        assert ages.mean() == pytest.approx(age, abs=error)
        assert ages.std() / np.sqrt(ecgs) == pytest.approx(error, rel=0.02)
        counted = group.assign(
            Female=group["sex"] == "Female", treated=group["stent_or_cabg_010_day"]
        )
        for trait, share in zip(SHARES, shares, strict=True):
            # Published to three decimals, which counts beside the standard error.
            error = np.sqrt(share * (1 - share) / ecgs) + 0.0005
            assert counted[trait].mean() == pytest.approx(share, abs=error), (name, trait)


def test_outcomes_are_consistent(full):
    visit = full.encounter
    treated, cath = visit["stent_or_cabg_010_day"], visit["cath_010_day"]
    assert (treated == (visit["stent_010_day"] | visit["cabg_010_day"])).all()
    assert (~treated | cath).all()
    mace = visit["macetrop_pos_or_death_030"]
    assert (mace == (visit["macetrop_030_pos"] | visit["death_030_day"])).all()
    assert (visit["test_010_day"] == (cath | visit["stress_010_day"])).all()
    for days, flag in (("days_to_cath", "cath_010_day"), ("days_to_stress", "stress_010_day")):
        assert (visit[days].notna() == visit[flag]).all()
        assert visit[days].dropna().between(0, 10).all()
    assert (visit["ami_day_of"] == (visit["days_to_ami"] == 0).fillna(False)).all()
    assert (visit["days_to_ami"].isna() | visit["macetrop_030_pos"]).all()
    assert (visit.loc[visit["ami_day_of"], "maxtrop_sameday"] >= 0.04).all()
    assert (visit["tn_group_sameday"].isna() == visit["maxtrop_sameday"].isna()).all()
    assert 0.3 < visit["maxtrop_sameday"].isna().mean() < 0.6
    assert (visit["first_test"].notna() == visit["test_010_day"]).all()
    reasons = visit.filter(like="excl_flag").any(axis=1)
    assert (reasons == visit["exclude_modeling"]).all()
    assert (~visit["exclude"] | visit["exclude_modeling"]).all()
    start, end = pd.to_datetime(visit["start_datetime"]), pd.to_datetime(visit["end_datetime"])
    assert (end > start).all()


def test_the_dead_do_not_come_back_and_no_outcome_belongs_to_two_visits(full):
    visit = full.encounter.assign(start=pd.to_datetime(full.encounter["start_datetime"]))
    visit = visit.sort_values(["patient_ngsci_id", "start"])
    same = visit["patient_ngsci_id"].duplicated(keep="last")
    assert not (visit["death_030_day"] & same).any()
    gap = visit.groupby("patient_ngsci_id")["start"].diff().dt.total_seconds() / 86_400
    assert gap.min() > 30
    assert visit["age_at_admit"].between(18, 100).all()


def test_ecgs_are_dated_within_their_visits(full):
    table = full.ecg[["ecg_id", "date"]].merge(full.ecg_encounter).merge(full.encounter)
    days = table["date"].str
    assert (days.slice(0, 10) >= table["start_datetime"].str.slice(0, 10)).all()
    assert (days.slice(0, 10) <= table["end_datetime"].str.slice(0, 10)).all()


def test_patients_are_consistent(full):
    patient = full.patient
    assert (patient.filter(like="race_").sum(axis=1) == 1).all()
    np.testing.assert_allclose(patient.filter(like="agi_").sum(axis=1), 1, atol=0.001)
    # The other race is the rarest, and races live in neighbourhoods of different incomes.
    by_race = patient.groupby("race_white")["agi_above_200k"].mean()
    assert by_race[1] > by_race[0]


def test_measurements_are_consistent(full):
    ecg = full.ecg
    np.testing.assert_array_equal(
        ecg["qtqtc"], ecg["qt_interval"].astype(str) + "/" + ecg["qtc_interval"].astype(str)
    )
    bazett = ecg["qt_interval"] * np.sqrt(ecg["vent_rate"].astype(float) / 60)
    assert (ecg["qtc_interval"] - bazett).abs().max() <= 0.5 + 1e-9
    without_p = full.ecgs.fibrillating | full.ecgs.paced
    assert (ecg["pr_interval"].isna() == without_p).all()
    assert (ecg["p_axes"].isna() == without_p).all()
    assert (ecg["p-r-t_axes"].str.startswith("*") == without_p).all()
    assert ecg["r_axes"].between(-180, 180).all()
    flags = ecg.filter(like="has_")
    assert flags.shape[1] == 21
    assert flags.isin([0, 1]).all(axis=None)
    assert (
        flags["has_twave"] == flags[["has_twave_inver", "has_twave_abnormal"]].max(axis=1)
    ).all()
    assert (flags["has_st"] >= flags[["has_st_eleva", "has_depress"]].max(axis=1)).all()
    assert (flags["has_normal"] >= flags["has_normal_ecg"]).all()


def test_the_tested_share_is_a_share_of_all_ecgs():
    sizes = sizes_of_twin(40_000, 0.5)
    assert sizes.tested.ecgs == 20_000
    assert sizes.ecgs == 40_000
    assert sizes.tested.ecgs / sizes.tested.patients == pytest.approx(3925 / 1758, rel=0.001)
    population = draw_population(sizes, seed=3)
    included = joined(population)
    assert included["cath_010_day"].sum() == 20_000
    assert len(population.ecg) == 40_000
    assert len(population.patient) == sizes.patients
    assert len(population.encounter) == sizes.visits
    # The tested remain who they were.
    tested = included[included["cath_010_day"]]
    assert tested["stent_or_cabg_010_day"].mean() == pytest.approx(0.387, abs=0.002)
    assert tested["age_at_admit"].mean() == pytest.approx(63.51, abs=0.1)


def test_a_holdout_has_the_tables_ratio_of_tested_to_untested():
    for share in (None, 0.5):
        main, holdout = sizes_of_twin(10_000, share), sizes_of_holdout(1_000, share)
        assert holdout.ecgs == 1_000
        assert holdout.tested.ecgs / holdout.untested.ecgs == pytest.approx(
            main.tested.ecgs / main.untested.ecgs, rel=0.02
        )
        assert holdout.excluded_ecgs == holdout.without_visit == 0


def test_a_roster_meets_its_sizes_exactly():
    sizes = sizes_of_twin(3_000)
    roster = draw_roster(sizes, np.random.default_rng(0))
    ecgs = roster.ecgs_of_visits()
    assert len(roster.ecg_visit) == 3_000
    assert (roster.ecg_visit == NO_VISIT).sum() == sizes.without_visit
    for kind, count in ((Kind.TESTED, sizes.tested), (Kind.UNTESTED, sizes.untested)):
        mine = (roster.visit_kind == kind) & (ecgs > 0)
        assert mine.sum() == count.visits
        assert ecgs[mine].sum() == count.ecgs
        assert len(np.unique(roster.visit_patient[mine])) == count.patients
    both = roster.tested & roster.untested
    assert both.sum() == sizes.in_both
    stray = roster.ecg_visit == NO_VISIT
    assert (roster.ecg_hour[stray] < 0).all()
    assert (roster.ecg_hour[~stray] > 0).all()


def test_spread_gives_everyone_one():
    numbers = spread(50, 20, np.random.default_rng(0), 1.0)
    assert numbers.sum() == 50
    assert numbers.min() == 1
    assert spread(0, 0, np.random.default_rng(0), 1.0).size == 0


def test_quotas_come_closest_to_the_share():
    rng = np.random.default_rng(0)
    rank, weight = rng.random(500), rng.integers(1, 6, 500).astype(float)
    chosen = below_quota(rank, weight, 0.3)
    assert weight[chosen].sum() / weight.sum() == pytest.approx(0.3, abs=2.5 / weight.sum())
    assert rank[chosen].max() < rank[~chosen].min()
    assert not below_quota(rank, weight, 0.0).any()
    assert below_quota(rank, weight, 1.0).all()
