import numpy as np
import pytest
from scipy.stats import norm, t

from acsbench.statistics import (
    auroc,
    auroc_gap,
    bootstrap,
    calibration_gap,
    sensitivity,
    sensitivity_gap,
)
from acsbench.statistics.intervals import effective_degrees_of_freedom
from acsbench.statistics.resample import resampled_weights


def sample(seed, patients=200, shared=False):
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(patients), rng.integers(1, 5, patients))
    n = len(groups)
    labels = (rng.random(patients) < 0.4).astype(int)[groups]
    scores = labels + rng.standard_normal(patients)[groups] + 0.7 * rng.standard_normal(n)
    member = rng.random(n if shared else patients) < 0.45
    return labels, scores, member if shared else member[groups], groups


def error(estimate):
    return (estimate.high - estimate.low) / 2 / norm.ppf(0.5 + estimate.level / 2)


@pytest.mark.parametrize("clustered", [True, False])
def test_areas_of_different_patients_are_independent(clustered):
    labels, scores, member, groups = sample(0)
    ids = groups if clustered else None
    gap = auroc_gap(labels, scores, member, ids)
    sides = [
        auroc(labels[side], scores[side], None if ids is None else groups[side])
        for side in (member, ~member)
    ]
    assert gap.difference.value == pytest.approx(sides[0].value - sides[1].value)
    assert gap.standard_error == pytest.approx(np.hypot(*map(error, sides)))
    assert gap.difference.n == len(labels)


def test_limits_and_p_are_those_of_students_t():
    labels, scores, member, groups = sample(4, patients=60)
    risk = 1 / (1 + np.exp(-scores))
    gap = calibration_gap(labels, risk, member, groups)
    excess, sums = labels - risk, np.zeros(60)
    for side, sign in ((member, 1), (~member, -1)):
        influence = sign * (excess[side] - excess[side].mean()) / side.sum()
        np.add.at(sums, groups[side], influence)
    degrees = (sums**2).sum() ** 2 / (sums**4).sum()
    assert 5 < degrees < 40
    assert gap.p == pytest.approx(2 * t.sf(abs(gap.z), degrees))
    reach = t.ppf(0.975, degrees) * gap.standard_error
    assert gap.difference.low == pytest.approx(gap.difference.value - reach)
    assert gap.difference.high == pytest.approx(gap.difference.value + reach)
    assert "Student" in gap.difference.method


def test_degrees_of_freedom_count_the_patients_that_matter():
    assert effective_degrees_of_freedom(np.array([2.0, -2.0, 2.0, -2.0]), None, None) == 4
    alone = np.array([1.0, 1e-9, -1e-9])
    assert effective_degrees_of_freedom(alone, None, None) == pytest.approx(1)
    rows, patients = np.array([1.0, 1.0, -2.0, 2.0]), np.array([0, 0, 1, 2])
    assert effective_degrees_of_freedom(rows, patients, 3) == pytest.approx(3)
    normal = np.random.default_rng(0).standard_normal(30_000)
    assert effective_degrees_of_freedom(normal, None, None) == pytest.approx(10_000, rel=0.03)


def test_few_patients_rarely_show_a_gap_where_there_is_none():
    """With a normal distribution p < 0.005 came up several times as often."""
    rng = np.random.default_rng(5)
    ps = []
    for _ in range(600):
        groups = np.repeat(np.arange(120), 1 + rng.negative_binomial(2, 0.65, 120))
        labels = (rng.random(120) < 0.4)[groups].astype(int)
        luck = rng.standard_normal(120)[groups]
        scores = labels + luck + 0.7 * rng.standard_normal(len(groups))
        member = (rng.random(120) < 0.3)[groups]
        ps.append(sensitivity_gap(labels, scores, 0.8, member, groups).p)
    assert np.mean(np.array(ps) < 0.005) <= 0.012
    assert 0.02 < np.mean(np.array(ps) < 0.05) < 0.08


