"""`kill -9` of a board's processes while it is used."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter

import httpx

from tests.leaderboard.live import LiveBoard, submission_bytes, upload

KILLED_ECGS = 400
"""So few that the queue is short when the last process is killed."""

NAMES = ("server", "worker")


def kill_and_upload(board: LiveBoard, kills: int, seed: int) -> tuple[int, Counter[str]]:
    """Kill server or worker at random while all teams upload, and start it again at once.

    Each kill strikes within a tenth of a second after an upload has begun. A team that lost its
    answer uploads the same file again.

    Args:
        board: which runs.
        kills: how many.
        seed: of the moments, and of who is killed.

    Returns:
        How many uploads the server took, and how often each process was killed.
    """
    chance = random.Random(seed)
    begun, done = threading.Event(), threading.Event()
    accepted: list[int] = []
    killed: Counter[str] = Counter()

    def participate(number: int, token: str) -> None:
        attempt = 0
        with httpx.Client(base_url=board.url, timeout=30) as client:
            while not done.wait(random.uniform(0.5, 3)):
                content = submission_bytes(KILLED_ECGS, 1000 * number + attempt)
                begun.set()
                while not _is_taken(client, token, content):
                    time.sleep(0.2)
                accepted.append(number)
                attempt += 1

    threads = [
        threading.Thread(target=participate, args=each, daemon=True)
        for each in enumerate(board.tokens)
    ]
    for thread in threads:
        thread.start()
    for _ in range(kills):
        time.sleep(chance.uniform(0, 2))
        begun.clear()
        begun.wait()
        time.sleep(chance.uniform(0, 0.1))
        name = chance.choice(NAMES)
        board.kill(name)
        killed[name] += 1
        board.start_server() if name == "server" else board.start_worker()
    done.set()
    for thread in threads:
        thread.join()
    return len(accepted), killed


def _is_taken(client: httpx.Client, token: str, content: bytes) -> bool:
    try:
        return upload(client, token, content).is_success
    except httpx.TransportError:
        return False
