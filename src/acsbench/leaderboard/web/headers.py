"""Headers of every response: what the browser may load, embed, guess and keep."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    # Everything is our own and in files: no inline script or style, no frame, no other host.
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; object-src 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    # The address of an invitation is a secret; no other site may learn it.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
TWO_YEARS = 63_072_000


class SecurityHeaders:
    """Adds `HEADERS` to every response, and keeps pages out of caches.

    Strict-Transport-Security is added where the request came by HTTPS.
    """

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers["Cache-Control"] = _cache_control(scope, message["status"])
                if scope["scheme"] == "https":
                    headers["Strict-Transport-Security"] = f"max-age={TWO_YEARS}"
            await send(message)

        await self.app(scope, receive, send_with_headers)


def _cache_control(scope: Scope, status: int) -> str:
    # A style sheet's address changes with its content; pages are for one visitor, now.
    versioned = scope["path"].startswith("/static/") and scope["query_string"]
    return "public, max-age=31536000, immutable" if versioned and status == 200 else "no-store"
