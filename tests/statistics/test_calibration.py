import numpy as np
import pytest
from sklearn.metrics import brier_score_loss

from acsbench.statistics import brier


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
