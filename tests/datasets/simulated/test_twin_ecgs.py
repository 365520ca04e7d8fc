"""The twin's ECGs: tables and waveforms agree, faults of the print, and how hard the disease is."""

from dataclasses import replace

import numpy as np
import pytest

from acsbench.datasets.simulated.beats import conducted_beat, lead_field
from acsbench.datasets.simulated.culprit import CULPRITS, INJURIES, Culprit, Injury, with_lesion
from acsbench.datasets.simulated.dipole import heart_vector, rotation, twelve_leads
from acsbench.datasets.simulated.hearts import CONDUCTIONS, draw_hearts
from acsbench.datasets.simulated.lesions import draw_lesions
from acsbench.datasets.simulated.noise import Noise
from acsbench.datasets.simulated.person import Conduction
from acsbench.datasets.simulated.prints import digitised_page, smoothed
from acsbench.datasets.simulated.roster import NO_VISIT, Kind
from acsbench.datasets.simulated.signs_from_parameters import (
    axis_of,
    lead_fields,
    rotations,
    signs_of,
)
from acsbench.datasets.simulated.simulate import EcgParameters, simulate_recording
from acsbench.datasets.simulated.sizes import sizes_of_twin
from acsbench.datasets.simulated.tables import draw_population
from acsbench.ecg import measure
from acsbench.ecg.leads import LEADS, einthoven_residual
from acsbench.ecg.printed import print_page
from acsbench.statistics import auroc

FS = 1000.0
FLAGS = {  # sensitivity and AUROC in the study
    "has_st_eleva": (0.106, 0.535),
    "has_depress": (0.056, 0.510),
    "has_twave_inver": (0.122, 0.507),
    "has_twave_abnormal": (0.305, 0.471),
}


@pytest.fixture(scope="module")
def drawn():
    return draw_population(sizes_of_twin(600, 0.5), seed=2)


@pytest.fixture(scope="module")
def many():
    """Hearts and lesions of every kind, and their signs."""
    rng = np.random.default_rng(1)
    count = 200
    hearts = draw_hearts(rng.uniform(20, 95, count), rng.random(count) < 0.5, rng)
    hearts = replace(
        hearts,
        conduction=rng.integers(0, len(CONDUCTIONS), count),
        electrode_shift=rng.normal(0, 0.3, count),
        hypertrophy=rng.random(count),
    )
    lesions = draw_lesions(rng.beta(1, 2, count), rng)
    rate = rng.uniform(50, 110, count)
    return hearts, lesions, rate, signs_of(hearts, lesions, rate, np.zeros(count, dtype=bool))


def test_signs_are_those_of_the_beats(many):
    hearts, lesions, rate, signs = many
    for row in range(len(hearts)):
        person = hearts.person(row)
        beat = with_lesion(conducted_beat(person), lesions.lesion(row))
        stretch = np.cbrt(60 / rate[row])
        vector = heart_vector(beat, [1.0], [stretch], [1.0], 1800, FS)
        leads = twelve_leads(vector, lead_field(person))
        at_st = round((1 + beat.j + 0.060) * FS)
        at_t = round((1 + beat.onset + beat.t.time[1] * stretch) * FS)
        np.testing.assert_allclose(leads[:, at_st], signs.st60[row], atol=0.005)
        np.testing.assert_allclose(leads[:, at_t], signs.t[row], atol=0.006)
        assert signs.qrs[row] == pytest.approx(beat.j - beat.onset)
        alone = replace(beat, atrial=beat.qrs, t=beat.t.turned(np.zeros((3, 3))), st=np.zeros(3))
        qrs = twelve_leads(heart_vector(alone, [1.0], [1.0], [1.0], 1800, FS), lead_field(person))
        # The complex stands in the place of P as well.
        np.testing.assert_allclose(qrs.sum(axis=1) / FS / 2, signs.qrs_area[row], atol=1e-4)


def test_rotations_and_lead_fields_of_many_are_those_of_one(many):
    hearts = many[0]
    for row, (matrix, field) in enumerate(
        zip(rotations(hearts.turn)[:20], lead_fields(hearts)[:20], strict=True)
    ):
        np.testing.assert_allclose(matrix, rotation(*hearts.turn[row]), atol=1e-12)
        np.testing.assert_allclose(field, lead_field(hearts.person(row)), atol=1e-12)
    np.testing.assert_array_equal(rotations(np.zeros((2, 3))), np.stack([np.eye(3)] * 2))


