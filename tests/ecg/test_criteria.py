from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from acsbench.ecg import Recording, measure
from acsbench.ecg.criteria import (
    CRITERIA,
    EVIDENCE_OF_ANY,
    Finding,
    assess,
    evidence,
    evidence_column,
)
from acsbench.ecg.criteria.finding import in_contiguous_leads, listed
from acsbench.ecg.leads import CHEST_LEADS, LEADS

NORMAL = {
    "j_level": 0.0,
    "st20": 0.0,
    "st40": 0.0,
    "st60": 0.0,
    "st80": 0.0,
    "t_amplitude": 0.25,
    "q_amplitude": 0.0,
    "q_duration": 0.0,
    "r_amplitude": 0.8,
    "r_duration": 45.0,
    "s_amplitude": -0.2,
    "s_duration": 20.0,
    "r2_amplitude": 0.0,
    "r2_duration": 0.0,
    "qrs_area": 20.0,
    "qrs_duration": 90.0,
    "heart_rate": 70.0,
    "rr_variation": 0.02,
    "p_share": 1.0,
    "paced": 0.0,
}


def table(changes: dict[str, dict[str, float]] | None = None, **whole: float) -> pd.DataFrame:
    """Measurements of a normal heart, but for changes by lead and column."""
    frame = pd.DataFrame({name: np.full(12, value) for name, value in (NORMAL | whole).items()})
    frame.insert(0, "lead", LEADS)
    frame["st_shape"] = pd.Categorical(["horizontal"] * 12)
    frame["quality"] = pd.Categorical(["good"] * 12)
    frame = frame.set_index("lead", drop=False)
    for lead, columns in (changes or {}).items():
        for column, value in columns.items():
            frame.loc[lead, column] = value
    return frame.reset_index(drop=True)


def found(criterion: str, frame: pd.DataFrame, **who) -> Finding:
    return next(finding for finding in assess(frame, **who) if finding.criterion == criterion)


def shift(leads: tuple[str, ...], mv: float) -> dict[str, dict[str, float]]:
    """The whole ST segment of some leads moved."""
    return {lead: dict.fromkeys(("j_level", "st60", "st80"), mv) for lead in leads}


def test_nothing_is_found_in_a_normal_heart() -> None:
    findings = assess(table())
    assert [finding.criterion for finding in findings] == list(CRITERIA)
    assert all(finding.present is False for finding in findings)
    assert all(finding.sentence.startswith("No ") and not finding.leads for finding in findings)


def test_every_criterion_names_its_source() -> None:
    assert all(criterion.source and criterion.title for criterion in CRITERIA.values())


def test_nothing_can_be_said_of_nothing() -> None:
    empty = measure(Recording("a", np.zeros((12, 5000)), 500.0))
    assert all(finding.present is None for finding in assess(empty))


def test_a_single_lead_tells_of_the_rhythm_alone() -> None:
    one = table()
    judged = {f.criterion for f in assess(one[one["lead"] == "II"]) if f.present is not None}
    assert judged == {"atrial-fibrillation"}


@pytest.mark.parametrize(
    ("age", "sex", "limit"),
    [(50, "male", 0.2), (30, "male", 0.25), (30, "female", 0.15), (None, None, 0.2)],
)
def test_limits_of_st_elevation_in_v2_and_v3(age, sex, limit: float) -> None:
    leads = ("V2", "V3")
    assert found("st-elevation", table(shift(leads, limit + 0.001)), age=age, sex=sex).present
    assert not found("st-elevation", table(shift(leads, limit - 0.001)), age=age, sex=sex).present


def test_st_elevation_takes_two_contiguous_leads() -> None:
    assert found("st-elevation", table(shift(("II", "aVF"), 0.11))).leads == ("II", "aVF")
    assert not found("st-elevation", table(shift(("II", "V5"), 0.3))).present
    assert not found("st-elevation", table(shift(("V5",), 0.3))).present
    finding = found("st-elevation", table(shift(("V3", "V4", "V5"), 0.3)))
    assert finding.leads == ("V3", "V4", "V5")
    assert finding.measurements == {"V3": 0.3, "V4": 0.3, "V5": 0.3}
    assert finding.sentence == "ST elevation in V3–V5 (up to 0.30 mV in V3)."


