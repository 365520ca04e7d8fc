import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from acsbench.statistics import average_precision, bootstrap


def sample(rng, patients=60, decimals=1):
    groups = np.repeat(np.arange(patients), rng.integers(1, 4, patients))
    labels = (rng.random(patients) < 0.3).astype(int)[groups]
    scores = labels + rng.standard_normal(patients)[groups] + rng.standard_normal(len(groups))
    return labels, np.round(scores, decimals), groups


@pytest.mark.parametrize("decimals", [0, 1, 8])
def test_value_is_that_of_scikit_learn(decimals):
    labels, scores, groups = sample(np.random.default_rng(decimals), decimals=decimals)
    estimate = average_precision(labels, scores, groups, resamples=50)
    assert estimate.value == pytest.approx(average_precision_score(labels, scores), abs=1e-12)
    assert estimate.low < estimate.value < estimate.high
    assert (estimate.n, estimate.events, estimate.groups) == (len(labels), labels.sum(), 60)


def test_standard_error_is_that_of_a_bootstrap_that_copies_rows():
    labels, scores, groups = sample(np.random.default_rng(7))
    rng = np.random.default_rng(1)
    members = [np.flatnonzero(groups == g) for g in range(60)]
    draws = []
    for _ in range(800):
        rows = np.concatenate([members[g] for g in rng.integers(60, size=60)])
        draws.append(average_precision_score(labels[rows], scores[rows]))
    estimate = average_precision(labels, scores, groups, resamples=800)
    v = estimate.value
    logit_width = np.log(estimate.high / (1 - estimate.high)) - np.log(
        estimate.low / (1 - estimate.low)
    )
    assert logit_width == pytest.approx(2 * 1.96 * np.std(draws) / (v * (1 - v)), rel=0.1)


def test_weights_stand_for_copies():
    """Each resample's value is scikit-learn's with the counts as weights."""
    labels, scores, groups = sample(np.random.default_rng(8))
    seen = []

    def statistic(weights):
        seen.append(weights)
        return average_precision_score(labels, scores, sample_weight=weights)

    expected = bootstrap(statistic, labels, groups, resamples=200, seed=4)
    assert all(len({*weights[groups == g]}) == 1 for weights in seen for g in (0, 5))
    ours = average_precision(labels, scores, groups, resamples=200, seed=4)
    assert ours.value == pytest.approx(expected.value)
    # Percentiles and logit limits differ, but not by much here.
    assert (ours.low, ours.high) == pytest.approx((expected.low, expected.high), abs=0.06)


def test_seed_and_order():
    labels, scores, groups = sample(np.random.default_rng(9), decimals=8)
    first = average_precision(labels, scores, groups, resamples=100)
    assert first == average_precision(labels, scores, groups, resamples=100)
    order = np.random.default_rng(0).permutation(len(labels))
    assert first == average_precision(labels[order], scores[order], groups[order], resamples=100)
    assert first.low != average_precision(labels, scores, groups, resamples=100, seed=1).low
    monotone = average_precision(labels, np.exp(scores), groups, resamples=100)
    assert monotone == first


def test_perfect_separation_is_not_certainty():
    labels = [0] * 30 + [1] * 20
    estimate = average_precision(labels, range(50), resamples=20)
    assert (estimate.value, estimate.high) == (1, 1)
    assert estimate.low == pytest.approx(0.025 ** (1 / 20))
    clustered = average_precision(labels, range(50), [i // 4 for i in range(50)], resamples=20)
    assert clustered.low == pytest.approx(0.025 ** (1 / 6))


def test_one_patient_cannot_be_resampled():
    with pytest.raises(ValueError, match="one patient"):
        average_precision([0, 1], [0.1, 0.2], ["a", "a"])
