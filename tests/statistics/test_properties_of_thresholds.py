"""Properties that statistics at a threshold must have, whatever the sample."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from acsbench.statistics import (
    accuracy,
    effective_sample_size,
    event_rate,
    f1,
    holm,
    inverse_probability_weights,
    negative_likelihood_ratio,
    negative_predictive_value,
    number_needed_to_test,
    optimistic_threshold,
    positive_likelihood_ratio,
    positive_predictive_value,
    post_test_probability,
    sensitivity,
    share_called,
    share_ruled_out,
    specificity,
    threshold_at_capacity,
    threshold_at_sensitivity,
    threshold_at_specificity,
    youden_threshold,
)
from tests.statistics.samples import FEW, holds, mirrored, same, samples

AT_THRESHOLD = [sensitivity, specificity, accuracy, f1, share_called, share_ruled_out]
every_share = pytest.mark.parametrize("share", AT_THRESHOLD, ids=lambda share: share.__name__)
cuts = st.integers(0, 10).map(lambda level: level / 10)


@every_share
@given(samples(), cuts)
@FEW
def test_shares_lie_in_their_intervals(share, sample, cut):
    holds(share(sample.labels, sample.scores, cut, sample.patients))


@every_share
@given(samples(), cuts)
@FEW
def test_rows_twice_within_their_patient_are_hardly_news(share, sample, cut):
    """Values stay; limits may only move where the small sample's factor does."""
    labels, scores, _, patients = sample
    plain = share(labels, scores, cut, patients)
    twice = share(np.tile(labels, 2), np.tile(scores, 2), cut, np.tile(patients, 2))
    assert twice.value == pytest.approx(plain.value)
    naive = share(np.tile(labels, 2), np.tile(scores, 2), cut)
    assert twice.high - twice.low >= naive.high - naive.low - 1e-9


@every_share
@given(samples(), cuts, st.randoms(use_true_random=False))
@FEW
def test_order_of_rows_does_not_matter(share, sample, cut, random):
    order = list(range(len(sample.labels)))
    random.shuffle(order)
    shuffled = sample.taken(order)
    same(
        share(sample.labels, sample.scores, cut, sample.patients),
        share(shuffled.labels, shuffled.scores, cut, shuffled.patients),
    )


@every_share
@given(samples(), cuts, st.floats(0.1, 10))
@FEW
def test_scale_of_weights_does_not_matter(share, sample, cut, scale):
    weights = 0.5 + sample.others
    arguments = sample.labels, sample.scores, cut, sample.patients
    same(share(*arguments, weights=weights), share(*arguments, weights=scale * weights), 1e-7)


@given(samples(), cuts)
@FEW
def test_flipped_labels_and_scores_swap_sensitivity_and_specificity(sample, cut):
    labels, scores, _, patients = sample
    above = np.nextafter(-cut, np.inf)
    same(
        sensitivity(labels, scores, cut, patients),
        specificity(1 - labels, -scores, above, patients),
    )
    called = scores >= cut
    assume(0 < called.sum() < len(called))
    same(
        positive_predictive_value(labels, scores, cut, patients),
        negative_predictive_value(1 - labels, -scores, above, patients),
    )


@given(samples(), cuts)
@FEW
def test_called_and_spared_are_everybody(sample, cut):
    arguments = sample.labels, sample.scores, cut, sample.patients
    mirrored(share_called(*arguments), share_ruled_out(*arguments))
    mirrored(
        event_rate(sample.labels, sample.patients), event_rate(1 - sample.labels, sample.patients)
    )


@given(samples())
@FEW
def test_higher_thresholds_call_fewer(sample):
    called = [share_called(sample.labels, sample.scores, cut / 10).value for cut in range(11)]
    found = [sensitivity(sample.labels, sample.scores, cut / 10).value for cut in range(11)]
    spared = [specificity(sample.labels, sample.scores, cut / 10).value for cut in range(11)]
    assert (np.diff(called) <= 0).all()
    assert (np.diff(found) <= 0).all()
    assert (np.diff(spared) >= 0).all()


