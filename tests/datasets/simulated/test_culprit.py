import numpy as np
import pytest

from acsbench.datasets.simulated.beats import conducted_beat, lead_field
from acsbench.datasets.simulated.culprit import Culprit, Injury, Lesion, with_lesion, with_scar
from acsbench.datasets.simulated.dipole import heart_vector, twelve_leads
from acsbench.datasets.simulated.person import Person
from acsbench.ecg.leads import LEADS

FS = 500.0


def leads_of(beat, person):
    return twelve_leads(heart_vector(beat, [1.0], [1.0], [1.0], 1000, FS), lead_field(person))


def st60(lesion: Lesion | None, person: Person | None = None) -> dict[str, float]:
    person = Person() if person is None else person
    beat = with_lesion(conducted_beat(person), lesion)
    at = 500 + round((beat.j + 0.06) * FS)
    return dict(zip(LEADS, leads_of(beat, person)[:, at], strict=True))


def test_severity_0_changes_nothing():
    beat = conducted_beat(Person())
    for injury in Injury:
        assert with_lesion(beat, Lesion(Culprit.LAD, 0.0, injury, hours=10)) is beat
    assert with_lesion(beat, None) is beat
    assert with_scar(beat, Culprit.RCA, 0.0) is beat


def test_anterior_occlusion():
    st = st60(Lesion(Culprit.LAD, 1.0))
    assert all(st[lead] >= 0.2 for lead in ("V2", "V3", "V4"))
    assert st["III"] < -0.05


def test_inferior_occlusion():
    st = st60(Lesion(Culprit.RCA, 1.0))
    assert all(st[lead] >= 0.2 for lead in ("II", "III", "aVF"))
    assert st["III"] > st["II"]
    assert st["aVL"] <= -0.1


def test_lateral_occlusion():
    st = st60(Lesion(Culprit.LCX, 1.0))
    assert all(st[lead] >= 0.1 for lead in ("I", "V5", "V6"))
    assert all(st[lead] <= -0.1 for lead in ("V1", "V2"))


@pytest.mark.parametrize("culprit", list(Culprit))
def test_subendocardial_ischaemia_depresses_most_leads(culprit):
    st = st60(Lesion(culprit, 1.0, Injury.SUBENDOCARDIAL))
    assert all(st[lead] <= -0.1 for lead in ("II", "V4", "V5"))
    assert st["aVR"] >= 0.1


@pytest.mark.parametrize("culprit", list(Culprit))
def test_a_mild_lesion_stays_below_the_classical_thresholds(culprit):
    st = st60(Lesion(culprit, 0.12))
    assert max(st.values()) < 0.1


@pytest.mark.parametrize("culprit", list(Culprit))
def test_the_shift_grows_with_severity(culprit):
    normal = np.array(list(st60(None).values()))
    shifts = [
        np.array(list(st60(Lesion(culprit, severity)).values())) - normal
        for severity in (0.25, 0.5, 1.0)
    ]
    np.testing.assert_allclose(shifts[1], 2 * shifts[0], atol=0.02)
    np.testing.assert_allclose(shifts[2], 2 * shifts[1], atol=0.02)


def test_t_inversion_over_the_front_wall():
    person = Person()
    lesion = Lesion(Culprit.LAD, 1.0, Injury.T_INVERSION)
    leads = leads_of(with_lesion(conducted_beat(person), lesion), person)
    for lead in ("V2", "V3"):
        t = leads[LEADS.index(lead), 600:760]
        assert t.min() < -0.1
    st = st60(lesion)
    assert max(abs(value) for value in st.values()) < 0.1


def test_a_lesion_evolves_from_st_elevation_to_q_and_inverted_t():
    person = Person()
    early, late = (
        leads_of(with_lesion(conducted_beat(person), Lesion(Culprit.RCA, 1.0, hours=h)), person)[
            LEADS.index("III")
        ]
        for h in (0.5, 30.0)
    )
    assert early[600:700].max() > late[600:700].max() + 0.2
    assert late[640:720].min() < -0.05 < early[640:720].min()
    assert late[470:500].min() < early[470:500].min() - 0.1


def test_old_infarcts_leave_q_waves():
    person = Person()
    anterior = leads_of(conducted_beat(Person(scar=Culprit.LAD, scar_size=1.0)), person)
    for lead in ("V1", "V2"):
        assert anterior[LEADS.index(lead), 470:530].max() < 0.05  # QS
    inferior = leads_of(conducted_beat(Person(scar=Culprit.RCA, scar_size=1.0)), person)
    for lead in ("II", "III", "aVF"):
        assert inferior[LEADS.index(lead), 470:500].min() < -0.15
    lateral = leads_of(conducted_beat(Person(scar=Culprit.LCX, scar_size=1.0)), person)
    normal = leads_of(conducted_beat(person), person)
    v1 = LEADS.index("V1")
    assert lateral[v1, 470:530].max() > 1.5 * normal[v1, 470:530].max()


@pytest.mark.parametrize(
    "wrong", [{"severity": -0.1}, {"severity": 1.1}, {"severity": 0.5, "hours": -1.0}]
)
def test_impossible_lesions_are_refused(wrong):
    with pytest.raises(ValueError, match="expected"):
        Lesion(Culprit.LAD, **wrong)
