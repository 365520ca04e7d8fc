"""What the worker knows that nobody else may: the labels, and predictions on them."""

from __future__ import annotations

import gzip
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from acsbench.errors import DataError
from acsbench.leaderboard.check import read_upload
from acsbench.leaderboard.holdout import Holdout, public_part, read_holdout
from acsbench.leaderboard.rank import compare_with
from acsbench.leaderboard.released import Patients, patients_of
from acsbench.leaderboard.scorecard import (
    SCORING_VERSION,
    Part,
    Scorecard,
    rows_of,
    score_predictions,
)
from acsbench.leaderboard.settings import BoardFolder

Predictions = dict[str, NDArray[np.float64]]
REMEMBERED = 64
"""Submissions whose predictions are kept in memory, to be compared with later ones."""


@dataclass(frozen=True)
class Versions:
    """What a score depends on beside the submission."""

    scoring_version: str
    labels_digest: str
    tasks_digest: str


class Scorer:
    """The labels of a board, read once, and scoring against them.

    Args:
        folder: the board's.

    Raises:
        DataError: the labels cannot be used.
    """

    def __init__(self, folder: BoardFolder):
        self._settings = folder.settings
        self._file = folder.labels_file
        self._state = _state_of(self._file)
        self._holdout = read_holdout(self._file)
        if set(self._holdout.ecg_ids) != set(folder.holdout_ids()):
            raise DataError(
                f"its ECGs are not those of {folder.ids_file.name}",
                file=self._file,
                fix="Let both files name the same ECGs",
            )
        self._public = public_part(
            self._holdout, self._settings.public_share, self._settings.partition_seed
        )
        self.public_patients = public_patients(self._holdout, self._public)
        self._remembered: OrderedDict[int, Predictions] = OrderedDict()
        self.versions = Versions(SCORING_VERSION, self._holdout.digest, self._settings.tasks_digest)

    @property
    def is_stale(self) -> bool:
        """Whether the file of labels has changed since."""
        return _state_of(self._file) != self._state

    def predictions(self, submission_id: int, content: Callable[[], bytes]) -> Predictions:
        """Probabilities by task, in the order of the labels.

        Args:
            submission_id: by which they are remembered.
            content: gives the upload, compressed, if it is needed.

        Raises:
            DataError: it does not predict these labels.
        """
        if submission_id not in self._remembered:
            self._remembered[submission_id] = read_upload(
                gzip.decompress(content()),
                self._holdout.ecg_ids,
                tasks=self._settings.tasks,
                max_bytes=self._settings.max_upload_bytes,
            )
            if len(self._remembered) > REMEMBERED:
                self._remembered.popitem(last=False)
        self._remembered.move_to_end(submission_id)
        return self._remembered[submission_id]

    def scorecard(self, predictions: Predictions) -> Scorecard:
        """All numbers of a submission."""
        return score_predictions(self._holdout, predictions, self._public)

    def p_values(
        self, task: str, part: Part, best: Predictions, others: Mapping[int, Predictions]
    ) -> dict[int, float]:
        """Of the paired tests of some submissions against one, over patients, not adjusted.

        Where the difference has no standard error, it is 0 if its limits exclude no difference,
        as of a perfect ranking against none, and else 1.
        """
        rows = rows_of(self._holdout, task, part, self._public)
        found = compare_with(
            self._holdout,
            task,
            rows,
            best[task],
            {other: predictions[task] for other, predictions in others.items()},
        )
        return {
            other: float(not difference.differs) if difference.p is None else difference.p
            for other, difference in found.items()
        }


def public_patients(holdout: Holdout, public: NDArray[np.bool_]) -> dict[str, Patients]:
    """Patients of the public part by task: all that the intervals of public scores rest on."""
    rows = {task: rows_of(holdout, task, "public", public) for task in holdout.tasks}
    return {
        task: patients_of(holdout.labels[task][each], holdout.patients[each])
        for task, each in rows.items()
    }


def _state_of(file: Path) -> tuple[int, int, int] | None:
    """What changes with the file; None where there is none."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
