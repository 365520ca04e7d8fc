"""Running the steps of a recipe, one by one or several in parallel."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import wait
from pathlib import Path

from acsbench.recipes.helper import Helper, Place
from acsbench.recipes.steps import Clock, Record, Report, Step, duration


def run_steps(
    steps: Sequence[Step], out: Path, report: Report, places: Sequence[Place] = ()
) -> dict[str, list[Path]]:
    """Run the steps that are not up to date.

    Args:
        steps: the steps, each after those that it needs.
        out: folder of their files and of the record.
        report: called with lines about and from the steps.
        places: resources for parallel processes; with fewer than two, this process does the work.

    Returns:
        Files and folders of each step, by name.

    Raises:
        ConfigurationError: a process was killed.
        Exception: any error of a step; finished steps are kept.
    """
    record = Record(out, steps)
    waiting = [step for step in steps if step.name not in record]
    if not waiting:
        report(f"all {len(steps)} steps are up to date")
        return record.made()
    if len(waiting) < len(steps):
        report(f"{len(steps) - len(waiting)} of {len(steps)} steps are up to date")
    progress = _Progress(record, len(steps), Clock(waiting), report)
    with _helpers(places, waiting) as helpers:
        while waiting or any(helper.step for helper in helpers):
            _start_ready(waiting, helpers, progress)
            busy = {helper.connection: helper for helper in helpers if helper.step}
            for connection in wait(list(busy)) if busy else ():
                progress.handle(busy[connection])  # type: ignore[index]
    return record.made()


class _Progress:
    """Records finished steps and reports them."""

    def __init__(self, record: Record, count: int, clock: Clock, report: Report):
        self.record = record
        self._count = count
        self._clock = clock
        self._report = report

    def is_ready(self, step: Step) -> bool:
        """Whether the steps that a step needs are finished."""
        return all(name in self.record for name in step.needs)

    def begin(self, step: Step) -> None:
        """Report the start of a long step."""
        if self._clock.is_long(step):
            self._report(f"  {step.name} ...")

    def run(self, step: Step) -> None:
        """Run a step in this process."""
        self.begin(step)
        began = time.monotonic()
        made = step.work(self.record.made(), lambda line: self._report(f"  {step.name}: {line}"))
        self._finish(step, made, time.monotonic() - began)

    def handle(self, helper: Helper) -> None:
        """Handle a message of a helper."""
        step = helper.step
        assert step is not None
        message = helper.receive()
        if isinstance(message, str):
            self._report(f"  {step.name}: {message}")
        else:
            self._finish(step, message.made, message.seconds)

    def _finish(self, step: Step, made: Sequence[Path], seconds: float) -> None:
        self.record.add(step.name, made, seconds)
        self._clock.finish(step)
        words = "; ".join(filter(None, (duration(seconds), self._clock.left())))
        self._report(f"[{len(self.record.made())}/{self._count}] {step.name}: {words}")


def _start_ready(waiting: list[Step], helpers: Sequence[Helper], progress: _Progress) -> None:
    """Start the steps that are ready, in their order; a step in this process blocks."""
    for step in [step for step in waiting if progress.is_ready(step)]:
        idle = [helper for helper in helpers if helper.step is None]
        if not helpers or (step.alone and len(idle) == len(helpers)):
            waiting.remove(step)
            progress.run(step)
            return
        if step.alone:
            return  # no later step may begin before it
        if idle:
            waiting.remove(step)
            progress.begin(step)
            idle[0].begin(step, progress.record.made())


@contextmanager
def _helpers(places: Sequence[Place], waiting: Sequence[Step]) -> Iterator[list[Helper]]:
    """A process for each place, if several can work."""
    count = min(len(places), sum(not step.alone for step in waiting))
    with ExitStack() as stack:
        yield [stack.enter_context(Helper(place)) for place in places[:count] if count > 1]