def test_axis():
    leads = np.zeros((3, 12))
    leads[:, 0] = 1, 0, -1
    leads[:, 5] = 0, 1, 0
    np.testing.assert_allclose(axis_of(leads), [0, 90, 180])


def test_swapped_arms_turn_lead_i_over():
    parameters = EcgParameters(noise=Noise(hiss=0.002))
    right = simulate_recording(parameters, 3).signal
    swapped = simulate_recording(replace(parameters, arms_swapped=True), 3).signal
    order = [LEADS.index(lead) for lead in ("I", "III", "II", "aVL", "aVR", "aVF")]
    expected = right[order] * np.array([-1, 1, 1, 1, 1, 1], dtype=np.float32)[:, None]
    np.testing.assert_allclose(swapped[:6], expected, atol=1e-6)
    np.testing.assert_array_equal(swapped[6:], right[6:])


def test_leads_obey_einthoven_before_printing(drawn):
    for row in range(0, 600, 40):
        rng = np.random.default_rng(row)
        signal = simulate_recording(drawn.ecgs.parameters(row, "x", rng), rng).signal
        assert einthoven_residual(signal[:6]).max() < 0.001  # 1 µV


def test_what_an_ecg_is_made_of_is_what_the_tables_say(drawn):
    ecgs = drawn.ecgs
    for row in range(0, 600, 7):
        parameters = ecgs.parameters(row, "x", np.random.default_rng(row))
        assert parameters.rhythm.rate == ecgs.rate[row]
        kind = str(parameters.rhythm.kind)
        assert (kind == "atrial fibrillation") == ecgs.fibrillating[row]
        assert (kind == "paced") == ecgs.paced[row]
        assert parameters.arms_swapped == ecgs.arms_swapped[row]
        severity = ecgs.lesions.severity[row]
        assert (parameters.lesion is None) == (severity == 0)
        measured = drawn.ecg.iloc[row]
        assert measured["qrs_duration"] == pytest.approx(1000 * drawn.signs.qrs[row], abs=15)
        assert measured["qt_interval"] == pytest.approx(1000 * drawn.signs.qt[row], abs=30)


def test_machine_measurements_agree_with_the_waveform(drawn):
    """Our own measurements of the waveform against the machine's in the table."""
    ecgs = drawn.ecgs
    sinus = ~ecgs.fibrillating & ~ecgs.paced & (ecgs.ectopic_share == 0) & (ecgs.noise == 1)
    rows = np.flatnonzero(sinus)[:40]
    qrs, st60, rate = [], [], []
    for row in rows:
        rng = np.random.default_rng(int(row))
        table = measure(simulate_recording(ecgs.parameters(int(row), "x", rng), rng))
        table = table.set_index("lead").loc[list(LEADS)]
        qrs.append((table["j_point"] - table["qrs_onset"]).median() / 500 * 1000)
        st60.append(table["st60"].to_numpy() - drawn.signs.st60[row])
        rate.append(drawn.ecg["vent_rate"].iloc[row] - ecgs.rate[row])
    assert np.abs(np.array(rate, dtype=float)).max() < 5
    assert abs(np.median(qrs - drawn.ecg["qrs_duration"].iloc[rows].to_numpy(float))) < 12
    assert np.median(np.abs(st60)) < 0.02


def test_severity_belongs_to_the_visit(drawn):
    roster, state = drawn.roster, drawn.state
    at_visit = roster.ecg_visit != NO_VISIT
    severity = drawn.ecgs.lesions.severity
    assert (severity[~at_visit] == 0).all()
    of_visit = state.lesions.severity[roster.ecg_visit[at_visit]]
    assert ((severity[at_visit] > 0) == (of_visit > 0)).all()
    assert set(np.unique(state.lesions.culprit)) <= set(range(len(CULPRITS)))
    tested = roster.visit_kind == Kind.TESTED
    assert 0.3 < (state.lesions.severity[tested] > 0).mean() < 0.6
    assert np.median(of_visit[of_visit > 0]) < 0.25


