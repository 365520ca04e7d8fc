"""The web application of a board."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from fastapi import FastAPI
from starlette.staticfiles import StaticFiles

from acsbench import __version__
from acsbench.leaderboard.database.connect import open_database
from acsbench.leaderboard.settings import open_folder
from acsbench.leaderboard.web.api import create_api
from acsbench.leaderboard.web.body_limit import BodyLimit
from acsbench.leaderboard.web.errors import Failures, show_errors
from acsbench.leaderboard.web.headers import SecurityHeaders
from acsbench.leaderboard.web.monitoring import Measured, Measurements
from acsbench.leaderboard.web.monitoring import router as monitoring
from acsbench.leaderboard.web.pages import (
    account,
    board,
    documents,
    entrance,
    exports,
    organise,
    submissions,
)
from acsbench.leaderboard.web.sessions import BoardSessions, FormTokens
from acsbench.leaderboard.web.site import Site

API = "/api/v1"
PAGES = (board, documents, entrance, account, submissions, exports, organise)
UPLOAD_PATHS = frozenset({"/submit", "/submit/check", f"{API}/submissions", f"{API}/check"})


def create_app(board_dir: Path) -> FastAPI:
    """The pages and the API of a board, for an ASGI server.

    It reads the board's settings, ids and texts, and its database; never its labels.

    Args:
        board_dir: made by `acsbench leaderboard init`.

    Raises:
        ConfigurationError: the folder is no board, or its database is not up to date.
        DataError: the settings or the holdout's ids cannot be read.
    """
    folder = open_folder(board_dir)
    key = folder.secret_key()
    site = Site(
        folder, open_database(folder.database_url), tuple(folder.holdout_ids()), FormTokens(key)
    )
    measurements = Measurements(site.database)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        site.database.dispose()

    app = FastAPI(
        title=site.settings.title,
        version=__version__,
        lifespan=lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.site = site
    app.state.measurements = measurements
    for pages in PAGES:
        app.include_router(pages.router)
    app.include_router(monitoring)
    app.mount(API, create_api(site))
    static = StaticFiles(packages=[("acsbench.leaderboard.web", "static")])
    app.mount("/static", static, name="static")
    show_errors(app)
    # The last one added is the outermost.
    app.add_middleware(BoardSessions, key=key)
    app.add_middleware(
        BodyLimit,
        upload_paths=UPLOAD_PATHS,
        upload_bytes=site.settings.max_upload_bytes,
    )
    app.add_middleware(Measured, measurements=measurements)
    app.add_middleware(Failures)
    app.add_middleware(SecurityHeaders)
    return app
