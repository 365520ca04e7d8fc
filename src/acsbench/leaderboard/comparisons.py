"""Paired tests of the best submission against the others, once a phase is closed.

While it is open none is made: each would tell a little about the labels of the public part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

from sqlalchemy import and_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from acsbench.leaderboard.boards import counted_submissions, part_shown
from acsbench.leaderboard.database.connect import Database
from acsbench.leaderboard.database.tables import Comparison, Score
from acsbench.leaderboard.phases import last_closed_phase
from acsbench.leaderboard.scorecard import Part
from acsbench.leaderboard.scoring import Scorer, Versions
from acsbench.leaderboard.standings import predictions_of

AT_ONCE = 16
"""Tests that are made before the worker looks for uploads again."""


def compare_some(database: Database, scorer: Scorer, tasks: Sequence[str]) -> int:
    """Make some of the tests that the boards of the last closed phase lack.

    Returns:
        How many were made; 0 when none is missing.
    """
    phase = last_closed_phase(database)
    if phase is None:
        return 0
    part = part_shown(phase)
    for task in tasks:
        best, *others = counted_submissions(database, task, phase) or [0]
        with database.read() as session:
            missing = _missing(session, task, part, best, others, scorer.versions)[:AT_ONCE]
        if missing:
            p_values = scorer.p_values(
                task,
                part,
                predictions_of(database, scorer, best),
                {other: predictions_of(database, scorer, other) for other in missing},
            )
            _keep(database, task, part, best, p_values, scorer.versions)
            return len(missing)
    return 0


def _missing(
    session: Session,
    task: str,
    part: Part,
    best: int,
    others: Sequence[int],
    versions: Versions,
) -> list[int]:
    """Submissions that were not compared with the best yet, all scored with these versions."""
    if not others:
        return []
    scored = select(Score.submission_id).where(
        Score.submission_id.in_([best, *others]),
        Score.is_current,
        Score.scoring_version == versions.scoring_version,
        Score.labels_digest == versions.labels_digest,
        Score.tasks_digest == versions.tasks_digest,
    )
    known = set(session.scalars(scored))
    compared = select(Comparison.other_id).where(
        and_(
            Comparison.best_id == best,
            Comparison.task == task,
            Comparison.part == part,
            Comparison.scoring_version == versions.scoring_version,
            Comparison.labels_digest == versions.labels_digest,
            Comparison.tasks_digest == versions.tasks_digest,
        )
    )
    done = set(session.scalars(compared))
    return [other for other in others if best in known and other in known and other not in done]


def _keep(
    database: Database,
    task: str,
    part: Part,
    best: int,
    p_values: Mapping[int, float],
    versions: Versions,
) -> None:
    tests = [
        Comparison(
            best_id=best,
            other_id=other,
            task=task,
            part=part,
            scoring_version=versions.scoring_version,
            labels_digest=versions.labels_digest,
            tasks_digest=versions.tasks_digest,
            p_value=p,
        )
        for other, p in p_values.items()
    ]
    # Should another worker have made one of them, its result is the same.
    with suppress(IntegrityError), database.write() as session:
        session.add_all(tests)
