"""A submission's scorecard as its page shows it."""

from __future__ import annotations

from dataclasses import dataclass

from acsbench.leaderboard.scorecard import AgainstSigns, PartScore, Scorecard
from acsbench.leaderboard.subgroups import Subgroup
from acsbench.leaderboard.web.drawing import Curve, calibration_curve, roc_curve
from acsbench.statistics import Estimate


@dataclass(frozen=True)
class Result:
    """One task.

    Args:
        metrics: by name, on the private and on the public part.
        roc: on the private part, as all below.
        calibration: observed against predicted risk.
        subgroups: AUROC by group.
        signs: the comparison with the signs that a reader saw, if there were any.
    """

    metrics: dict[str, tuple[Estimate, Estimate]]
    roc: Curve
    calibration: Curve
    subgroups: tuple[Subgroup, ...]
    signs: AgainstSigns | None


def results_of(scorecard: Scorecard | None) -> dict[str, Result]:
    """What a page shows of a scorecard, by task; nothing while it is not to be shown."""
    tasks = {} if scorecard is None else scorecard.tasks
    return {task: _result(parts["private"], parts["public"]) for task, parts in tasks.items()}


def _result(private: PartScore, public: PartScore) -> Result:
    return Result(
        metrics={
            name: (estimate, public.metrics[name]) for name, estimate in private.metrics.items()
        },
        roc=roc_curve(private.roc),
        calibration=calibration_curve(private.calibration),
        subgroups=private.subgroups,
        signs=private.signs,
    )
