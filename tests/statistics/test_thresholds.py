import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_curve

from acsbench.statistics import (
    optimistic_threshold,
    positive_predictive_value,
    sensitivity,
    share_called,
    threshold_at_capacity,
    threshold_at_sensitivity,
    threshold_at_specificity,
    youden_threshold,
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


both = samples.filter(lambda rows: any(label for label, _ in rows))


@given(both, st.sampled_from([0.0, 0.1, 0.5, 0.7, 0.9, 0.99, 1.0]))
def test_threshold_is_the_largest_that_is_sensitive_enough(rows, wanted):
    labels, scores = (np.array(column) for column in zip(*rows, strict=True))
    threshold = threshold_at_sensitivity(labels, scores, wanted)

    def reached(cut):
        return (scores[labels] >= cut).mean() >= wanted - 1e-9

    assert reached(threshold)
    assert not any(reached(score) for score in scores if score > threshold)


def test_sensitivity_of_nothing_calls_nobody():
    threshold = threshold_at_sensitivity([0, 1, 1], [0.9, 0.2, 0.3], 0)
    assert share_called([0, 1, 1], [0.9, 0.2, 0.3], threshold).value == 0
    assert threshold_at_sensitivity([1] * 10, np.arange(10.0), 0.7) == 3


@given(both)
def test_youden_is_the_best_point_of_the_curve(rows):
    labels, scores = (np.array(column) for column in zip(*rows, strict=True))
    threshold = youden_threshold(labels, scores)

    def youden(cut):
        return (scores[labels] >= cut).mean() - (scores[~labels] >= cut).mean()

    fpr, tpr, _ = roc_curve(labels, scores, drop_intermediate=False)
    assert youden(threshold) == pytest.approx((tpr - fpr).max())
    assert not any(
        youden(score) >= youden(threshold) - 1e-12 for score in scores if score > threshold
    )


@given(st.lists(st.integers(0, 9), min_size=1, max_size=30), st.sampled_from([0, 0.1, 0.3, 0.5, 1]))
def test_capacity_is_used_but_not_exceeded(scores, share):
    scores = np.array(scores)
    threshold = threshold_at_capacity(scores, share)
    assert (scores >= threshold).sum() <= share * len(scores) + 1e-9
    lower = scores[scores < threshold]
    if len(lower):
        assert (scores >= lower.max()).sum() > share * len(scores)


def test_capacity_is_not_lost_to_rounding():
    assert threshold_at_capacity(np.arange(10.0), 0.1 + 0.2) == 7
    assert threshold_at_capacity(np.arange(100.0), 0.29) == 71
    with pytest.raises(ValueError, match="share is 20"):
        threshold_at_capacity([0.1], 20)
    with pytest.raises(ValueError, match="no rows"):
        threshold_at_capacity([], 0.5)


def test_the_rule_of_the_study_makes_sensitivity_and_ppv_equal():
    rng = np.random.default_rng(8)
    labels, scores = rng.integers(0, 2, 300), rng.random(300)
    threshold = optimistic_threshold(labels, scores)
    assert (scores >= threshold).sum() == labels.sum()
    assert sensitivity(labels, scores, threshold).value == (
        positive_predictive_value(labels, scores, threshold).value
    )


def test_the_rule_of_the_study_calls_fewer_rather_than_split_a_tie():
    assert optimistic_threshold([0, 1, 1, 0], [0.1, 0.5, 0.5, 0.9]) == 0.9
    above = optimistic_threshold([0, 1, 1, 0], [0.5] * 4)
    assert 0.5 < above < 0.5 + 1e-12
    assert optimistic_threshold([1, 1], [0.2, 0.3]) == 0.2
