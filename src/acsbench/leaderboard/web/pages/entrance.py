"""Sign in, sign out, and what is behind the links that the organiser sends."""

from __future__ import annotations

import re

from fastapi import APIRouter, Depends, HTTPException, Request, Response

from acsbench.errors import ConfigurationError
from acsbench.leaderboard import teams
from acsbench.leaderboard.database.tables import User
from acsbench.leaderboard.web.fields import Text
from acsbench.leaderboard.web.sessions import own_form, start_session
from acsbench.leaderboard.web.site import Site, TheSite, Visitor, page, see
from acsbench.leaderboard.web.throttle import too_soon

router = APIRouter()

_LOCAL = re.compile(r"/|(/[A-Za-z0-9_-][A-Za-z0-9 ._-]*)+")


@router.get("/sign-in")
def sign_in_form(request: Request, user: Visitor, then: str = "/") -> Response:
    """The form to sign in."""
    if user is not None:
        return see(request, local_address(then))
    return page(request, "sign_in.html.j2", None, {"name": "", "then": then, "problem": None})


@router.post("/sign-in", dependencies=[Depends(own_form)])
def sign_in(
    request: Request, site: TheSite, name: Text = "", password: Text = "", then: Text = "/"
) -> Response:
    """Sign in; a wrong name and a wrong password get the same answer."""
    address = client_address(request)
    attempt = f"{address} {name.strip().casefold()}"
    wait = max(site.attempts_by_address.wait(address), site.attempts_by_name.wait(attempt))
    user = None
    if not wait:
        with site.password_slots:
            user = teams.sign_in(site.database, name, password)
    if user is None:
        shown = {"name": name, "then": then}
        if wait:
            problem = f"Too many attempts; try again in {too_soon(wait)}"
        else:
            problem = "Name and password do not belong together"
        status = 429 if wait else 403
        return page(request, "sign_in.html.j2", None, shown | {"problem": problem}, status)
    site.attempts_by_name.forgive(attempt)
    return enter(request, user, local_address(then))


@router.post("/sign-out", dependencies=[Depends(own_form)])
def sign_out(request: Request) -> Response:
    """End the session."""
    request.session.clear()
    return see(request, "/")


@router.get("/sign-up/{token}")
def sign_up_form(request: Request, site: TheSite, token: str) -> Response:
    """The form behind an invitation, or behind a link for those who forgot their password."""
    return _sign_up_page(request, site, token, name="", problem=None)


@router.post("/sign-up/{token}", dependencies=[Depends(own_form)])
def sign_up(
    request: Request,
    site: TheSite,
    token: str,
    name: Text = "",
    password: Text = "",
    again: Text = "",
) -> Response:
    """Use a link, once: make the account or set its new password, and sign in."""
    try:
        if password != again:
            raise ConfigurationError("The two passwords differ")
        known = teams.invitation(site.database, token).user
        with site.password_slots:
            if known is None:
                user = teams.sign_up(site.database, token, name, password)
            else:
                user = teams.reset_password(site.database, token, password)
    except ConfigurationError as error:
        return _sign_up_page(request, site, token, name, error.message())
    return enter(request, user, "/")


def enter(request: Request, user: User, address: str) -> Response:
    """Start a session of a member at a page."""
    start_session(request, user.id, user.session_key)
    return see(request, address)


def _sign_up_page(
    request: Request, site: Site, token: str, name: str, problem: str | None
) -> Response:
    limit_by_address(request, site)
    try:
        invitation = teams.invitation(site.database, token)
    except ConfigurationError as error:
        raise HTTPException(404, error.message()) from error
    context = {"invitation": invitation, "name": name, "problem": problem}
    return page(request, "sign_up.html.j2", None, context, 422 if problem else 200)


def limit_by_address(request: Request, site: Site) -> None:
    """Refuse an address that tries too often.

    Raises:
        HTTPException: 429.
    """
    wait = site.attempts_by_address.wait(client_address(request))
    if wait:
        raise HTTPException(429, f"Too many attempts. Try again in {too_soon(wait)}.")


def client_address(request: Request) -> str:
    """Where a request comes from, as far as uvicorn was told to believe proxies."""
    return request.client.host if request.client else ""


def local_address(then: str) -> str:
    """A page of this site to go to, never another site.

    Only paths of plain segments are taken, none of them empty. Browsers drop tabs and line feeds,
    read a backslash as a slash, and take what follows two slashes for a host.

    >>> local_address("/submissions/12"), local_address("////elsewhere.org"), local_address("/a%2f")
    ('/submissions/12', '/', '/')
    """
    return then if _LOCAL.fullmatch(then) else "/"