def test_sensitivities_and_residuals_of_different_patients_are_independent():
    labels, scores, member, groups = sample(1)
    risk = 1 / (1 + np.exp(-scores))
    gap = sensitivity_gap(labels, scores, 0.8, member, groups)
    values, variances = [], []
    residual_values, residual_variances = [], []
    for side in (member, ~member):
        event = side & (labels == 1)
        values.append(sensitivity(labels[side], scores[side], 0.8).value)
        for chosen, row, out in (
            (event, scores >= 0.8, variances),
            (side, labels - risk, residual_variances),
        ):
            centred = row[chosen] - row[chosen].mean()
            sums = [centred[groups[chosen] == g].sum() for g in np.unique(groups[chosen])]
            k = len(sums)
            out.append(k / (k - 1) * np.square(sums).sum() / chosen.sum() ** 2)
        residual_values.append((labels - risk)[side].mean())
    assert gap.difference.value == pytest.approx(values[0] - values[1])
    assert gap.standard_error == pytest.approx(np.sqrt(sum(variances)))
    calibration = calibration_gap(labels, risk, member, groups)
    assert calibration.difference.value == pytest.approx(residual_values[0] - residual_values[1])
    assert calibration.standard_error == pytest.approx(np.sqrt(sum(residual_variances)))


def test_patients_on_both_sides_are_near_the_bootstrap():
    """Scores of a patient go together, so that the sides share their luck."""
    labels, scores, member, groups = sample(2, shared=True)

    def area(side, weights):
        event, other = side & (labels == 1), side & (labels == 0)
        won = scores[event][:, None] > scores[other]
        return weights[event] @ won @ weights[other] / weights[event].sum() / weights[other].sum()

    draws = [
        area(member, weights) - area(~member, weights)
        for weights in resampled_weights(labels == 1, groups, 800, 0)
    ]
    gap = auroc_gap(labels, scores, member, groups)
    assert gap.standard_error == pytest.approx(np.std(draws), rel=0.08)
    sides = [auroc(labels[s], scores[s], groups[s]) for s in (member, ~member)]
    assert gap.standard_error < 0.8 * np.hypot(*map(error, sides))

    risk = 1 / (1 + np.exp(-scores))

    def excess(weights):
        return np.average((labels - risk)[member], weights=weights[member]) - np.average(
            (labels - risk)[~member], weights=weights[~member]
        )

    drawn = bootstrap(excess, labels, groups, resamples=800)
    calibration = calibration_gap(labels, risk, member, groups)
    assert calibration.standard_error == pytest.approx(error(drawn), rel=0.1)


def test_swapping_sides_turns_the_gap_over():
    labels, scores, member, groups = sample(3, shared=True)
    gap, swapped = (auroc_gap(labels, scores, side, groups) for side in (member, ~member))
    assert swapped.difference.value == pytest.approx(-gap.difference.value)
    assert swapped.difference.low == pytest.approx(-gap.difference.high)
    assert swapped.p == pytest.approx(gap.p)


def test_no_test_where_a_side_says_nothing():
    labels = [0, 0, 0, 1, 1, 1, 0, 1, 0, 1]
    scores = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.2, 0.1, 0.4, 0.9]
    gap = auroc_gap(labels, scores, [1] * 6 + [0] * 4)
    assert gap.difference.value == pytest.approx(1 - 0.5)
    assert np.isnan(gap.p)
    perfect = auroc(labels[:6], scores[:6], level=0.975)
    rest = auroc(labels[6:], scores[6:], level=0.975)
    assert gap.difference.low == pytest.approx(perfect.low - rest.high)
    called = sensitivity_gap(labels, scores, 0.05, [1] * 6 + [0] * 4)
    assert called.difference.value == 0
    assert np.isnan(called.p)
    assert called.difference.low < 0 < called.difference.high


def test_sides_need_what_they_are_judged_by():
    labels, scores = [0, 1, 0, 0], [0.1, 0.2, 0.3, 0.4]
    with pytest.raises(ValueError, match="one side lacks events"):
        auroc_gap(labels, scores, [1, 1, 0, 0])
    with pytest.raises(ValueError, match="one side has no event"):
        sensitivity_gap(labels, scores, 0.2, [1, 1, 0, 0])
    with pytest.raises(ValueError, match="who belongs to the group: no row has the label 0"):
        calibration_gap(labels, scores, [1] * 4)
    with pytest.raises(ValueError, match="4 labels, but 3"):
        calibration_gap(labels, scores, [1, 0, 1])
