"""Phases: when teams may submit, how often, and when private scores appear."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from acsbench.errors import ConfigurationError
from acsbench.leaderboard.audit import now, record
from acsbench.leaderboard.database.connect import Database
from acsbench.leaderboard.database.tables import Phase
from acsbench.leaderboard.database.types import PhaseState
from acsbench.leaderboard.settings import Limits
from acsbench.leaderboard.teams import clean_name


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


def phases(database: Database) -> list[Phase]:
    """All phases, newest first."""
    with database.read() as session:
        return list(session.scalars(select(Phase).order_by(Phase.id.desc())))


def _check_end(phase: Phase, closes_at: datetime | None) -> None:
    if closes_at is not None and closes_at <= phase.opens_at:
        raise ConfigurationError("A phase ends after it starts; give a later end")


def _locked(session: Session, phase_id: int) -> Phase:
    phase = session.get(Phase, phase_id, with_for_update=True)
    if phase is None:
        raise ConfigurationError("There is no such phase")
    return phase
