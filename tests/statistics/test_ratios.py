import numpy as np
import pytest
from scipy.stats import norm

from acsbench.statistics import (
    bootstrap,
    negative_likelihood_ratio,
    number_needed_to_test,
    positive_likelihood_ratio,
    positive_predictive_value,
    sensitivity,
    specificity,
)


def sample(seed, patients=300):
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(patients), rng.integers(1, 4, patients))
    labels = (rng.random(len(groups)) < rng.beta(2, 3, patients)[groups]).astype(int)
    scores = labels + rng.standard_normal(patients)[groups] + rng.standard_normal(len(groups))
    return labels, scores, groups


def test_ratios_and_limits_of_independent_rows_are_those_of_simel():
    labels, scores, _ = sample(0)
    n = len(labels)
    tp = int((labels & (scores >= 0.8)).sum())
    fp = int((scores >= 0.8).sum()) - tp
    fn, tn = labels.sum() - tp, n - labels.sum() - fp
    for function, hit, other in (
        (positive_likelihood_ratio, (tp, fn), (fp, tn)),
        (negative_likelihood_ratio, (fn, tp), (tn, fp)),
    ):
        ratio = (hit[0] / sum(hit)) / (other[0] / sum(other))
        error = np.sqrt(1 / hit[0] - 1 / sum(hit) + 1 / other[0] - 1 / sum(other))
        reach = norm.ppf(0.975) * error * np.sqrt(n / (n - 1))
        estimate = function(labels, scores, 0.8)
        assert (estimate.value, estimate.low, estimate.high) == pytest.approx(
            (ratio, ratio * np.exp(-reach), ratio * np.exp(reach))
        )
        assert (estimate.n, estimate.events, estimate.level) == (n, labels.sum(), 0.95)


@pytest.mark.parametrize("function", [positive_likelihood_ratio, negative_likelihood_ratio])
def test_clustered_limits_are_near_the_bootstrap(function):
    labels, scores, groups = sample(1)
    hits = scores >= 0.8
    if function is negative_likelihood_ratio:
        hits = ~hits

    def log_ratio(weights):
        of_events = np.average(hits[labels == 1], weights=weights[labels == 1])
        return np.log(of_events / np.average(hits[labels == 0], weights=weights[labels == 0]))

    drawn = bootstrap(log_ratio, labels, groups, resamples=1000)
    estimate = function(labels, scores, 0.8, groups)
    assert np.log(estimate.value) == pytest.approx(drawn.value)
    width = np.log(estimate.high / estimate.low)
    assert width == pytest.approx(drawn.high - drawn.low, rel=0.08)


def test_ratio_without_a_false_positive():
    labels, scores = [0] * 20 + [1] * 10, [0.1] * 20 + [0.2] * 5 + [0.9] * 5
    estimate = positive_likelihood_ratio(labels, scores, 0.5)
    assert (estimate.value, estimate.high) == (np.inf, np.inf)
    each = 0.975
    low = sensitivity(labels, scores, 0.5, level=each).low
    assert estimate.low == pytest.approx(
        low / (1 - specificity(labels, scores, 0.5, level=each).low)
    )
    assert "Bonferroni" in estimate.method
    none = positive_likelihood_ratio([0, 0, 1, 1], [0.9, 0.1, 0.2, 0.3], 0.5)
    assert (none.value, none.low) == (0, 0)
    assert none.high > 1
    perfect = negative_likelihood_ratio([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9], 0.5)
    assert (perfect.value, perfect.low) == (0, 0)
    assert 0 < perfect.high < np.inf


def test_number_needed_to_test_is_the_inverse_of_the_ppv():
    labels, scores, groups = sample(2)
    found = positive_predictive_value(labels, scores, 0.8, groups)
    needed = number_needed_to_test(labels, scores, 0.8, groups)
    assert (needed.value, needed.low, needed.high) == pytest.approx(
        (1 / found.value, 1 / found.high, 1 / found.low)
    )
    none = number_needed_to_test([0, 1], [0.9, 0.1], 0.5)
    assert (none.value, none.high) == (np.inf, np.inf)
    assert none.low > 1


def test_ratios_of_nobody_are_refused():
    with pytest.raises(ValueError, match="no score reaches"):
        positive_likelihood_ratio([0, 1], [0.1, 0.2], 0.5)
    with pytest.raises(ValueError, match="every score reaches"):
        negative_likelihood_ratio([0, 1], [0.6, 0.7], 0.5)
    with pytest.raises(ValueError, match="label 0"):
        positive_likelihood_ratio([1, 1], [0.6, 0.7], 0.5)


def test_a_single_patient_with_events_leaves_wide_limits():
    """The share of one patient's events that are called has no variance over patients."""
    labels = [1, 1, 1, 1, *[0] * 40]
    scores = [0.9, 0.9, 0.9, 0.1, *[0.1, 0.1, 0.1, 0.9] * 10]
    estimate = positive_likelihood_ratio(labels, scores, 0.5, [0] * 4 + list(range(1, 41)))
    assert estimate.value == pytest.approx(3)
    assert "Bonferroni" in estimate.method
    assert estimate.low < 1 < estimate.high
