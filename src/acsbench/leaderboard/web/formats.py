"""How numbers, times and states are written on the pages."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime
from typing import Any

from markupsafe import Markup

from acsbench.leaderboard.score import METRICS
from acsbench.statistics import Estimate

TASKS = {
    "acs": "Acute coronary syndrome",
    "mace": "Major adverse cardiac event",
}


def task_name(task: str) -> str:
    """A task's full name.

    >>> task_name("ACS"), task_name("MACE 30d")
    ('Acute coronary syndrome', 'MACE 30d')
    """
    return TASKS.get(task.lower(), task)


def task_words(task: str) -> str:
    """A task's full name inside a sentence.

    >>> task_words("acs"), task_words("MACE 30d")
    ('acute coronary syndrome', 'MACE 30d')
    """
    name = task_name(task)
    return name if name == task else name.lower()


def metric_name(metric: str) -> str:
    """A metric's name in words."""
    return METRICS.get(metric, metric)


def day(moment: datetime | None) -> Markup:
    """A date for people, with the exact time for machines.

    >>> from datetime import UTC
    >>> str(day(datetime(2026, 3, 7, 9, 5, tzinfo=UTC)))
    '<time datetime="2026-03-07T09:05:00+00:00" title="7 March 2026, 09:05 UTC">7 Mar 2026</time>'
    """
    return _time(moment, "%b %Y")


def moment(moment: datetime | None) -> Markup:
    """A date and time in UTC."""
    return _time(moment, "%b %Y, %H:%M UTC")


def _time(moment: datetime | None, rest: str) -> Markup:
    if moment is None:
        return Markup("–")
    # %-d is not known everywhere.
    whole = f"{moment.day} {moment:%B %Y, %H:%M} UTC"
    shown = f"{moment.day} {moment.strftime(rest)}"
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        moment.isoformat(timespec="seconds"), whole, shown
    )


def size(size: int) -> str:
    """Bytes in the largest unit that leaves at least one of it.

    >>> size(64 * 2**20), size(1536), size(10)
    ('64 MB', '1.5 kB', '10 bytes')
    """
    for unit, length in (("MB", 2**20), ("kB", 2**10)):
        if size >= length:
            return f"{round(size / length, 1):g} {unit}"
    return f"{size} bytes"


def signed(value: float, digits: int) -> str:
    """A difference with its sign, the minus a typographic one.

    >>> signed(-0.0123, 3), signed(0.5, 2), signed(0, 1)
    ('−0.012', '+0.50', '0.0')
    """
    text = f"{value:+.{digits}f}"
    return text[1:] if float(text) == 0 else text.replace("-", "−")


def fixed(value: float, digits: int) -> str:
    """A number with so many decimals, the minus a typographic one."""
    return f"{value:.{digits}f}".replace("-", "−")


def counted(count: int, noun: str) -> str:
    """A count with its noun.

    >>> counted(1, "file"), counted(1200, "file")
    ('1 file', '1,200 files')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def estimate(shown: Estimate, digits: int = 3, plus: bool = False) -> Markup:
    """A value with its interval, the interval softer; a dash where there is none.

    >>> estimate(Estimate(0.25, 0.2, 0.3, 0.95, "exact", 9, 3, None), digits=2)
    Markup('0.25 <span class="limits">(0.20–0.30)</span>')
    """
    if not math.isfinite(shown.value):
        return Markup("–")
    value, _, limits = format(shown, f".{digits}f").partition(" ")
    limits = limits.replace("inf", "∞")
    if plus and shown.value > 0:
        value = f"+{value}"
    return Markup('{} <span class="limits">{}</span>').format(value, limits)


def p_value(p: float) -> str:
    """How small a p-value is.

    >>> p_value(0.0312), p_value(2e-9)
    ('= 0.031', '< 0.001')
    """
    return "< 0.001" if p < 0.001 else f"= {p:.3f}"


FILTERS: dict[str, Callable[..., Any]] = {
    "counted": counted,
    "day": day,
    "estimate": estimate,
    "fixed": fixed,
    "metric_name": metric_name,
    "moment": moment,
    "p_value": p_value,
    "signed": signed,
    "size": size,
    "task_name": task_name,
    "task_words": task_words,
}