def test_upsloping_depression_is_none() -> None:
    leads = ("V4", "V5")
    assert found("st-depression", table(shift(leads, -0.06))).present
    assert not found("st-depression", table(shift(leads, -0.04))).present
    rising = {lead: {"j_level": -0.12, "st60": -0.06, "st80": -0.01} for lead in leads}
    assert not found("st-depression", table(rising)).present


def test_posterior_signs_are_deepest_in_front() -> None:
    front = shift(("V1", "V2", "V3"), -0.1)
    assert found("posterior", table(front)).present
    assert not found("posterior", table(front | shift(("V5", "V6"), -0.2))).present
    inverted = {lead: values | {"t_amplitude": -0.2} for lead, values in front.items()}
    assert not found("posterior", table(inverted)).present


def test_de_winter() -> None:
    pattern = {
        lead: {"j_level": -0.15, "st60": 0.0, "st80": 0.05, "t_amplitude": 0.9}
        for lead in ("V2", "V3", "V4")
    }
    assert found("de-winter", table(pattern)).leads == ("V2", "V3", "V4")
    flat = {lead: values | {"t_amplitude": 0.2} for lead, values in pattern.items()}
    assert not found("de-winter", table(flat)).present


def test_t_inversion_counts_where_the_complex_points_up() -> None:
    assert found("t-inversion", table({k: {"t_amplitude": -0.15} for k in ("V5", "V6")})).present
    down = {k: {"t_amplitude": -0.15, "s_amplitude": -1.5} for k in ("V1", "V2")}
    assert not found("t-inversion", table(down)).present


def test_wellens_needs_a_preserved_r_wave_and_no_elevation() -> None:
    deep = {lead: {"t_amplitude": -0.4} for lead in ("V2", "V3")}
    assert found("wellens", table(deep)).present
    qs = {lead: values | {"r_amplitude": 0.0} for lead, values in deep.items()}
    assert not found("wellens", table(qs)).present
    elevated = {lead: values | {"j_level": 0.15} for lead, values in deep.items()}
    assert not found("wellens", table(elevated)).present


def test_pathological_q_waves() -> None:
    wide = {"q_amplitude": -0.2, "q_duration": 35.0}
    assert found("pathological-q", table({"III": wide, "aVF": wide})).leads == ("III", "aVF")
    assert not found("pathological-q", table({"III": wide})).present
    assert not found("pathological-q", table({"III": wide, "V6": wide})).present
    narrow = {"q_amplitude": -0.2, "q_duration": 25.0}
    assert not found("pathological-q", table({"II": narrow, "aVF": narrow})).present
    assert found("pathological-q", table({"V2": narrow, "V3": narrow})).present


BLOCK = {
    lead: {"qrs_area": -60.0, "s_amplitude": -2.0, "r_amplitude": 0.1} for lead in CHEST_LEADS[:3]
}


def test_in_left_bundle_branch_block_st_and_t_are_left_to_sgarbossa() -> None:
    block = table(BLOCK, qrs_duration=150.0)
    assert found("lbbb", block).present
    assert found("modified-sgarbossa", block).present is False
    for criterion in ("st-elevation", "st-depression", "t-inversion", "culprit"):
        finding = found(criterion, block)
        assert finding.present is None
        assert "left bundle branch block" in finding.sentence
    usual = {lead: values | {"j_level": 0.4} for lead, values in BLOCK.items()}
    assert found("modified-sgarbossa", table(usual, qrs_duration=150.0)).present is False
    excessive = {lead: values | {"j_level": 0.6} for lead, values in BLOCK.items()}
    assert found("modified-sgarbossa", table(excessive, qrs_duration=150.0)).present
    concordant = BLOCK | {"V6": {"j_level": 0.12}}
    finding = found("modified-sgarbossa", table(concordant, qrs_duration=150.0))
    assert finding.leads == ("V6",)
    assert found("modified-sgarbossa", table(excessive)).present is False  # narrow complexes


