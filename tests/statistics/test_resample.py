import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from acsbench.statistics import auroc, bootstrap, bootstrap_auroc


def test_error_of_a_mean():
    """Drawing patients reproduces the known error of a mean of correlated rows."""
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(200), 4)
    values = rng.standard_normal(200)[groups]
    labels = np.tile([0, 1], 400)

    def mean(weights):
        return float(np.average(values, weights=weights))

    clustered = bootstrap(mean, labels, groups)
    rows = bootstrap(mean, labels)
    assert (clustered.high - clustered.low) / 3.92 == pytest.approx(1 / np.sqrt(200), rel=0.12)
    assert (rows.high - rows.low) / 3.92 == pytest.approx(1 / np.sqrt(800), rel=0.12)
    assert clustered.value == pytest.approx(values.mean())
    assert "patients" in clustered.method
    assert "rows" in rows.method
    assert (clustered.n, clustered.events, clustered.groups) == (800, 400, 200)


def test_seed():
    labels = [0, 1, 0, 1, 1, 0]

    def share(weights):
        return float(weights[0] / weights.sum())

    assert bootstrap(share, labels, seed=3) == bootstrap(share, labels, seed=3)
    assert bootstrap(share, labels, resamples=100, seed=3) != bootstrap(
        share, labels, resamples=100, seed=4
    )


def test_every_draw_has_both_classes():
    labels = np.array([1] + [0] * 9)

    def statistic(weights):
        assert 0 < weights @ labels < weights.sum()
        return 0.0

    bootstrap(statistic, labels, resamples=200)


def test_refuses_what_cannot_be_resampled():
    with pytest.raises(ValueError, match="one patient"):
        bootstrap(np.sum, [0, 1], ["a", "a"])
    with pytest.raises(ValueError, match="1 resamples"):
        bootstrap(np.sum, [0, 1], resamples=1)
    with pytest.raises(ValueError, match="level"):
        bootstrap(np.sum, [0, 1], level=95)


@pytest.mark.parametrize("decimals", [0, 1, 8])
@pytest.mark.parametrize("clustered", [True, False])
def test_draws_of_the_area_are_those_of_scikit_learn(clustered, decimals):
    rng = np.random.default_rng(decimals)
    groups = rng.integers(0, 40, 100) if clustered else None
    labels, scores = rng.integers(0, 2, 100), np.round(rng.standard_normal(100), decimals)

    def area(weights):
        return roc_auc_score(labels, scores, sample_weight=weights)

    expected = bootstrap(area, labels, groups, resamples=100, seed=1)
    estimate = bootstrap_auroc(labels, scores, groups, resamples=100, seed=1)
    assert (estimate.value, estimate.low, estimate.high) == pytest.approx(
        (expected.value, expected.low, expected.high), abs=1e-12
    )
    assert estimate.method == expected.method


def test_bootstrap_of_the_area_agrees_with_the_formula():
    rng = np.random.default_rng(2)
    groups = np.repeat(np.arange(400), rng.integers(1, 4, 400))
    labels = (rng.random(400) < 0.4).astype(int)[groups]
    scores = labels + rng.standard_normal(400)[groups] + 0.5 * rng.standard_normal(len(groups))
    drawn, formula = bootstrap_auroc(labels, scores, groups), auroc(labels, scores, groups)
    assert drawn.value == pytest.approx(formula.value)
    assert drawn.high - drawn.low == pytest.approx(formula.high - formula.low, rel=0.06)
