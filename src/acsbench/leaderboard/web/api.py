"""The JSON API, version 1: what a team does on the pages, for programs with a token."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException as AnyHTTPException
from starlette.routing import Match

from acsbench.errors import ConfigurationError
from acsbench.leaderboard import boards, submissions
from acsbench.leaderboard.check import check_upload
from acsbench.leaderboard.database.types import SubmissionState
from acsbench.leaderboard.web.api_models import (
    BoardAnswer,
    CheckAnswer,
    ErrorAnswer,
    SubmissionAnswer,
    SubmissionDetails,
)
from acsbench.leaderboard.web.api_user import TokenUser
from acsbench.leaderboard.web.fields import ApiFile, Id, IdQuery, ModelName
from acsbench.leaderboard.web.pages.board import latest_ranking, phase_to_show
from acsbench.leaderboard.web.site import Site, TheSite
from acsbench.leaderboard.web.throttle import too_soon

DESCRIPTION = """Check and submit predictions, and read the board. Make a token on your account's \
page and send it as `Authorization: Bearer …`. Times are in UTC."""

REASONS = {
    400: "The request cannot be read.",
    401: "There is no valid token.",
    404: "There is no such thing, or it is not yours to see.",
    409: "Nothing is accepted now: no phase is open, or a limit is reached.",
    413: "The file is too large.",
    422: "The request or the file is not as described; `problems` has all reasons.",
    429: "Too often; `detail` says how long to wait.",
}


def answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Errors that a call may answer with, for its description."""
    return {status: {"model": ErrorAnswer, "description": REASONS[status]} for status in statuses}


def create_api(site: Site) -> FastAPI:
    """The API of a board, to be mounted where its address begins."""
    api = FastAPI(
        title=f"{site.settings.title}: API",
        description=DESCRIPTION,
        version="1",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    api.state.site = site
    api.get("/board/{task}", responses=answers(404, 422))(board)
    api.post("/check", responses=answers(400, 401, 413, 422, 429))(check)
    api.post("/submissions", status_code=201, responses=answers(400, 401, 409, 413, 422))(submit)
    api.get("/submissions", responses=answers(401))(ours)
    api.get("/submissions/{submission_id}", responses=answers(401, 404, 422))(submission)
    api.add_exception_handler(AnyHTTPException, _refusal)
    api.add_exception_handler(RequestValidationError, _misfit)
    return api


def board(site: TheSite, task: str, phase: IdQuery = None) -> BoardAnswer:
    """The board of a task, in the present phase or an earlier one. Needs no token."""
    shown = phase_to_show(site, phase)
    if task not in site.settings.tasks or shown is None:
        raise HTTPException(404, "There is no such board")
    return BoardAnswer.of(latest_ranking(site, task, shown))


def check(site: TheSite, user: TokenUser, file: ApiFile) -> CheckAnswer:
    """Check a file of predictions; all problems are reported, and nothing is kept."""
    wait = site.checks.wait(str(user.id))
    if wait:
        raise HTTPException(429, f"Too many files checked; try again in {too_soon(wait)}")
    found = check_upload(
        file.file.read(),
        site.holdout_ids,
        tasks=site.settings.tasks,
        max_bytes=site.settings.max_upload_bytes,
    )
    return CheckAnswer(
        ok=found.ok, problems=list(found.problems), tasks=list(found.tasks), rows=found.n_rows
    )


def submit(
    site: TheSite, user: TokenUser, file: ApiFile, model: ModelName, response: Response
) -> SubmissionAnswer:
    """Submit a file of predictions.

    The same file again is the same submission, so that a lost connection may be tried again.
    """
    try:
        receipt = submissions.submit(
            site.database, site.settings, site.holdout_ids, user, file.file.read(), model
        )
    except submissions.NotAccepted as error:
        raise HTTPException(409, error.message()) from error
    except ConfigurationError as error:
        raise HTTPException(422, error.message()) from error
    if receipt.state is SubmissionState.REFUSED or receipt.submission_id is None:
        raise Refused(receipt.problems)
    view = boards.submission_view(
        site.database, receipt.submission_id, user, site.settings.round_digits
    )
    assert view is not None
    return SubmissionAnswer.of(view.submission)


def ours(site: TheSite, user: TokenUser) -> list[SubmissionAnswer]:
    """The team's submissions, newest first; refused ones included."""
    if user.team_id is None:
        return []
    found = submissions.team_submissions(site.database, user.team_id)
    return [SubmissionAnswer.of(each) for each in found]


def submission(site: TheSite, user: TokenUser, submission_id: Id) -> SubmissionDetails:
    """A submission, with what may be known of its scores."""
    view = boards.submission_view(site.database, submission_id, user, site.settings.round_digits)
    if view is None:
        raise HTTPException(404, "There is no such submission")
    return SubmissionDetails.of_view(view)


class Refused(HTTPException):
    """A file that does not stand the check."""

    def __init__(self, problems: tuple[str, ...]):
        super().__init__(422, "The file is not accepted")
        self.problems = list(problems)


def _refusal(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, AnyHTTPException)
    problems = error.problems if isinstance(error, Refused) else []
    headers = dict(error.headers or {})
    if error.status_code == 405:
        headers["Allow"] = ", ".join(_allowed(request))
    content = {"detail": str(error.detail), "problems": problems}
    return JSONResponse(content, error.status_code, headers)


def _allowed(request: Request) -> list[str]:
    """All methods of an address; Starlette names those of its first route alone."""
    routes: list[APIRoute] = [r for r in request.app.routes if isinstance(r, APIRoute)]
    fitting = [route for route in routes if route.matches(request.scope)[0] is not Match.NONE]
    return sorted({method for route in fitting for method in route.methods or ()})


def _misfit(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    # The place and the reason, and never the value: it may be anything.
    problems = [
        f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}" for each in error.errors()
    ]
    return JSONResponse({"detail": "The request is not as described", "problems": problems}, 422)
