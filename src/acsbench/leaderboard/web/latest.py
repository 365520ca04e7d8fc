"""What many read at once, made once: kept until the board changes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import func, select

from acsbench.leaderboard.database.connect import Database
from acsbench.leaderboard.database.tables import AuditEntry, Comparison

Made = TypeVar("Made")
Version = tuple[int | None, int | None]

LONGEST_SECONDS = 2.0
"""Whatever the version says: on PostgreSQL, entries may appear in another order than their ids."""


def board_version(database: Database) -> Version:
    """Changes with all that a board shows: each change has an audit entry, or is a comparison."""
    with database.read() as session:
        row = session.execute(
            select(
                select(func.max(AuditEntry.id)).scalar_subquery(),
                select(func.max(Comparison.id)).scalar_subquery(),
            )
        ).one()
    return row[0], row[1]


@dataclass
class _Kept:
    lock: threading.Lock = field(default_factory=threading.Lock)
    version: Version | None = None
    until: float = 0.0
    made: Any = None


class Latest:
    """The last thing made for each key, while its version holds.

    Of several threads that want the same thing, one makes it and the others wait for it.

    Args:
        clock: seconds that never run backwards.

    Examples:
        >>> latest = Latest()
        >>> [latest.get("page", (1, 1), lambda: text) for text in ("first", "second")]
        ['first', 'first']
        >>> latest.get("page", (2, 1), lambda: "third")
        'third'
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self._kept: dict[Hashable, _Kept] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, version: Version, make: Callable[[], Made]) -> Made:
        """What was made for this version, or what is made now.

        Args:
            key: what it is; few of them, since none is ever forgotten.
            version: of what it is made of, asked before it is made.
            make: makes it.
        """
        with self._lock:
            kept = self._kept.setdefault(key, _Kept())
        with kept.lock:
            if kept.version != version or self._clock() >= kept.until:
                kept.made = make()
                kept.version, kept.until = version, self._clock() + LONGEST_SECONDS
            made: Made = kept.made
            return made
