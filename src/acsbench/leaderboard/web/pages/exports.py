"""Tables that the organiser takes home."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException, Request, Response

from acsbench.leaderboard import boards, phases, submissions, teams
from acsbench.leaderboard.task_names import task_key
from acsbench.leaderboard.web.fields import Id
from acsbench.leaderboard.web.pages.board import phase_to_show
from acsbench.leaderboard.web.site import Organiser, TheSite, page
from acsbench.leaderboard.web.spreadsheet import csv_file

router = APIRouter(prefix="/organise/exports")


@router.get("")
def exports(request: Request, site: TheSite, user: Organiser) -> Response:
    """What can be taken home."""
    context = {"phases": phases.phases(site.database)}
    return page(request, "exports.html.j2", user, context)


@router.get("/board-{task}-{phase_id}.csv")
def board(site: TheSite, user: Organiser, task: str, phase_id: Id) -> Response:
    """The board of a task and phase, as everybody sees it."""
    phase = phase_to_show(site, phase_id)
    if task not in site.settings.tasks or phase is None:
        raise HTTPException(404)
    ranking = boards.ranking(site.database, task, phase)
    header = ["rank", "team", "model", "part", "auroc", "low", "high", "submission", "received_at"]
    rows = [
        (
            row.rank,
            row.team,
            row.model,
            ranking.part,
            row.value,
            row.low,
            row.high,
            row.submission_id,
            row.received_at.isoformat(),
        )
        for row in ranking.rows
    ]
    return csv_file(f"board-{task_key(task)}-{phase_id}.csv", header, rows)


@router.get("/submissions.csv")
def all_submissions(site: TheSite, user: Organiser) -> Response:
    """Every upload, refused ones included."""
    header = ["submission", "team", "model", "phase", "received_at", "state", "bytes", "sha256"]
    rows = [
        (
            each.id,
            overview.team.name,
            each.model,
            each.phase.name,
            each.received_at.isoformat(),
            each.state.value,
            each.size,
            each.sha256,
        )
        for overview in teams.team_overview(site.database)
        for each in submissions.team_submissions(site.database, overview.team.id)
    ]
    return csv_file("submissions.csv", header, rows)
