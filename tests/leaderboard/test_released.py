"""What a public score gives away: attacks on exact intervals and on small steps, and their end."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import norm

from acsbench.leaderboard.ladder import ladder
from acsbench.leaderboard.released import Patients, least_step, limits, patients_of, released
from acsbench.leaderboard.settings import Settings
from acsbench.leaderboard.standings import shown_score
from acsbench.statistics import Estimate, auroc

counts = st.builds(Patients, st.integers(11, 3000), st.integers(11, 3000))
steps = st.sampled_from([0.001, 0.01, 0.05])


def holdout(ecgs: int, events: int, seed: int = 0) -> NDArray[np.int64]:
    """Labels in random order, one ECG per patient."""
    return np.random.default_rng(seed).permutation(np.repeat([1, 0], [events, ecgs - events]))


def exact_width(exact: Estimate, digits: int = 3) -> float:
    """Half of the interval as boards showed it before: the exact one, rounded outwards."""
    reach = max(exact.value - exact.low, exact.high - exact.value)
    return math.ceil(reach * 10**digits) / 10**digits


def test_labels_are_read_off_exact_widths_and_not_off_what_is_shown() -> None:
    """One file per ECG puts it alone above all others; the Ladder hides where that leads.

    Events are fewer than others, so that one of them moves the interval more.
    """
    labels = holdout(500, 150)
    settings = Settings(partition_seed=1)
    patients = Patients(150, 350)
    widths, shown = [], []
    for ecg in range(len(labels)):
        exact = auroc(labels, np.arange(len(labels)) == ecg)
        widths.append(exact_width(exact))
        public = shown_score(settings, None, exact, patients)
        assert public is not None
        shown.append((public.value, public.low, public.high))
    guessed = np.array(widths) > np.median(widths)
    assert (guessed == labels).all()
    assert len(set(shown)) == 1


@pytest.mark.parametrize(("step", "learnt"), [(0.01, 0.9), (None, 0.55)])
def test_moving_one_ecg_at_a_time_is_answered_by_nothing(step: float | None, learnt: float) -> None:
    """A team keeps each ECG at the top, or else at the bottom, if the board shows progress."""
    found = []
    for seed in range(5):
        labels = holdout(60, 24, seed)
        step_used = step or least_step(Patients(24, 36))
        scores = np.zeros(60)
        standing = ladder(None, 0.5, step_used)
        for ecg in range(60):
            for place in (1, -1):
                moved = scores.copy()
                moved[ecg] = place
                shown = ladder(standing, auroc(labels, moved).value, step_used)
                if shown > standing:
                    scores, standing = moved, shown
                    break
        found.append(auroc(labels, scores).value)
    assert np.mean(found) > learnt if step else np.mean(found) < learnt


@settings(deadline=None)
@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), counts, steps)
def test_what_is_shown_depends_on_nothing_but_the_shown_value(
    value: float, low: float, high: float, patients: Patients, step: float
) -> None:
    one = Estimate(value, low, high, 0.95, "exact", 9, 3, None)
    other = Estimate(0.5, 0.4, 0.6, 0.95, "DeLong, Wald", 9, 3, None)
    assert released(one, 0.81, step, patients, 3) == released(other, 0.81, step, patients, 3)


@settings(deadline=None)
@given(st.floats(0, 1), counts, steps)
def test_limits_hold_the_rounded_value_and_mirror(
    value: float, patients: Patients, step: float
) -> None:
    low, high = limits(value, step, patients, 0.95)
    assert 0 <= low <= max(value - step / 2, 0) <= min(value + step / 2, 1) <= high <= 1
    mirrored = limits(1 - value, step, patients, 0.95)
    assert (1 - mirrored[1], 1 - mirrored[0]) == pytest.approx((low, high), abs=1e-9)
    more = limits(value, step, Patients(*(2 * each for each in patients)), 0.95)
    assert low <= more[0] + 1e-9
    assert more[1] <= high + 1e-9


@settings(deadline=None)
@given(st.integers(5, 95), counts)
def test_a_limit_is_as_far_from_the_value_as_chance_reaches(hundredth: int, patients: Patients):
    """The equation that defines a score interval, with Hanley and McNeil's variance."""
    value = hundredth / 100
    m, n = patients
    for limit, nearest in zip(
        limits(value, 0.01, patients, 0.9), (value - 0.005, value + 0.005), strict=True
    ):
        others = (m + n) / 2 - 1
        q1, q2 = limit / (2 - limit) - limit**2, 2 * limit**2 / (1 + limit) - limit**2
        variance = (limit * (1 - limit) + others * (q1 + q2)) / (m * n)
        assert abs(nearest - limit) == pytest.approx(1.6448536 * math.sqrt(variance), abs=1e-6)


@pytest.mark.parametrize("area", [0.5, 0.7, 0.9])
@pytest.mark.parametrize(("events", "others"), [(20, 40), (70, 130)])
def test_shown_intervals_cover(area: float, events: int, others: int) -> None:
    rng = np.random.default_rng(1)
    distance = np.sqrt(2) * norm.ppf(area)
    hits = 0
    for _ in range(400):
        above = rng.normal(distance, 1, (events, 1)) > rng.normal(0, 1, others)
        shown = round(float(above.mean()), 2)
        low, high = limits(shown, 0.01, Patients(events, others), 0.95)
        hits += low <= area <= high
    assert hits / 400 >= 0.93


@pytest.mark.parametrize("patients", [Patients(10, 300), Patients(300, 10), Patients(2, 2)])
def test_widths_do_not_tell_small_counts(patients: Patients) -> None:
    assert limits(0.8, 0.01, patients, 0.95) == (0.0, 1.0)


def test_limits_are_rounded_outwards_and_stay_in_bounds() -> None:
    exact = auroc([0, 0, 1, 0, 1, 1], [0.1, 0.2, 0.3, 0.4, 0.6, 0.8])
    patients = Patients(40, 60)
    low, high = limits(0.89, 0.01, patients, 0.95)
    shown = released(exact, 0.89, 0.01, patients, digits=2)
    assert (shown.low, shown.high) == (math.floor(100 * low) / 100, math.ceil(100 * high) / 100)
    for value in (0.0, 1.0):
        shown = released(exact, value, 0.01, patients, digits=3)
        assert 0 <= shown.low < shown.high <= 1


def test_a_patient_with_ecgs_of_both_kinds_counts_in_both_classes() -> None:
    labels, patients = np.array([1.0, 0, 0, 1, 1]), np.array([0, 0, 1, 2, 2])
    assert patients_of(labels, patients) == Patients(with_event=2, without_event=2)


@settings(deadline=None)
@given(counts)
def test_a_step_hides_what_one_patient_can_do(patients: Patients) -> None:
    step = least_step(patients)
    assert step >= 2 / min(patients) or step == 0.99
    assert round(100 * step) == pytest.approx(100 * step)
