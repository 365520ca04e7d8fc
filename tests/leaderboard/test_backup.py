"""A backup, restored on either database, is the same board."""

from __future__ import annotations

import io
import json
import stat
import tarfile
from pathlib import Path

import pytest
from sqlalchemy import select, text

from acsbench.errors import ConfigurationError, DataError
from acsbench.leaderboard import boards, phases, teams
from acsbench.leaderboard.backup import MANIFEST, ROWS, backup, restore
from acsbench.leaderboard.database import dump as dumping
from acsbench.leaderboard.database.connect import Database, open_database
from acsbench.leaderboard.database.tables import METADATA
from acsbench.leaderboard.settings import open_folder
from tests.leaderboard.conftest import PASSWORD, Site


@pytest.fixture
def used(site: Site) -> Site:
    """A board with scores, a refusal, a waiting upload and a closed phase."""
    ada, eve = site.member("Heart Lab"), site.member("=Another")
    site.submit(ada, 1, 1)
    site.submit(eve, 2, 2)
    site.send(eve, b"\xff\xfe not predictions")
    site.score()
    phase = phases.current_phase(site.database)
    assert phase is not None
    phases.close_phase(site.database, phase.id)
    site.open_phase()
    site.submit(ada, 1.5, 3)
    return site


def _content(database: Database) -> dict[str, list[tuple[object, ...]]]:
    with database.read() as session:
        return {
            table.name: [
                tuple(row)
                for row in session.execute(select(table).order_by(*table.primary_key.columns))
            ]
            for table in METADATA.sorted_tables
        }


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("target", ["sqlite", "postgresql"])
def test_a_restored_board_is_the_same_on_either_database(
    used: Site,
    target: str,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dumping, "ROWS_AT_ONCE", 2)
    file = tmp_path / "backups" / "board.tar"
    backup(used.folder.path, file)
    assert _mode(file) == 0o600
    assert [path.name for path in file.parent.iterdir()] == [file.name]

    folder = tmp_path / "restored"
    url = f"sqlite:///{folder}.sqlite" if target == "sqlite" else _another(request)
    restore(file, folder, url)
    restored = open_folder(folder)
    database = open_database(restored.database_url)
    assert _content(database) == _content(used.database)
    for before, after in zip(used.folder.files, restored.files, strict=True):
        if before.name != "board.yaml":
            assert after.read_bytes() == before.read_bytes()
    assert restored.settings.model_copy(update={"database": None}) == (
        used.folder.settings.model_copy(update={"database": None})
    )
    assert _mode(restored.private) == 0o700
    assert _mode(restored.labels_file) == _mode(restored.secret_file) == 0o600
    assert sorted(path.name for path in folder.iterdir()) == [
        "board.yaml",
        "data.md",
        "holdout-ids.csv",
        "private",
        "rules.md",
    ]

    first = phases.phases(database)[-1]
    assert boards.ranking(database, "acs", first).rows == (
        boards.ranking(used.database, "acs", first).rows
    )
    # It goes on: new rows get new ids, and what waited is scored.
    assert teams.sign_in(database, "member of Heart Lab", PASSWORD) is not None
    token = teams.invite(database, "A third")
    teams.sign_up(database, token, "Bob", PASSWORD)
    restored_site = Site(restored, database, used.labels, "")
    assert restored_site.score() == 1
    database.dispose()


def _another(request: pytest.FixtureRequest) -> str:
    """A second, empty PostgreSQL database."""
    from sqlalchemy import create_engine

    server: str = request.getfixturevalue("postgresql")
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("DROP DATABASE IF EXISTS restored WITH (FORCE)"))
        connection.execute(text("CREATE DATABASE restored"))
    engine.dispose()
    return server.replace("/postgres?", "/restored?")


def test_restoring_replaces_nothing(used: Site, tmp_path: Path) -> None:
    file = tmp_path / "board.tar"
    backup(used.folder.path, file)
    with pytest.raises(ConfigurationError, match="not an empty folder"):
        restore(file, used.folder.path)
    with pytest.raises(ConfigurationError, match="database is not empty"):
        restore(file, tmp_path / "restored", used.folder.database_url)
    assert not (tmp_path / "restored").exists()


def _changed(file: Path, name: str, change: bytes) -> Path:
    """The backup with a file in it changed."""
    changed = file.with_name("changed.tar")
    with tarfile.open(file) as old, tarfile.open(changed, "w") as new:
        for member in old.getmembers():
            content = old.extractfile(member)
            data = b"" if content is None else content.read()
            if member.name == name:
                data += change
                member.size = len(data)
            new.addfile(member, io.BytesIO(data))
    return changed


def test_a_damaged_backup_is_refused_and_leaves_nothing(used: Site, tmp_path: Path) -> None:
    file = tmp_path / "board.tar"
    backup(used.folder.path, file)
    target = tmp_path / "restored"
    for damaged in (
        _changed(file, "rules.md", b"."),
        _changed(file, ROWS, b"\0"),
        _changed(file, MANIFEST, b"}"),
    ):
        with pytest.raises(DataError, match=r"differ|no whole backup"):
            restore(damaged, target)
    cut = tmp_path / "cut.tar"
    cut.write_bytes(file.read_bytes()[:3000])
    with pytest.raises(DataError, match="no whole backup"):
        restore(cut, target)
    with pytest.raises(DataError, match="no whole backup"):
        restore(used.folder.rules_file, target)
    assert not target.exists()


def test_a_backup_of_a_later_version_is_refused_in_words(used: Site, tmp_path: Path) -> None:
    file = tmp_path / "board.tar"
    backup(used.folder.path, file)
    with tarfile.open(file) as tar:
        content = tar.extractfile(MANIFEST)
        assert content is not None
        manifest = json.load(content)
    manifest["revision"] = "9999"
    with tarfile.open(file) as old, tarfile.open(tmp_path / "later.tar", "w") as new:
        for member in old.getmembers():
            source = old.extractfile(member)
            data = b"" if source is None else source.read()
            if member.name == MANIFEST:
                data = json.dumps(manifest).encode()
                member.size = len(data)
            new.addfile(member, io.BytesIO(data))
    with pytest.raises(ConfigurationError, match="9999 of the database is unknown"):
        restore(tmp_path / "later.tar", tmp_path / "restored", f"sqlite:///{tmp_path}/x.sqlite")
