"""The order of submissions, and which differences in it are more than chance."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from acsbench.leaderboard.holdout import Holdout
from acsbench.statistics import Estimate, compare_auroc, holm

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class Difference:
    """A submission against another on the same ECGs.

    Args:
        difference: of the AUROCs, this less the other.
        p: two-sided, of the paired test; None where the difference has no standard error.
        p_adjusted: for the number of comparisons (Holm); None likewise.
        differs: whether it is more than chance explains, all comparisons together.
    """

    difference: Estimate
    p: float | None
    p_adjusted: float | None
    differs: bool


def ranks(scores: Sequence[float]) -> list[int]:
    """Rank of each score from the highest, 1; equal scores share the better rank.

    Examples:
        >>> ranks([0.81, 0.90, 0.81, 0.70])
        [2, 1, 2, 4]
    """
    ordered = sorted(scores, reverse=True)
    return [ordered.index(score) + 1 for score in scores]


def compare_with(
    holdout: Holdout,
    task: str,
    rows: NDArray[np.bool_],
    reference: NDArray[np.float64],
    others: Mapping[Key, NDArray[np.float64]],
    level: float = 0.95,
) -> dict[Key, Difference]:
    """Each of some submissions against one, such as the best.

    DeLong's paired test over patients. The p values are adjusted for being several. Which
    submission is the best is seen on the same ECGs, which makes differences from it look a little
    larger than they are.

    Args:
        holdout: the labels.
        task: the task.
        rows: ECGs that count, such as `rows_of` a part, shape (n,).
        reference: probabilities of the one, shape (n,).
        others: probabilities of the others, shape (n,) each.
        level: confidence level of each difference; 1 − level is the chance of any false claim.
    """
    labels, patients = holdout.labels[task][rows], holdout.patients[rows]
    found = {
        key: compare_auroc(labels, scores[rows], reference[rows], patients, level)
        for key, scores in others.items()
    }
    adjusted = holm([comparison.p for comparison in found.values()])
    return {
        key: Difference(
            comparison.difference,
            _number(comparison.p),
            _number(float(p)),
            bool(p < 1 - level) if p == p else _excludes_zero(comparison.difference),
        )
        for (key, comparison), p in zip(found.items(), adjusted, strict=True)
    }


def _excludes_zero(difference: Estimate) -> bool:
    # Without a variance there is no test, as of a perfect ranking against none.
    return difference.low > 0 or difference.high < 0


def _number(p: float) -> float | None:
    return None if np.isnan(p) else p
