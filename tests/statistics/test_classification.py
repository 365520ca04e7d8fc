import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import accuracy_score, f1_score

from acsbench.statistics import (
    accuracy,
    event_rate,
    f1,
    negative_predictive_value,
    positive_predictive_value,
    rule_out,
    sensitivity,
    share_called,
    share_ruled_out,
    specificity,
)


@pytest.mark.parametrize("seed", range(5))
def test_limits_are_wilson(seed):
    rng = np.random.default_rng(seed)
    labels, scores = rng.integers(0, 2, 80), rng.random(80)
    called = scores >= 0.6
    for function, hits, among in (
        (sensitivity, called, labels == 1),
        (specificity, ~called, labels == 0),
        (positive_predictive_value, labels == 1, called),
        (negative_predictive_value, labels == 0, ~called),
    ):
        estimate = function(labels, scores, 0.6)
        reference = binomtest(int((hits & among).sum()), int(among.sum()))
        interval = reference.proportion_ci(method="wilson")
        assert (estimate.value, estimate.low, estimate.high) == pytest.approx(
            (reference.statistic, interval.low, interval.high)
        )
        singletons = function(labels, scores, 0.6, groups=range(80))
        assert (singletons.low, singletons.high) == pytest.approx((interval.low, interval.high))


def test_doubled_rows_add_nothing():
    """Every row twice within its patient has a design effect of 2, but for the small sample."""
    rng = np.random.default_rng(6)
    labels, scores = rng.integers(0, 2, 400), rng.random(400)
    plain = sensitivity(labels, scores, 0.6)
    doubled = sensitivity(
        np.tile(labels, 2), np.tile(scores, 2), 0.6, groups=np.tile(np.arange(400), 2)
    )
    assert (doubled.low, doubled.high) == pytest.approx((plain.low, plain.high), abs=1e-3)
    naive = sensitivity(np.tile(labels, 2), np.tile(scores, 2), 0.6)
    assert naive.low > plain.low + 0.01


