import numpy as np
import pytest

from acsbench.statistics import bootstrap


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
