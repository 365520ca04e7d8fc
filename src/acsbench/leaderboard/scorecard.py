"""All that is computed of a submission at once, to be kept: the scorecard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import ConfigDict, TypeAdapter

from acsbench.errors import DataError
from acsbench.leaderboard.bands import RiskBand, RocPoint, risk_bands, roc_points
from acsbench.leaderboard.holdout import Holdout
from acsbench.leaderboard.score import metrics
from acsbench.leaderboard.subgroups import Subgroup, subgroups
from acsbench.statistics import Comparison, Estimate, compare_auroc

SCORING_VERSION = "2"
"""Raised whenever the same submission and the same labels may give other numbers."""

SIGNS = ("has_st_eleva", "has_depress", "has_twave_inver", "has_twave_abnormal")
"""The study's four flags of a reading: ST elevation and depression, T inverted or abnormal."""

Part = Literal["public", "private"]
PARTS: tuple[Part, Part] = ("public", "private")


@dataclass(frozen=True)
class AgainstSigns:
    """AUROC of a submission less that of counting the signs that a reader saw.

    Args:
        difference: of the areas, on the same ECGs.
        p: two-sided, of the paired test; None where the difference has no standard error.
    """

    difference: Estimate
    p: float | None


@dataclass(frozen=True)
class PartScore:
    """One task on one part of the holdout.

    Args:
        metrics: by the names in `METRICS`.
        subgroups: AUROC by group; groups of few patients are hidden.
        roc: a coarse ROC curve.
        calibration: observed against predicted risk, in bands.
        signs: the comparison with the signs, if the labels come with them.
    """

    __pydantic_config__ = ConfigDict(ser_json_inf_nan="strings")

    metrics: dict[str, Estimate]
    subgroups: tuple[Subgroup, ...]
    roc: tuple[RocPoint, ...]
    calibration: tuple[RiskBand, ...]
    signs: AgainstSigns | None


@dataclass(frozen=True)
class Scorecard:
    """What is known of a submission.

    Args:
        scoring_version: that of the code.
        labels_digest: that of the labels.
        tasks: by task and by part.
    """

    __pydantic_config__ = ConfigDict(ser_json_inf_nan="strings")

    scoring_version: str
    labels_digest: str
    tasks: dict[str, dict[Part, PartScore]]

    def to_json(self) -> str:
        """As JSON; infinite numbers and NaN become text."""
        return _ADAPTER.dump_json(self).decode()

    @classmethod
    def from_json(cls, text: str | bytes) -> Scorecard:
        """A scorecard from its JSON.

        Raises:
            pydantic.ValidationError: it is none.
        """
        return _ADAPTER.validate_json(text)


_ADAPTER = TypeAdapter(Scorecard)


def score_predictions(
    holdout: Holdout, predictions: Mapping[str, NDArray[np.float64]], public: NDArray[np.bool_]
) -> Scorecard:
    """Score predictions on both parts of the holdout.

    Args:
        holdout: the labels.
        predictions: probabilities by task, in the order of the holdout's ids, shape (n,) each.
        public: which ECGs belong to the public part, shape (n,).

    Raises:
        DataError: a part has fewer than two patients with, or without, the event of a task.
    """
    check_parts(holdout, public, tuple(predictions))
    return Scorecard(
        SCORING_VERSION,
        holdout.digest,
        {
            task: {
                part: _score_part(
                    holdout, task, probabilities, rows_of(holdout, task, part, public)
                )
                for part in PARTS
            }
            for task, probabilities in predictions.items()
        },
    )


def rows_of(
    holdout: Holdout, task: str, part: Part, public: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """The ECGs of a part that have a label of the task, shape (n,)."""
    in_part = public if part == "public" else ~public
    return in_part & ~np.isnan(holdout.labels[task])


def check_parts(
    holdout: Holdout, public: NDArray[np.bool_], tasks: Sequence[str] | None = None
) -> None:
    """Make sure that each task can be scored on each part.

    Raises:
        DataError: a part has fewer than two patients with, or without, the event of a task.
    """
    for task in holdout.tasks if tasks is None else tasks:
        for part in PARTS:
            rows = rows_of(holdout, task, part, public)
            for value, who in ((1, "with"), (0, "without")):
                patients = holdout.patients[rows & (holdout.labels[task] == value)]
                if len(np.unique(patients)) < 2:
                    raise DataError(
                        f"the {part} part has fewer than two patients {who} the event",
                        column=task,
                        fix="Choose another public share or seed, or hold out more patients",
                    )


def _score_part(
    holdout: Holdout, task: str, probabilities: NDArray[np.float64], rows: NDArray[np.bool_]
) -> PartScore:
    labels, patients = holdout.labels[task][rows], holdout.patients[rows]
    scores = probabilities[rows]
    covariates = holdout.covariates[rows]
    seen = signs_seen(covariates)
    return PartScore(
        metrics=metrics(labels, scores, patients),
        subgroups=subgroups(covariates, labels, scores, patients),
        roc=roc_points(labels, scores, patients),
        calibration=risk_bands(labels, scores, patients),
        signs=None if seen is None else _against(compare_auroc(labels, scores, seen, patients)),
    )


def signs_seen(covariates: pd.DataFrame) -> NDArray[np.float64] | None:
    """How many of the signs a reader saw in each ECG, shape (n,); None without their columns.

    A sign that is not known counts as not seen.

    Args:
        covariates: of a holdout, whose flags are 1, 0 or NaN.
    """
    present = [name for name in SIGNS if name in covariates]
    if not present:
        return None
    return (covariates[present].to_numpy(np.float64) == 1).sum(axis=1).astype(np.float64)


def _against(comparison: Comparison) -> AgainstSigns:
    return AgainstSigns(comparison.difference, None if np.isnan(comparison.p) else comparison.p)
