"""The tables of a board's database, the same on SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from acsbench.leaderboard.database.types import Base, JobState, PhaseState, SubmissionState

LONGEST_NAME = 80
"""Characters of the name of a team, a member, a model, a phase or a token."""


class Team(Base):
    """A team: what the board ranks. `name_key` makes names unique whatever their case."""

    __tablename__ = "teams"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(LONGEST_NAME))
    name_key: Mapped[str] = mapped_column(String(4 * LONGEST_NAME), unique=True)
    created_at: Mapped[datetime]
    suspended_at: Mapped[datetime | None]


class User(Base):
    """A member of a team, or an organiser (without one).

    `session_key` changes with the password, which ends all sessions.
    """

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(LONGEST_NAME))
    name_key: Mapped[str] = mapped_column(String(4 * LONGEST_NAME), unique=True)
    password_hash: Mapped[str] = mapped_column(String(200))
    session_key: Mapped[str] = mapped_column(String(64))
    team_id: Mapped[int | None] = mapped_column(ForeignKey("teams.id"), index=True)
    is_organiser: Mapped[bool]
    created_at: Mapped[datetime]

    team: Mapped[Team | None] = relationship(lazy="joined")


class Invitation(Base):
    """A link that works once: to sign up in a team, or without one as an organiser.

    With a user it is for that user to set a new password.
    """

    __tablename__ = "invitations"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    team_id: Mapped[int | None] = mapped_column(ForeignKey("teams.id"), index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]

    team: Mapped[Team | None] = relationship(lazy="joined")
    user: Mapped[User | None] = relationship(lazy="joined")


class ApiToken(Base):
    """A token of the API; only its hash is kept, and its first characters to know it by."""

    __tablename__ = "api_tokens"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    name: Mapped[str] = mapped_column(String(LONGEST_NAME))
    prefix: Mapped[str] = mapped_column(String(16))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime]
    last_used_on: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    user: Mapped[User] = relationship(lazy="joined")


class Phase(Base):
    """A time in which teams may submit. At most one is open.

    After `closes_at` nothing is accepted; private scores appear when the organiser closes it.
    """

    __tablename__ = "phases"
    __table_args__ = (
        Index(
            "uq_phases_one_open",
            "state",
            unique=True,
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(LONGEST_NAME))
    state: Mapped[PhaseState]
    opens_at: Mapped[datetime]
    closes_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    per_day: Mapped[int]
    total: Mapped[int]


class Submission(Base):
    """An upload: refused with its problems, or kept with its file (gzip) to be scored."""

    __tablename__ = "submissions"
    __table_args__ = (
        # A repeated upload, as after a lost connection, is the same submission.
        Index(
            "uq_submissions_same_file",
            "phase_id",
            "team_id",
            "sha256",
            unique=True,
            sqlite_where=text("state <> 'refused'"),
            postgresql_where=text("state <> 'refused'"),
        ),
        Index("ix_submissions_team_phase", "team_id", "phase_id", "received_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    phase_id: Mapped[int] = mapped_column(ForeignKey("phases.id"), index=True)
    received_at: Mapped[datetime]
    model: Mapped[str] = mapped_column(String(LONGEST_NAME))
    sha256: Mapped[str] = mapped_column(String(64))
    size: Mapped[int]
    tasks: Mapped[list[str]]
    state: Mapped[SubmissionState]
    problems: Mapped[list[str]]
    content: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)

    team: Mapped[Team] = relationship(lazy="joined")
    phase: Mapped[Phase] = relationship(lazy="joined")


class Job(Base):
    """Work for the worker: score a submission with the present labels, task and code.

    A running job belongs to who knows its `lease` until `lease_until`; then it is anybody's.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        Index(
            "uq_jobs_one_waiting",
            "submission_id",
            unique=True,
            sqlite_where=text("state IN ('queued', 'running')"),
            postgresql_where=text("state IN ('queued', 'running')"),
        ),
        Index("ix_jobs_state", "state", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    submission_id: Mapped[int] = mapped_column(ForeignKey("submissions.id"))
    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id"), index=True)
    state: Mapped[JobState]
    created_at: Mapped[datetime]
    attempts: Mapped[int]
    lease: Mapped[str | None] = mapped_column(String(32))
    lease_until: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    reason: Mapped[str | None] = mapped_column(String(500))


class Score(Base):
    """A submission's scorecard, with the versions of code, labels and task that made it."""

    __tablename__ = "scores"
    __table_args__ = (
        UniqueConstraint(
            "submission_id",
            "scoring_version",
            "labels_digest",
            "tasks_digest",
            name="uq_scores_version",
        ),
        Index(
            "uq_scores_one_current",
            "submission_id",
            unique=True,
            sqlite_where=text("is_current"),
            postgresql_where=text("is_current"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    submission_id: Mapped[int] = mapped_column(ForeignKey("submissions.id"))
    scoring_version: Mapped[str] = mapped_column(String(32))
    labels_digest: Mapped[str] = mapped_column(String(64))
    tasks_digest: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    is_current: Mapped[bool]
    scorecard: Mapped[dict[str, Any]] = mapped_column(JSON, deferred=True)


class Standing(Base):
    """What the board knows of a submission on one task.

    `shown`, `shown_low` and `shown_high` are the public AUROC as it may be shown: rounded, and
    through the Ladder where that is on (then those of `best_submission_id`, the team's best so
    far). `improved` says that this submission became the team's best. `private_…` are rounded too,
    and shown after the phase alone.
    """

    __tablename__ = "standings"
    __table_args__ = (Index("ix_standings_board", "phase_id", "task", "improved"),)

    submission_id: Mapped[int] = mapped_column(ForeignKey("submissions.id"), primary_key=True)
    task: Mapped[str] = mapped_column(String(16), primary_key=True)
    score_id: Mapped[int] = mapped_column(ForeignKey("scores.id"), index=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id"), index=True)
    phase_id: Mapped[int] = mapped_column(ForeignKey("phases.id"))
    improved: Mapped[bool]
    best_submission_id: Mapped[int] = mapped_column(ForeignKey("submissions.id"))
    shown: Mapped[float]
    shown_low: Mapped[float]
    shown_high: Mapped[float]
    private_value: Mapped[float]
    private_low: Mapped[float]
    private_high: Mapped[float]


class Comparison(Base):
    """A paired test of two submissions on one part of the holdout, made by the worker."""

    __tablename__ = "comparisons"
    __table_args__ = (
        UniqueConstraint(
            "best_id",
            "other_id",
            "task",
            "part",
            "scoring_version",
            "labels_digest",
            "tasks_digest",
            name="uq_comparisons_pair",
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    best_id: Mapped[int] = mapped_column(ForeignKey("submissions.id"))
    other_id: Mapped[int] = mapped_column(ForeignKey("submissions.id"), index=True)
    task: Mapped[str] = mapped_column(String(16))
    part: Mapped[str] = mapped_column(String(16))
    scoring_version: Mapped[str] = mapped_column(String(32))
    labels_digest: Mapped[str] = mapped_column(String(64))
    tasks_digest: Mapped[str] = mapped_column(String(64))
    p_value: Mapped[float]


class Selection(Base):
    """The submission that a team wants to be ranked by when the phase closes."""

    __tablename__ = "selections"

    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id"), primary_key=True)
    phase_id: Mapped[int] = mapped_column(ForeignKey("phases.id"), primary_key=True)
    task: Mapped[str] = mapped_column(String(16), primary_key=True)
    submission_id: Mapped[int] = mapped_column(ForeignKey("submissions.id"))


class AuditEntry(Base):
    """Who did what, when. `details` hold ids and counts, never names or values of a file."""

    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    action: Mapped[str] = mapped_column(String(40))
    details: Mapped[dict[str, Any]]


METADATA = Base.metadata
"""All tables."""
