import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from acsbench.statistics import (
    negative_predictive_value,
    positive_predictive_value,
    sensitivity,
    specificity,
    threshold_at_specificity,
)

samples = st.lists(
    st.tuples(st.booleans(), st.integers(0, 9).map(lambda i: i / 10)), min_size=1, max_size=40
).filter(lambda rows: any(not label for label, _ in rows))


@given(samples, st.sampled_from([0.0, 0.1, 0.5, 0.7, 0.9, 0.95, 1.0]))
def test_threshold_is_the_smallest_that_is_specific_enough(rows, wanted):
    labels, scores = (np.array(column) for column in zip(*rows, strict=True))
    threshold = threshold_at_specificity(labels, scores, wanted)

    def reached(cut):
        return (scores[~labels] < cut).mean() >= wanted - 1e-9

    assert reached(threshold)
    assert not any(reached(score) for score in scores if score < threshold)


def test_threshold_where_even_the_highest_score_is_too_low():
    threshold = threshold_at_specificity([0, 0, 1], [0.9, 0.9, 0.2], 0.9)
    assert 0.9 < threshold < 0.9 + 1e-12


def test_no_rounding_asks_for_one_more():
    assert threshold_at_specificity([0] * 10, np.arange(10.0), 0.7) == 7
    assert threshold_at_specificity([0] * 10, np.arange(10.0), 0.1 + 0.2) == 3


def test_threshold_refuses_percentages():
    with pytest.raises(ValueError, match="specificity is 90"):
        threshold_at_specificity([0, 1], [0.1, 0.2], 90)


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
