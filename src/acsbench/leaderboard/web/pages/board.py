"""The board of each task, which anybody may read."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse

from acsbench.leaderboard import boards, phases
from acsbench.leaderboard.boards import Ranking
from acsbench.leaderboard.database.tables import Phase, User
from acsbench.leaderboard.database.types import PhaseState
from acsbench.leaderboard.web.drawing import auroc_axis
from acsbench.leaderboard.web.fields import IdQuery
from acsbench.leaderboard.web.latest import board_version
from acsbench.leaderboard.web.site import Site, TheSite, Visitor, page

router = APIRouter()


@router.get("/")
def first_board(request: Request, site: TheSite, user: Visitor) -> HTMLResponse:
    """The board of the first task."""
    return board(request, site, user, site.settings.tasks[0])


@router.get("/board/{task}")
def board(
    request: Request, site: TheSite, user: Visitor, task: str, phase: IdQuery = None
) -> HTMLResponse:
    """The board of a task, of the present phase or of an earlier one."""
    if task not in site.settings.tasks:
        raise HTTPException(404)
    if request.session:
        return board_page(request, site, user, task, phase)
    if phase is not None:
        phase_to_show(site, phase)  # pages that are none are not kept
    # Strangers all see the same.
    return HTMLResponse(
        site.latest.get(
            ("page", request.url.path, phase),
            board_version(site.database),
            lambda: board_page(request, site, None, task, phase).body,
        )
    )


def board_page(
    request: Request, site: Site, user: User | None, task: str, phase_id: int | None
) -> HTMLResponse:
    """The page as somebody sees it."""
    phase = phase_to_show(site, phase_id)
    ranking = None if phase is None else latest_ranking(site, task, phase)
    rows = () if ranking is None else ranking.rows
    known = phases.phases(site.database)
    closed = [each.id for each in known if each.state is PhaseState.CLOSED]
    return page(
        request,
        "board.html.j2",
        user,
        {
            "task": task,
            "phase": phase,
            "query": "" if phase_id is None else f"?phase={phase_id}",
            "ranking": ranking,
            "axis": auroc_axis(limit for row in rows for limit in (row.low, row.high)),
            "phases": known,
            "first_closed": phase is not None and phase.id == min(closed, default=None),
        },
    )


def latest_ranking(site: Site, task: str, phase: Phase) -> Ranking:
    """The ranking of a task, made anew when the board has changed."""
    return site.latest.get(
        ("ranking", task, phase.id),
        board_version(site.database),
        lambda: boards.ranking(site.database, task, phase),
    )


def phase_to_show(site: Site, phase_id: int | None) -> Phase | None:
    """A phase by its number, or the present one.

    Raises:
        HTTPException: 404; there is none of that number.
    """
    if phase_id is None:
        return phases.current_phase(site.database)
    for phase in phases.phases(site.database):
        if phase.id == phase_id:
            return phase
    raise HTTPException(404)
