"""Two models on the same rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from acsbench.statistics.auroc import auroc, placements, variance_of_placements
from acsbench.statistics.checks import checked_rows
from acsbench.statistics.estimate import Estimate
from acsbench.statistics.intervals import wald


@dataclass(frozen=True)
class Comparison:
    """A paired difference and its test.

    Args:
        difference: first less second, with its interval.
        z: difference over its standard error.
        p: two-sided, for the hypothesis of no difference.
    """

    difference: Estimate
    z: float
    p: float


def compare_auroc(
    labels: ArrayLike,
    a: ArrayLike,
    b: ArrayLike,
    groups: ArrayLike | None = None,
    level: float = 0.95,
) -> Comparison:
    """Difference between two areas under the curve that were measured on the same rows.

    DeLong's test with Wald limits cut at −1 and 1, or with `groups` its extension to patients
    with several rows. Where the variance says nothing, because it cannot be estimated (see
    `auroc`) or because it is 0 although the areas differ, `z` and `p` are NaN and the limits
    are the widest that the interval of each area allows (Bonferroni). Scores that rank all rows
    alike have difference 0, `z` 0 and `p` 1.

    Args:
        labels: 0/1, shape (n,).
        a, b: scores of the two models, finite, shape (n,).
        groups: patient of each row, shape (n,); None takes rows as independent.
        level: confidence level.

    Raises:
        ValueError: a label is not 0/1, a score is NaN or infinite, lengths differ, or all labels
            are the same.

    References:
        DeLong et al., Biometrics 44:837 (1988); Obuchowski, Biometrics 53:567 (1997).

    Examples:
        >>> labels = [0, 0, 0, 0, 1, 1, 1, 1]
        >>> a = [0.1, 0.2, 0.3, 0.7, 0.4, 0.6, 0.8, 0.9]
        >>> b = [0.1, 0.5, 0.7, 0.3, 0.2, 0.4, 0.8, 0.6]
        >>> comparison = compare_auroc(labels, a, b)
        >>> print(comparison.difference, f"z = {comparison.z:.2f}, p = {comparison.p:.2f}")
        0.250 (−0.240 to 0.740) z = 1.00, p = 0.32
    """
    first = checked_rows(labels, a, groups, name="scores of the first model")
    second = checked_rows(labels, b, name="scores of the second model")
    parts = placements(first.events, first.scores) - placements(second.events, second.scores)
    difference = float(parts[first.events].mean())
    variance = variance_of_placements(parts, first)
    low, high = wald(difference, variance, level, bounds=(-1.0, 1.0))
    method = "DeLong, paired, Wald"
    if first.groups is not None:
        method = "clustered DeLong (Obuchowski), paired, Wald"
    if not parts.any():
        z, p = 0.0, 1.0
    elif 0 < variance < np.inf:
        z = float(difference / np.sqrt(variance))
        p = float(2 * ndtr(-abs(z)))
    else:
        z = p = float("nan")
        each = 1 - (1 - level) / 2
        of_a, of_b = (auroc(labels, scores, groups, each) for scores in (a, b))
        low, high = of_a.low - of_b.high, of_a.high - of_b.low
        method = "Bonferroni, from the interval of each area"
    return Comparison(
        Estimate(
            difference,
            low,
            high,
            level,
            method,
            len(parts),
            int(first.events.sum()),
            first.n_groups,
        ),
        z,
        p,
    )
