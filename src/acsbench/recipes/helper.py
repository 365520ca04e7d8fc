"""A process that runs steps for the process that started it."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from acsbench.errors import ConfigurationError
from acsbench.recipes.steps import Made, Step
from acsbench.waveforms.workers import end_with_parent


@dataclass(frozen=True)
class Place:
    """Resources of a process.

    Args:
        threads: number of CPU threads.
        gpu: value of `CUDA_VISIBLE_DEVICES`; None for all GPUs.
    """

    threads: int
    gpu: str | None = None


@dataclass(frozen=True)
class Finished:
    """Files and folders of a step, and its duration in seconds."""

    made: Sequence[Path]
    seconds: float


class Helper:
    """A process for steps. Use as a context manager, which ends the process.

    Args:
        place: resources of the process.
    """

    def __init__(self, place: Place):
        # Spawn, since a fork of a process with threads (progress bar, BLAS) may hang.
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.step: Step | None = None
        self._process = context.Process(target=_serve, args=(theirs, place), daemon=True)
        self._process.start()
        theirs.close()

    def __enter__(self) -> Helper:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.join()

    def begin(self, step: Step, made: Made) -> None:
        """Start a step."""
        self.connection.send((step.work, made))
        self.step = step

    def receive(self) -> str | Finished:
        """The next message: a line for the user, or the end of the step.

        Raises:
            ConfigurationError: the process was killed.
            Exception: any error of the step.
        """
        try:
            message = self.connection.recv()
        except (EOFError, OSError) as error:
            raise ConfigurationError(
                "a process was killed, possibly because memory ran out: repeat the command, with "
                "fewer --workers if it happens again; finished steps are kept"
            ) from error
        if isinstance(message, BaseException):
            raise message
        if isinstance(message, Finished):
            self.step = None
        line: str | Finished = message
        return line


def _serve(connection: Connection, place: Place) -> None:
    """Run steps until the parent process ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent process ends this one
    end_with_parent()
    # Takes effect because the first step loads the libraries.
    os.environ["OMP_NUM_THREADS"] = str(place.threads)
    if place.gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = place.gpu
    while True:
        work, made = connection.recv()
        began = time.monotonic()
        try:
            connection.send(Finished(work(made, connection.send), time.monotonic() - began))
        except Exception as error:
            connection.send(_sendable(error))


def _sendable(error: Exception) -> Exception:
    """The error with its traceback as a note; a RuntimeError if it cannot be pickled."""
    try:
        error.add_note(traceback.format_exc())
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(traceback.format_exc())
    return error
