"""What the organiser does: phases and limits, teams and invitations, scoring again."""

from __future__ import annotations

from fastapi import APIRouter, Depends, HTTPException, Request, Response

from acsbench.errors import ConfigurationError
from acsbench.leaderboard import audit, jobs, phases, submissions, teams
from acsbench.leaderboard.database.tables import User
from acsbench.leaderboard.settings import Limits
from acsbench.leaderboard.web.fields import Count, Id, IdQuery, Text
from acsbench.leaderboard.web.sessions import own_form
from acsbench.leaderboard.web.site import Organiser, Site, TheSite, page, see

router = APIRouter(prefix="/organise")

LOG_PAGE = 100


@router.get("")
def overview(request: Request, site: TheSite, user: Organiser) -> Response:
    """Phases, limits, and how scoring stands."""
    return _overview_page(request, site, user)


@router.post("/phases", dependencies=[Depends(own_form)])
def open_phase(
    request: Request,
    site: TheSite,
    user: Organiser,
    per_day: Count,
    total: Count,
    name: Text = "",
    closes_at: Text = "",
) -> Response:
    """Open a phase."""
    try:
        end = phases.end_of_phase(closes_at)
        limits = Limits(per_day=per_day, total=total)
        phases.open_phase(site.database, name, limits, closes_at=end, by=user.id)
    except ConfigurationError as error:
        return _overview_page(request, site, user, error.message())
    return see(request, "/organise", "The phase is open.")


@router.post("/phases/{phase_id}", dependencies=[Depends(own_form)])
def change_phase(
    request: Request,
    site: TheSite,
    user: Organiser,
    phase_id: Id,
    per_day: Count,
    total: Count,
    closes_at: Text = "",
) -> Response:
    """Change limits and end of a phase."""
    try:
        end = phases.end_of_phase(closes_at)
        limits = Limits(per_day=per_day, total=total)
        phases.change_phase(site.database, phase_id, limits, end, by=user.id)
    except ConfigurationError as error:
        return _overview_page(request, site, user, error.message())
    return see(request, "/organise", "The phase is changed.")


@router.post("/phases/{phase_id}/close", dependencies=[Depends(own_form)])
def close_phase(
    request: Request, site: TheSite, user: Organiser, phase_id: Id, sure: Text = ""
) -> Response:
    """Close a phase for good."""
    try:
        if sure != "yes":
            raise ConfigurationError("Say that you are sure: a closed phase is not opened again")
        phases.close_phase(site.database, phase_id, by=user.id)
    except ConfigurationError as error:
        return _overview_page(request, site, user, error.message())
    return see(request, "/organise", "The phase is closed; the private scores are on the board.")


@router.post("/rescore", dependencies=[Depends(own_form)])
def rescore(request: Request, site: TheSite, user: Organiser) -> Response:
    """Score all submissions again, with the present code and labels."""
    queued = jobs.rescore(site.database, by=user.id)
    return see(request, "/organise", f"Submissions queued to be scored again: {queued:,}.")


@router.get("/teams")
def all_teams(request: Request, site: TheSite, user: Organiser) -> Response:
    """Teams and their members."""
    return _teams_page(request, site, user)


@router.post("/teams/invite", dependencies=[Depends(own_form)])
def invite(
    request: Request, site: TheSite, user: Organiser, team: Text = "", organises: Text = ""
) -> Response:
    """Make a link for one person, and show it this once."""
    try:
        token = teams.invite(site.database, None if organises else team, by=user.id)
    except ConfigurationError as error:
        return _teams_page(request, site, user, problem=error.message())
    return _teams_page(request, site, user, token=token)


@router.post("/users/{user_id}/reset", dependencies=[Depends(own_form)])
def reset_link(request: Request, site: TheSite, user: Organiser, user_id: Id) -> Response:
    """Make a link by which a member sets a new password, and show it this once."""
    try:
        token = teams.reset_link(site.database, user_id, by=user.id)
    except ConfigurationError as error:
        raise HTTPException(404, error.message()) from error
    return _teams_page(request, site, user, token=token)


@router.get("/teams/{team_id}")
def team(request: Request, site: TheSite, user: Organiser, team_id: Id) -> Response:
    """All that a team has submitted."""
    for each in teams.team_overview(site.database):
        if each.team.id == team_id:
            context = {
                "heading": each.team.name,
                "allowance": None,
                "submissions": submissions.team_submissions(
                    site.database, team_id, submissions.LISTED + 1
                ),
            }
            return page(request, "submissions.html.j2", user, context)
    raise HTTPException(404)


@router.post("/teams/{team_id}/suspend", dependencies=[Depends(own_form)])
def suspend(request: Request, site: TheSite, user: Organiser, team_id: Id) -> Response:
    """Take nothing more from a team, and leave it off the board."""
    teams.suspend_team(site.database, team_id, by=user.id)
    return see(request, "/organise/teams", "The team is suspended.")


@router.post("/teams/{team_id}/reinstate", dependencies=[Depends(own_form)])
def reinstate(request: Request, site: TheSite, user: Organiser, team_id: Id) -> Response:
    """Undo the suspension of a team."""
    teams.reinstate_team(site.database, team_id, by=user.id)
    return see(request, "/organise/teams", "The team is back.")


@router.get("/audit")
def log(request: Request, site: TheSite, user: Organiser, before: IdQuery = None) -> Response:
    """Who did what, when."""
    entries = audit.entries(site.database, LOG_PAGE + 1, before)
    context = {
        "entries": entries[:LOG_PAGE],
        "earlier": entries[LOG_PAGE - 1].id if len(entries) > LOG_PAGE else None,
    }
    return page(request, "audit.html.j2", user, context)


def _overview_page(
    request: Request, site: Site, user: User, problem: str | None = None
) -> Response:
    known = phases.phases(site.database)
    context = {
        "phases": known,
        "open": next((phase for phase in known if phase.state == "open"), None),
        "shown_before": phases.SHOWN_BEFORE
        if phases.private_part_was_shown(site.database)
        else None,
        "queue": jobs.queue_state(site.database),
        "problem": problem,
    }
    return page(request, "organise.html.j2", user, context, 422 if problem else 200)


def _teams_page(
    request: Request,
    site: Site,
    user: User,
    problem: str | None = None,
    token: str | None = None,
) -> Response:
    server = str(request.base_url).rstrip("/")
    context = {
        "teams": teams.team_overview(site.database),
        "organisers": teams.organisers(site.database),
        "problem": problem,
        "link": None if token is None else f"{server}/sign-up/{token}",
    }
    return page(request, "teams.html.j2", user, context, 422 if problem else 200)
