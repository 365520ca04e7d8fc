"""Whether the service is well: for machines that watch it, without personal data."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from acsbench.leaderboard import jobs
from acsbench.leaderboard.database.connect import Database
from acsbench.leaderboard.database.tables import User
from acsbench.leaderboard.logs import log
from acsbench.leaderboard.web.api_user import bearer
from acsbench.leaderboard.web.site import TheSite, Visitor

router = APIRouter()

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Measurements:
    """What Prometheus may know: requests by route, and the queue.

    Args:
        database: of the board; asked when the measurements are read.
    """

    def __init__(self, database: Database):
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "acsbench_requests",
            "Requests answered",
            ["route", "method", "status"],
            registry=self.registry,
        )
        self.seconds = Histogram(
            "acsbench_request_seconds",
            "Time to answer a request",
            ["route"],
            buckets=BUCKETS,
            registry=self.registry,
        )
        self.registry.register(_Queue(database))


class _Queue(Collector):
    def __init__(self, database: Database):
        self._database = database

    def describe(self) -> Iterator[Metric]:
        """Nothing beforehand: the registry need not ask the database for the names."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Jobs by state, and the age of the oldest."""
        queue = jobs.queue_state(self._database)
        states = GaugeMetricFamily("acsbench_jobs", "Jobs of the worker", labels=["state"])
        for state in ("waiting", "running", "failed"):
            states.add_metric([state], getattr(queue, state))
        yield states
        yield GaugeMetricFamily(
            "acsbench_oldest_job_seconds", "Age of the oldest unfinished job", queue.oldest_seconds
        )


class Measured:
    """Counts and times each request under the pattern of its route, never its address.

    An address may hold an invitation's token; the pattern does not.
    """

    METHODS = frozenset({"GET", "HEAD", "POST"})

    def __init__(self, app: ASGIApp, measurements: Measurements):
        self.app = app
        self.measurements = measurements

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 500

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, send_and_note)
        finally:
            seconds = time.perf_counter() - started
            route = route_of(scope)
            method = scope["method"] if scope["method"] in self.METHODS else "other"
            self.measurements.requests.labels(route, method, str(status)).inc()
            self.measurements.seconds.labels(route).observe(seconds)
            milliseconds = round(1000 * seconds, 1)
            log("request", route=route, method=method, status=status, milliseconds=milliseconds)


def route_of(scope: Scope) -> str:
    """The pattern that an address fits, such as `/submissions/{submission_id}`."""
    pattern = getattr(scope.get("route"), "path", "")
    return f"{scope.get('root_path', '')}{pattern}" or "none"


@router.api_route("/healthz", methods=["GET", "HEAD"])
def health(site: TheSite) -> Response:
    """Whether the service can read its database."""
    try:
        with site.database.read() as session:
            session.execute(text("SELECT 1"))
    except SQLAlchemyError:
        return Response("the database does not answer\n", 503, media_type="text/plain")
    return Response("ok\n", media_type="text/plain")


@router.get("/metrics")
def metrics(
    request: Request, visitor: Visitor, token_user: Annotated[User | None, Depends(bearer)]
) -> Response:
    """Measurements for Prometheus, which carries an organiser's token."""
    user = token_user or visitor
    if user is None or not user.is_organiser:
        raise HTTPException(404)
    measurements: Measurements = request.app.state.measurements
    return Response(generate_latest(measurements.registry), media_type=CONTENT_TYPE_LATEST)
