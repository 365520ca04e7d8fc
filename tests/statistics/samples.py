"""Small samples of every kind, ties and lone patients included, for the property tests."""

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from numpy.typing import NDArray

FEW = settings(max_examples=25, deadline=None)


class Sample(NamedTuple):
    labels: NDArray[np.int64]
    scores: NDArray[np.float64]
    others: NDArray[np.float64]
    patients: NDArray[np.int64]

    def taken(self, rows) -> "Sample":
        """The sample of these rows, in this order."""
        return Sample(*(column[rows] for column in self))


@st.composite
def samples(draw, patients=8, levels=10):
    """Both classes, at least two patients; scores are probabilities in steps of 1 / levels."""
    row = st.tuples(
        st.integers(0, 1), st.integers(0, levels), st.integers(0, levels), st.integers(1, patients)
    )
    rows = [(0, *draw(row)[1:3], 1), (1, *draw(row)[1:3], 2), *draw(st.lists(row, max_size=28))]
    labels, scores, others, ids = np.array(rows).T
    return Sample(labels, scores / levels, others / levels, ids)


def same(first, second, tolerance=1e-9):
    """Whether two estimates agree in value and limits."""
    assert (second.value, second.low, second.high) == pytest.approx(
        (first.value, first.low, first.high), abs=tolerance, nan_ok=True
    )


def mirrored(first, second, about=1.0, tolerance=1e-9):
    """Whether the second estimate is `about` less the first."""
    assert (second.value, second.low, second.high) == pytest.approx(
        (about - first.value, about - first.high, about - first.low), abs=tolerance
    )


def holds(estimate, low=0.0, high=1.0):
    """Whether the value lies in its interval, and the interval in its bounds."""
    assert low <= estimate.low <= estimate.value + 1e-9
    assert estimate.value - 1e-9 <= estimate.high <= high
