"""Backup and restore: one file that holds a whole board, on whatever database it lives."""

from __future__ import annotations

import json
import shutil
import tarfile
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from acsbench import __version__
from acsbench.errors import ConfigurationError, DataError
from acsbench.files import folder_written_whole, require_empty, sha256, write_json, written_whole
from acsbench.leaderboard.database.connect import (
    Database,
    holds_tables,
    newest_revision,
    open_database,
    open_engine,
    upgrade_connection,
)
from acsbench.leaderboard.database.dump import dump, load
from acsbench.leaderboard.settings import (
    PRIVATE,
    BoardFolder,
    make_private,
    open_folder,
    write_settings,
)

FORMAT = "acsbench-board-1"
MANIFEST, ROWS = "manifest.json", "database.jsonl.gz"
_FIX = "Take another backup: this file is damaged, or is none of a board"


def backup(board_dir: Path, file: Path) -> None:
    """Write a board into one file, readable by its owner alone: it holds the labels.

    The database is read in one transaction, which sees one state while uploads go on.

    Args:
        board_dir: the board's folder; its service may be running.
        file: tar file to write; an earlier one is replaced once the new one is whole.

    Raises:
        ConfigurationError: the folder is no board, or its database cannot be opened.
    """
    folder = open_folder(board_dir)
    database = open_database(folder.database_url)
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        # Beside the file: it has room for the board, and the folder is closed to others.
        with tempfile.TemporaryDirectory(dir=file.parent, prefix=".backup-") as parts:
            _write_parts(folder, database, Path(parts))
            with written_whole(file) as temporary:
                temporary.touch(mode=0o600)
                with tarfile.open(temporary, "w") as tar:
                    for path in sorted(Path(parts).iterdir()):
                        tar.add(path, path.name)
    finally:
        database.dispose()


def restore(file: Path, board_dir: Path, database_url: str | None = None) -> None:
    """Make a board of a backup.

    Args:
        file: written by `backup`, of this version of acsbench or an earlier one.
        board_dir: new or empty folder.
        database_url: new or empty database; unless given, that of the backup's settings, which
            for SQLite is a file in the folder.

    Raises:
        ConfigurationError: the folder or the database is not empty, or cannot be reached.
        DataError: the file is damaged or no backup.
    """
    require_empty(board_dir)
    with folder_written_whole(board_dir) as new, tempfile.TemporaryDirectory(dir=new) as parts:
        manifest = _unpack(file, Path(parts))
        settings = open_folder(Path(parts)).settings
        if database_url is not None:
            settings = settings.model_copy(update={"database": database_url})
        folder = BoardFolder(new, settings)
        _place(BoardFolder(Path(parts), settings), folder)
        _fill(folder.database_url, Path(parts) / ROWS, manifest, file)


def _place(parts: BoardFolder, folder: BoardFolder) -> None:
    make_private(folder)
    for source, target in zip(parts.files, folder.files, strict=True):
        if source.exists():
            source.replace(target)
            target.chmod(0o600)
    write_settings(folder.path, folder.settings)


def _write_parts(folder: BoardFolder, database: Database, parts: Path) -> None:
    (parts / PRIVATE).mkdir()
    for source in folder.files:
        if source.exists():
            shutil.copyfile(source, parts / source.relative_to(folder.path))
    with database.read() as session:
        rows = dump(session.connection(), parts / ROWS)
    manifest = {
        "format": FORMAT,
        "acsbench": __version__,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "revision": newest_revision(),
        "rows": rows,
        "sha256": {
            path.relative_to(parts).as_posix(): sha256(path)
            for path in sorted(parts.rglob("*"))
            if path.is_file()
        },
    }
    write_json(parts / MANIFEST, manifest)


def _unpack(file: Path, parts: Path) -> dict[str, Any]:
    """Unpack a backup, and make sure that each file is as it was written."""
    try:
        with tarfile.open(file, "r:") as tar:
            _extract(tar, parts)
        manifest: dict[str, Any] = json.loads((parts / MANIFEST).read_text(encoding="utf-8"))
        if manifest["format"] != FORMAT:
            raise DataError("the backup has a form that is unknown here", file=file, fix=_FIX)
        damaged = [n for n, digest in manifest["sha256"].items() if sha256(parts / n) != digest]
    except (OSError, tarfile.TarError, ValueError, KeyError, TypeError) as error:
        raise DataError("the file is no whole backup", file=file, fix=_FIX) from error
    if damaged:
        raise DataError(f"{', '.join(damaged)} in it differ from their sums", file=file, fix=_FIX)
    return manifest


def _extract(tar: tarfile.TarFile, folder: Path) -> None:
    """Extract plain files that lie below a folder; `extractall(filter=)` came with Python 3.11.4.

    Raises:
        ValueError: there is anything else.
    """
    for member in tar:
        path = (folder / member.name).resolve()
        if not path.is_relative_to(folder.resolve()) or not (member.isfile() or member.isdir()):
            raise ValueError(member.name)
        content = tar.extractfile(member)
        if content is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            with content, path.open("wb") as file:
                shutil.copyfileobj(content, file)


def _fill(url: str, rows: Path, manifest: dict[str, Any], file: Path) -> None:
    """Make the tables of the backup's revision, fill them, and bring them up to date."""
    engine = open_engine(url)
    try:
        if holds_tables(engine):
            raise ConfigurationError(
                "the database is not empty; name a new one, or drop its tables first"
            )
        with Database(engine).write() as session:
            upgrade_connection(session.connection(), manifest["revision"])
            if load(session.connection(), rows) != manifest["rows"]:
                raise DataError("rows of the database are missing", file=file, fix=_FIX)
            upgrade_connection(session.connection())
    finally:
        engine.dispose()
