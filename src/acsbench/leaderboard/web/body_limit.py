"""Requests that are too large, refused while they arrive."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

FORM_BYTES = 64 * 1024
"""Enough for every form without a file, and for what a form adds to a file."""


class BodyLimit:
    """Stops reading a body at its limit, whatever length the client has announced.

    Args:
        app: the application behind it; it must turn an `HTTPException` into a response.
        upload_paths: paths that take a file.
        upload_bytes: the largest file; all other bodies may have `FORM_BYTES`.
    """

    def __init__(self, app: ASGIApp, upload_paths: frozenset[str], upload_bytes: int):
        self.app = app
        self.upload_paths = upload_paths
        self.upload_bytes = upload_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        limit = FORM_BYTES
        if scope["path"] in self.upload_paths:
            limit += self.upload_bytes
        announced = dict(scope["headers"]).get(b"content-length", b"")
        too_large = announced.isdigit() and int(announced) > limit
        received = 0

        async def receive_within_limit() -> Message:
            nonlocal received
            if too_large:
                raise HTTPException(413)
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise HTTPException(413)
            return message

        await self.app(scope, receive_within_limit, send)
