"""A number with its interval."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Estimate:
    """A statistic, its confidence interval and what it rests on.

    Args:
        value: the statistic.
        low, high: limits of the interval.
        level: confidence level, such as 0.95.
        method: how the interval was made, in words.
        n: rows, such as ECGs.
        events: rows with label 1.
        groups: patients whose rows were kept together; None where rows count as independent.

    Examples:
        >>> estimate = Estimate(0.8781, 0.8329, 0.9234, 0.95, "DeLong, Wald", 315, 120, None)
        >>> print(estimate)
        0.878 (0.833–0.923)
        >>> f"{estimate:.2f}"
        '0.88 (0.83–0.92)'
    """

    value: float
    low: float
    high: float
    level: float
    method: str
    n: int
    events: int
    groups: int | None

    def __format__(self, spec: str) -> str:
        """Value and limits; `spec` formats each number and is `.3f` unless given."""
        value, low, high = (
            # A typographic minus, which no reader takes for a dash of the range.
            format(number, spec or ".3f").replace("-", "−")
            for number in (self.value, self.low, self.high)
        )
        between = " to " if "−" in low + high else "–"
        return f"{value} ({low}{between}{high})"

    def __str__(self) -> str:
        return format(self, "")
