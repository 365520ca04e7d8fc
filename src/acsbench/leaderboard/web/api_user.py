"""Who calls the API: a token, and never a cookie."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from acsbench.leaderboard import tokens
from acsbench.leaderboard.database.tables import User
from acsbench.leaderboard.web.site import site_of

Credentials = Annotated[
    HTTPAuthorizationCredentials | None,
    Depends(HTTPBearer(auto_error=False, description="A token from your account's page.")),
]


def bearer(request: Request, credentials: Credentials) -> User | None:
    """Whose token a request carries; None without a valid one."""
    if credentials is None:
        return None
    return tokens.user_of_token(site_of(request).database, credentials.credentials)


def token_user(user: Annotated[User | None, Depends(bearer)]) -> User:
    """Whose token it is.

    Raises:
        HTTPException: 401; there is no token, or it is not valid.
    """
    if user is None:
        raise HTTPException(
            401,
            "Send a valid token: Authorization: Bearer …; make one on your account's page",
            {"WWW-Authenticate": "Bearer"},
        )
    return user


TokenUser = Annotated[User, Depends(token_user)]
