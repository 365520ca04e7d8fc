"""Keeping a score: the scorecard, and what the board may show of it."""

from __future__ import annotations

import json
from collections.abc import Mapping

from sqlalchemy import Select, delete, select, update
from sqlalchemy.orm import Session, undefer

from acsbench.leaderboard.audit import now, record
from acsbench.leaderboard.database.connect import Database
from acsbench.leaderboard.database.tables import Score, Standing, Submission
from acsbench.leaderboard.database.types import SubmissionState
from acsbench.leaderboard.ladder import ladder
from acsbench.leaderboard.released import Patients, released
from acsbench.leaderboard.rounding import rounded_estimate
from acsbench.leaderboard.score import RANK_METRIC
from acsbench.leaderboard.scorecard import PartScore, Scorecard
from acsbench.leaderboard.scoring import Predictions, Scorer, Versions
from acsbench.leaderboard.settings import Settings
from acsbench.statistics import Estimate


def predictions_of(database: Database, scorer: Scorer, submission_id: int) -> Predictions:
    """Predictions of an accepted submission.

    Raises:
        DataError: they do not fit the labels.
    """

    def content() -> bytes:
        with database.read() as session:
            found = session.scalar(select(Submission.content).where(Submission.id == submission_id))
        assert found is not None
        return found

    return scorer.predictions(submission_id, content)


def earlier_scorecard(
    database: Database, submission_id: int, versions: Versions
) -> Scorecard | None:
    """The scorecard that a submission has of these versions already."""
    with database.read() as session:
        score = session.scalar(_score_of(submission_id, versions).options(undefer(Score.scorecard)))
    return None if score is None else Scorecard.from_json(json.dumps(score.scorecard))


def keep_score(
    session: Session,
    settings: Settings,
    submission_id: int,
    versions: Versions,
    scorecard: Scorecard,
    patients: Mapping[str, Patients],
) -> None:
    """Make a scorecard the submission's current one; earlier ones stay.

    Args:
        session: of the transaction that finishes the job.
        settings: of the board.
        submission_id: the submission's.
        versions: with which it was scored.
        scorecard: what came out.
        patients: of the public part, by task.
    """
    submission = session.get_one(Submission, submission_id, with_for_update={"of": Submission})
    session.execute(
        update(Score)
        .where(Score.submission_id == submission_id, Score.is_current)
        .values(is_current=False)
    )
    score = session.scalar(_score_of(submission_id, versions))
    if score is None:
        score = Score(
            submission_id=submission_id,
            scoring_version=versions.scoring_version,
            labels_digest=versions.labels_digest,
            tasks_digest=versions.tasks_digest,
            created_at=now(),
            scorecard=json.loads(scorecard.to_json()),
        )
        session.add(score)
    score.is_current = True
    submission.state, submission.problems = SubmissionState.SCORED, []
    session.execute(delete(Standing).where(Standing.submission_id == submission_id))
    session.flush()
    for task, parts in scorecard.tasks.items():
        public = _rank_key(parts["public"])
        private = rounded_estimate(_rank_key(parts["private"]), settings.round_digits)
        standing = _standing(session, settings, submission, task, public, patients[task])
        standing.score_id = score.id
        standing.private_value, standing.private_low, standing.private_high = (
            private.value,
            private.low,
            private.high,
        )
        session.add(standing)
    record(session, "score", submission=submission_id, score=score.id)


def _score_of(submission_id: int, versions: Versions) -> Select[Score]:
    return select(Score).where(
        Score.submission_id == submission_id,
        Score.scoring_version == versions.scoring_version,
        Score.labels_digest == versions.labels_digest,
        Score.tasks_digest == versions.tasks_digest,
    )


def _rank_key(part: PartScore) -> Estimate:
    return part.metrics[RANK_METRIC]


def _standing(
    session: Session,
    settings: Settings,
    submission: Submission,
    task: str,
    public: Estimate,
    patients: Patients,
) -> Standing:
    """What may be shown of the public score, after those that the team had before."""
    best = session.scalar(
        select(Standing)
        .where(
            Standing.team_id == submission.team_id,
            Standing.phase_id == submission.phase_id,
            Standing.task == task,
            Standing.improved,
            Standing.submission_id < submission.id,
        )
        .order_by(Standing.submission_id.desc())
        .limit(1)
    )
    shown = shown_score(settings, None if best is None else best.shown, public, patients)
    improved = best is None or (shown is not None and shown.value > best.shown)
    standing = Standing(
        submission_id=submission.id,
        task=task,
        team_id=submission.team_id,
        phase_id=submission.phase_id,
        improved=improved,
        best_submission_id=submission.id if best is None or improved else best.submission_id,
    )
    if shown is not None:
        standing.shown, standing.shown_low, standing.shown_high = shown.value, shown.low, shown.high
    else:
        assert best is not None
        standing.shown = best.shown
        standing.shown_low, standing.shown_high = best.shown_low, best.shown_high
    return standing


def shown_score(
    settings: Settings, best: float | None, public: Estimate, patients: Patients
) -> Estimate | None:
    """A public score as it may be shown; None where nothing but the best before is.

    Args:
        settings: of the board.
        best: what is shown of the team's best submission before.
        public: the exact score.
        patients: of the public part.
    """
    digits = settings.round_digits
    if not settings.ladder:
        return released(public, public.value, 10**-digits, patients, digits)
    value = ladder(best, public.value, settings.ladder_step)
    if value == best:
        return None
    return released(public, value, settings.ladder_step, patients, digits)
