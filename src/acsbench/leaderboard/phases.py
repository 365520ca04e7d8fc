"""Phases: when teams may submit, how often, and when private scores appear."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, time

from sqlalchemy import exists, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from acsbench.errors import ConfigurationError
from acsbench.leaderboard.audit import now, record
from acsbench.leaderboard.database.connect import Database
from acsbench.leaderboard.database.tables import Phase
from acsbench.leaderboard.database.types import PhaseState
from acsbench.leaderboard.names import clean_name
from acsbench.leaderboard.settings import Limits

LAST_SECOND = time(23, 59, 59)

SHOWN_BEFORE = (
    "an earlier phase of this board has shown its private scores. A new one has the same labels "
    "and the same private part, so that its final ranking is no longer on data which no team has "
    "seen scores of. For a fresh holdout make a new board"
)
"""What to know before a second phase is opened."""


def open_phase(
    database: Database,
    name: str,
    limits: Limits,
    opens_at: datetime | None = None,
    closes_at: datetime | None = None,
    by: int | None = None,
) -> Phase:
    """Start a phase.

    Args:
        database: the board's.
        name: as shown.
        limits: of each team.
        opens_at: first moment at which uploads are accepted; now, unless given.
        closes_at: last moment; unless given, until the organiser closes the phase.
        by: id of the organiser.

    Raises:
        ConfigurationError: another phase is open, or it would end before it starts.
    """
    phase = Phase(
        name=clean_name(name),
        state=PhaseState.OPEN,
        opens_at=opens_at or now(),
        closes_at=closes_at,
        per_day=limits.per_day,
        total=limits.total,
    )
    _check_end(phase, closes_at)
    try:
        with database.write() as session:
            session.add(phase)
            session.flush()
            record(session, "open phase", by, phase=phase.id)
            return phase
    except IntegrityError as error:
        raise ConfigurationError("A phase is open; close it before the next starts") from error


def close_phase(database: Database, phase_id: int, by: int | None = None) -> Phase:
    """End a phase for good: nothing more is accepted, and private scores appear.

    What was accepted before and is still waiting is scored and counts.

    Raises:
        ConfigurationError: there is no such phase, or it is closed already.
    """
    with database.write() as session:
        phase = _locked(session, phase_id)
        if phase.state is PhaseState.CLOSED:
            raise ConfigurationError("The phase is closed already")
        phase.state = PhaseState.CLOSED
        phase.closed_at = now()
        record(session, "close phase", by, phase=phase.id)
        return phase


def change_phase(
    database: Database,
    phase_id: int,
    limits: Limits,
    closes_at: datetime | None,
    by: int | None = None,
) -> Phase:
    """Change limits and end of an open phase.

    Raises:
        ConfigurationError: there is no such phase, it is closed, or it would end before it starts.
    """
    with database.write() as session:
        phase = _locked(session, phase_id)
        if phase.state is PhaseState.CLOSED:
            raise ConfigurationError("The phase is closed; its limits no longer matter")
        _check_end(phase, closes_at)
        phase.per_day, phase.total, phase.closes_at = limits.per_day, limits.total, closes_at
        record(
            session,
            "change phase",
            by,
            phase=phase.id,
            per_day=limits.per_day,
            total=limits.total,
            closes_at=closes_at.isoformat() if closes_at else None,
        )
        return phase


def current_phase(database: Database) -> Phase | None:
    """The open phase, else the last one; None before the first."""
    wanted = select(Phase).order_by(Phase.state == PhaseState.CLOSED, Phase.id.desc()).limit(1)
    with database.read() as session:
        return session.scalar(wanted)


def last_closed_phase(database: Database) -> Phase | None:
    """The phase that was closed last; None before the first end of one."""
    wanted = (
        select(Phase).where(Phase.state == PhaseState.CLOSED).order_by(Phase.id.desc()).limit(1)
    )
    with database.read() as session:
        return session.scalar(wanted)


def phases(database: Database) -> list[Phase]:
    """All phases, newest first."""
    with database.read() as session:
        return list(session.scalars(select(Phase).order_by(Phase.id.desc())))


def private_part_was_shown(database: Database) -> bool:
    """Whether an earlier phase was closed, which has shown scores of the private part."""
    closed = exists().where(Phase.state == PhaseState.CLOSED)
    with database.read() as session:
        return bool(session.scalar(select(closed)))


def end_of_phase(text: str) -> datetime | None:
    """When a phase ends, as people write it, in UTC; None for an empty text.

    Raises:
        ConfigurationError: it is no time.

    Examples:
        >>> end_of_phase("2026-12-24T18:00").isoformat(), end_of_phase("2026-12-24").isoformat()
        ('2026-12-24T18:00:00+00:00', '2026-12-24T23:59:59+00:00')
    """
    text = text.strip()
    if not text:
        return None
    try:
        with suppress(ValueError):
            return datetime.combine(date.fromisoformat(text), LAST_SECOND, UTC)
        end = datetime.fromisoformat(text)
        return end.replace(tzinfo=UTC) if end.tzinfo is None else end.astimezone(UTC)
    except ValueError as error:
        raise ConfigurationError(
            "Write the end as in 2026-12-24T18:00; a date alone means the end of that day (UTC)"
        ) from error


def _check_end(phase: Phase, closes_at: datetime | None) -> None:
    if closes_at is not None and closes_at <= phase.opens_at:
        raise ConfigurationError("A phase ends after it starts; give a later end")


def _locked(session: Session, phase_id: int) -> Phase:
    phase = session.get(Phase, phase_id, with_for_update=True)
    if phase is None:
        raise ConfigurationError("There is no such phase")
    return phase
