"""A recipe as steps: what is up to date is not done again, and a killed call is gone on with."""

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
"""Share of the effort that must be done before the time left is told."""
LONG = 0.02
"""Share of the effort from which on the user is told that a step has begun."""

Made = Mapping[str, Sequence[Path]]
"""What each finished step has made, by its name."""
Tell = Callable[[str], None]
"""Takes a line for the user."""
Work = Callable[[Made, Tell], Sequence[Path]]
"""What a step does; it gives the files and folders that it has made."""


@dataclass(frozen=True, eq=False)
class Step:
    """One step of a recipe.

    Args:
        name: what the user reads; no two steps share it.
        work: what it does. A kill may end it anywhere: called again, it goes on.
        needs: names of earlier steps whose files it takes.
        settings: whatever else decides the result, as JSON can say it.
        effort: how long it takes, relative to others.
        alone: whether it uses all processes by itself. Other steps may run in another process:
            their work must be a function of a module, or a partial one.
    """

    name: str
    work: Work
    needs: tuple[str, ...] = ()
    settings: Any = None
    effort: float = 1.0
    alone: bool = False


@dataclass(frozen=True)
class Entry:
    """What is known of a step that was done.

    Args:
        digest: of all that decides its result.
        made: its files and folders, below the folder of the recipe.
        seconds: it took.
        files: all that it made, those of its folders one by one.
    """

    digest: str
    made: tuple[str, ...]
    seconds: float
    files: tuple[str, ...]


def digests_of(steps: Sequence[Step]) -> dict[str, str]:
    """By step, a digest of all that decides its result, that of the steps it needs included.

    Raises:
        ValueError: two steps have one name, or a step needs one that does not come before it.
    """
    digests: dict[str, str] = {}
    for step in steps:
        if step.name in digests or not digests.keys() >= set(step.needs):
            raise ValueError(f"the step {step.name!r} is there twice, or before what it needs")
        needed = [digests[name] for name in step.needs]
        digests[step.name] = digest_of([__version__, step.name, step.settings, needed])
    return digests


class Record:
    """Which steps of a folder are done, kept in its `steps.json`.

    Args:
        out: the folder.
        steps: the recipe's; entries of others are forgotten.
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
        """What a step had made and is gone."""
        return [path for path in (*entry.made, *entry.files) if not (self._out / path).exists()]

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def made(self) -> dict[str, list[Path]]:
        """What each finished step has made."""
        return _below(self._out, self._entries)

    def add(self, name: str, made: Sequence[Path], seconds: float) -> None:
        """Write down that a step is done.

        Raises:
            DataError: it took a folder of its own as finished from which files are gone.
        """
        if name in self._broken:
            lost = self._lost(self._broken[name])
            for folder in made:
                if any((self._out / path).is_relative_to(folder) for path in lost):
                    raise DataError(
                        "files are gone that the step does not make again",
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
    """Estimates the time left from what has been done in this call.

    Args:
        steps: those that are to be done.
        now: seconds of a clock.
    """

    def __init__(self, steps: Sequence[Step], now: Callable[[], float] = time.monotonic):
        self._now = now
        self._began = now()
        self._all = sum(step.effort for step in steps)
        self._done = 0.0

    def is_long(self, step: Step) -> bool:
        """Whether a step takes a good part of the time."""
        return step.effort >= LONG * self._all

    def finish(self, step: Step) -> None:
        """Count a step as done."""
        self._done += step.effort

    def left(self) -> str:
        """The time left in words; nothing before enough is done to tell."""
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
    """What the finished steps of a folder have made, by their names.

    Raises:
        DataError: it is no folder of a recipe.
    """
    entries = _entries(out / RECORD)
    if not entries:
        raise DataError(
            "no step of a recipe is finished here",
            file=out,
            fix="Name the folder that acsbench reproduce was given with --out",
        )
    return _below(out, entries)


def _files(path: Path) -> list[Path]:
    """A file, or all of a folder but hidden ones, which come and go."""
    if not path.is_dir():
        return [path]
    below = [file for file in sorted(path.rglob("*")) if file.is_file()]
    hidden = [any(part.startswith(".") for part in file.relative_to(path).parts) for file in below]
    return [file for file, left_out in zip(below, hidden, strict=True) if not left_out]


def _below(out: Path, entries: Mapping[str, Entry]) -> dict[str, list[Path]]:
    return {name: [out / path for path in entry.made] for name, entry in entries.items()}


def _entries(path: Path) -> dict[str, Entry]:
    """What a record holds; nothing if there is none that can be read."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            return {}
        return {
            name: Entry(
                entry["digest"],
                tuple(entry["made"]),
                entry["seconds"],
                tuple(entry.get("files", ())),  # earlier records name no files
            )
            for name, entry in content["steps"].items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        # Every step finds its own finished files again, so nothing is lost but a little time.
        return {}
