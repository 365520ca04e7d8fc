"""Uploads: checked, counted against the limits, and kept with a job to score them."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from acsbench.errors import ConfigurationError
from acsbench.leaderboard.audit import now, record
from acsbench.leaderboard.check import check_upload
from acsbench.leaderboard.database.connect import Database
from acsbench.leaderboard.database.tables import Phase, Selection, Submission, Team, User
from acsbench.leaderboard.database.types import PhaseState, SubmissionState
from acsbench.leaderboard.jobs import add_job
from acsbench.leaderboard.names import clean_name
from acsbench.leaderboard.settings import Settings

MOST_REFUSALS = 50
"""Refused uploads of a team and day that are kept; of further ones the reasons are told alone."""

LISTED = 1000
"""Uploads on a page; exports and the API have all."""

_COUNTED = (SubmissionState.QUEUED, SubmissionState.SCORED)
"""States that count against the limits: what was refused or failed costs nothing."""


class NotAccepted(ConfigurationError):  # noqa: N818 - what happened, not a fault of anything
    """Nothing is accepted now: no phase is open, a limit is reached, or the team is suspended."""


@dataclass(frozen=True)
class Receipt:
    """What became of an upload.

    Args:
        submission_id: by which it is found again; None for a refused one that was not kept.
        state: `queued` to be scored, or `refused`; of a repeated upload, what it is now.
        problems: why it was refused.
        repeated: whether the team had uploaded the same file in this phase before.
    """

    submission_id: int | None
    state: SubmissionState
    problems: tuple[str, ...] = ()
    repeated: bool = False


@dataclass(frozen=True)
class Allowance:
    """What a team may still submit.

    Args:
        phase: the open phase, if there is one.
        today_left: submissions that are left today (UTC), never more than `total_left`.
        total_left: those left in the phase.
        next_day: when the next day begins.
    """

    phase: Phase | None
    today_left: int
    total_left: int
    next_day: datetime


def submit(
    database: Database,
    settings: Settings,
    holdout_ids: Sequence[str],
    user: User,
    content: bytes,
    model: str,
) -> Receipt:
    """Take an upload.

    The submission and its job are written in one transaction: once this returns, the file will be
    scored, whatever is killed. The same file again is the same submission, so that a client that
    lost the answer may simply repeat the upload.

    Args:
        database: the board's.
        settings: the board's.
        holdout_ids: ids that must be predicted.
        user: a member of a team.
        content: the uploaded file.
        model: what the team calls its model.

    Raises:
        NotAccepted: no phase is open, a limit is reached, or the team is suspended.
        ConfigurationError: the user has no team, or the model's name is empty or too long.
    """
    if user.team_id is None:
        raise ConfigurationError("Organisers have no team; sign in as a member of one to submit")
    model = clean_name(model)
    # Before the check, which takes longer than to say no; and again, with locks, after it.
    with database.read() as session:
        phase = _open_phase(session, user.team_id)
        same = _same_file(session, phase, user.team_id, _digest(content))
        if same is None:
            _check_limits(session, phase, user.team_id)
    if same is not None:
        return same
    check = check_upload(
        content, holdout_ids, tasks=settings.tasks, max_bytes=settings.max_upload_bytes
    )
    submission = Submission(
        team_id=user.team_id,
        user_id=user.id,
        received_at=now(),
        model=model,
        sha256=_digest(content),
        size=len(content),
        tasks=list(check.tasks),
        state=SubmissionState.QUEUED if check.ok else SubmissionState.REFUSED,
        problems=list(check.problems),
        content=gzip.compress(content, 6, mtime=0) if check.ok else None,
    )
    return _keep(database, submission)


def allowance(database: Database, team_id: int) -> Allowance:
    """What a team may still submit now."""
    tomorrow = _midnight(now()) + timedelta(days=1)
    with database.read() as session:
        try:
            phase = _open_phase(session, team_id)
        except NotAccepted:
            return Allowance(None, 0, 0, tomorrow)
        today, total = _used(session, phase, team_id)
    total_left = max(phase.total - total, 0)
    return Allowance(phase, min(max(phase.per_day - today, 0), total_left), total_left, tomorrow)


def team_submissions(
    database: Database, team_id: int, limit: int | None = None
) -> list[Submission]:
    """A team's uploads, refused ones included, newest first; all, or so many."""
    wanted = (
        select(Submission)
        .where(Submission.team_id == team_id)
        .order_by(Submission.id.desc())
        .limit(limit)
    )
    with database.read() as session:
        return list(session.scalars(wanted))


