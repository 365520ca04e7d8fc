"""Scoring a submission: each task's metrics, with intervals over patients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from acsbench.errors import DataError
from acsbench.leaderboard.check import MAX_BYTES, TASKS, read_checked
from acsbench.leaderboard.holdout import ID, Holdout, holdout_of
from acsbench.statistics import (
    Estimate,
    auroc,
    average_precision,
    brier,
    calibration_intercept,
    calibration_slope,
    sensitivity,
    threshold_at_specificity,
    yield_at_capacity,
)

METRICS = {
    "auroc": "AUROC",
    "auprc": "AUPRC",
    "brier": "Brier score",
    "calibration_intercept": "Calibration intercept",
    "calibration_slope": "Calibration slope",
    "sensitivity_at_90_specificity": "Sensitivity at 90\u00a0% specificity",
    "yield_at_5_percent": "Events among the 5\u00a0% of highest risk",
}
"""Names of the metrics, and what a page calls them. The first ranks."""

RANK_METRIC = "auroc"
SPECIFICITY = 0.90
CAPACITY = 0.05
RESAMPLES = 1000


def score_submission(
    path: Path | str,
    labels: pd.DataFrame | Holdout,
    *,
    tasks: Sequence[str] | None = None,
    max_bytes: int = MAX_BYTES,
) -> dict[str, dict[str, Estimate]]:
    """Score a file of predictions against the labels.

    Every ECG must be predicted, and only those with a label of a task are scored for it. A column
    `probability` is scored for each of `tasks`; name one to score it for that alone.

    Args:
        path: the submission; see `check_submission`.
        labels: one row per ECG: `ecg_id`, `patient_id` and a column of 0 and 1 for each task,
            empty where an ECG is not in the task; see `holdout_of`.
        tasks: those that are scored; by default all of the table.
        max_bytes: size above which the file is not read.

    Returns:
        By task and by metric (`METRICS`); tasks that the file does not predict are missing, and
        what it predicts beside `tasks` is checked but not scored.

    Raises:
        DataError: the submission is refused, for all the reasons that the error gives, or the
            labels cannot be used.
    """
    holdout = labels if isinstance(labels, Holdout) else holdout_of(labels)
    wanted = holdout.tasks if tasks is None else tuple(tasks)
    unknown = [task for task in wanted if task not in holdout.labels]
    if unknown:
        raise DataError(
            f"the labels have no task {unknown[0]!r}", fix=f"Name {' or '.join(holdout.tasks)}"
        )
    allowed = tuple(dict.fromkeys((*TASKS, *holdout.tasks)))
    predictions = read_checked(path, holdout.ecg_ids, tasks=allowed, max_bytes=max_bytes)
    scores = {}
    for task in wanted:
        if task not in predictions:
            continue
        probabilities = predictions[task]
        scored = ~np.isnan(holdout.labels[task])
        scores[task] = metrics(
            holdout.labels[task][scored], probabilities[scored], holdout.patients[scored]
        )
    if not scores:
        raise DataError(
            f"the file predicts no {' and no '.join(wanted)}",
            file=path,
            fix=f"Give the columns {ID} and {' or '.join(wanted)}",
        )
    return scores


def metrics(
    labels: ArrayLike, probabilities: ArrayLike, patients: ArrayLike, level: float = 0.95
) -> dict[str, Estimate]:
    """All metrics of one task, by the names in `METRICS`.

    The threshold of the sensitivity is the submission's own: the smallest that leaves 90 % of the
    non-events among these very ECGs below it, for a submission brings no validation ECGs to choose
    one on. It is therefore a point of the ROC curve, a little optimistic, and equally so for all.
    The interval takes the threshold as given.

    Args:
        labels: 0/1, shape (n,).
        probabilities: in [0, 1], not all the same, shape (n,).
        patients: patient of each ECG, shape (n,).
        level: confidence level.

    Raises:
        ValueError: as for `acsbench.statistics`; all labels are the same, or there is a single
            patient.
    """
    rows = labels, probabilities
    threshold = threshold_at_specificity(labels, probabilities, SPECIFICITY)
    found = yield_at_capacity(*rows, [CAPACITY], patients, level, resamples=RESAMPLES)
    return {
        "auroc": auroc(*rows, patients, level),
        "auprc": average_precision(*rows, patients, level, resamples=RESAMPLES),
        "brier": brier(*rows, patients, level),
        "calibration_intercept": calibration_intercept(*rows, patients, level),
        "calibration_slope": _calibration_slope(*rows, patients, level),
        "sensitivity_at_90_specificity": sensitivity(*rows, threshold, patients, level),
        "yield_at_5_percent": found[0],
    }


def _calibration_slope(
    labels: ArrayLike, probabilities: ArrayLike, patients: ArrayLike, level: float
) -> Estimate:
    """The slope, NaN where the probabilities of these ECGs do not vary enough to have one."""
    try:
        return calibration_slope(labels, probabilities, patients, level)
    except ValueError:
        unknown = auroc(labels, probabilities, patients, level)
        method = "no slope: the probabilities do not vary"
        return replace(unknown, value=np.nan, low=-np.inf, high=np.inf, method=method)
