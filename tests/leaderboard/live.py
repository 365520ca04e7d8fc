"""Boards that run: a server and a worker in processes of their own, and clients that use them."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import httpx
import pandas as pd
from sqlalchemy import func, select

from acsbench.leaderboard.create import create_board
from acsbench.leaderboard.database.connect import open_database
from acsbench.leaderboard.database.tables import Score, Submission
from acsbench.leaderboard.database.types import SubmissionState
from acsbench.leaderboard.jobs import queue_state
from acsbench.leaderboard.phases import open_phase
from acsbench.leaderboard.settings import BoardFolder, Limits, Settings, open_folder
from acsbench.leaderboard.teams import invite, sign_up
from acsbench.leaderboard.tokens import create_token
from tests.leaderboard.boards import labels_table, predictions_for

PASSWORD = "a long enough password"
START_SECONDS = 180
ACSBENCH = (sys.executable, "-c", "from acsbench.cli.main import main; main()")
MANY = Limits(per_day=10_000, total=100_000)


@dataclass
class LiveBoard:
    """A board's folder and the processes that serve it.

    Args:
        path: the folder.
        port: on which it answers.
        organiser: token of the organiser's sign-up link.
        tokens: of the API, one for each team.
        lease: seconds after which the job of a killed worker goes to the next.
    """

    path: Path
    port: int
    organiser: str
    tokens: list[str] = field(default_factory=list)
    lease: int = 60
    server: subprocess.Popen[bytes] | None = None
    worker: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def folder(self) -> BoardFolder:
        return open_folder(self.path)

    def start_server(self) -> None:
        """Start the web server alone, and wait until it answers."""
        self.server = self._start("serve", "--without-worker", "--port", str(self.port))
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                if httpx.get(f"{self.url}/healthz", timeout=5).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            if self.server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the server did not start:\n{self.log('serve')}")
            time.sleep(0.05)

    def start_worker(self) -> None:
        self.worker = self._start("worker", "--lease", str(self.lease))

    def kill(self, name: str) -> None:
        """`kill -9` of the server or of the worker."""
        process = getattr(self, name)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def stop(self) -> None:
        for process in (self.server, self.worker):
            if process is not None and process.poll() is None:
                process.terminate()
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    process.kill()

    def log(self, command: str) -> str:
        return (self.path.parent / f"{command}.log").read_text(errors="replace")[-4000:]

    def _start(self, command: str, *options: str) -> subprocess.Popen[bytes]:
        with (self.path.parent / f"{command}.log").open("ab") as log:
            return subprocess.Popen(
                [*ACSBENCH, "leaderboard", command, str(self.path), *options],
                stdout=log,
                stderr=log,
                env=os.environ | {"OMP_NUM_THREADS": "1"},
            )


def make_board(
    folder: Path,
    *,
    ecgs: int = 400,
    teams: int = 1,
    database: str | None = None,
    phase: str | None = "First",
) -> LiveBoard:
    """A board with teams of one member each and an open phase, if it is named; not yet running."""
    table = labels_table(ecgs)
    table.to_csv(folder / "labels.csv", index=False)
    table[["ecg_id"]].to_csv(folder / "ids.csv", index=False)
    organiser = create_board(
        folder / "board",
        folder / "labels.csv",
        folder / "ids.csv",
        Settings(
            title="Chest pain", organiser="The trialists", partition_seed=7, database=database
        ),
    )
    board = LiveBoard(folder / "board", free_port(), organiser)
    opened = open_database(board.folder.database_url)
    if phase is not None:
        open_phase(opened, phase, MANY)
    for number in range(teams):
        user = sign_up(opened, invite(opened, f"Team {number}"), f"member {number}", PASSWORD)
        board.tokens.append(create_token(opened, user.id, "load"))
    opened.dispose()
    return board


@contextmanager
def running(board: LiveBoard) -> Iterator[LiveBoard]:
    """Start server and worker; both end with the block."""
    try:
        board.start_server()
        board.start_worker()
        yield board
    finally:
        board.stop()


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def submission_bytes(ecgs: int, seed: int) -> bytes:
    """A file of predictions for the board of `make_board`, another one for each seed."""
    return predictions_for(_labels(ecgs), seed).to_csv(index=False).encode()


@cache
def _labels(ecgs: int) -> pd.DataFrame:
    return labels_table(ecgs)


def upload(client: httpx.Client, token: str, content: bytes) -> httpx.Response:
    """Upload by the API."""
    return client.post(
        "/api/v1/submissions",
        headers={"Authorization": f"Bearer {token}"},
        files={"file": ("predictions.csv", content, "text/csv")},
        data={"model": f"model {secrets.token_hex(3)}"},
    )


@dataclass(frozen=True)
class Outcome:
    """What became of all uploads that a board took."""

    submissions: int
    scored_once: int

    @property
    def wrong(self) -> int:
        """Submissions that were not scored, or not once."""
        return self.submissions - self.scored_once


def outcome(board: LiveBoard) -> Outcome:
    """Count the submissions that were not refused, and those with exactly one score."""
    database = open_database(board.folder.database_url)
    scores = (
        select(Score.submission_id, func.count().label("scores"))
        .group_by(Score.submission_id)
        .subquery()
    )
    kept = select(func.count(Submission.id)).where(Submission.state != SubmissionState.REFUSED)
    once = (
        select(func.count(Submission.id))
        .join(scores, scores.c.submission_id == Submission.id)
        .where(Submission.state == SubmissionState.SCORED, scores.c.scores == 1)
    )
    with database.read() as session:
        result = Outcome(session.scalar(kept) or 0, session.scalar(once) or 0)
    database.dispose()
    return result


def wait_until_scored(board: LiveBoard, seconds: float = 1800) -> None:
    """Wait until no job is left.

    Raises:
        TimeoutError: some are after that time.
    """
    database = open_database(board.folder.database_url)
    deadline = time.monotonic() + seconds
    try:
        while True:
            queue = queue_state(database)
            if queue.waiting + queue.running == 0:
                return
            if time.monotonic() > deadline:
                raise TimeoutError(f"{queue} after {seconds:.0f} s:\n{board.log('worker')}")
            time.sleep(0.1)
    finally:
        database.dispose()
