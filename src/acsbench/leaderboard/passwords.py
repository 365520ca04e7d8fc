"""Passwords by argon2, and tokens of which only a hash is kept."""

from __future__ import annotations

import hashlib
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from acsbench.errors import ConfigurationError

SHORTEST, LONGEST = 10, 200
TOKEN_PREFIX = "acsb_"
"""By which a token that was published by mistake is recognised."""

_HASHER = PasswordHasher()


def hash_password(password: str, name: str = "") -> str:
    """Argon2id hash of a password.

    Args:
        password: the new password.
        name: of its user, who must not choose it as password.

    Raises:
        ConfigurationError: it is too short, too long, or the user's name.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise ConfigurationError(f"A password has {SHORTEST} to {LONGEST} characters")
    if password.casefold() == name.casefold():
        raise ConfigurationError("The password must differ from the name")
    return _HASHER.hash(password)


def password_fits(password: str, password_hash: str | None) -> bool:
    """Whether a password belongs to a hash; without one, no, after as long a time."""
    if len(password) > LONGEST:
        return False
    if password_hash is None:
        _HASHER.hash(password)
        return False
    try:
        return _HASHER.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


def new_token() -> str:
    """A token that cannot be guessed: 256 bits."""
    return TOKEN_PREFIX + secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """SHA-256 of a token; 256 random bits need no slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()
