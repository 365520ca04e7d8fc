from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import select, text
from sqlalchemy.exc import StatementError

from acsbench.errors import ConfigurationError
from acsbench.leaderboard.audit import record
from acsbench.leaderboard.database.connect import (
    Database,
    newest_revision,
    open_database,
    open_engine,
    revision_of,
    upgrade_database,
)
from acsbench.leaderboard.database.tables import METADATA, AuditEntry, Team


def test_migrations_make_the_tables_that_the_code_declares(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []


def test_upgrading_twice_changes_nothing(database: Database, database_url: str) -> None:
    upgrade_database(database_url)
    assert revision_of(database.engine) == newest_revision()


def test_a_database_of_another_revision_is_refused_in_words(
    database: Database, database_url: str
) -> None:
    with database.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(ConfigurationError, match="acsbench leaderboard upgrade DIR"):
        open_database(database_url)
    with pytest.raises(ConfigurationError, match="9999 of the database is unknown"):
        upgrade_database(database_url)


def test_an_interrupted_migration_leaves_nothing(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other").mkdir()
    from acsbench.leaderboard.database import connect

    upgrade = connect.command.upgrade

    def killed(*arguments: object) -> None:
        upgrade(*arguments)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    monkeypatch.setattr(connect.command, "upgrade", killed)
    with pytest.raises(KeyboardInterrupt):
        upgrade_database(database_url)
    engine = open_engine(database_url)
    assert not connect.holds_tables(engine)
    engine.dispose()


def test_an_empty_database_is_no_board(database_url: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="holds no board"):
        open_database(database_url)
    assert not (tmp_path / "other" / "board.sqlite").exists()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql://host/board", "use SQLite or PostgreSQL"),
        ("no url", "cannot be read"),
        ("postgresql://user:secret@127.0.0.1:1/board", "cannot be reached"),
    ],
)
def test_a_wrong_url_is_told_without_its_password(url: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as raised:
        open_database(url)
    assert "secret" not in str(raised.value)


def test_times_come_back_as_utc(database: Database) -> None:
    moment = datetime(2030, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=5)))
    with database.write() as session:
        session.add(Team(name="A", name_key="a", created_at=moment))
    with database.read() as session:
        found = session.scalars(select(Team)).one().created_at
    assert found == moment
    assert found.tzinfo == UTC


def test_a_time_without_its_zone_is_refused(database: Database) -> None:
    with pytest.raises(StatementError, match="time zone"), database.write() as session:
        session.add(Team(name="A", name_key="a", created_at=datetime(2030, 1, 1)))


def test_an_error_undoes_the_transaction(database: Database) -> None:
    def write() -> None:
        with database.write() as session:
            record(session, "something")
            session.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write()
    with database.read() as session:
        assert session.scalars(select(AuditEntry)).all() == []


def test_a_reader_sees_one_state_while_another_writes(database: Database) -> None:
    with database.read() as session:
        assert len(session.scalars(select(Team)).all()) == 0
        with database.write() as writing:
            writing.add(Team(name="A", name_key="a", created_at=datetime.now(UTC)))
        assert len(session.scalars(select(Team)).all()) == 0
    with database.read() as session:
        assert len(session.scalars(select(Team)).all()) == 1


def test_writers_wait_for_each_other(database: Database) -> None:
    def add(name: int) -> None:
        for number in range(10):
            with database.write() as session:
                key = f"{name}-{number}"
                session.add(Team(name=key, name_key=key, created_at=datetime.now(UTC)))

    threads = [threading.Thread(target=add, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as session:
        assert len(session.scalars(select(Team)).all()) == 80
