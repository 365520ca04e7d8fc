"""Writing files whole: under a temporary name first, then renamed."""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from acsbench.errors import ConfigurationError

PARTIAL = ".partial"
_CLUTTER_FOLDERS = ("__MACOSX", "$RECYCLE.BIN", "System Volume Information", "@eaDir")
_CLUTTER = ("thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r")


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` that takes its place if the block ends without an error.

    Nothing stays behind if it does not.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(partial_name(path.name))
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def folder_written_whole(folder: Path) -> Iterator[Path]:
    """A temporary folder beside `folder` that takes its place if the block ends without an error.

    A folder that was there before is replaced as a whole; nothing stays behind after an error.
    """
    # Beside its destination: a rename across file systems would not be atomic.
    folder = folder.resolve()
    folder.parent.mkdir(parents=True, exist_ok=True)
    remove_partial(folder.parent)
    new = folder.with_name(partial_name(folder.name))
    # Not a partial one: should the process die between the renames, it is all there is.
    old = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.old")
    new.mkdir()
    try:
        yield new
        if folder.exists():
            folder.rename(old)
        try:
            new.rename(folder)
        except OSError:
            if old.exists():
                old.rename(folder)
            raise
    finally:
        shutil.rmtree(new, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def require_empty(folder: Path) -> None:
    """Make sure that a new folder would replace nothing.

    Raises:
        ConfigurationError: it is a file, or not empty.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigurationError(
            f"{folder} exists and is not an empty folder; name another or remove it"
        )


def file_names(titles: Iterable[str]) -> dict[str, str]:
    """A name for a file of each title, which any file system takes, and no two share.

    >>> file_names(["ResNet 18", "with age/sex", "with age:sex", "../x", "nan", "NaN"])
    ... # doctest: +NORMALIZE_WHITESPACE
    {'ResNet 18': 'ResNet 18', 'with age/sex': 'with age_sex', 'with age:sex': 'with age_sex-2',
     '../x': '_x', 'nan': 'nan', 'NaN': 'NaN-2'}
    """
    names: dict[str, str] = {}
    taken: set[str] = set()
    for title in titles:
        # No separators, no leading dot (hidden files), at most 150 bytes of UTF-8.
        plain = re.sub(r"[^\w .,+()=-]", "_", title).lstrip(". ")
        plain = plain.encode()[:150].decode(errors="ignore").rstrip(". ") or "untitled"
        name, number = plain, 1
        while name.casefold() in taken:
            number += 1
            name = f"{plain}-{number}"
        taken.add(name.casefold())
        names[title] = name
    return names


def write_text(path: Path, text: str) -> None:
    """Write a text file whole."""
    with written_whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file whole."""
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def remove_partial(folder: Path) -> None:
    """Remove what a killed process left under temporary names; those of a living one stay."""
    for leftover in folder.glob(f".*{PARTIAL}"):
        owner = leftover.name.removesuffix(PARTIAL).rpartition(".")[2].partition("-")[0]
        if owner.isdigit() and _is_alive(int(owner)):
            continue
        if leftover.is_dir():
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            leftover.unlink(missing_ok=True)


def partial_name(name: str) -> str:
    """A temporary name beside `name` that tells which process it belongs to."""
    return f".{name}.{os.getpid()}-{secrets.token_hex(4)}{PARTIAL}"


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def is_clutter(path: str) -> bool:
    """Whether a path below a folder is what an operating system or editor left there.

    Examples:
        >>> [is_clutter(path) for path in ("__MACOSX/._a.csv", "x/.DS_Store", "~$a.csv", "x/a.csv")]
        [True, True, True, False]
    """
    *folders, name = path.replace("\\", "/").split("/")
    return (
        any(folder.startswith((".", *_CLUTTER_FOLDERS)) for folder in folders)
        or name.startswith((".", "~$", "~lock"))
        or name.casefold() in _CLUTTER
        or name.endswith("~")
    )


def sha256(path: Path) -> str:
    """SHA-256 of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_of(content: Any) -> str:
    """SHA-256 of anything that JSON can say, independent of the order of keys."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def usable_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
