"""Tokens of the API: made once, kept as a hash, revoked at will."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from acsbench.errors import ConfigurationError
from acsbench.leaderboard.audit import now, record
from acsbench.leaderboard.database.connect import Database
from acsbench.leaderboard.database.tables import ApiToken, User
from acsbench.leaderboard.names import clean_name
from acsbench.leaderboard.passwords import TOKEN_PREFIX, new_token, token_hash

MOST_TOKENS = 20
"""Valid tokens of a user."""

_SHOWN = len(TOKEN_PREFIX) + 4


def create_token(database: Database, user_id: int, name: str) -> str:
    """Make a token; it is shown once, here.

    Raises:
        ConfigurationError: the name is empty or too long, or the user has too many tokens.
    """
    name, token = clean_name(name), new_token()
    with database.write() as session:
        valid = select(ApiToken.id).where(
            ApiToken.user_id == user_id, ApiToken.revoked_at.is_(None)
        )
        if len(session.scalars(valid).all()) >= MOST_TOKENS:
            raise ConfigurationError(f"You have {MOST_TOKENS} tokens; revoke one first")
        made = ApiToken(
            user_id=user_id,
            name=name,
            prefix=token[:_SHOWN],
            token_hash=token_hash(token),
            created_at=now(),
        )
        session.add(made)
        session.flush()
        record(session, "create token", user_id, token=made.id)
    return token


def user_of_token(database: Database, token: str) -> User | None:
    """Whose token it is; None if it was revoked or never was."""
    wanted = select(ApiToken).where(
        ApiToken.token_hash == token_hash(token), ApiToken.revoked_at.is_(None)
    )
    with database.read() as session:
        found = session.scalar(wanted)
    if found is None:
        return None
    # Once a day is enough to tell a forgotten token; a write at each call would be a burden.
    if found.last_used_on is None or found.last_used_on < now() - timedelta(days=1):
        with database.write() as session:
            session.execute(
                update(ApiToken).where(ApiToken.id == found.id).values(last_used_on=now())
            )
    return found.user


def tokens_of(database: Database, user_id: int) -> list[ApiToken]:
    """A user's tokens, newest first, revoked ones included."""
    wanted = select(ApiToken).where(ApiToken.user_id == user_id).order_by(ApiToken.id.desc())
    with database.read() as session:
        return list(session.scalars(wanted))


def revoke_all(session: Session, user_id: int) -> None:
    """Make all tokens of a user worthless, in the transaction that has the reason for it."""
    session.execute(
        update(ApiToken)
        .where(ApiToken.user_id == user_id, ApiToken.revoked_at.is_(None))
        .values(revoked_at=now())
    )


def revoke_token(database: Database, user_id: int, token_id: int) -> None:
    """Make a token of this user worthless at once; those of others are not touched."""
    with database.write() as session:
        session.execute(
            update(ApiToken)
            .where(
                ApiToken.id == token_id,
                ApiToken.user_id == user_id,
                ApiToken.revoked_at.is_(None),
            )
            .values(revoked_at=now())
        )
        record(session, "revoke token", user_id, token=token_id)
