"""Teams and their members: invitations, sign-up, sign-in."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from acsbench.errors import ConfigurationError
from acsbench.leaderboard.audit import now, record
from acsbench.leaderboard.database.connect import Database
from acsbench.leaderboard.database.tables import (
    Invitation,
    Submission,
    Team,
    User,
)
from acsbench.leaderboard.names import clean_name, name_key
from acsbench.leaderboard.passwords import hash_password, new_token, password_fits, token_hash
from acsbench.leaderboard.tokens import revoke_all

INVITATION_DAYS = 14
_NOT_VALID = "This link has been used, has expired, or never was; ask the organiser for another"


@dataclass(frozen=True)
class TeamOverview:
    """A team as the organiser sees it."""

    team: Team
    members: tuple[User, ...]
    submissions: int
    open_invitations: int


def invite(
    database: Database, team: str | None, days: int = INVITATION_DAYS, by: int | None = None
) -> str:
    """Make a link's token by which one person signs up.

    Args:
        database: the board's.
        team: name of the team, made if there is none of that name; None invites an organiser.
        days: how long it works.
        by: id of the organiser who invites.

    Returns:
        The token; only its hash is kept.

    Raises:
        ConfigurationError: the name is empty or too long.
    """
    token = new_token()
    with database.write() as session:
        member_of = None if team is None else _team(session, team)
        _add_invitation(session, token, days, team=member_of)
        record(session, "invite", by, team=member_of.id if member_of else None)
    return token


def reset_link(database: Database, user_id: int, days: int = 2, by: int | None = None) -> str:
    """Make a link's token by which a user sets a new password.

    Raises:
        ConfigurationError: there is no such user.
    """
    token = new_token()
    with database.write() as session:
        user = session.get(User, user_id)
        if user is None:
            raise ConfigurationError("There is no such member")
        _add_invitation(session, token, days, team=user.team, user=user)
        record(session, "offer new password", by, user=user.id)
    return token


def invitation(database: Database, token: str) -> Invitation:
    """The invitation that a link stands for.

    Raises:
        ConfigurationError: it was used, has expired, or never was.
    """
    with database.read() as session:
        return _valid_invitation(session, token)


def sign_up(database: Database, token: str, name: str, password: str) -> User:
    """Use an invitation: make its user.

    Raises:
        ConfigurationError: the link is no longer valid, the name is taken, empty or too long, or
            the password is too weak.
    """
    name = clean_name(name)
    if invitation(database, token).user_id is not None:
        raise ConfigurationError(_NOT_VALID)
    password_hash = hash_password(password, name)
    try:
        with database.write() as session:
            used = _use_invitation(session, token)
            user = User(
                name=name,
                name_key=name_key(name),
                password_hash=password_hash,
                session_key=_new_session_key(),
                team=used.team,
                is_organiser=used.team_id is None,
                created_at=now(),
            )
            session.add(user)
            session.flush()
            record(session, "sign up", user.id)
            return user
    except IntegrityError as error:
        raise ConfigurationError("Somebody has that name already; choose another") from error


def reset_password(database: Database, token: str, password: str) -> User:
    """Use a link of `reset_link`: set the user's new password, which ends all sessions and tokens.

    Raises:
        ConfigurationError: the link is no longer valid, or the password is too weak.
    """
    user = invitation(database, token).user
    if user is None:
        raise ConfigurationError(_NOT_VALID)
    password_hash = hash_password(password, user.name)
    with database.write() as session:
        changed = _use_invitation(session, token).user
        assert changed is not None
        changed.password_hash, changed.session_key = password_hash, _new_session_key()
        # Whoever had the old password may have made them.
        revoke_all(session, changed.id)
        record(session, "set new password", changed.id)
        return changed


def sign_in(database: Database, name: str, password: str) -> User | None:
    """The user of a name and password; None, after as long a time, if there is none."""
    with database.read() as session:
        user = session.scalar(select(User).where(User.name_key == name_key(name)))
    fits = password_fits(password, user.password_hash if user else None)
    return user if fits else None


def user_of_session(database: Database, user_id: int, session_key: str) -> User | None:
    """The user whose session it is, unless the password has changed since."""
    with database.read() as session:
        user = session.get(User, user_id)
    if user is None or not secrets.compare_digest(
        user.session_key.encode(), session_key.encode("utf-8", "replace")
    ):
        return None
    return user


def change_password(database: Database, user_id: int, old: str, new: str) -> User:
    """Set a new password, which ends all sessions of the user.

    Returns:
        The user with the new `session_key`.

    Raises:
        ConfigurationError: the old password is wrong, or the new one too weak.
    """
    with database.read() as session:
        user = session.get(User, user_id)
    if user is None or not password_fits(old, user.password_hash):
        raise ConfigurationError("The present password is wrong")
    password_hash = hash_password(new, user.name)
    with database.write() as session:
        changed = session.get(User, user_id, with_for_update={"of": User})
        assert changed is not None
        changed.password_hash, changed.session_key = password_hash, _new_session_key()
        record(session, "change password", user_id)
        return changed


def team_overview(database: Database) -> list[TeamOverview]:
    """All teams with their members, by name."""
    counted = select(Submission.team_id, func.count()).group_by(Submission.team_id).order_by(None)
    waiting = (
        select(Invitation.team_id, func.count())
        .where(Invitation.used_at.is_(None), Invitation.expires_at > now())
        .group_by(Invitation.team_id)
    )
    with database.read() as session:
        submissions = dict(session.execute(counted).all())
        invitations = dict(session.execute(waiting).all())
        members: dict[int, list[User]] = {}
        for user in session.scalars(
            select(User).where(User.team_id.is_not(None)).order_by(User.id)
        ):
            members.setdefault(user.team_id or 0, []).append(user)
        return [
            TeamOverview(
                team,
                tuple(members.get(team.id, ())),
                submissions.get(team.id, 0),
                invitations.get(team.id, 0),
            )
            for team in session.scalars(select(Team).order_by(Team.name_key))
        ]


def organisers(database: Database) -> list[User]:
    """All organisers, by name."""
    with database.read() as session:
        return list(session.scalars(select(User).where(User.is_organiser).order_by(User.name_key)))


def suspend_team(database: Database, team_id: int, by: int | None = None) -> None:
    """Take nothing more from a team, and leave it off the board."""
    with database.write() as session:
        session.execute(update(Team).where(Team.id == team_id).values(suspended_at=now()))
        record(session, "suspend team", by, team=team_id)


def reinstate_team(database: Database, team_id: int, by: int | None = None) -> None:
    """Undo `suspend_team`."""
    with database.write() as session:
        session.execute(update(Team).where(Team.id == team_id).values(suspended_at=None))
        record(session, "reinstate team", by, team=team_id)


def _team(session: Session, name: str) -> Team:
    name = clean_name(name)
    team = session.scalar(select(Team).where(Team.name_key == name_key(name)))
    if team is None:
        team = Team(name=name, name_key=name_key(name), created_at=now())
        session.add(team)
        session.flush()
    return team


def _add_invitation(
    session: Session, token: str, days: int, team: Team | None = None, user: User | None = None
) -> None:
    session.add(
        Invitation(
            token_hash=token_hash(token),
            team=team,
            user=user,
            created_at=now(),
            expires_at=now() + timedelta(days=days),
        )
    )


def _valid_invitation(session: Session, token: str, lock: bool = False) -> Invitation:
    wanted = select(Invitation).where(
        Invitation.token_hash == token_hash(token),
        Invitation.used_at.is_(None),
        Invitation.expires_at > now(),
    )
    if lock:
        wanted = wanted.with_for_update(of=Invitation)
    found = session.scalar(wanted)
    if found is None:
        raise ConfigurationError(_NOT_VALID)
    return found


def _use_invitation(session: Session, token: str) -> Invitation:
    # Locked: of two who use a link at once, the second finds it used.
    used = _valid_invitation(session, token, lock=True)
    used.used_at = now()
    return used


def _new_session_key() -> str:
    return secrets.token_urlsafe(16)
