"""The steps of a recipe, and the record of finished ones, from which a killed call resumes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from acsbench import __version__
from acsbench.errors import DataError
from acsbench.files import digest_of, write_json

RECORD = "steps.json"
FORMAT = "acsbench-steps-1"
ENOUGH = 0.05
"""Minimum share of the effort before the time left is estimated."""
LONG = 0.02
"""Minimum share of the effort of a step whose start is reported."""

Made = Mapping[str, Sequence[Path]]
"""Files and folders of each finished step, by its name."""
Report = Callable[[str], None]
"""Takes a line for the user."""
Work = Callable[[Made, Report], Sequence[Path]]
"""The work of a step; returns the files and folders that it made."""


@dataclass(frozen=True, eq=False)
class Step:
    """One step of a recipe.

    Args:
        name: unique name, shown to the user.
        work: what it does. After a kill, it is called again and resumes.
        needs: names of earlier steps whose files it uses.
        settings: everything else that decides the result, as JSON.
        effort: duration relative to other steps.
        alone: whether it uses all processes itself. The work of other steps may run in another
            process, and must be a function of a module, or a partial of one.
    """

    name: str
    work: Work
    needs: tuple[str, ...] = ()
    settings: Any = None
    effort: float = 1.0
    alone: bool = False


@dataclass(frozen=True)
class Entry:
    """Record of a finished step.

    Args:
        digest: digest of everything that decides its result.
        made: its files and folders, relative to the folder of the recipe.
        seconds: duration.
        files: all its files, including those in its folders.
    """

    digest: str
    made: tuple[str, ...]
    seconds: float
    files: tuple[str, ...]


def digests_of(steps: Sequence[Step]) -> dict[str, str]:
    """Digest of everything that decides the result of each step, including earlier steps.

    Raises:
        ValueError: two steps have the same name, or a step comes before one that it needs.
    """
    digests: dict[str, str] = {}
    for step in steps:
        if step.name in digests or not digests.keys() >= set(step.needs):
            raise ValueError(f"the step {step.name!r} occurs twice, or before a step that it needs")
        needed = [digests[name] for name in step.needs]
        digests[step.name] = digest_of([__version__, step.name, step.settings, needed])
    return digests


class Record:
    """The finished steps of a folder, saved in its `steps.json`.

    Args:
        out: the folder.
        steps: the steps of the recipe; entries of other steps are dropped.
    """

    def __init__(self, out: Path, steps: Sequence[Step]):
        self._out = out
        self._digests = digests_of(steps)
        self._entries: dict[str, Entry] = {}
        self._broken: dict[str, Entry] = {}
        for name, entry in _entries(out / RECORD).items():
            if self._digests.get(name) == entry.digest:
                (self._broken if self._lost(entry) else self._entries)[name] = entry

    def _lost(self, entry: Entry) -> list[str]:
        """Missing files of a step."""
        return [path for path in (*entry.made, *entry.files) if not (self._out / path).exists()]

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def made(self) -> dict[str, list[Path]]:
        """Files and folders of each finished step."""
        return _below(self._out, self._entries)

    def add(self, name: str, made: Sequence[Path], seconds: float) -> None:
        """Record a finished step.

        Raises:
            DataError: files of the step were deleted, and the step did not make them again.
        """
        if name in self._broken:
            lost = self._lost(self._broken[name])
            for folder in made:
                if any((self._out / path).is_relative_to(folder) for path in lost):
                    raise DataError(
                        "files were deleted that the step does not make again",
                        file=folder,
                        fix="Remove the folder and repeat the command",
                    )
            del self._broken[name]
        files = [file for path in made for file in _files(path)]
        self._entries[name] = Entry(
            self._digests[name], self._below(made), round(seconds, 1), self._below(files)
        )
        content = {name: vars(entry) for name, entry in (self._broken | self._entries).items()}
        write_json(self._out / RECORD, {"format": FORMAT, "steps": content})

    def _below(self, paths: Sequence[Path]) -> tuple[str, ...]:
        return tuple(path.relative_to(self._out).as_posix() for path in paths)


class Clock:
    """Estimates the time left from the steps finished in this call.

    Args:
        steps: the steps to do.
        now: returns seconds of a clock.
    """

    def __init__(self, steps: Sequence[Step], now: Callable[[], float] = time.monotonic):
        self._now = now
        self._began = now()
        self._all = sum(step.effort for step in steps)
        self._done = 0.0

    def is_long(self, step: Step) -> bool:
        """Whether a step takes a large part of the time."""
        return step.effort >= LONG * self._all

    def finish(self, step: Step) -> None:
        """Count a step as finished."""
        self._done += step.effort

    def left(self) -> str:
        """The time left in words; empty until enough steps are finished."""
        if self._done < ENOUGH * self._all:
            return ""
        seconds = (self._now() - self._began) * (self._all - self._done) / self._done
        return f"about {duration(seconds)} left" if seconds > 1 else ""


def duration(seconds: float) -> str:
    """Seconds in words.

    >>> [duration(s) for s in (4.2, 130, 7400)]
    ['4 s', '2 min', '2 h 3 min']
    """
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def made_in(out: Path) -> dict[str, list[Path]]:
    """Files and folders of the finished steps in a folder, by name of the step.

    Raises:
        DataError: the folder contains no recipe.
    """
    entries = _entries(out / RECORD)
    if not entries:
        raise DataError(
            "the folder contains no finished step of a recipe",
            file=out,
            fix="Give the --out folder of acsbench reproduce",
        )
    return _below(out, entries)


def _files(path: Path) -> list[Path]:
    """The file itself, or all files of a folder except hidden ones, which are temporary."""
    if not path.is_dir():
        return [path]
    below = [file for file in sorted(path.rglob("*")) if file.is_file()]
    return [
        file
        for file in below
        if not any(part.startswith(".") for part in file.relative_to(path).parts)
    ]


def _below(out: Path, entries: Mapping[str, Entry]) -> dict[str, list[Path]]:
    return {name: [out / path for path in entry.made] for name, entry in entries.items()}


def _entries(path: Path) -> dict[str, Entry]:
    """Entries of a record; none if it cannot be read."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            return {}
        return {
            name: Entry(
                entry["digest"],
                tuple(entry["made"]),
                entry["seconds"],
                tuple(entry.get("files", ())),  # missing in records of earlier versions
            )
            for name, entry in content["steps"].items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        # Every step finds its own finished files again, so that only some time is lost.
        return {}
