"""Numbers as members may see them: to all its digits, a number would tell the hidden labels."""

from __future__ import annotations

import math
from dataclasses import replace

from acsbench.leaderboard.scorecard import AgainstSigns, PartScore, Scorecard
from acsbench.leaderboard.subgroups import Subgroup
from acsbench.statistics import Estimate


def rounded(number: float, digits: int) -> float:
    """A number with so many decimals, and no more than one further significant digit.

    A calibration slope can be made as large as one likes, by predictions that hardly vary; its
    decimals alone would not bound what it tells.

    Args:
        number: may be infinite or NaN.
        digits: decimals.

    Examples:
        >>> rounded(0.81372, 3), rounded(-48.1372, 3), rounded(2.718281e9, 3)
        (0.814, -48.14, 2718000000.0)
    """
    if not math.isfinite(number) or number == 0:
        return number
    return round(number, digits - max(math.floor(math.log10(abs(number))), 0))


def rounded_estimate(estimate: Estimate, digits: int) -> Estimate:
    """An estimate whose value and limits are `rounded`."""
    value, low, high = (
        rounded(each, digits) for each in (estimate.value, estimate.low, estimate.high)
    )
    return replace(estimate, value=value, low=low, high=high)


def rounded_scorecard(scorecard: Scorecard, digits: int) -> Scorecard:
    """A scorecard whose numbers are all `rounded`; its curves are coarse by themselves."""
    return replace(
        scorecard,
        tasks={
            task: {part: _part(score, digits) for part, score in parts.items()}
            for task, parts in scorecard.tasks.items()
        },
    )


def _part(score: PartScore, digits: int) -> PartScore:
    return replace(
        score,
        metrics={name: rounded_estimate(each, digits) for name, each in score.metrics.items()},
        subgroups=tuple(_subgroup(each, digits) for each in score.subgroups),
        signs=None if score.signs is None else _against_signs(score.signs, digits),
    )


def _subgroup(group: Subgroup, digits: int) -> Subgroup:
    if group.auroc is None:
        return group
    return replace(group, auroc=rounded_estimate(group.auroc, digits))


def _against_signs(signs: AgainstSigns, digits: int) -> AgainstSigns:
    p = None if signs.p is None else rounded(signs.p, digits)
    return AgainstSigns(rounded_estimate(signs.difference, digits), p)
