"""Properties that statistics of probabilities must have, whatever the sample."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from acsbench.statistics import (
    auroc,
    brier,
    brier_decomposition,
    calibration_bins,
    calibration_gap,
    calibration_intercept,
    calibration_slope,
    compare_net_benefit,
    decision_curve,
    expected_calibration_error,
    fit_isotonic,
    fit_platt,
    log_loss,
    net_benefit,
    shift_prevalence,
)
from tests.statistics.samples import FEW, holds, mirrored, same, samples

FEWER_DRAWS = {"resamples": 10}


def overlapping(sample):
    """Leaves out samples in which a fit would run away."""
    events, others = sample.scores[sample.labels == 1], sample.scores[sample.labels == 0]
    assume(events.min() < others.max() and others.min() < events.max())
    return sample.labels, sample.scores, sample.patients


inner = samples(levels=12).map(lambda s: s._replace(scores=0.05 + 0.9 * s.scores))


@given(samples())
@FEW
def test_flipping_labels_and_probabilities_keeps_the_scores(sample):
    labels, risks, _, patients = sample
    flipped = 1 - labels, 1 - risks, patients
    same(brier(labels, risks, patients), brier(*flipped))
    same(log_loss(labels, risks, patients), log_loss(*flipped), tolerance=1e-6)


@given(samples())
@FEW
def test_scores_lie_in_their_intervals(sample):
    labels, risks, _, patients = sample
    holds(brier(labels, risks, patients))
    holds(log_loss(labels, risks, patients), 0, np.inf)


@given(samples(), st.floats(0, 1))
@FEW
def test_no_constant_beats_the_prevalence(sample, constant):
    labels = sample.labels
    best = np.full(len(labels), labels.mean())
    other = np.full(len(labels), constant)
    assert brier(labels, best).value <= brier(labels, other).value + 1e-12
    assert log_loss(labels, best).value <= log_loss(labels, other).value + 1e-12


@given(samples())
@FEW
def test_decomposition_of_brier_adds_up(sample):
    parts = brier_decomposition(sample.labels, sample.scores, sample.patients, **FEWER_DRAWS)
    total = parts.reliability.value - parts.resolution.value + parts.uncertainty.value
    assert total == pytest.approx(parts.brier.value)
    for part in (parts.reliability, parts.resolution, parts.uncertainty):
        holds(part)


@given(samples())
@FEW
def test_isotonic_recalibration_leaves_nothing_to_recalibrate(sample):
    recalibrated = fit_isotonic(sample.labels, sample.scores)(sample.scores).clip(0, 1)
    parts = brier_decomposition(sample.labels, recalibrated, **FEWER_DRAWS)
    assert parts.reliability.value == pytest.approx(0, abs=1e-9)
    assert brier(sample.labels, recalibrated).value <= brier(sample.labels, sample.scores).value
    assert recalibrated.mean() == pytest.approx(sample.labels.mean())


@given(inner)
@FEW
def test_calibration_turns_over_with_the_labels(sample):
    labels, risks, patients = overlapping(sample)
    intercept = calibration_intercept(labels, risks, patients)
    mirrored(intercept, calibration_intercept(1 - labels, 1 - risks, patients), 0.0, 1e-6)
    slope = calibration_slope(labels, risks, patients)
    same(slope, calibration_slope(1 - labels, 1 - risks, patients), tolerance=1e-5)


@given(inner, st.floats(0.3, 3))
@FEW
def test_stretched_log_odds_divide_the_slope(sample, stretch):
    labels, risks, patients = overlapping(sample)
    odds = (risks / (1 - risks)) ** stretch
    slope = calibration_slope(labels, risks, patients)
    stretched = calibration_slope(labels, odds / (1 + odds), patients)
    assert (stretch * stretched.value, stretch * stretched.low) == pytest.approx(
        (slope.value, slope.low), abs=1e-5
    )


@given(inner, st.floats(0.2, 0.8))
@FEW
def test_shifted_odds_move_the_intercept(sample, target):
    labels, risks, patients = overlapping(sample)
    intercept = calibration_intercept(labels, risks, patients)
    moved = calibration_intercept(labels, shift_prevalence(risks, 0.5, target), patients)
    shift = np.log(target / (1 - target))
    assert moved.value + shift == pytest.approx(intercept.value, abs=1e-6)
    assert moved.high + shift == pytest.approx(intercept.high, abs=1e-6)


@given(inner)
@FEW
def test_rows_twice_within_their_patient_are_no_news(sample):
    labels, risks, patients = overlapping(sample)
    twice = [np.tile(column, 2) for column in (labels, risks, patients)]
    for statistic in (brier, log_loss, calibration_slope, calibration_intercept):
        same(statistic(labels, risks, patients), statistic(*twice), tolerance=1e-5)


@given(inner, st.randoms(use_true_random=False))
@FEW
def test_order_of_rows_does_not_matter(sample, random):
    rows = overlapping(sample)
    order = list(range(len(rows[0])))
    random.shuffle(order)
    shuffled = [column[order] for column in rows]
    for statistic in (brier, log_loss, calibration_slope, calibration_intercept):
        same(statistic(*rows), statistic(*shuffled), tolerance=1e-5)


@given(inner)
@FEW
def test_platt_keeps_or_reverses_the_ranking_and_fits_the_mean(sample):
    labels, risks, _ = overlapping(sample)
    platt = fit_platt(labels, risks)
    recalibrated = platt(risks)
    area, after = auroc(labels, risks).value, auroc(labels, recalibrated).value
    if abs(platt.slope) > 1e-3:
        assert after == pytest.approx(area if platt.slope > 0 else 1 - area)
    events = labels.sum()
    others = len(labels) - events
    targets = events * (events + 1) / (events + 2) + others / (others + 2)
    assert recalibrated.sum() == pytest.approx(targets)


@given(samples(), st.integers(1, 8))
@FEW
def test_bins_hold_every_row_once(sample, bins):
    found = calibration_bins(sample.labels, sample.scores, sample.patients, bins=bins)
    assert 1 <= len(found) <= bins
    predicted = [each.predicted for each in found]
    assert (np.diff(predicted) > 0).all()
    error = expected_calibration_error(
        sample.labels, sample.scores, sample.patients, bins=bins, **FEWER_DRAWS
    )
    holds(error)
    assert error.value >= abs(sample.labels.mean() - sample.scores.mean()) - 1e-12


@given(samples(), st.floats(0.01, 0.9), st.floats(0.01, 0.9))
@FEW
def test_shifting_prevalence_there_and_back(sample, prevalence, target):
    shifted = shift_prevalence(sample.scores, prevalence, target)
    assert ((shifted >= 0) & (shifted <= 1)).all()
    assert shift_prevalence(shifted, target, prevalence) == pytest.approx(sample.scores)
    assert (
        ((shifted >= sample.scores - 1e-12) == (target >= prevalence)).all()
        or (shifted == pytest.approx(sample.scores))
        or set(sample.scores) & {0.0, 1.0}
    )


thresholds = st.lists(st.floats(0.02, 0.95), min_size=1, max_size=4)


@given(samples(), thresholds)
@FEW
def test_net_benefit_has_its_bounds(sample, risks):
    benefit = net_benefit(sample.labels, sample.scores, risks)
    odds = np.array(risks) / (1 - np.array(risks))
    assert (benefit <= sample.labels.mean() + 1e-12).all()
    assert (benefit >= -odds * (1 - sample.labels.mean()) - 1e-12).all()
    perfect = net_benefit(sample.labels, sample.labels, risks)
    assert perfect == pytest.approx(np.full(len(risks), sample.labels.mean()))
    nobody = net_benefit(sample.labels, np.zeros(len(sample.labels)), risks)
    assert not nobody.any()


@given(samples(), thresholds)
@FEW
def test_net_benefit_comparisons_turn_over(sample, risks):
    labels, a, b, patients = sample
    forth = compare_net_benefit(labels, a, b, risks, patients)
    back = compare_net_benefit(labels, b, a, risks, patients)
    for one, other in zip(forth, back, strict=True):
        mirrored(one.difference, other.difference, about=0.0)
        assert other.p == pytest.approx(one.p, nan_ok=True)
    for point in decision_curve(labels, a, risks, patients):
        holds(point, -np.inf, 1)


@given(samples())
@FEW
def test_gap_in_calibration_turns_over_with_its_sides(sample):
    labels, risks, others, patients = sample
    member = others > 0.5
    assume(0 < member.sum() < len(member))
    gap = calibration_gap(labels, risks, member, patients)
    holds(gap.difference, -2, 2)
    mirrored(gap.difference, calibration_gap(labels, risks, ~member, patients).difference, 0.0)
    mirrored(gap.difference, calibration_gap(1 - labels, 1 - risks, member, patients).difference, 0)
