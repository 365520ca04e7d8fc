"""How often one may try: counted in memory, for one server process."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable


class Throttle:
    """At most so many attempts of one kind within a time.

    Args:
        attempts: allowed within `seconds`.
        seconds: the window, which slides.
        clock: seconds that never run backwards.

    Examples:
        >>> throttle = Throttle(attempts=2, seconds=60)
        >>> [throttle.wait("one address") for _ in range(2)], throttle.wait("one address") > 59
        ([0.0, 0.0], True)
    """

    REMEMBERED = 10_000

    def __init__(self, attempts: int, seconds: float, clock: Callable[[], float] = time.monotonic):
        self.attempts = attempts
        self.seconds = seconds
        self._clock = clock
        self._times: dict[str, deque[float]] = {}
        self._lock = threading.Lock()

    def wait(self, key: str) -> float:
        """Count an attempt, and tell how many seconds it comes too early; 0 if it may go on.

        An attempt that comes too early is not counted, so that waiting always helps.
        """
        now = self._clock()
        with self._lock:
            times = self._times.setdefault(key, deque())
            while times and times[0] <= now - self.seconds:
                times.popleft()
            if len(times) >= self.attempts:
                return times[0] + self.seconds - now
            times.append(now)
            if len(self._times) > self.REMEMBERED:
                self._forget(now)
            return 0.0

    def forgive(self, key: str) -> None:
        """Forget the attempts of one that succeeded."""
        with self._lock:
            self._times.pop(key, None)

    def _forget(self, now: float) -> None:
        past = [key for key, times in self._times.items() if times[-1] <= now - self.seconds]
        for key in past:
            del self._times[key]


def too_soon(seconds: float) -> str:
    """How long to wait, in words.

    >>> too_soon(12.2), too_soon(200)
    ('13 seconds', '4 minutes')
    """
    if seconds < 90:
        return f"{math.ceil(seconds)} seconds"
    return f"{math.ceil(seconds / 60)} minutes"
