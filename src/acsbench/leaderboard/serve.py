"""The processes of a board: the web server, and the worker that it starts and keeps alive."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

RESTART_SECONDS = 1.0
STOP_SECONDS = 30.0

_RUN = "from acsbench.cli.main import main; main()"


def serve_board(
    board_dir: Path, host: str, port: int, threads: int, with_worker: bool, proxies: str
) -> None:
    """Serve a board's pages and API until the process is told to stop.

    Args:
        board_dir: the board's folder.
        host: address to listen at.
        port: port to listen at; 0 for any that is free.
        threads: requests that are answered at once.
        with_worker: whether to run the worker as well.
        proxies: addresses whose word on the client's address and scheme is taken.

    Raises:
        ConfigurationError: the folder is no board, or its database cannot be opened.
    """
    import uvicorn

    from acsbench.leaderboard.web.app import create_app

    config = uvicorn.Config(
        create_app(board_dir),
        host=host,
        port=port,
        proxy_headers=True,
        forwarded_allow_ips=proxies,
        server_header=False,
        log_config=None,
        # An access log would hold addresses, which are personal data.
        access_log=False,
        timeout_keep_alive=30,
    )
    with worker_beside(board_dir) if with_worker else nullcontext():
        asyncio.run(_serve(uvicorn.Server(config), threads))


@contextmanager
def worker_beside(board_dir: Path) -> Iterator[None]:
    """Run the worker as a process of its own, and start another if it dies.

    It ends with this process, even if this one is killed: its input comes to an end then.
    """
    stop = threading.Event()
    command = [sys.executable, "-c", _RUN, "leaderboard", "worker", str(board_dir), "--with-parent"]
    keeper = threading.Thread(target=_keep_alive, args=(command, stop), daemon=True)
    keeper.start()
    try:
        yield
    finally:
        stop.set()
        keeper.join(STOP_SECONDS + 5)


def stop_signal(also_at_end_of_input: bool = False) -> threading.Event:
    """An event that is set when the process is told to stop, for loops to end between two jobs."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if also_at_end_of_input:

        def wait_for_end() -> None:
            sys.stdin.buffer.read()
            stop.set()

        threading.Thread(target=wait_for_end, daemon=True).start()
    return stop


async def _serve(server, threads: int) -> None:  # type: ignore[no-untyped-def]
    from anyio import to_thread

    to_thread.current_default_thread_limiter().total_tokens = threads
    await server.serve()


def _keep_alive(command: list[str], stop: threading.Event) -> None:
    while not stop.is_set():
        worker = subprocess.Popen(command, stdin=subprocess.PIPE)
        while worker.poll() is None and not stop.wait(0.2):
            pass
        if stop.is_set():
            _end(worker)
        else:
            stop.wait(RESTART_SECONDS)


def _end(worker: subprocess.Popen[bytes]) -> None:
    assert worker.stdin is not None
    worker.stdin.close()
    try:
        worker.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.wait()
