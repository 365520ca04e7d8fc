"""A member's account: password and tokens of the API."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request, Response

from acsbench.errors import ConfigurationError
from acsbench.leaderboard import teams, tokens
from acsbench.leaderboard.database.tables import User
from acsbench.leaderboard.web.fields import Id, Text
from acsbench.leaderboard.web.pages.entrance import limit_by_address
from acsbench.leaderboard.web.sessions import own_form, start_session
from acsbench.leaderboard.web.site import Member, Site, TheSite, page, see

router = APIRouter()


@router.get("/account")
def account(request: Request, site: TheSite, user: Member) -> Response:
    """Who one is, and which tokens one has."""
    return _account_page(request, site, user)


@router.post("/account/password", dependencies=[Depends(own_form)])
def change_password(
    request: Request,
    site: TheSite,
    user: Member,
    old: Text = "",
    password: Text = "",
    again: Text = "",
) -> Response:
    """Change the password; all other sessions end."""
    try:
        limit_by_address(request, site)
        if password != again:
            raise ConfigurationError("The two passwords differ")
        with site.password_slots:
            changed = teams.change_password(site.database, user.id, old, password)
    except ConfigurationError as error:
        return _account_page(request, site, user, problem=error.message())
    start_session(request, changed.id, changed.session_key)
    return see(request, "/account", "The password is changed; all other sessions have ended.")


@router.post("/account/tokens", dependencies=[Depends(own_form)])
def create_token(request: Request, site: TheSite, user: Member, name: Text = "") -> Response:
    """Make a token, and show it this once."""
    try:
        token = tokens.create_token(site.database, user.id, name)
    except ConfigurationError as error:
        return _account_page(request, site, user, problem=error.message())
    # Shown in this answer alone: no cookie, no address and no log ever holds it.
    return _account_page(request, site, user, token=token)


@router.post("/account/tokens/{token_id}/revoke", dependencies=[Depends(own_form)])
def revoke_token(request: Request, site: TheSite, user: Member, token_id: Id) -> Response:
    """End a token."""
    tokens.revoke_token(site.database, user.id, token_id)
    return see(request, "/account", "The token is revoked.")


def _account_page(
    request: Request,
    site: Site,
    user: User,
    problem: str | None = None,
    token: str | None = None,
) -> Response:
    context = {
        "tokens": tokens.tokens_of(site.database, user.id),
        "problem": problem,
        "token": token,
        "server": str(request.base_url).rstrip("/"),
    }
    return page(request, "account.html.j2", user, context, 422 if problem else 200)