def test_pacing_counts_as_a_block() -> None:
    assert found("st-elevation", table(shift(("V4", "V5"), 0.3), paced=1.0)).present is None


def test_right_bundle_branch_block() -> None:
    changes = {"V1": {"r2_amplitude": 0.5}, "I": {"s_duration": 60.0}}
    assert found("rbbb", table(changes, qrs_duration=130.0)).present
    assert not found("rbbb", table(changes, qrs_duration=110.0)).present
    assert not found("rbbb", table(qrs_duration=130.0)).present


def test_hypertrophy_explains_what_is_found() -> None:
    voltage = {"V1": {"s_amplitude": -2.0}, "V5": {"r_amplitude": 2.0}}
    assert found("lvh", table(voltage)).present
    strain = voltage | shift(("I", "aVL"), -0.1)
    sentence = found("st-depression", table(strain)).sentence
    assert sentence.endswith("which left ventricular hypertrophy alone may cause.")
    cornell = {"aVL": {"r_amplitude": 1.2}, "V3": {"s_amplitude": -1.0}}
    assert found("lvh", table(cornell), sex="female").present
    assert not found("lvh", table(cornell), sex="male").present


def test_atrial_fibrillation_is_irregular_without_p() -> None:
    assert found("atrial-fibrillation", table(rr_variation=0.2, p_share=0.0)).present
    assert not found("atrial-fibrillation", table(rr_variation=0.2)).present
    assert not found("atrial-fibrillation", table(p_share=0.0)).present


@pytest.mark.parametrize(
    ("changes", "artery"),
    [
        (
            shift(("II",), 0.12) | shift(("III", "aVF"), 0.2) | shift(("aVL",), -0.1),
            "right coronary",
        ),
        (shift(("II", "aVF"), 0.2) | shift(("III",), 0.12), "circumflex"),
        (shift(("V2", "V3", "V4"), 0.3), "left anterior descending"),
        (shift(("I", "aVL"), 0.2), "circumflex or diagonal"),
        (
            shift(("aVR",), 0.15) | shift(("I", "II", "V3", "V4", "V5", "V6"), -0.1),
            "left main",
        ),
    ],
)
def test_suspected_culprit(changes: dict, artery: str) -> None:
    finding = found("culprit", table(changes))
    assert finding.present
    assert artery in finding.sentence


def test_reciprocal_change() -> None:
    inferior = shift(("II", "III", "aVF"), 0.2)
    assert not found("reciprocal-change", table(inferior)).present
    finding = found("reciprocal-change", table(inferior | shift(("aVL",), -0.08)))
    assert finding.leads == ("aVL",)
    assert not found("reciprocal-change", table(shift(("aVL",), -0.08))).present


def test_a_missing_lead_is_passed_over() -> None:
    frame = table(shift(("II", "III", "aVF"), 0.2))
    frame = frame[~frame["lead"].isin(["III", "V1"])]
    assert found("st-elevation", frame).leads == ("II", "aVF")
    assert found("lbbb", frame).present is None


def test_contiguous_leads() -> None:
    assert in_contiguous_leads({"I": 2.0, "aVL": np.nan, "V1": 0.5, "V2": 0.9}) == (0.5, ())
    score, leads = in_contiguous_leads({"I": 2.0})
    assert np.isnan(score)
    assert not leads
    assert listed(("I", "V1", "V2")) == "I, V1, V2"


def test_evidence_as_numbers() -> None:
    row = evidence(assess(table(shift(("V4", "V5"), -0.1))))
    assert row[evidence_column("st-depression")] == pytest.approx(2.0)
    assert row[EVIDENCE_OF_ANY] == pytest.approx(2.0)
    assert len(row) == len(CRITERIA) + 1


def test_an_unknown_word_for_a_sex_is_refused() -> None:
    with pytest.raises(ValueError, match="'female', 'male' or None"):
        assess(table(), sex="M")  # type: ignore[arg-type]
