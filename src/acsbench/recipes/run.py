"""Doing the steps of a recipe, one after the other or several side by side."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import wait
from pathlib import Path

from acsbench.recipes.helper import Helper, Place
from acsbench.recipes.steps import Clock, Record, Step, Tell, duration


def run_steps(
    steps: Sequence[Step], out: Path, tell: Tell, places: Sequence[Place] = ()
) -> dict[str, list[Path]]:
    """Do the steps that are not up to date.

    Args:
        steps: each after those that it needs.
        out: folder below which all that they make lies, and the record of what is done.
        tell: told a line about each step, and what the steps tell.
        places: processes to do steps in, side by side; in this process unless there are several.

    Returns:
        What each step has made, by its name.

    Raises:
        ConfigurationError: a process was killed.
        Exception: whatever a step raises; what others have finished is kept.
    """
    record = Record(out, steps)
    waiting = [step for step in steps if step.name not in record]
    if not waiting:
        tell(f"all {len(steps)} steps are up to date")
        return record.made()
    if len(waiting) < len(steps):
        tell(f"{len(steps) - len(waiting)} of {len(steps)} steps are up to date")
    round_ = _Round(record, len(steps), Clock(waiting), tell)
    with _helpers(places, waiting) as helpers:
        while waiting or any(helper.step for helper in helpers):
            _hand_out(waiting, helpers, round_)
            busy = {helper.connection: helper for helper in helpers if helper.step}
            for connection in wait(list(busy)) if busy else ():
                round_.hear(busy[connection])  # type: ignore[index]
    return record.made()


class _Round:
    """The state of one call: what is done, and what the user is told about it."""

    def __init__(self, record: Record, count: int, clock: Clock, tell: Tell):
        self.record = record
        self._count = count
        self._clock = clock
        self._tell = tell

    def is_ready(self, step: Step) -> bool:
        """Whether all that a step needs is done."""
        return all(name in self.record for name in step.needs)

    def begin(self, step: Step) -> None:
        """Tell the user what would else be waited for in silence."""
        if self._clock.is_long(step):
            self._tell(f"  {step.name} ...")

    def do(self, step: Step) -> None:
        """Do a step in this process."""
        self.begin(step)
        began = time.monotonic()
        made = step.work(self.record.made(), lambda line: self._tell(f"  {step.name}: {line}"))
        self._finish(step, made, time.monotonic() - began)

    def hear(self, helper: Helper) -> None:
        """Take what a helper has to say."""
        step = helper.step
        assert step is not None
        message = helper.receive()
        if isinstance(message, str):
            self._tell(f"  {step.name}: {message}")
        else:
            self._finish(step, message.made, message.seconds)

    def _finish(self, step: Step, made: Sequence[Path], seconds: float) -> None:
        self.record.add(step.name, made, seconds)
        self._clock.finish(step)
        words = "; ".join(filter(None, (duration(seconds), self._clock.left())))
        self._tell(f"[{len(self.record.made())}/{self._count}] {step.name}: {words}")


def _hand_out(waiting: list[Step], helpers: Sequence[Helper], round_: _Round) -> None:
    """Begin the steps that can begin, in their order; one that is done here is waited for."""
    for step in [step for step in waiting if round_.is_ready(step)]:
        idle = [helper for helper in helpers if helper.step is None]
        if not helpers or (step.alone and len(idle) == len(helpers)):
            waiting.remove(step)
            round_.do(step)
            return
        if step.alone:
            return  # nothing else begins before it
        if idle:
            waiting.remove(step)
            round_.begin(step)
            idle[0].begin(step, round_.record.made())


@contextmanager
def _helpers(places: Sequence[Place], waiting: Sequence[Step]) -> Iterator[list[Helper]]:
    """A process at each place, if there is work for several."""
    count = min(len(places), sum(not step.alone for step in waiting))
    with ExitStack() as stack:
        yield [stack.enter_context(Helper(place)) for place in places[:count] if count > 1]
