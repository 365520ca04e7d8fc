import numpy as np
import pytest

from acsbench.statistics import (
    bootstrap,
    event_rate,
    event_rate_by_percentile,
    positive_predictive_value,
    sensitivity,
    threshold_at_capacity,
    yield_at_capacity,
)


def sample(seed, patients=100, decimals=8):
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(patients), rng.integers(1, 4, patients))
    labels = (rng.random(patients) < 0.3).astype(int)[groups]
    scores = labels + rng.standard_normal(patients)[groups] + rng.standard_normal(len(groups))
    return labels, np.round(scores, decimals), groups


SHARES = [0.05, 0.1, 0.2, 0.5]


def test_yield_without_ties_is_the_sensitivity_of_a_full_capacity():
    labels, scores, groups = (column[:200] for column in sample(0, patients=120))
    found = yield_at_capacity(labels, scores, SHARES, groups, resamples=20)
    for share, estimate in zip(SHARES, found, strict=True):
        threshold = threshold_at_capacity(scores, share)
        assert estimate.value == pytest.approx(sensitivity(labels, scores, threshold).value)


def test_ties_are_taken_in_part():
    labels = [1, 0, 1, 0, 0, 0, 0, 1]
    tied = yield_at_capacity(labels, [0.9] + [0.5] * 7, [0.125, 0.5, 1], resamples=20)
    # After the first row, 3 of the 7 tied rows are taken, and with them 3/7 of the two events.
    assert [each.value for each in tied] == pytest.approx([1 / 3, (1 + 6 / 7) / 3, 1])
    nothing = yield_at_capacity(labels, [0.5] * 8, SHARES, resamples=20)
    assert [each.value for each in nothing] == pytest.approx(SHARES)


def test_draws_are_those_of_the_plain_bootstrap():
    labels, scores, groups = sample(2, decimals=1)
    order = np.argsort(-scores, kind="stable")

    def found(weights):
        """Whole copies of rows, a tie at the border taken in equal parts."""
        copies = np.repeat(order, weights[order].astype(int))
        places = 0.2 * len(copies)
        border = scores[copies][int(np.ceil(places)) - 1]
        above, tied = copies[scores[copies] > border], copies[scores[copies] == border]
        part = (places - len(above)) / len(tied)
        return (labels[above].sum() + part * labels[tied].sum()) / labels[copies].sum()

    expected = bootstrap(found, labels, groups, resamples=300, seed=5)
    estimate = yield_at_capacity(labels, scores, [0.2], groups, resamples=300, seed=5)[0]
    assert (estimate.value, estimate.low, estimate.high) == pytest.approx(
        (expected.value, expected.low, expected.high)
    )
    assert estimate.method == expected.method


def test_all_or_nothing_is_not_certainty():
    labels, scores = [1] * 6 + [0] * 94, [1.0] * 6 + [0.0] * 94
    groups = [0, 0, 1, 1, 2, 2, *range(3, 97)]
    everything = yield_at_capacity(labels, scores, [0.5], groups, resamples=50)[0]
    assert (everything.value, everything.high) == (1, 1)
    assert everything.low == pytest.approx(0.025 ** (1 / 3))
    nothing = yield_at_capacity(labels, [-score for score in scores], [0.01], resamples=50)[0]
    assert (nothing.value, nothing.low) == (0, 0)
    assert nothing.high == pytest.approx(1 - 0.025 ** (1 / 6))


def test_event_rate_by_percentile_is_the_ppv_of_the_percentile():
    labels, scores, groups = sample(3)
    rates = event_rate_by_percentile(labels, scores, [0, 50, 90, 99], groups)
    everybody = event_rate(labels, groups)
    assert (rates[0].value, rates[0].low) == (everybody.value, everybody.low)
    for percentile, rate in zip([50, 90, 99], rates[1:], strict=True):
        cut = np.sort(scores)[int(percentile / 100 * len(scores))]
        found = positive_predictive_value(labels, scores, cut, groups)
        assert (rate.value, rate.low, rate.high) == (found.value, found.low, found.high)


def test_bad_shares_and_percentiles():
    with pytest.raises(ValueError, match="shares must lie"):
        yield_at_capacity([0, 1], [0.1, 0.2], [20])
    with pytest.raises(ValueError, match="percentiles"):
        event_rate_by_percentile([0, 1], [0.1, 0.2], [100])
    with pytest.raises(ValueError, match="one patient"):
        yield_at_capacity([0, 1], [0.1, 0.2], [0.5], ["a", "a"])
