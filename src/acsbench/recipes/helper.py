"""A process that does one step after the other for the process that started it."""

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
    """What a process may use.

    Args:
        threads: of the processor.
        gpu: name of the only GPU it sees, as `CUDA_VISIBLE_DEVICES` has it; None for all.
    """

    threads: int
    gpu: str | None = None


@dataclass(frozen=True)
class Finished:
    """What a step has made, and how long it took in seconds."""

    made: Sequence[Path]
    seconds: float


class Helper:
    """A process for steps; used as a context, at whose end it is ended.

    Args:
        place: what it may use.
    """

    def __init__(self, place: Place):
        # A fork of a process with threads (progress bar, BLAS) may hang: start afresh.
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
        """Let it begin a step."""
        self.connection.send((step.work, made))
        self.step = step

    def receive(self) -> str | Finished:
        """What it says next: a line, or that its step is done.

        Raises:
            ConfigurationError: it was killed.
            Exception: whatever the step has raised.
        """
        try:
            message = self.connection.recv()
        except (EOFError, OSError) as error:
            raise ConfigurationError(
                "a process was killed, perhaps for want of memory: repeat the command, with "
                "fewer --workers if it happens again; what is finished is kept"
            ) from error
        if isinstance(message, BaseException):
            raise message
        if isinstance(message, Finished):
            self.step = None
        told: str | Finished = message
        return told


def _serve(connection: Connection, place: Place) -> None:
    """Do what is asked for until the process that asks is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that asks ends this one
    end_with_parent()
    # Read when the libraries are loaded, which is when the first step needs them.
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
    """The error with its traceback as a note, or what stands for one that cannot be sent."""
    try:
        error.add_note(traceback.format_exc())
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(traceback.format_exc())
    return error
