"""The queue in the database: jobs are claimed for a while, and finished once.

A worker claims a job with a lease, which it renews while it scores outside any transaction, and
finishes the job in the
transaction that writes the score, which goes through only while the lease is its own. So a worker
may die at any moment:

- before it claims: the job waits;
- before it finishes: the lease runs out, and another worker claims the job;
- after: the score is there, and the job is done.

A worker that was merely slow, and whose job was given to another, finds the lease changed and
throws its result away. Jobs of one team are claimed in the order of its submissions, since a
public score that went through the Ladder depends on those before.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, Select, and_, delete, exists, func, or_, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, aliased

from acsbench.leaderboard.audit import now, record
from acsbench.leaderboard.database.connect import Database
from acsbench.leaderboard.database.tables import Job, Submission
from acsbench.leaderboard.database.types import JobState, SubmissionState

MOST_ATTEMPTS = 20
"""After so many workers died over a job it is given up."""

GIVEN_UP = f"Scoring was interrupted {MOST_ATTEMPTS} times"

_UNFINISHED = (JobState.QUEUED, JobState.RUNNING)


@dataclass(frozen=True)
class Claim:
    """A job that is ours until the lease runs out."""

    job_id: int
    submission_id: int
    lease: str


@dataclass(frozen=True)
class QueueState:
    """How the queue stands.

    Args:
        waiting: jobs that nobody has claimed.
        running: jobs that a worker has claimed, be it alive or not.
        failed: jobs that were given up.
        oldest_seconds: age of the oldest unfinished job; 0 if there is none.
    """

    waiting: int
    running: int
    failed: int
    oldest_seconds: float


def add_job(session: Session, submission: Submission) -> None:
    """Queue a submission, in the transaction of its upload."""
    session.add(
        Job(
            submission_id=submission.id,
            team_id=submission.team_id,
            state=JobState.QUEUED,
            created_at=now(),
            attempts=0,
        )
    )


def claim(database: Database, lease_seconds: float) -> Claim | None:
    """Claim the next job; None if nothing is to be done.

    Args:
        database: the board's.
        lease_seconds: how long the job is ours, by the clock of this machine.
    """
    with database.read() as session:
        if session.scalar(select(_next_job().exists())) is False:
            return None
    with database.write() as session:
        # Each worker of PostgreSQL passes over the row that another is about to claim.
        wanted = _next_job().order_by(Job.id).limit(1).with_for_update(skip_locked=True)
        while (job := session.scalar(wanted)) is not None and job.attempts >= MOST_ATTEMPTS:
            _give_up(session, job, GIVEN_UP)
        if job is None:
            return None
        job.state = JobState.RUNNING
        job.attempts += 1
        job.lease = secrets.token_hex(16)
        job.lease_until = now() + timedelta(seconds=lease_seconds)
        return Claim(job.id, job.submission_id, job.lease)


def renew(database: Database, claimed: Claim, lease_seconds: float) -> bool:
    """Lengthen the lease of a job that takes its time.

    Returns:
        False if the job is no longer ours.
    """
    until = now() + timedelta(seconds=lease_seconds)
    with database.write() as session:
        renewed = session.execute(
            update(Job).where(_is_ours(claimed)).values(lease_until=until).returning(Job.id)
        )
        return renewed.first() is not None


@contextmanager
def holding(database: Database, claimed: Claim, lease_seconds: float) -> Iterator[None]:
    """Renew the lease from time to time, in a thread, for as long as this process lives."""
    over = threading.Event()

    def renew_until_over() -> None:
        while not over.wait(lease_seconds / 3):
            # A database that cannot be reached now is asked again in time.
            with suppress(SQLAlchemyError):
                if not renew(database, claimed, lease_seconds):
                    return

    renewing = threading.Thread(target=renew_until_over, name="lease", daemon=True)
    renewing.start()
    try:
        yield
    finally:
        over.set()
        renewing.join()


def finish(session: Session, claimed: Claim) -> bool:
    """Mark a job as done in the transaction that writes its score.

    Returns:
        False if the job is no longer ours; then the transaction must write nothing.
    """
    done = session.execute(
        update(Job)
        .where(_is_ours(claimed))
        .values(state=JobState.DONE, finished_at=now(), lease=None, lease_until=None)
        .returning(Job.id)
    )
    return done.first() is not None


def fail(database: Database, claimed: Claim, reason: str) -> None:
    """Give a job up, if it is still ours, and tell the team why."""
    with database.write() as session:
        job = session.scalar(select(Job).where(_is_ours(claimed)).with_for_update())
        if job is not None:
            _give_up(session, job, reason)


def rescore(database: Database, by: int | None = None) -> int:
    """Queue every accepted submission, to be scored with the present code, labels and task.

    A score that has these versions already is kept as it is, and earlier ones are never deleted.
    Jobs that wait or run are replaced, so that all are scored in the order of their submissions.

    Returns:
        How many were queued.
    """
    accepted = (
        select(Submission)
        .where(Submission.state != SubmissionState.REFUSED)
        .order_by(Submission.id)
    )
    with database.write() as session:
        session.execute(delete(Job).where(Job.state.in_(_UNFINISHED)))
        found = session.scalars(accepted).all()
        for submission in found:
            add_job(session, submission)
        record(session, "rescore", by, submissions=len(found))
        return len(found)


def queue_state(database: Database) -> QueueState:
    """How many jobs wait, run or failed, and how old the oldest is."""
    counted = select(Job.state, func.count(), func.min(Job.created_at)).group_by(Job.state)
    with database.read() as session:
        counts = {state: (count, oldest) for state, count, oldest in session.execute(counted)}
    oldest = [counts[state][1] for state in _UNFINISHED if state in counts]
    return QueueState(
        waiting=counts.get(JobState.QUEUED, (0,))[0],
        running=counts.get(JobState.RUNNING, (0,))[0],
        failed=counts.get(JobState.FAILED, (0,))[0],
        oldest_seconds=(now() - min(oldest)).total_seconds() if oldest else 0.0,
    )


def _next_job() -> Select[Job]:
    earlier = aliased(Job)
    its_turn = ~exists().where(
        earlier.team_id == Job.team_id, earlier.id < Job.id, earlier.state.in_(_UNFINISHED)
    )
    free = or_(
        Job.state == JobState.QUEUED,
        and_(Job.state == JobState.RUNNING, Job.lease_until < now()),
    )
    return select(Job).where(free, its_turn)


def _is_ours(claimed: Claim) -> ColumnElement[bool]:
    return and_(Job.id == claimed.job_id, Job.state == JobState.RUNNING, Job.lease == claimed.lease)


def _give_up(session: Session, job: Job, reason: str) -> None:
    job.state, job.finished_at, job.reason = JobState.FAILED, now(), reason[:500]
    job.lease = job.lease_until = None
    submission = session.get(Submission, job.submission_id, with_for_update={"of": Submission})
    assert submission is not None
    if submission.state is SubmissionState.QUEUED:
        # One that had been scored before keeps its score.
        submission.state, submission.problems = SubmissionState.FAILED, [reason]
    record(session, "give up scoring", submission=submission.id)
