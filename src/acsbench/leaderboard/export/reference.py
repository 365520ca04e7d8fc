"""What another engine needs beside a submission to score it as the board does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from acsbench.errors import ConfigurationError, DataError
from acsbench.leaderboard.check import Predictions, read_checked
from acsbench.leaderboard.holdout import Holdout, holdout_of
from acsbench.leaderboard.ladder import ladder
from acsbench.leaderboard.released import released
from acsbench.leaderboard.rounding import rounded_estimate
from acsbench.leaderboard.score import RANK_METRIC, metrics
from acsbench.leaderboard.scorecard import SCORING_VERSION
from acsbench.leaderboard.scoring import public_patients
from acsbench.leaderboard.task_names import task_key
from acsbench.statistics import Estimate
from acsbench.tables import read_csv

SOLUTION = "solution.csv"
PATIENTS = "patients.csv"
SCORING = "scoring.json"
_AGAIN = "Export the board again"

Scores = dict[str, float]


class Scoring(BaseModel):
    """How an exported board scores; the file `scoring.json`.

    Args:
        scoring_version: of the code; another version would give other numbers.
        tasks: columns that every submission must have.
        metrics: what is written of each task, of the AUROC with its limits; the first one ranks.
        round_digits: decimals of scores.
        public_step: public AUROCs are shown as multiples of it, as the board's Ladder shows them;
            None where the board has no Ladder.
        max_upload_bytes: largest file that is read.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    scoring_version: str = SCORING_VERSION
    tasks: tuple[str, ...]
    metrics: tuple[str, ...] = ("auroc",)
    round_digits: int
    public_step: float | None = None
    max_upload_bytes: int

    @property
    def rank_key(self) -> str:
        """Name of the number that ranks."""
        return f"{task_key(self.tasks[0])}_{self.metrics[0]}"

    def keys(self) -> list[str]:
        """Names of all numbers of a part, in their order."""
        return [
            f"{task_key(task)}_{metric}{limit}"
            for task in self.tasks
            for metric in self.metrics
            for limit in (("", "_low", "_high") if metric == RANK_METRIC else ("",))
        ]


@dataclass(frozen=True, eq=False)
class Reference:
    """Labels, patients and the partition of an exported board."""

    holdout: Holdout
    public: NDArray[np.bool_]
    scoring: Scoring


def reference_files(reference: Reference) -> dict[str, str]:
    """A reference as files: what is in `solution.csv` is what sklearn's metrics can use too."""
    holdout, scoring = reference.holdout, reference.scoring
    labels = {task: _as_written(holdout.labels[task]) for task in scoring.tasks}
    split = np.where(reference.public, "public", "private")
    solution = pd.DataFrame({"ecg_id": holdout.ecg_ids, **labels, "split": split})
    names = np.array(holdout.patient_ids, dtype=object)[holdout.patients]
    patients = pd.DataFrame({"ecg_id": holdout.ecg_ids, "patient_id": names})
    return {
        SOLUTION: solution.to_csv(index=False, lineterminator="\n"),
        PATIENTS: patients.to_csv(index=False, lineterminator="\n"),
        SCORING: scoring.model_dump_json(indent=2) + "\n",
    }


def read_reference(solution: Path, patients: Path, scoring: Path) -> Reference:
    """Read an exported board's reference, from files that need not lie in one folder.

    Raises:
        ConfigurationError: another version of the scoring code wrote it.
        DataError: a file is missing or damaged, or the two tables name different ECGs.
    """
    settings = _read_scoring(scoring)
    left = read_csv(solution, ("ecg_id", *settings.tasks, "split"), fix=_AGAIN)
    right = read_csv(patients, ("ecg_id", "patient_id"), fix=_AGAIN)
    if list(left["ecg_id"]) != list(right["ecg_id"]):
        raise DataError(
            f"it does not name the ECGs of {solution.name} in the same order",
            file=patients,
            fix=_AGAIN,
        )
    table = left.drop(columns="split").assign(patient_id=right["patient_id"].array)
    return Reference(holdout_of(table), (left["split"] == "public").to_numpy(), settings)


def score_parts(
    solution: str | Path, patients: str | Path, scoring: str | Path, submission: str | Path
) -> dict[str, Scores]:
    """Score a submission as the board does, in the form of the competitions engine.

    Args:
        solution, patients, scoring: files of the reference.
        submission: a participant's file.

    Returns:
        `public_score` and `private_score`, rounded; both with the same names.

    Raises:
        DataError: the file has problems (all are named), or leaves out a task.
    """
    reference = read_reference(Path(solution), Path(patients), Path(scoring))
    settings = reference.scoring
    predictions = read_checked(
        Path(submission),
        reference.holdout.ecg_ids,
        tasks=settings.tasks,
        max_bytes=settings.max_upload_bytes,
    )
    missing = [task for task in settings.tasks if task not in predictions]
    if missing:
        # One without a score on the key that ranks would break that engine's whole board.
        raise DataError(
            f"the file predicts no {' and no '.join(missing)}",
            file=Path(submission).name,
            fix=f"Give the columns ecg_id, {', '.join(settings.tasks)}",
        )
    digits = settings.round_digits
    by_class = public_patients(reference.holdout, reference.public)
    public, private = Scores(), Scores()
    for task in settings.tasks:
        seen = _metrics(reference, predictions, task, reference.public)
        # The limits of a public score follow from its rounded value, as on our own boards.
        area = seen[RANK_METRIC]
        # The engines remember no standing score; a first submission's is all that is ever shown.
        step = settings.public_step
        value = area.value if step is None else ladder(None, area.value, step)
        shown = released(area, value, step or 10**-digits, by_class[task], digits)
        seen[RANK_METRIC] = shown
        public |= _flat(settings, task, seen)
        private |= _flat(settings, task, _metrics(reference, predictions, task, ~reference.public))
    return {"public_score": public, "private_score": private}


def _metrics(
    reference: Reference, predictions: Predictions, task: str, part: NDArray[np.bool_]
) -> dict[str, Estimate]:
    """Metrics of a task on a part of the holdout."""
    holdout = reference.holdout
    rows = part & ~np.isnan(holdout.labels[task])
    return metrics(holdout.labels[task][rows], predictions[task][rows], holdout.patients[rows])


def _flat(settings: Scoring, task: str, estimates: Mapping[str, Estimate]) -> Scores:
    """The numbers of a task by the names of `Scoring.keys`, rounded."""
    scores: Scores = {}
    for metric in settings.metrics:
        estimate = rounded_estimate(estimates[metric], settings.round_digits)
        name = f"{task_key(task)}_{metric}"
        scores[name] = estimate.value
        if metric == RANK_METRIC:
            scores |= {f"{name}_low": estimate.low, f"{name}_high": estimate.high}
    return scores


def _as_written(labels: NDArray[np.float64]) -> list[str]:
    return ["" if np.isnan(label) else str(int(label)) for label in labels]


def _read_scoring(path: Path) -> Scoring:
    try:
        settings = Scoring.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, ValidationError) as error:
        raise DataError(
            "the file cannot be read as the settings of an export",
            file=path,
            fix=_AGAIN,
        ) from error
    if settings.scoring_version != SCORING_VERSION:
        raise ConfigurationError(
            f"{path.name} was exported for scoring version {settings.scoring_version}, and the "
            f"installed acsbench scores with {SCORING_VERSION}; export the board again"
        )
    return settings
