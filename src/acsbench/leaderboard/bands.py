"""Curves in bands of so many patients that none of them can be told apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from acsbench.disclosure import SMALLEST_CELL
from acsbench.statistics import event_rate

_STEPS = 20
_BINS = 10
_DECIMALS = 2


@dataclass(frozen=True)
class RocPoint:
    """Share of the non-events, and of the events, that are called."""

    false_positive_rate: float
    sensitivity: float


@dataclass(frozen=True)
class RiskBand:
    """ECGs of similar predicted risk: its mean, and the share of events with its interval."""

    predicted: float
    observed: float
    low: float
    high: float
    level: float


def roc_points(
    labels: NDArray[np.float64], scores: NDArray[np.float64], patients: NDArray[np.intp]
) -> tuple[RocPoint, ...]:
    """A coarse ROC curve, from (0, 0) to (1, 1).

    The steps of the exact curve tell the label of each ECG to whoever knows the scores. Here the
    false-positive rate goes in steps of 5 %, which are joined until each holds at least eleven
    patients with an event and eleven with a non-event; numbers are rounded to two decimals.

    Args:
        labels: 0/1, shape (n,).
        scores: finite, shape (n,).
        patients: patient of each row, shape (n,).
    """
    others = np.sort(scores[labels == 0])
    inner = np.arange(1, _STEPS) / _STEPS
    edges = np.unique(others[np.floor(inner * len(others)).astype(int)])
    # Band 0 holds the highest scores.
    band = len(edges) - np.searchsorted(edges, scores, side="right")
    joined = join_bands(band, labels, patients)
    points = [RocPoint(0.0, 0.0)]
    for last in range(int(joined.max()) + 1):
        called = joined <= last
        rates = (called[labels == value].mean() for value in (0, 1))
        points.append(RocPoint(*(round(float(rate), _DECIMALS) for rate in rates)))
    return tuple(points)


def risk_bands(
    labels: NDArray[np.float64],
    probabilities: NDArray[np.float64],
    patients: NDArray[np.intp],
    level: float = 0.95,
) -> tuple[RiskBand, ...]:
    """Observed against predicted risk in up to ten bands, joined as in `roc_points`."""
    ranked = np.sort(probabilities)
    inner = np.arange(1, _BINS) / _BINS
    edges = np.unique(ranked[np.floor(inner * len(ranked)).astype(int)])
    joined = join_bands(np.searchsorted(edges, probabilities, side="right"), labels, patients)
    bands = []
    for k in range(int(joined.max()) + 1):
        rows = joined == k
        rate = event_rate(labels[rows], patients[rows], level)
        numbers = (probabilities[rows].mean(), rate.value, rate.low, rate.high)
        predicted, observed, low, high = (round(float(each), _DECIMALS) for each in numbers)
        bands.append(RiskBand(predicted, observed, low, high, level))
    return tuple(bands)


def join_bands(
    band: NDArray[np.intp], labels: NDArray[np.float64], patients: NDArray[np.intp]
) -> NDArray[np.intp]:
    """Bands joined with the next until each holds enough patients of either label.

    Args:
        band: number of each row's band, from 0, shape (n,).
        labels: 0/1, shape (n,).
        patients: patient of each row, shape (n,).

    Returns:
        Numbers of the joined bands in the same order, from 0 without gaps, shape (n,); a single
        band where there are too few patients for two.
    """
    joined_of = np.zeros(int(band.max()) + 1, dtype=np.intp)
    current, start = 0, 0
    for last in range(len(joined_of)):
        joined_of[last] = current
        inside = (band >= start) & (band <= last)
        if _enough(inside, labels, patients):
            current, start = current + 1, last + 1
    # What is left over is too small to stand alone.
    joined_of = np.minimum(joined_of, max(current - 1, 0))
    return joined_of[band]


def _enough(
    rows: NDArray[np.bool_], labels: NDArray[np.float64], patients: NDArray[np.intp]
) -> bool:
    return all(
        len(np.unique(patients[rows & (labels == value)])) >= SMALLEST_CELL for value in (0, 1)
    )
