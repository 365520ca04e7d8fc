"""Work in this process, in several processes, or on a Dask cluster, with the same result.

BLAS always uses one thread: the number of threads changes the last bit of a product.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from typing import TypeVar

from threadpoolctl import threadpool_limits

from acsbench.errors import ConfigurationError

Item = TypeVar("Item")
Result = TypeVar("Result")

CONNECT = 30.0
"""Seconds to wait for a scheduler."""


def run_all(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    *,
    workers: int = 1,
    dask: str | None = None,
) -> Iterator[tuple[Item, Result]]:
    """Call a function on each item; yield each item with its result when it is ready.

    Args:
        function: a function that workers can import.
        items: its arguments.
        workers: processes of this machine.
        dask: address of a Dask scheduler to use instead; its workers must see the same files.

    Raises:
        ConfigurationError: the scheduler does not answer, Dask is not installed, or a worker died.
    """
    if dask is not None:
        yield from _on_cluster(function, items, dask)
    elif workers <= 1 or len(items) <= 1:
        for item in items:
            yield item, _on_one_thread(function, item)
    else:
        yield from _in_processes(function, items, min(workers, len(items)))


def end_with_parent() -> None:
    """End this process when its parent ends, for any reason."""

    def watch(parent: BaseProcess) -> None:
        wait([parent.sentinel])
        os._exit(1)

    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=watch, args=(parent,), daemon=True).start()


def _on_one_thread(function: Callable[[Item], Result], item: Item) -> Result:
    # Repeat for each item: the limit applies only to libraries that are already loaded.
    with threadpool_limits(1, user_api="blas"):
        return function(item)


def _on_one_thread_from_now_on(function: Callable[[Item], Result], item: Item) -> Result:
    # Keep the limit: another thread of this worker may still be working.
    threadpool_limits(1, user_api="blas")
    return function(item)


def _in_processes(
    function: Callable[[Item], Result], items: Sequence[Item], workers: int
) -> Iterator[tuple[Item, Result]]:
    # A fork of a process with threads (progress bar, BLAS) may hang: use spawn.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=end_with_parent) as pool:
        futures = {pool.submit(_on_one_thread, function, item): item for item in items}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BrokenProcessPool as error:
            raise ConfigurationError(
                "a worker process was killed, perhaps because memory ran out: repeat the command, "
                "with fewer --workers if it happens again; finished parts are kept"
            ) from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _on_cluster(
    function: Callable[[Item], Result], items: Sequence[Item], address: str
) -> Iterator[tuple[Item, Result]]:
    try:
        from distributed import Client, KilledWorker
        from distributed import as_completed as done
    except ImportError as error:
        raise ConfigurationError(
            "--dask needs Dask: install acsbench[dask] here and on the workers"
        ) from error
    try:
        client = Client(address, timeout=CONNECT, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"no Dask scheduler answers at {address!r}: start one with dask scheduler"
        ) from error
    with client:
        limited = partial(_on_one_thread_from_now_on, function)
        # Other workers repeat the items of a dead worker, with the same files as result.
        futures = {
            future: item
            for item, future in zip(items, client.map(limited, items, pure=False), strict=True)
        }
        try:
            for future in done(futures, loop=client.loop):
                yield futures[future], future.result()
        except KilledWorker as error:
            raise ConfigurationError(
                "several Dask workers were killed, perhaps because memory ran out: give them more "
                "memory and repeat the command; finished parts are kept"
            ) from error
        finally:
            client.cancel(list(futures))
