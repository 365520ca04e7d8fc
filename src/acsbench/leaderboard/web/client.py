"""Submitting to a board over its API."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from acsbench.errors import ConfigurationError, DataError

TIMEOUT = httpx.Timeout(30, read=120, write=120)
EXAMPLE = "https://board.example.org"
HERE = frozenset({"localhost", "127.0.0.1", "::1"})


def submit(
    server: str,
    token: str,
    path: Path,
    model: str = "",
    transport: httpx.BaseTransport | None = None,
) -> dict[str, Any]:
    """Submit a file of predictions.

    Args:
        server: address of the board, such as `https://board.example.org`.
        token: of the API, from the account's page.
        path: the file.
        model: what the board shows below the team; the file's name without its ending, unless
            given.
        transport: how to reach the server; over the network, unless given.

    Returns:
        The board's answer: `id`, `state` and the rest of the submission.

    Raises:
        ConfigurationError: the server's address is none, or the server cannot be reached, does not
            know the token, accepts nothing now, or would get the token over a line that others can
            read.
        DataError: the file cannot be read or was refused; the problem names all reasons.
    """
    try:
        address = urlsplit(server)
    except ValueError as error:
        raise ConfigurationError(f"{server} is no address; give one like {EXAMPLE}") from error
    if address.scheme != "https" and address.hostname not in HERE:
        raise ConfigurationError(
            f"{server} is not https, so that others could read the token; give an https:// address"
        )
    token = token.strip()
    if not token or not token.isascii() or not token.isprintable():
        raise ConfigurationError("this is no token; copy it once more from your account's page")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(
            "the file cannot be read", file=path, fix="Mind the spelling of the path"
        ) from error
    # The name of the file stays here: the board has no use for it.
    form: dict[str, Any] = {"data": {"model": model or path.stem}}
    files = {"file": ("predictions.csv", content, "text/csv")}
    headers = {"Authorization": f"Bearer {token}"}
    try:
        with httpx.Client(base_url=server, timeout=TIMEOUT, transport=transport) as client:
            answer = client.post("/api/v1/submissions", files=files, headers=headers, **form)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ConfigurationError(
            f"{server} cannot be reached ({type(error).__name__}); try again: the same file is "
            "never scored twice"
        ) from error
    return _content(answer, server, path)


def read_token(path: Path) -> str:
    """The token of the API that a file holds.

    Raises:
        ConfigurationError: the file cannot be read as text.
    """
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"the token's file {path} cannot be read ({type(error).__name__}); save the token of "
            "your account's page in it"
        ) from error


def _content(answer: httpx.Response, server: str, path: Path) -> dict[str, Any]:
    try:
        content = answer.json()
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise ConfigurationError(f"{server} is no acsbench leaderboard; mind the address")
    if answer.is_success:
        return content
    reasons = content.get("problems") or [str(content.get("detail", answer.reason_phrase))]
    if answer.status_code in (413, 422):
        raise DataError(
            "the leaderboard refuses it: " + "; ".join(map(str, reasons)),
            file=path,
            fix="Correct the file and submit it again",
        )
    raise ConfigurationError(f"{server} refuses: {'; '.join(map(str, reasons))}")
