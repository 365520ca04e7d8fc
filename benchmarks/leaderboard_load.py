"""Load and sudden death of a leaderboard: uploads are never lost and never scored twice.

    PYTHONPATH=. python benchmarks/leaderboard_load.py load    # 50 participants, 200 readers, 60 s
    PYTHONPATH=. python benchmarks/leaderboard_load.py kill    # kill -9, 20 times, any moment

Server, worker and this client share the machine, and so its cores. Each participant uploads a new
file every few seconds, all of them at the same moment at first; each reader opens the board, looks
at it for some seconds, and opens it again. Server or worker is killed while an upload is under way
and started again at once, and a participant that lost its answer uploads the same file again.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np
from tests.leaderboard.kills import KILLED_ECGS, kill_and_upload
from tests.leaderboard.live import (
    LiveBoard,
    Outcome,
    make_board,
    outcome,
    running,
    submission_bytes,
    upload,
    wait_until_scored,
)

from _ludb import machine

ECGS = 2000


@dataclass
class Seen:
    """What the clients saw.

    Args:
        seconds: of each request, by its kind.
        errors: answers that are no success, by kind and status.
        accepted: uploads that the server took.
    """

    seconds: dict[str, list[float]] = field(default_factory=lambda: {"read": [], "upload": []})
    errors: Counter[str] = field(default_factory=Counter)
    accepted: int = 0


async def load(board: LiveBoard, readers: int, seconds: float, look: float, every: float) -> Seen:
    """Participants and readers at once, for some time."""
    seen = Seen()
    # Made beforehand: the clients shall not take the server's time.
    files = [
        [
            submission_bytes(ECGS, 1000 * number + attempt)
            for attempt in range(int(seconds / every) * 2)
        ]
        for number in range(len(board.tokens))
    ]
    end = time.monotonic() + seconds
    limits = httpx.Limits(max_connections=readers + len(board.tokens))
    async with httpx.AsyncClient(base_url=board.url, limits=limits, timeout=60) as client:

        async def request(kind: str, *args: object, **more: object) -> httpx.Response | None:
            start = time.perf_counter()
            try:
                response = await client.request(*args, **more)  # type: ignore[arg-type]
            except httpx.TransportError as error:
                seen.errors[f"{kind}: {type(error).__name__}"] += 1
                return None
            seen.seconds[kind].append(time.perf_counter() - start)
            if not response.is_success:
                seen.errors[f"{kind}: {response.status_code}"] += 1
            return response

        async def read(chance: random.Random) -> None:
            await asyncio.sleep(chance.uniform(0, look))
            while time.monotonic() < end:
                await request("read", "GET", "/board/acs")
                await asyncio.sleep(chance.uniform(0.5, 1.5) * look)

        async def participate(number: int, token: str) -> None:
            chance = random.Random(number)
            for attempt, content in enumerate(files[number]):
                if time.monotonic() > end:
                    return
                response = await request(
                    "upload",
                    "POST",
                    "/api/v1/submissions",
                    headers={"Authorization": f"Bearer {token}"},
                    files={"file": ("predictions.csv", content, "text/csv")},
                    data={"model": f"model {attempt}"},
                )
                seen.accepted += response is not None and response.is_success
                await asyncio.sleep(chance.uniform(0.5, 1.5) * every)

        await asyncio.gather(
            *(read(random.Random(-number)) for number in range(1, readers + 1)),
            *(participate(number, token) for number, token in enumerate(board.tokens)),
        )
    return seen


def report(title: str, result: Outcome, accepted: int) -> None:
    print(title)
    print(f"  uploads that the server took   {accepted:6,}")
    print(f"  submissions in the database    {result.submissions:6,}")
    print(f"  scored exactly once            {result.scored_once:6,}")
    print(f"  lost, failed, scored twice     {result.wrong:6,}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["load", "kill"])
    parser.add_argument("--participants", type=int, default=50)
    parser.add_argument("--readers", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--look", type=float, default=5, help="a reader looks at the board, s")
    parser.add_argument("--every", type=float, default=15, help="a participant uploads, s")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", help="URL; SQLite in a temporary folder unless given")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        ecgs, teams = (ECGS, options.participants) if options.what == "load" else (KILLED_ECGS, 4)
        board = make_board(Path(folder), ecgs=ecgs, teams=teams, database=options.database)
        with running(board):
            if options.what == "kill":
                accepted, killed = kill_and_upload(board, options.kills, options.seed)
                wait_until_scored(board)
                report(f"kill -9: {dict(killed)}", outcome(board), accepted)
            else:
                measure_load(board, options)
    print(f"({ecgs:,} ECGs, {options.database or 'SQLite'}; {machine()})")


def measure_load(board: LiveBoard, options: argparse.Namespace) -> None:
    with httpx.Client(base_url=board.url) as client:
        # So that the board has rows to read, and to know what a page takes on an idle machine.
        for number, token in enumerate(board.tokens):
            upload(client, token, submission_bytes(ECGS, 1000 * number + 999)).raise_for_status()
        wait_until_scored(board)
        idle = []
        for _ in range(30):
            start = time.perf_counter()
            client.get("/board/acs").raise_for_status()
            idle.append(time.perf_counter() - start)
    seen = asyncio.run(load(board, options.readers, options.seconds, options.look, options.every))
    start = time.monotonic()
    wait_until_scored(board)
    caught_up = time.monotonic() - start
    accepted = seen.accepted + options.participants
    report(f"load for {options.seconds:.0f} s", outcome(board), accepted)
    print(f"  answers that are no success    {dict(seen.errors) or 'none'}")
    print(f"  queue empty after              {caught_up:6.1f} s")
    for kind, values in seen.seconds.items():
        p50, p95, p99 = 1000 * np.quantile(values, [0.5, 0.95, 0.99])
        print(
            f"  {kind:6} {len(values):6,}: median {p50:.0f} ms, 95th percentile {p95:.0f} ms, "
            f"99th {p99:.0f} ms, longest {1000 * max(values):.0f} ms"
        )
    ratio = np.quantile(seen.seconds["read"], 0.95) / np.median(idle)
    print(
        f"  without load {1000 * np.median(idle):.0f} ms: the 95th percentile is {ratio:.1f} times"
    )


if __name__ == "__main__":
    main()
