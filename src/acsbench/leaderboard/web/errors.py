"""Errors as pages."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from acsbench.leaderboard.logs import log
from acsbench.leaderboard.web.site import page, signed_in

WORDS = {
    400: ("This request cannot be read", "Go back, reload the page and try again."),
    403: ("This is not allowed", "You may not do this."),
    404: ("There is no such page", "It may have moved, or it is not for you to see."),
    405: ("This address takes no such request", "Go back and use the form on the page."),
    413: ("This is too large", "Go back and choose a smaller file."),
    422: ("The form is not complete", "Go back, fill all fields as described, and send again."),
    429: ("Too often", "Wait a while, and try again."),
    500: ("Something went wrong here", "It has been logged. Try again, or tell the organiser."),
}


def show_errors(app: FastAPI) -> None:
    """Let an application answer what it refuses with pages of the site."""

    @app.exception_handler(HTTPException)
    def show_refusal(request: Request, error: HTTPException) -> Response:
        headers = dict(error.headers or {})
        if "Location" in headers:
            return RedirectResponse(headers["Location"], error.status_code)
        standard = error.detail == HTTPStatus(error.status_code).phrase
        response = error_page(request, error.status_code, None if standard else error.detail)
        response.headers.update(headers)
        return response

    @app.exception_handler(RequestValidationError)
    def show_misfit(request: Request, error: RequestValidationError) -> Response:
        in_address = any(each["loc"][0] in ("path", "query") for each in error.errors())
        return error_page(request, 404 if in_address else 422)


class Failures:
    """Answers what nobody foresaw with a page, and logs it, so that every answer has its headers.

    Starlette would do so too, but outside of all middleware.
    """

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def send_and_note(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, send_and_note)
        except Exception:
            log("request failed", exc_info=True)
            if not started:
                await error_page(Request(scope), 500)(scope, receive, send)


def error_page(request: Request, status: int, reason: str | None = None) -> Response:
    """A page that says what went wrong."""
    heading, usual = WORDS.get(status, (HTTPStatus(status).phrase, "Go back, and try again."))
    # After a failure nothing is asked of the database, which may be its cause.
    user = None if status == 500 else signed_in(request)
    context = {"heading": heading, "reason": reason or usual}
    return page(request, "error.html.j2", user, context, status)
