"""The audit log: who did what, when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from acsbench.leaderboard.database.connect import Database
from acsbench.leaderboard.database.tables import AuditEntry, User


@dataclass(frozen=True)
class Event:
    """An entry as the organiser reads it; `user` is empty for the command line and the worker."""

    id: int
    at: datetime
    user: str
    action: str
    details: dict[str, Any]


def record(session: Session, action: str, user_id: int | None = None, **details: Any) -> None:
    """Write an entry in the transaction of what it tells about: both are kept, or neither.

    Args:
        session: of that transaction.
        action: a verb with its object, such as `close phase`.
        user_id: who did it; None for the command line and the worker.
        details: ids and counts; no names, no values.
    """
    session.add(AuditEntry(at=now(), user_id=user_id, action=action, details=details))


def entries(database: Database, limit: int = 200, before_id: int | None = None) -> list[Event]:
    """The latest entries, newest first; `before_id` pages on."""
    wanted = (
        select(AuditEntry, User.name)
        .outerjoin(User, User.id == AuditEntry.user_id)
        .order_by(AuditEntry.id.desc())
        .limit(limit)
    )
    if before_id is not None:
        wanted = wanted.where(AuditEntry.id < before_id)
    with database.read() as session:
        return [
            Event(entry.id, entry.at, name or "", entry.action, entry.details)
            for entry, name in session.execute(wanted)
        ]


def now() -> datetime:
    """The present, in UTC."""
    return datetime.now(UTC)