def test_a_sound_page_is_the_printed_page():
    recording = simulate_recording(EcgParameters(), 1)

    class Sound:
        def random(self):
            return 1.0

    page, strips = digitised_page(recording, Sound())
    np.testing.assert_allclose(page, print_page(recording, 0.005), atol=1e-6)
    assert strips.shape == (3, 1000)
    np.testing.assert_allclose(smoothed(np.ones((3, 5000), np.float32)), 1, atol=1e-6)


def test_faults_of_the_print_come_at_their_rates():
    recording = simulate_recording(EcgParameters(), 1)
    missing = gaps = shifted = 0
    for number in range(600):
        page, strips = digitised_page(recording, np.random.default_rng(number))
        assert np.isfinite(strips).all()
        known = np.isfinite(page)
        missing += not known[:12].any(axis=1).all()
        first, last = known.argmax(axis=1), 4999 - known[:, ::-1].argmax(axis=1)
        inside = known.sum(axis=1) < last - first + 1
        gaps += bool((inside & known.any(axis=1)).any())
        shifted += bool((first[3:6][known[3:6].any(axis=1)] != 1250).any())
    assert 0.005 < missing / 600 < 0.03
    assert 0.02 < gaps / 600 < 0.09
    assert 0.05 < shifted / 600 < 0.16


@pytest.mark.parametrize("injury", list(Injury))
def test_culprits_and_injuries_are_all_drawn(injury):
    lesions = draw_lesions(np.full(2000, 0.2), np.random.default_rng(0))
    assert 0.05 < (lesions.injury == INJURIES.index(injury)).mean() < 0.85
    assert 0.1 < (lesions.culprit == CULPRITS.index(Culprit.LCX)).mean() < 0.3
    assert (lesions.hours > 0).all()
    assert Conduction.NORMAL in CONDUCTIONS


@pytest.fixture(scope="module")
def tested():
    population = draw_population(sizes_of_twin(40_000, 0.5), seed=1)
    visit = population.roster.ecg_visit
    rows = np.flatnonzero(
        (visit != NO_VISIT) & (population.roster.visit_kind[visit] == Kind.TESTED)
    )
    return population, rows, population.course.treated[visit[rows]]


def test_the_flags_are_as_weak_as_in_the_study(tested):
    population, rows, treated = tested
    assert len(rows) == 20_000
    patients = population.roster.ecg_patient[rows]
    for flag, (sensitivity, area) in FLAGS.items():
        called = population.ecg[flag].to_numpy()[rows]
        assert called[treated].mean() == pytest.approx(sensitivity, abs=0.03), flag
        estimate = auroc(treated, called, groups=patients)
        assert estimate.value == pytest.approx(area, abs=0.012), flag


def test_no_model_can_reach_080(tested):
    population, rows, treated = tested
    odds = population.course.treatment_odds[population.roster.ecg_visit[rows]]
    # Nobody who knew the hidden state itself, age and sex could do better than this.
    assert 0.76 < auroc(treated, odds).value < 0.80


@pytest.mark.slow
def test_a_good_model_could_reach_070(tested):
    ensemble = pytest.importorskip("sklearn.ensemble")
    selection = pytest.importorskip("sklearn.model_selection")
    population, rows, treated = tested
    signs = np.concatenate([population.signs.st60, population.signs.t], axis=1)[rows]
    scores = np.zeros(len(rows))
    for train, test in selection.GroupKFold(3).split(
        signs, treated, population.roster.ecg_patient[rows]
    ):
        model = ensemble.HistGradientBoostingClassifier(max_iter=150, random_state=0)
        scores[test] = model.fit(signs[train], treated[train]).predict_proba(signs[test])[:, 1]
    assert 0.69 < auroc(treated, scores).value < 0.76


@pytest.mark.slow
def test_mace_and_acs_share_their_signs(tested):
    ensemble = pytest.importorskip("sklearn.ensemble")
    population, rows, treated = tested
    roster = population.roster
    untested = np.flatnonzero(
        (roster.ecg_visit != NO_VISIT) & (roster.visit_kind[roster.ecg_visit] == Kind.UNTESTED)
    )
    mace = population.course.mace[roster.ecg_visit[untested]]
    assert mace.mean() == pytest.approx(0.06, abs=0.005)
    signs = np.concatenate([population.signs.st60, population.signs.t], axis=1)
    model = ensemble.HistGradientBoostingClassifier(max_iter=80, random_state=0)
    model.fit(signs[untested], mace)
    assert auroc(treated, model.predict_proba(signs[rows])[:, 1]).value > 0.60
