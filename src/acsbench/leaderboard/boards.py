"""What the board shows, and to whom: while a phase is open, rounded public scores alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError
from sqlalchemy import func, or_, select, tuple_
from sqlalchemy.orm import Session, undefer

from acsbench.leaderboard.database.connect import Database
from acsbench.leaderboard.database.tables import (
    Comparison,
    Phase,
    Score,
    Selection,
    Standing,
    Submission,
    Team,
    User,
)
from acsbench.leaderboard.database.types import PhaseState
from acsbench.leaderboard.rank import ranks
from acsbench.leaderboard.rounding import rounded_scorecard
from acsbench.leaderboard.scorecard import Part, Scorecard
from acsbench.statistics import holm

PUBLIC: Part = "public"
PRIVATE: Part = "private"
ALPHA = 0.05
"""Below it, after Holm's correction over the teams, a difference from the best is significant."""


@dataclass(frozen=True)
class RankingRow:
    """A team on the board.

    Args:
        rank: 1 is the best; equal scores share a rank.
        team_id, team: the team.
        submission_id, model: the submission that counts.
        value, low, high: its AUROC with the interval.
        change: what it gained on the team's best before; None for a first one, and after the
            phase.
        received_at: when it was uploaded.
        significant: whether it differs from the best one; None for that one itself, while the
            phase is open, and while the worker has not compared them.
        entries: scored submissions of the team.
    """

    rank: int
    team_id: int
    team: str
    submission_id: int
    model: str
    value: float
    low: float
    high: float
    change: float | None
    received_at: datetime
    significant: bool | None
    entries: int


@dataclass(frozen=True)
class Ranking:
    """The board of a task: rows by rank, on the part of the holdout that may be shown."""

    task: str
    phase: Phase
    part: Part
    rows: tuple[RankingRow, ...]


@dataclass(frozen=True)
class SubmissionView:
    """A submission as its team, or the organiser, may see it.

    Args:
        submission: the upload.
        standings: by task, what the board knows; their private values are not for the team
            unless `all_shown`.
        all_shown: whether everything is shown: to the organiser, and once the phase is closed.
        ranks: by task, where the submission is the one that counts for its team.
        selected: tasks for which the team chose it.
        scorecard: all numbers, if `all_shown`; exact for the organiser alone. None if there is none
            yet, or that of another version of the code, which cannot be read.
        scores: versions of code, labels and task by which it was scored, newest first.
    """

    submission: Submission
    standings: dict[str, Standing]
    all_shown: bool
    ranks: dict[str, int]
    selected: tuple[str, ...]
    scorecard: Scorecard | None
    scores: tuple[Score, ...]


def part_shown(phase: Phase) -> Part:
    """The part of the holdout whose scores are shown: the private one after the phase."""
    return PRIVATE if phase.state is PhaseState.CLOSED else PUBLIC


def ranking(database: Database, task: str, phase: Phase) -> Ranking:
    """The board of a task.

    While the phase is open, a team's row is its best public score; equal scores as shown share a
    rank, whatever the decimals that are not shown. After the phase it is the private score of the
    submission that the team chose, or of its best public one.

    Args:
        database: the board's.
        task: a task of the board.
        phase: as the database has it.
    """
    with database.read() as session:
        return _ranking(session, task, phase)


def submission_view(
    database: Database, submission_id: int, viewer: User, digits: int
) -> SubmissionView | None:
    """A submission's page; None where it does not exist or is not the viewer's to see.

    Args:
        database: the board's.
        submission_id: the submission.
        viewer: who looks at it.
        digits: decimals that members see; the organiser sees all.
    """
    with database.read() as session:
        submission = session.get(Submission, submission_id)
        if submission is None or not _may_see(viewer, submission):
            return None
        standings = session.scalars(select(Standing).where(Standing.submission_id == submission_id))
        chosen = select(Selection.task).where(Selection.submission_id == submission_id)
        scores = session.scalars(
            select(Score).where(Score.submission_id == submission_id).order_by(Score.id.desc())
        ).all()
        by_task = {standing.task: standing for standing in standings}
        all_shown = viewer.is_organiser or submission.phase.state is PhaseState.CLOSED
        scorecard = _scorecard(session, submission) if all_shown else None
        if scorecard is not None and not viewer.is_organiser:
            scorecard = rounded_scorecard(scorecard, digits)
        return SubmissionView(
            submission=submission,
            standings=by_task,
            all_shown=all_shown,
            ranks={
                row_task: row.rank
                for row_task in by_task
                for row in _ranking(session, row_task, submission.phase).rows
                if row.submission_id == submission_id
            },
            selected=tuple(session.scalars(chosen.order_by(Selection.task))),
            scorecard=scorecard,
            scores=tuple(scores),
        )


def counted_submissions(database: Database, task: str, phase: Phase) -> list[int]:
    """Ids of the submissions that count, the best first."""
    return [row.submission_id for row in ranking(database, task, phase).rows]