def test_all_called_counts_patients():
    labels, scores = [0] + [1] * 12, [0.1] + [0.9] * 12
    clustered = sensitivity(labels, scores, 0.5, groups=[0] + [1 + i // 4 for i in range(12)])
    wilson = binomtest(3, 3).proportion_ci(method="wilson")
    assert (clustered.value, clustered.high) == (1, 1)
    assert clustered.low == pytest.approx(wilson.low)


def test_threshold_may_be_infinite_but_not_nan():
    assert sensitivity([0, 1], [0.1, 0.2], np.inf).value == 0
    with pytest.raises(ValueError, match="NaN"):
        sensitivity([0, 1], [0.1, 0.2], np.nan)


def test_shares_of_nobody_are_refused():
    with pytest.raises(ValueError, match="label 1"):
        sensitivity([0, 0], [0.1, 0.2], 0.5)
    with pytest.raises(ValueError, match="label 0"):
        specificity([1, 1], [0.1, 0.2], 0.5)
    with pytest.raises(ValueError, match="no score reaches"):
        positive_predictive_value([0, 1], [0.1, 0.2], 0.5)
    with pytest.raises(ValueError, match="every score reaches"):
        negative_predictive_value([0, 1], [0.6, 0.7], 0.5)


@pytest.mark.slow
def test_clustered_limits_cover():
    rng = np.random.default_rng(30)
    hits = {"clustered": 0, "plain": 0}
    for _ in range(800):
        groups = np.repeat(np.arange(80), rng.integers(1, 6, 80))
        scores = rng.beta(1.6, 0.4, 80)[groups] > rng.random(len(groups))
        for name, ids in (("clustered", groups), ("plain", None)):
            estimate = sensitivity(np.ones(len(groups)), scores, 0.5, ids)
            hits[name] += estimate.low <= 0.8 <= estimate.high
    assert hits["clustered"] / 800 > 0.93
    assert hits["plain"] / 800 < 0.9


def sample(seed, patients=60):
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(patients), rng.integers(1, 4, patients))
    labels = (rng.random(patients) < 0.4).astype(int)[groups]
    scores = labels + rng.standard_normal(patients)[groups] + rng.standard_normal(len(groups))
    return labels, scores, groups


def test_accuracy_and_f1_are_those_of_scikit_learn():
    labels, scores, groups = sample(1)
    called = scores >= 0.6
    assert accuracy(labels, scores, 0.6, groups).value == pytest.approx(
        accuracy_score(labels, called)
    )
    estimate = f1(labels, scores, 0.6, groups)
    assert estimate.value == pytest.approx(f1_score(labels, called))
    assert estimate.low < estimate.value < estimate.high


def test_limits_of_f1_are_those_of_the_overlap():
    labels, scores, _ = sample(2)
    called = scores >= 0.6
    overlap, either = int((called & labels).sum()), int((called | (labels == 1)).sum())
    interval = binomtest(overlap, either).proportion_ci(method="wilson")
    estimate = f1(labels, scores, 0.6)
    assert (estimate.low, estimate.high) == pytest.approx(
        (2 * interval.low / (1 + interval.low), 2 * interval.high / (1 + interval.high))
    )
    assert f1([0, 1], [0.9, 0.1], 0.5).value == 0
    with pytest.raises(ValueError, match="neither"):
        f1([0, 0], [0.1, 0.1], 0.5)


def test_called_and_ruled_out_are_everybody():
    labels, scores, groups = sample(3)
    called = share_called(labels, scores, 0.6, groups)
    ruled_out = share_ruled_out(labels, scores, 0.6, groups)
    assert called.value + ruled_out.value == pytest.approx(1)
    assert called.low + ruled_out.high == pytest.approx(1)


def test_event_rate_is_the_sensitivity_of_calling_events():
    labels, _, groups = sample(4)
    rate = event_rate(labels, groups)
    called = sensitivity(np.ones(len(labels)), labels, 0.5, groups)
    assert (rate.value, rate.low, rate.high) == (called.value, called.low, called.high)
    assert rate.events == labels.sum()
    assert event_rate([0, 0, 0]).low == 0


def test_rule_out_gathers_its_parts():
    labels, scores, groups = sample(5)
    test = rule_out(labels, scores, -1.0, groups)
    assert test.sensitivity == sensitivity(labels, scores, -1.0, groups)
    assert test.ruled_out == share_ruled_out(labels, scores, -1.0, groups)
    assert test.negative_predictive_value == negative_predictive_value(labels, scores, -1.0, groups)
    nobody = rule_out(labels, scores, -np.inf)
    assert nobody.negative_predictive_value is None
    assert nobody.ruled_out.value == 0


SHARES = [sensitivity, specificity, positive_predictive_value, negative_predictive_value, accuracy]


@pytest.mark.parametrize("function", SHARES)
def test_equal_weights_change_nothing(function):
    labels, scores, groups = sample(6)
    plain = function(labels, scores, 0.6, groups)
    weighted = function(labels, scores, 0.6, groups, weights=np.full(len(labels), 2.5))
    assert (weighted.value, weighted.low, weighted.high) == pytest.approx(
        (plain.value, plain.low, plain.high)
    )
    assert "weighted" in weighted.method


@pytest.mark.parametrize("function", SHARES)
def test_whole_weights_stand_for_copies_within_the_patient(function):
    labels, scores, groups = sample(7)
    weights = np.random.default_rng(0).integers(1, 4, len(labels))
    weighted = function(labels, scores, 0.6, groups, weights=weights)
    copies = function(
        np.repeat(labels, weights), np.repeat(scores, weights), 0.6, np.repeat(groups, weights)
    )
    assert weighted.value == pytest.approx(copies.value)
    assert (weighted.low, weighted.high) == pytest.approx((copies.low, copies.high), abs=5e-3)


def test_unequal_weights_cost_rows():
    """Without other variance the effective size of a share is Kish's."""
    labels = np.ones(60)
    weights = np.tile([1.0, 1.0, 4.0], 20)
    all_called = sensitivity(labels, np.ones(60), 0.5, weights=weights)
    kish = weights.sum() ** 2 / (weights**2).sum()
    assert all_called.low == pytest.approx(kish / (kish + 1.959963985**2))
    # A patient counts once, with the mean weight of the rows, however many there are.
    patients = np.repeat(np.arange(30), [1, 3] * 15)
    each = np.repeat(np.tile([4.0, 1.0], 15), [1, 3] * 15)
    clustered = sensitivity(np.ones(60), np.ones(60), 0.5, patients, weights=each)
    kish = 75**2 / (15 * 17)
    assert clustered.low == pytest.approx(kish / (kish + 1.959963985**2))
    with pytest.raises(ValueError, match="1 of 2 weights are not positive"):
        sensitivity([1, 1], [1, 1], 0.5, weights=[1, 0])
    with pytest.raises(ValueError, match="3 weights for 2 rows"):
        sensitivity([1, 1], [1, 1], 0.5, weights=[1, 1, 1])
