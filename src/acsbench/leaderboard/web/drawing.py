"""Where intervals and curves lie in a picture; the templates draw them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from acsbench.leaderboard.bands import RiskBand, RocPoint


@dataclass(frozen=True)
class Axis:
    """A scale from `low` to `high`, drawn over 100 units."""

    low: float
    high: float
    ticks: tuple[float, ...]

    def at(self, value: float) -> float:
        """Where a value lies, from 0 to 100; one beyond the scale lies at its end.

        >>> Axis(0.5, 1.0, ()).at(0.75)
        50.0
        """
        share = (value - self.low) / (self.high - self.low)
        return round(100 * min(max(share, 0.0), 1.0), 2)


@dataclass(frozen=True)
class Curve:
    """A line in a square of 100 units, y upwards, between points with whiskers where known.

    Args:
        axis: of both directions.
        points: places x, y of the line, from the left.
        whiskers: for each point its x and both ends of its interval; none for a ROC curve.
    """

    axis: Axis
    points: tuple[tuple[float, float], ...]
    whiskers: tuple[tuple[float, float, float], ...] = ()

    @property
    def line(self) -> str:
        """The attribute `points` of an SVG polyline, whose y goes downwards."""
        return " ".join(f"{x:g},{100 - y:g}" for x, y in self.points)


UNIT = Axis(0.0, 1.0, (0.0, 0.2, 0.4, 0.6, 0.8, 1.0))
RISKS = (
    Axis(0.0, 0.1, (0.0, 0.02, 0.04, 0.06, 0.08, 0.1)),
    Axis(0.0, 0.2, (0.0, 0.05, 0.1, 0.15, 0.2)),
    Axis(0.0, 0.5, (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)),
)


def auroc_axis(limits: Iterable[float]) -> Axis:
    """A scale that holds all limits and ends at tenths.

    Args:
        limits: lower and upper limits of all intervals, in [0, 1].

    Examples:
        >>> auroc_axis([0.71, 0.88]).ticks
        (0.7, 0.8, 0.9)
        >>> auroc_axis([]).ticks
        (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
    """
    known = [limit for limit in limits if math.isfinite(limit)] or [0.5, 1.0]
    # The rounding forgives 0.7000000001.
    first = min(max(math.floor(round(10 * min(known), 6)), 0), 9)
    last = max(min(math.ceil(round(10 * max(known), 6)), 10), first + 1)
    return Axis(first / 10, last / 10, tuple(tenth / 10 for tenth in range(first, last + 1)))


def roc_curve(points: Iterable[RocPoint]) -> Curve:
    """Sensitivity against the false-positive rate."""
    return Curve(
        UNIT,
        tuple((UNIT.at(point.false_positive_rate), UNIT.at(point.sensitivity)) for point in points),
    )


def calibration_curve(bands: Iterable[RiskBand]) -> Curve:
    """Observed against predicted risk, on a scale that no larger risk than needed stretches."""
    bands = list(bands)
    largest = max((max(band.predicted, band.high) for band in bands), default=1.0)
    axis = next((axis for axis in RISKS if largest <= axis.high), UNIT)
    return Curve(
        axis,
        tuple((axis.at(band.predicted), axis.at(band.observed)) for band in bands),
        tuple((axis.at(band.predicted), axis.at(band.low), axis.at(band.high)) for band in bands),
    )
