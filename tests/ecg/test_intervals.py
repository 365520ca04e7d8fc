from __future__ import annotations

import numpy as np
import pytest

from acsbench.ecg.intervals import angle_between, corrected_qt, frontal_axis
from acsbench.ecg.leads import LIMB_FROM_I_AND_II


def test_at_sixty_beats_per_minute_nothing_is_corrected() -> None:
    assert all(ms == pytest.approx(400) for ms in corrected_qt(400, 60).values())


def test_corrections_of_published_formulas() -> None:
    corrected = corrected_qt(360, 90)  # RR of 2/3 s
    assert corrected["bazett"] == pytest.approx(360 / (2 / 3) ** 0.5)
    assert corrected["fridericia"] == pytest.approx(360 / (2 / 3) ** (1 / 3))
    assert corrected["framingham"] == pytest.approx(360 + 154 / 3)
    assert corrected["hodges"] == pytest.approx(360 + 1.75 * 30)


def test_unknown_stays_unknown() -> None:
    assert np.isnan(list(corrected_qt(np.nan, 60).values())).all()
    assert np.isnan(frontal_axis(0.0, 0.0))
    assert np.isnan(angle_between(np.nan, 30))


@pytest.mark.parametrize("degrees", [-150, -90, -30, 0, 45, 60, 120, 179])
def test_the_axis_of_a_known_dipole(degrees: float) -> None:
    angle = np.radians(degrees)
    one, two = np.cos(angle), np.cos(angle - np.radians(60))
    assert frontal_axis(one, two) == pytest.approx(degrees)
    limb = LIMB_FROM_I_AND_II @ [one, two]
    assert limb[2] == pytest.approx(np.cos(angle - np.radians(120)))  # lead III fits as well


@pytest.mark.parametrize(
    ("one", "other", "between"), [(0, 90, 90), (-170, 170, 20), (10, -170, 180), (5, 5, 0)]
)
def test_angles(one: float, other: float, between: float) -> None:
    assert angle_between(one, other) == pytest.approx(between)
