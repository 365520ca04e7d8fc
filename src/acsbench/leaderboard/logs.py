"""Logs of the board's processes: one JSON object a line, without personal data."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any, TextIO

LOGGER = "acsbench.leaderboard"


class JsonLines(logging.Formatter):
    """An event with its fields as a line of JSON.

    Of an exception only the type and the place in the code are kept: its text may hold a name, a
    password or a line of somebody's file.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "process": record.process,
            "event": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            line["error"] = type(error).__name__
            line["at"] = _places(error)
        return json.dumps(line, ensure_ascii=False, default=str)


def configure_logs(level: int = logging.INFO, stream: TextIO | None = None) -> None:
    """Send what the board's processes tell to standard error, or to `stream`."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines())
    logger = logging.getLogger(LOGGER)
    logger.handlers = [handler]
    logger.setLevel(level)
    logger.propagate = False


def log(event: str, level: int = logging.INFO, exc_info: bool = False, **fields: Any) -> None:
    """Tell that something happened.

    Args:
        event: what, in a fixed wording.
        level: of `logging`.
        exc_info: whether to tell which exception is being handled.
        fields: ids, counts and durations; no names, no addresses, nothing of a file.
    """
    logging.getLogger(LOGGER).log(level, event, exc_info=exc_info, extra={"fields": fields})


def _places(error: BaseException) -> list[str]:
    """Module and line of each frame, the innermost last."""
    places, trace = [], error.__traceback__
    while trace is not None:
        module = trace.tb_frame.f_globals.get("__name__", "?")
        places.append(f"{module}:{trace.tb_lineno}")
        trace = trace.tb_next
    return places
