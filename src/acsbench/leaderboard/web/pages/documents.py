"""Pages of text: the organiser's rules and data, the format of a submission, the API."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from markupsafe import Markup

from acsbench.leaderboard import phases
from acsbench.leaderboard.check import check_options
from acsbench.leaderboard.columns import headers
from acsbench.leaderboard.web.markdown import to_html
from acsbench.leaderboard.web.site import TheSite, Visitor, page

router = APIRouter()


@router.get("/rules")
def rules(request: Request, site: TheSite, user: Visitor) -> HTMLResponse:
    """The organiser's rules, and the limits of the present phase."""
    context = {
        "text": _shown(site.folder.rules_file),
        "phase": phases.current_phase(site.database),
    }
    return page(request, "rules.html.j2", user, context)


@router.get("/data")
def data(request: Request, site: TheSite, user: Visitor) -> HTMLResponse:
    """The data, and the format of a submission."""
    context = {
        "text": _shown(site.folder.data_file),
        "headers": headers(site.settings.tasks),
        "n_ecgs": len(site.holdout_ids),
        "check_options": check_options(site.settings.tasks),
    }
    return page(request, "data.html.j2", user, context)


@router.get("/api")
def api_help(request: Request, user: Visitor) -> HTMLResponse:
    """How a program uses the board."""
    server = str(request.base_url).rstrip("/")
    return page(request, "api.html.j2", user, {"server": server})


def _shown(file: Path) -> Markup:
    try:
        return to_html(file.read_text(encoding="utf-8", errors="replace"))
    except FileNotFoundError:
        return Markup("")
