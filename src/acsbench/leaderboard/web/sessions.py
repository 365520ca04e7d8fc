"""Who is signed in: a signed cookie, and a token in every form."""

from __future__ import annotations

import hmac
import secrets
from typing import Any

from fastapi import HTTPException, Request
from itsdangerous import BadData, URLSafeTimedSerializer
from starlette.middleware.sessions import SessionMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from acsbench.leaderboard.web.fields import Text

WEEK = 7 * 24 * 60 * 60
DAY = 24 * 60 * 60


class BoardSessions:
    """Starlette's signed sessions, in a cookie that HTTPS alone may carry where it is spoken.

    Such a cookie has the prefix `__Host-`, so that no neighbouring host can plant one.
    """

    def __init__(self, app: ASGIApp, key: str):
        self.app = app
        self.plain = SessionMiddleware(app, key, session_cookie="acsbench", max_age=WEEK)
        self.secure = SessionMiddleware(
            app, key, session_cookie="__Host-acsbench", max_age=WEEK, https_only=True
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
        elif scope["scheme"] == "https":
            await self.secure(scope, receive, send)
        else:
            await self.plain(scope, receive, send)


def start_session(request: Request, user_id: int, session_key: str) -> None:
    """Sign a member in, in a session that shares nothing with the one before.

    Args:
        request: whose session it is.
        user_id: the member.
        session_key: changes with the password, which ends every session of the old one.
    """
    request.session.clear()
    request.session["user"] = user_id
    request.session["key"] = session_key


class FormTokens:
    """Tokens that tell the site's own forms from those of another site.

    The session keeps a random word; a form carries it signed with the time. It differs in each
    page, so that it cannot be guessed from the size of compressed pages.
    """

    def __init__(self, key: str):
        self._signer = URLSafeTimedSerializer(key, salt="form")

    def make(self, session: dict[str, Any]) -> str:
        """A token for a form of this session."""
        return self._signer.dumps(session.setdefault("form", secrets.token_urlsafe(16)))

    def holds(self, token: str, session: dict[str, Any]) -> bool:
        """Whether a token was made for this session within the last day."""
        try:
            word = self._signer.loads(token, max_age=DAY)
        except (BadData, UnicodeError):
            return False
        return hmac.compare_digest(str(word), str(session.get("form", "")))


def own_form(request: Request, form_token: Text = "") -> None:
    """Refuse a form that another site has sent.

    Raises:
        HTTPException: 403; the browser says that another site sends it, or its token is wrong.
    """
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise HTTPException(403, "This form came from another site.")
    tokens: FormTokens = request.app.state.site.form_tokens
    if not tokens.holds(form_token, request.session):
        raise HTTPException(
            403, "This form is too old, or cookies are off. Go back, reload and send again."
        )
