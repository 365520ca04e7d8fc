import numpy as np
import pytest

from acsbench.datasets.simulated.beats import NO_WAVES, conducted_beat, lead_field
from acsbench.datasets.simulated.dipole import (
    DOWER,
    Beat,
    heart_vector,
    rotation,
    twelve_leads,
    waves,
)
from acsbench.datasets.simulated.person import Conduction, Person
from acsbench.ecg.leads import LEADS

FS = 500.0


def one_beat(person: Person) -> tuple[np.ndarray, Beat]:
    """The twelve leads of one beat with R at 1 s and a rate of 60."""
    beat = conducted_beat(person)
    vector = heart_vector(beat, [1.0], [1.0], [1.0], 1000, FS)
    return twelve_leads(vector, lead_field(person)), beat


def qrs(leads: np.ndarray) -> np.ndarray:
    return leads[:, 450:560]


def test_one_wave_is_a_gaussian_of_the_asked_shape():
    wave = waves((1.0, 0.0, -2.0, 10, 20, 5))
    beat = Beat(NO_WAVES, wave, NO_WAVES, np.zeros(3), -0.05, 0.05)
    vector = heart_vector(beat, [1.0], [1.0], [3.0], 1000, FS)
    time = np.arange(1000) / FS - 1.01
    expected = np.exp(-0.5 * (time / np.where(time < 0, 0.02, 0.005)) ** 2)
    np.testing.assert_allclose(vector, np.outer([3.0, 0.0, -6.0], expected), atol=1e-6)


def test_the_waves_keep_their_time_between_the_samples():
    beat = conducted_beat(Person())
    early = heart_vector(beat, [1.0], [1.0], [1.0], 1000, FS)
    later = heart_vector(beat, [1.001], [1.0], [1.0], 2000, 2 * FS)
    np.testing.assert_allclose(later[:, 1::2], early, atol=1e-3)


def test_beats_at_the_edges_are_cut_not_lost():
    beat = conducted_beat(Person())
    whole = heart_vector(beat, [1.0, 1.9], [1.0, 1.0], [1.0, 1.0], 1500, FS)
    cut = heart_vector(beat, [0.0, 0.9], [1.0, 1.0], [1.0, 1.0], 800, FS)
    np.testing.assert_allclose(cut, whole[:, 500:1300], atol=1e-9)


def test_the_baseline_between_the_waves_is_flat():
    leads, beat = one_beat(Person())
    pr_segment = leads[:, 500 + round((beat.onset - 0.012) * FS)]
    assert np.abs(pr_segment).max() < 0.01
    assert np.abs(leads[:, :390]).max() < 0.001
    assert np.abs(leads[:, 760:]).max() < 0.001
    # No step where repolarisation is first drawn.
    slow = heart_vector(
        Beat(NO_WAVES, NO_WAVES, beat.t, np.array([0.5, 0.5, 0.5]), beat.onset, beat.j),
        [1.0], [0.7], [1.0], 1000, FS,
    )  # fmt: skip
    assert np.abs(np.diff(slow[:, 475:495], axis=1)).max() < 0.001


def test_a_rotation_keeps_lengths_and_turns_back():
    matrix = rotation(0.3, -0.7, 0.2)
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(rotation(-0.3, 0.7, -0.2), matrix.T, atol=1e-12)


def test_the_normal_beat_is_normal():
    leads, beat = one_beat(Person())
    r, s = qrs(leads).max(axis=1), qrs(leads).min(axis=1)
    ratio = r[6:] / -s[6:]
    assert (np.diff(ratio[:5]) > 0).all()  # R grows against S from V1 to V5
    assert ratio[0] < 0.5
    assert ratio[2] < 3
    assert ratio[4] > 5
    assert 0.08 <= beat.j - beat.onset <= 0.10
    t = leads[:, 590:760]
    for lead in ("I", "II", "V2", "V3", "V4", "V5", "V6"):
        row = t[LEADS.index(lead)]
        assert row.max() > 0.05
        assert row.min() > -0.01
    assert t[LEADS.index("aVR")].min() < -0.05
    p = leads[:, 395:465]
    assert 0.05 < p[LEADS.index("II")].max() < 0.2
    assert p[LEADS.index("aVR")].min() < -0.03
    assert np.abs(leads[:, 500 + round((beat.j + 0.06) * FS)]).max() < 0.05


def test_the_t_wave_falls_faster_than_it_rises():
    leads, _ = one_beat(Person())
    t = leads[LEADS.index("V5"), 560:800]
    peak, half = int(t.argmax()), t.max() / 2
    above = np.flatnonzero(t > half)
    assert peak - above[0] > 1.2 * (above[-1] - peak)


@pytest.mark.parametrize("conduction", [Conduction.LBBB, Conduction.RBBB, Conduction.PACED])
def test_wide_beats_are_wide_and_their_t_waves_discordant(conduction):
    leads, beat = one_beat(Person(conduction=conduction))
    assert beat.j - beat.onset >= 0.12
    v1, v6 = leads[LEADS.index("V1")], leads[LEADS.index("V6")]
    late = slice(600, 760)
    if conduction is Conduction.RBBB:
        assert v1[500:545].max() > 0.4  # R'
        assert v1[late].min() < -0.05
        assert v6[500:545].min() < -0.2  # broad S
    else:
        assert qrs(v1[None]).min() < -0.8
        assert v1[late].max() > 0.2
        assert v6[late].min() < -0.05


def test_hypertrophy_meets_sokolow_and_lyon():
    def sokolow(person: Person) -> float:
        leads, _ = one_beat(person)
        return float(qrs(leads)[LEADS.index("V5")].max() - qrs(leads)[LEADS.index("V1")].min())

    assert sokolow(Person()) < 3.5 < sokolow(Person(hypertrophy=0.9))


def test_misplaced_electrodes_see_what_lies_between():
    np.testing.assert_allclose(lead_field(Person()), DOWER)
    moved = lead_field(Person(electrode_shift=0.5))
    np.testing.assert_allclose(moved[2], (DOWER[2] + DOWER[3]) / 2)
    np.testing.assert_allclose(moved[7], DOWER[7])
    np.testing.assert_allclose(moved[:2], DOWER[:2])
