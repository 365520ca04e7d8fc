"""A team's submissions: check a file, submit it, and see what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request, Response, UploadFile

from acsbench.errors import ConfigurationError
from acsbench.leaderboard import boards, submissions
from acsbench.leaderboard.check import check_upload
from acsbench.leaderboard.database.tables import User
from acsbench.leaderboard.database.types import SubmissionState
from acsbench.leaderboard.web.fields import Id, Text, Upload
from acsbench.leaderboard.web.results import results_of
from acsbench.leaderboard.web.sessions import own_form
from acsbench.leaderboard.web.site import Member, Site, TheSite, page, see
from acsbench.leaderboard.web.throttle import too_soon

router = APIRouter()


def team_member(user: Member) -> User:
    """A member of a team; an organiser has none, and gets a word on it."""
    if user.team_id is None:
        raise HTTPException(403, "Organisers do not submit; the pages under Organise show it all.")
    return user


TeamMember = Annotated[User, Depends(team_member)]


@router.get("/submit")
def submit_form(request: Request, site: TheSite, user: TeamMember) -> Response:
    """The form to check and submit a file."""
    return _submit_page(request, site, user)


@router.post("/submit/check", dependencies=[Depends(own_form)])
def check(
    request: Request, site: TheSite, user: TeamMember, file: Upload = None, model: Text = ""
) -> Response:
    """All problems of a file; nothing is kept."""
    wait = site.checks.wait(str(user.id))
    if wait:
        raise HTTPException(429, f"Too many files checked. Try again in {too_soon(wait)}.")
    content = read_upload(file)
    if not content:
        return _submit_page(request, site, user, model, ["Choose a file first"], 422)
    found = check_upload(
        content,
        site.holdout_ids,
        tasks=site.settings.tasks,
        max_bytes=site.settings.max_upload_bytes,
    )
    passed = found.tasks if found.ok else None
    status = 200 if found.ok else 422
    return _submit_page(request, site, user, model, found.problems, status, passed)


@router.post("/submit", dependencies=[Depends(own_form)])
def submit(
    request: Request, site: TheSite, user: TeamMember, file: Upload = None, model: Text = ""
) -> Response:
    """Check a file and, if it stands the check, have it scored."""
    content = read_upload(file)
    if not content:
        return _submit_page(request, site, user, model, ["Choose a file first"], 422)
    if not model.strip():
        return _submit_page(request, site, user, model, ["Give your model a name"], 422)
    try:
        receipt = submissions.submit(
            site.database, site.settings, site.holdout_ids, user, content, model
        )
    except ConfigurationError as error:
        return _submit_page(request, site, user, model, [error.message()], 422)
    if receipt.state is SubmissionState.REFUSED:
        return _submit_page(request, site, user, model, receipt.problems, 422)
    notice = "You have submitted this file before; here it is." if receipt.repeated else None
    return see(request, f"/submissions/{receipt.submission_id}", notice)


@router.get("/submissions")
def ours(request: Request, site: TheSite, user: TeamMember) -> Response:
    """What the team has submitted, with reasons where it was refused."""
    assert user.team_id is not None
    allowance = submissions.allowance(site.database, user.team_id)
    context = {
        "heading": "Our submissions",
        "allowance": allowance,
        "submissions": submissions.team_submissions(
            site.database, user.team_id, submissions.LISTED + 1
        ),
    }
    return page(request, "submissions.html.j2", user, context)


@router.get("/submissions/{submission_id}")
def submission(request: Request, site: TheSite, user: Member, submission_id: Id) -> Response:
    """One submission, to its team and to the organiser."""
    digits = site.settings.round_digits
    view = boards.submission_view(site.database, submission_id, user, digits)
    if view is None:
        raise HTTPException(404)
    context = {"view": view, "results": results_of(view.scorecard)}
    return page(request, "submission.html.j2", user, context)


@router.post("/submissions/{submission_id}/select", dependencies=[Depends(own_form)])
def select(
    request: Request, site: TheSite, user: TeamMember, submission_id: Id, task: Text = ""
) -> Response:
    """Choose the submission by which the team is ranked when the phase closes."""
    try:
        submissions.select_submission(site.database, user, submission_id, task)
    except ConfigurationError as error:
        raise HTTPException(404, error.message()) from error
    return see(request, f"/submissions/{submission_id}", "Selected for the private part.")


def read_upload(file: UploadFile | None) -> bytes:
    """The content of an upload, which `BodyLimit` has kept small; its name is not looked at."""
    return b"" if file is None else file.file.read()


def _submit_page(
    request: Request,
    site: Site,
    user: User,
    model: str = "",
    problems: Sequence[str] = (),
    status: int = 200,
    passed: Sequence[str] | None = None,
) -> Response:
    assert user.team_id is not None
    context = {
        "model": model,
        "problems": problems,
        "passed": passed,
        "allowance": submissions.allowance(site.database, user.team_id),
    }
    return page(request, "submit.html.j2", user, context, status)