def select_submission(database: Database, user: User, submission_id: int, task: str) -> None:
    """Choose the submission that a team is ranked by on a task when the phase closes.

    Raises:
        ConfigurationError: it is not the team's, does not predict the task, or the phase is
            closed.
    """
    with database.write() as session:
        submission = session.get(Submission, submission_id)
        if submission is None or submission.team_id != user.team_id:
            raise ConfigurationError("Your team has no such submission")
        if task not in submission.tasks or submission.state not in _COUNTED:
            raise ConfigurationError("This submission has no predictions for that task")
        # The team first, as an upload does: two choices at once do not both insert, and no two wait
        # for each other. The phase is read again, since it may have closed before it was locked.
        session.get(Team, submission.team_id, with_for_update=True)
        phase = session.get(
            Phase, submission.phase_id, with_for_update={"read": True}, populate_existing=True
        )
        if phase is None or phase.state is PhaseState.CLOSED:
            raise ConfigurationError("The phase is closed, and with it the choice")
        key = (submission.team_id, submission.phase_id, task)
        chosen = session.get(Selection, key)
        if chosen is None:
            chosen = Selection(team_id=submission.team_id, phase_id=submission.phase_id, task=task)
            session.add(chosen)
        chosen.submission_id = submission_id
        record(session, "select submission", user.id, submission=submission_id, task=task)


def selections(database: Database, team_id: int, phase_id: int) -> dict[str, int]:
    """The team's chosen submission of each task, where it chose one."""
    wanted = select(Selection).where(Selection.team_id == team_id, Selection.phase_id == phase_id)
    with database.read() as session:
        return {chosen.task: chosen.submission_id for chosen in session.scalars(wanted)}


def _keep(database: Database, submission: Submission) -> Receipt:
    problems = tuple(submission.problems)
    with database.write() as session:
        # The team's row is the lock: of two uploads at a limit, the second sees the first.
        session.get(Team, submission.team_id, with_for_update=True)
        phase = _open_phase(session, submission.team_id, lock=True)
        submission.phase_id = phase.id
        if submission.state is SubmissionState.REFUSED:
            if _refused_today(session, submission.team_id) >= MOST_REFUSALS:
                return Receipt(None, SubmissionState.REFUSED, problems)
        else:
            same = _same_file(session, phase, submission.team_id, submission.sha256)
            if same is not None:
                return same
            _check_limits(session, phase, submission.team_id)
        session.add(submission)
        session.flush()
        if submission.state is SubmissionState.QUEUED:
            add_job(session, submission)
        record(session, "submit", submission.user_id, submission=submission.id)
        return Receipt(submission.id, submission.state, problems)


def _open_phase(session: Session, team_id: int, lock: bool = False) -> Phase:
    team = session.get(Team, team_id)
    if team is None or team.suspended_at is not None:
        raise NotAccepted("Your team is suspended; ask the organiser")
    wanted = select(Phase).where(Phase.state == PhaseState.OPEN)
    if lock:
        # Shared: uploads do not wait for each other, but closing the phase waits for them.
        wanted = wanted.with_for_update(read=True)
    phase = session.scalar(wanted)
    if phase is None:
        raise NotAccepted("No phase is open; nothing is accepted now")
    if now() < phase.opens_at:
        raise NotAccepted(f"The phase opens on {phase.opens_at:%Y-%m-%d at %H:%M} UTC")
    if phase.closes_at is not None and now() > phase.closes_at:
        raise NotAccepted(f"The phase ended on {phase.closes_at:%Y-%m-%d at %H:%M} UTC")
    return phase


def _same_file(session: Session, phase: Phase, team_id: int, sha256: str) -> Receipt | None:
    wanted = select(Submission).where(
        Submission.phase_id == phase.id,
        Submission.team_id == team_id,
        Submission.sha256 == sha256,
        Submission.state != SubmissionState.REFUSED,
    )
    same = session.scalar(wanted)
    return None if same is None else Receipt(same.id, same.state, repeated=True)


def _check_limits(session: Session, phase: Phase, team_id: int) -> None:
    today, total = _used(session, phase, team_id)
    if total >= phase.total:
        raise NotAccepted(f"Your team has used all {phase.total} submissions of this phase")
    if today >= phase.per_day:
        raise NotAccepted(
            f"Your team has used all {phase.per_day} submissions of today; the next day begins at "
            "00:00 UTC"
        )


def _used(session: Session, phase: Phase, team_id: int) -> tuple[int, int]:
    """Submissions of today, and of the whole phase, that count against the limits."""
    counted = select(func.count(Submission.id)).where(
        Submission.phase_id == phase.id,
        Submission.team_id == team_id,
        Submission.state.in_(_COUNTED),
    )
    today = counted.where(Submission.received_at >= _midnight(now()))
    return session.scalar(today) or 0, session.scalar(counted) or 0


def _refused_today(session: Session, team_id: int) -> int:
    wanted = select(func.count(Submission.id)).where(
        Submission.team_id == team_id,
        Submission.state == SubmissionState.REFUSED,
        Submission.received_at >= _midnight(now()),
    )
    return session.scalar(wanted) or 0


def _midnight(moment: datetime) -> datetime:
    return datetime.combine(moment.date(), time(), UTC)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
