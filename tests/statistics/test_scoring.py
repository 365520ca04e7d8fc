import numpy as np
import pytest
import statsmodels.api as sm
from scipy.special import expit, logit
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import brier_score_loss
from sklearn.metrics import log_loss as sklearn_log_loss

from acsbench.statistics import brier, brier_decomposition, log_loss


def test_value_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    labels, probabilities = rng.integers(0, 2, 300), rng.random(300)
    estimate = brier(labels, probabilities)
    assert estimate.value == pytest.approx(brier_score_loss(labels, probabilities))
    squares = (labels - probabilities) ** 2
    assert estimate.high - estimate.value == pytest.approx(
        1.959964 * squares.std(ddof=1) / np.sqrt(300)
    )


def test_clustered_variance_patient_by_patient():
    rng = np.random.default_rng(1)
    groups = np.repeat(np.arange(30), rng.integers(1, 6, 30))
    labels = rng.integers(0, 2, len(groups))
    probabilities = rng.random(30)[groups]
    squares = (labels - probabilities) ** 2
    mean = squares.mean()
    total = 0.0
    for group in range(30):
        total += sum(value - mean for value in squares[groups == group]) ** 2
    error = np.sqrt(30 / 29 * total) / len(groups)
    estimate = brier(labels, probabilities, groups)
    assert (estimate.low, estimate.high) == pytest.approx(
        (mean - 1.959964 * error, mean + 1.959964 * error), abs=1e-7
    )


def test_one_row_per_patient_changes_nothing():
    rng = np.random.default_rng(2)
    labels, probabilities = rng.integers(0, 2, 50), rng.random(50)
    plain, singletons = brier(labels, probabilities), brier(labels, probabilities, range(50))
    assert (plain.low, plain.high) == pytest.approx((singletons.low, singletons.high))


def test_flipped_labels_and_doubled_rows():
    rng = np.random.default_rng(3)
    labels, probabilities, groups = rng.integers(0, 2, 50), rng.random(50), rng.integers(0, 20, 50)
    estimate = brier(labels, probabilities, groups)
    flipped = brier(1 - labels, 1 - probabilities, groups)
    doubled = brier(np.tile(labels, 2), np.tile(probabilities, 2), np.tile(groups, 2))
    for other in (flipped, doubled):
        assert (other.value, other.low, other.high) == pytest.approx(
            (estimate.value, estimate.low, estimate.high)
        )


def test_degenerate():
    right = brier([0, 1] * 10, [0, 1] * 10)
    assert (right.value, right.low) == (0, 0)
    assert right.high == pytest.approx(1 - 0.025 ** (1 / 20))
    wrong = brier([0, 1] * 10, [1, 0] * 10, groups=np.arange(20) // 2)
    assert wrong.low == pytest.approx(0.025 ** (1 / 10))
    one = brier([0, 1], [0.2, 0.7], ["a", "a"])
    assert (one.low, one.high) == (0, 1)
    assert brier([1, 1], [0.5, 0.9]).value == pytest.approx(0.13)


def test_probabilities_lie_between_0_and_1():
    with pytest.raises(ValueError, match=r"1 of 2 probabilities lie outside"):
        brier([0, 1], [0.2, 1.2])


def clustered_sample(rng, patients=80):
    groups = np.repeat(np.arange(patients), rng.integers(1, 4, patients))
    risk = expit(rng.normal(-0.5, 1.2, patients))[groups]
    labels = (rng.random(len(groups)) < risk).astype(int)
    return labels, np.round(expit(1.4 * logit(risk) + 0.3), 2).clip(0.01, 0.99), groups


def test_log_loss_is_that_of_scikit_learn():
    labels, probabilities, groups = clustered_sample(np.random.default_rng(4))
    estimate = log_loss(labels, probabilities, groups)
    assert estimate.value == pytest.approx(sklearn_log_loss(labels, probabilities), abs=1e-12)
    losses = -np.where(labels, np.log(probabilities), np.log1p(-probabilities))
    ones = np.ones(len(losses))
    fit = sm.OLS(losses, ones).fit(
        cov_type="cluster", cov_kwds={"groups": groups, "use_correction": False}
    )
    reach = 1.959963985 * fit.bse[0] * np.sqrt(80 / 79)
    assert estimate.high - estimate.value == pytest.approx(reach, abs=1e-8)


def test_impossible_events_cost_everything():
    estimate = log_loss([0, 1, 1], [0.2, 0.9, 0.0])
    assert (estimate.value, estimate.low, estimate.high) == (np.inf, 0, np.inf)
    assert "impossible" in estimate.method
    assert log_loss([0, 1], [0.0, 1.0]).value == 0


def test_decomposition_adds_up():
    labels, probabilities, groups = clustered_sample(np.random.default_rng(5))
    parts = brier_decomposition(labels, probabilities, groups, resamples=50)
    total = parts.reliability.value - parts.resolution.value + parts.uncertainty.value
    assert total == pytest.approx(parts.brier.value, abs=1e-12)
    assert parts.brier == brier(labels, probabilities, groups)
    prevalence = labels.mean()
    assert parts.uncertainty.value == pytest.approx(prevalence * (1 - prevalence))


def test_reliability_is_what_isotonic_regression_takes_off():
    labels, probabilities, _ = clustered_sample(np.random.default_rng(6))
    parts = brier_decomposition(labels, probabilities, resamples=2)
    recalibrated = IsotonicRegression().fit_transform(probabilities, labels)
    gain = brier_score_loss(labels, probabilities) - brier_score_loss(labels, recalibrated)
    assert parts.reliability.value == pytest.approx(gain, abs=1e-12)


def test_decomposition_with_few_probabilities_is_murphys():
    """Rates that rise with the probability need no isotonic fit: Murphy's sums over groups."""
    labels = np.array([0, 0, 0, 1, 0, 1, 0, 1, 1, 1])
    probabilities = np.array([0.1] * 4 + [0.4] * 3 + [0.7] * 3)
    parts = brier_decomposition(labels, probabilities, resamples=2)
    rates, sizes = np.array([1 / 4, 1 / 3, 1]), np.array([4, 3, 3])
    reliability = sizes @ (np.array([0.1, 0.4, 0.7]) - rates) ** 2 / 10
    resolution = sizes @ (rates - 0.5) ** 2 / 10
    assert parts.reliability.value == pytest.approx(reliability)
    assert parts.resolution.value == pytest.approx(resolution)


def test_a_constant_that_says_the_prevalence():
    parts = brier_decomposition([0, 1, 0, 0], [0.25] * 4, resamples=20)
    assert (parts.reliability.value, parts.resolution.value) == (0, 0)
    assert parts.uncertainty.value == parts.brier.value == 0.1875