@given(samples(), cuts)
@FEW
def test_bayes_joins_ratios_and_predictive_values(sample, cut):
    arguments = sample.labels, sample.scores, cut, sample.patients
    called = sample.scores >= cut
    assume(0 < called.sum() < len(called))
    prevalence = sample.labels.mean()
    up = post_test_probability(positive_likelihood_ratio(*arguments), prevalence)
    down = post_test_probability(negative_likelihood_ratio(*arguments), prevalence)
    assert up.value == pytest.approx(positive_predictive_value(*arguments).value)
    assert down.value == pytest.approx(1 - negative_predictive_value(*arguments).value)
    holds(up)
    holds(down)


@given(samples(), cuts)
@FEW
def test_numbers_needed_are_at_least_one(sample, cut):
    assume((sample.scores >= cut).any())
    needed = number_needed_to_test(sample.labels, sample.scores, cut, sample.patients)
    holds(needed, 1, np.inf)


@given(samples(), cuts, st.floats(0.5, 0.95), st.floats(0.96, 0.999))
@FEW
def test_higher_levels_are_wider(sample, cut, low, high):
    arguments = sample.labels, sample.scores, cut, sample.patients
    for statistic in (sensitivity, accuracy, f1):
        narrow, wide = statistic(*arguments, low), statistic(*arguments, high)
        assert wide.low <= narrow.low + 1e-12
        assert narrow.high <= wide.high + 1e-12


@given(samples(), st.floats(0, 1))
@FEW
def test_chosen_thresholds_keep_their_promise(sample, wanted):
    labels, scores = sample.labels, sample.scores
    at_sensitivity = threshold_at_sensitivity(labels, scores, wanted)
    assert sensitivity(labels, scores, at_sensitivity).value >= wanted - 1e-9
    at_specificity = threshold_at_specificity(labels, scores, wanted)
    assert specificity(labels, scores, at_specificity).value >= wanted - 1e-9
    at_capacity = threshold_at_capacity(scores, wanted)
    assert share_called(labels, scores, at_capacity).value <= wanted + 1e-9
    assert (scores >= optimistic_threshold(labels, scores)).sum() <= labels.sum()


@given(samples())
@FEW
def test_thresholds_follow_a_monotone_transform(sample):
    labels, scores = sample.labels, sample.scores
    transformed = np.exp(3 * scores)
    for choose in (
        youden_threshold,
        optimistic_threshold,
        lambda labels, scores: threshold_at_sensitivity(labels, scores, 0.7),
        lambda labels, scores: threshold_at_specificity(labels, scores, 0.7),
        lambda labels, scores: threshold_at_capacity(scores, 0.3),
    ):
        called = scores >= choose(labels, scores)
        assert (called == (transformed >= choose(labels, transformed))).all()


@given(st.lists(st.floats(0, 1), min_size=1, max_size=10), st.randoms(use_true_random=False))
@FEW
def test_holm_raises_p_values_keeps_their_order_and_follows_their_places(p_values, random):
    adjusted = holm(p_values)
    assert (adjusted >= np.array(p_values)).all()
    assert (adjusted <= np.minimum(1, len(p_values) * np.array(p_values)) + 1e-12).all()
    assert (np.diff(adjusted[np.argsort(p_values)]) >= 0).all()
    order = list(range(len(p_values)))
    random.shuffle(order)
    assert holm(np.array(p_values)[order]) == pytest.approx(adjusted[order])


@given(samples(), st.floats(0.1, 1))
@FEW
def test_weights_are_bounded_and_cost_rows(sample, truncate):
    propensities = 0.1 + 0.9 * sample.scores
    whole = inverse_probability_weights(sample.labels, propensities, truncate=1)
    cut = inverse_probability_weights(sample.labels, propensities, truncate=truncate)
    assert (cut <= whole).all()
    for weights in (whole, cut):
        assert 1 - 1e-9 <= effective_sample_size(weights) <= len(weights) + 1e-9
    assert effective_sample_size(cut) >= effective_sample_size(whole) - 1e-9
