"""What all pages share: the board, its templates, and who is looking."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib import resources
from pathlib import Path
from threading import BoundedSemaphore
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Depends, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment
from markupsafe import Markup

from acsbench import __version__
from acsbench.leaderboard import teams
from acsbench.leaderboard.database.connect import Database
from acsbench.leaderboard.database.tables import User
from acsbench.leaderboard.passwords import SHORTEST
from acsbench.leaderboard.settings import BoardFolder, Settings
from acsbench.leaderboard.submissions import LISTED
from acsbench.leaderboard.web import formats
from acsbench.leaderboard.web.latest import Latest
from acsbench.leaderboard.web.sessions import FormTokens
from acsbench.leaderboard.web.throttle import Throttle
from acsbench.pages import page_environment

MINUTE = 60.0


@dataclass(frozen=True)
class Site:
    """A board as the web sees it; it never opens the labels.

    Args:
        folder: the board's folder.
        database: its database.
        holdout_ids: ids of the ECGs to be predicted.
        form_tokens: of the site's own forms.
        attempts_by_name: sign-ins of one name from one address.
        attempts_by_address: sign-ins and sign-ups from one address.
        checks: files that one member has checked.
        latest: what many read at once.
        password_slots: passwords hashed at once; each takes 64 MiB of memory.
    """

    folder: BoardFolder
    database: Database
    holdout_ids: Sequence[str]
    form_tokens: FormTokens
    attempts_by_name: Throttle = field(default_factory=lambda: Throttle(5, 5 * MINUTE))
    attempts_by_address: Throttle = field(default_factory=lambda: Throttle(60, 5 * MINUTE))
    checks: Throttle = field(default_factory=lambda: Throttle(60, 5 * MINUTE))
    latest: Latest = field(default_factory=Latest)
    password_slots: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(4))

    @property
    def settings(self) -> Settings:
        """The board's settings."""
        return self.folder.settings

    @cached_property
    def templates(self) -> Environment:
        """The pages' templates."""
        environment = page_environment(__package__)
        environment.filters.update(formats.FILTERS)
        environment.globals.update(
            settings=self.settings,
            listed=LISTED,
            shortest_password=SHORTEST,
            static=static_address,
            version=__version__,
        )
        return environment


def site_of(request: Request) -> Site:
    """The site that a request is made to."""
    site: Site = request.app.state.site
    return site


def signed_in(request: Request) -> User | None:
    """Who looks at a page; None is anybody."""
    user_id, key = request.session.get("user"), request.session.get("key")
    if not isinstance(user_id, int) or not isinstance(key, str):
        return None
    return teams.user_of_session(site_of(request).database, user_id, key)


def member(request: Request, user: Annotated[User | None, Depends(signed_in)]) -> User:
    """Who is signed in; anybody else is sent to sign in first."""
    if user is None:
        # Only where a page was asked for; a form's address shows nothing afterwards.
        then = request.scope["path"] if request.method == "GET" else "/"
        raise HTTPException(303, headers={"Location": f"/sign-in?then={quote(then)}"})
    return user


def organiser(user: Annotated[User, Depends(member)]) -> User:
    """The organiser who is signed in; to all others the page does not exist."""
    if not user.is_organiser:
        raise HTTPException(404)
    return user


Visitor = Annotated[User | None, Depends(signed_in)]
Member = Annotated[User, Depends(member)]
Organiser = Annotated[User, Depends(organiser)]
TheSite = Annotated[Site, Depends(site_of)]


def page(
    request: Request,
    template: str,
    user: User | None,
    context: Mapping[str, Any],
    status: int = 200,
) -> HTMLResponse:
    """A page of the site.

    Args:
        request: what it answers.
        template: its file in `templates`.
        user: who looks at it.
        context: what the template shows beside what all pages have.
        status: of the response.
    """
    site = site_of(request)

    def form_token() -> Markup:
        token = site.form_tokens.make(request.session)
        return Markup('<input type="hidden" name="form_token" value="{}">').format(token)

    text = site.templates.get_template(template).render(
        user=user,
        here=request.url.path,
        navigation=navigation(user),
        notice=taken_notice(request),
        form_token=form_token,
        **context,
    )
    return HTMLResponse(text, status)


def taken_notice(request: Request) -> str | None:
    """What the form before this page has done, told once."""
    # Asked first: taking a word that is not there would still send a cookie.
    if "notice" not in request.scope.get("session", {}):
        return None
    return str(request.session.pop("notice"))


def navigation(user: User | None) -> list[tuple[str, str]]:
    """Addresses and names of the pages that a visitor may see."""
    pages = [("/", "Leaderboard"), ("/rules", "Rules"), ("/data", "Data and format")]
    if user is None:
        return [*pages, ("/sign-in", "Sign in")]
    if user.team_id is not None:
        pages += [("/submit", "Submit"), ("/submissions", "Our submissions")]
    if user.is_organiser:
        pages.append(("/organise", "Organise"))
    return [*pages, ("/account", "Account")]


def see(request: Request, address: str, notice: str | None = None) -> RedirectResponse:
    """After a form: a page to see, with a word on what was done."""
    if notice is not None:
        request.session["notice"] = notice
    return RedirectResponse(address, status_code=303)


@cache
def static_address(name: str) -> str:
    """Address of a file in `static`; it changes with the content, so that caches may keep it."""
    content = (Path(str(resources.files(__package__))) / "static" / name).read_bytes()
    return f"/static/{name}?v={hashlib.sha256(content).hexdigest()[:12]}"