def _may_see(viewer: User, submission: Submission) -> bool:
    return viewer.is_organiser or viewer.team_id == submission.team_id


def _scorecard(session: Session, submission: Submission) -> Scorecard | None:
    current = session.scalar(
        select(Score)
        .where(Score.submission_id == submission.id, Score.is_current)
        .options(undefer(Score.scorecard))
    )
    if current is None:
        return None
    try:
        return Scorecard.from_json(json.dumps(current.scorecard))
    except ValidationError:
        # Of an earlier version, until the organiser has it scored again.
        return None


@dataclass(frozen=True)
class _Entry:
    """A team's submission that counts, before it has a rank."""

    standing: Standing
    model: str
    received_at: datetime
    team: str
    value: float
    low: float
    high: float
    change: float | None


def _ranking(session: Session, task: str, phase: Phase) -> Ranking:
    part = part_shown(phase)
    entries = _entries(session, task, phase, part)
    # Earlier first among equals: who repeats a score does not pass who had it.
    entries.sort(key=lambda entry: (-entry.value, entry.received_at, entry.standing.submission_id))
    ids = [entry.standing.submission_id for entry in entries]
    significant = _significant(session, task, part, ids)
    counts = _entry_counts(session, task, phase)
    rows = tuple(
        RankingRow(
            rank=rank,
            team_id=entry.standing.team_id,
            team=entry.team,
            submission_id=entry.standing.submission_id,
            model=entry.model,
            value=entry.value,
            low=entry.low,
            high=entry.high,
            change=entry.change,
            received_at=entry.received_at,
            significant=significant.get(entry.standing.submission_id),
            entries=counts[entry.standing.team_id],
        )
        for rank, entry in zip(ranks([entry.value for entry in entries]), entries, strict=True)
    )
    return Ranking(task, phase, part, rows)


def _entries(session: Session, task: str, phase: Phase, part: Part) -> list[_Entry]:
    """One entry for each team."""
    chosen = select(Selection.team_id, Selection.submission_id).where(
        Selection.phase_id == phase.id, Selection.task == task
    )
    selected = dict(session.execute(chosen).all()) if part == PRIVATE else {}
    wanted = (
        select(Standing, Submission.model, Submission.received_at, Team.name)
        .join(Submission, Submission.id == Standing.submission_id)
        .join(Team, Team.id == Standing.team_id)
        .where(
            Standing.phase_id == phase.id,
            Standing.task == task,
            Team.suspended_at.is_(None),
            or_(Standing.improved, Standing.submission_id.in_(selected.values())),
        )
        .order_by(Standing.submission_id)
    )
    by_team: dict[int, list[Any]] = {}
    for row in session.execute(wanted):
        by_team.setdefault(row.Standing.team_id, []).append(row)
    entries = []
    for team_id, rows in by_team.items():
        best = [row for row in rows if row.Standing.improved]
        counting = next(
            (row for row in rows if row.Standing.submission_id == selected.get(team_id)), best[-1]
        )
        entries.append(_entry(counting, best, part))
    return entries


def _entry(row: Any, best: Sequence[Any], part: Part) -> _Entry:
    standing: Standing = row.Standing
    if part == PRIVATE:
        numbers = standing.private_value, standing.private_low, standing.private_high
        change = None
    else:
        numbers = standing.shown, standing.shown_low, standing.shown_high
        change = standing.shown - best[-2].Standing.shown if len(best) > 1 else None
    return _Entry(standing, row.model, row.received_at, row.name, *numbers, change)


def _entry_counts(session: Session, task: str, phase: Phase) -> dict[int, int]:
    wanted = (
        select(Standing.team_id, func.count())
        .where(Standing.phase_id == phase.id, Standing.task == task)
        .group_by(Standing.team_id)
    )
    return dict(session.execute(wanted).all())


def _significant(session: Session, task: str, part: Part, ids: Sequence[int]) -> dict[int, bool]:
    """Whether each submission differs from the best, where the worker has compared them."""
    if part == PUBLIC or len(ids) < 2:
        # A test rests on exact scores; while a phase is open nothing that is shown may.
        return {}
    best, *others = ids
    versions = select(Score.scoring_version, Score.labels_digest, Score.tasks_digest).where(
        Score.submission_id == best, Score.is_current
    )
    wanted = select(Comparison.other_id, Comparison.p_value).where(
        Comparison.best_id == best,
        Comparison.task == task,
        Comparison.part == part,
        tuple_(Comparison.scoring_version, Comparison.labels_digest, Comparison.tasks_digest).in_(
            versions
        ),
    )
    found = dict(session.execute(wanted).all())
    # One that is not compared yet counts as if it did not differ, so that the others can only
    # become more significant later.
    p_values = holm([found.get(other, 1.0) for other in others])
    return {
        other: bool(p < ALPHA) for other, p in zip(others, p_values, strict=True) if other in found
    }
