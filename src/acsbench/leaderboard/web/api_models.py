"""What the API answers."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, Literal, Self

from pydantic import BaseModel

from acsbench.leaderboard.boards import Ranking, SubmissionView
from acsbench.leaderboard.database.tables import Submission


class ErrorAnswer(BaseModel):
    """Why a request was refused."""

    detail: str
    problems: list[str] = []


class CheckAnswer(BaseModel):
    """What a check has found; `problems` is empty where `ok` is true."""

    ok: bool
    problems: list[str]
    tasks: list[str]
    rows: int


class AurocAnswer(BaseModel):
    """An AUROC with its 95 % interval."""

    value: float
    low: float
    high: float


class BoardRow(AurocAnswer):
    """A team on the board.

    `differs_from_best` is null for the best, while the phase is open, and until it was tested.
    """

    rank: int
    team: str
    model: str
    change: float | None
    differs_from_best: bool | None
    received_at: datetime


class BoardAnswer(BaseModel):
    """The board of a task on the part of the holdout that may be shown."""

    task: str
    phase: str
    state: Literal["open", "closed"]
    part: Literal["public", "private"]
    rows: list[BoardRow]

    @classmethod
    def of(cls, ranking: Ranking) -> Self:
        """What may be read of a ranking."""
        return cls.model_validate(
            {
                "task": ranking.task,
                "phase": ranking.phase.name,
                "state": ranking.phase.state,
                "part": ranking.part,
                "rows": [
                    BoardRow(
                        rank=row.rank,
                        team=row.team,
                        model=row.model,
                        value=row.value,
                        low=row.low,
                        high=row.high,
                        change=row.change,
                        differs_from_best=row.significant,
                        received_at=row.received_at,
                    )
                    for row in ranking.rows
                ],
            }
        )


class SubmissionAnswer(BaseModel):
    """An upload and what became of it."""

    id: int
    model: str
    phase: str
    received_at: datetime
    sha256: str
    tasks: list[str]
    state: Literal["refused", "queued", "scored", "failed"]
    problems: list[str]

    @classmethod
    def of(cls, submission: Submission) -> Self:
        """What may be read of a submission."""
        return cls.model_validate(_fields(submission))


class SubmissionDetails(SubmissionAnswer):
    """An upload with its public AUROC, and with every number, rounded, once the phase is closed."""

    public_auroc: dict[str, AurocAnswer]
    ranks: dict[str, int]
    scorecard: dict[str, Any] | None

    @classmethod
    def of_view(cls, view: SubmissionView) -> Self:
        """What a viewer may read of a submission."""
        public = {
            task: AurocAnswer(value=each.shown, low=each.shown_low, high=each.shown_high)
            for task, each in view.standings.items()
        }
        scorecard = None if view.scorecard is None else json.loads(view.scorecard.to_json())
        return cls.model_validate(
            _fields(view.submission)
            | {"public_auroc": public, "ranks": view.ranks, "scorecard": scorecard}
        )


def _fields(submission: Submission) -> dict[str, Any]:
    return {
        "id": submission.id,
        "model": submission.model,
        "phase": submission.phase.name,
        "received_at": submission.received_at,
        "sha256": submission.sha256,
        "tasks": submission.tasks,
        "state": submission.state,
        "problems": submission.problems,
    }
