"""Opening a board's database, on SQLite or PostgreSQL, and bringing it up to date."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, OperationalError
from sqlalchemy.orm import Session

from acsbench.errors import ConfigurationError

BUSY_SECONDS = 30
"""How long a writer of SQLite waits for another."""

_MIGRATION_LOCK = 0x6163_7362
_WRITES = "acsbench_writes"


class Database:
    """Short transactions on a board's database.

    Args:
        engine: made by `open_engine`.
    """

    def __init__(self, engine: Engine):
        self.engine = engine
        self._reading = engine
        if not self.is_sqlite:
            self._reading = engine.execution_options(isolation_level="REPEATABLE READ")
        self._writing = engine.execution_options(**{_WRITES: True})

    @property
    def is_sqlite(self) -> bool:
        """Whether it is SQLite."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A transaction that sees one state of the database throughout."""
        with Session(self._reading, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction that is committed at the end of the block, or undone by an error.

        SQLite has one writer at a time: the block holds its lock from the start, so that what it
        reads is still true when it writes. PostgreSQL locks rows (`with_for_update`).
        """
        with Session(self._writing, expire_on_commit=False) as session, session.begin():
            yield session

    def dispose(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def open_database(url: str) -> Database:
    """A board's database, if it is of the revision that this version of acsbench works with.

    Raises:
        ConfigurationError: it cannot be reached, is no board's database, or has another revision.
    """
    engine = open_engine(url)
    found, wanted = revision_of(engine), newest_revision()
    if found != wanted:
        engine.dispose()
        if found is None:
            raise ConfigurationError(
                "the database holds no board; acsbench leaderboard init or restore makes one"
            )
        raise ConfigurationError(
            f"the database has revision {found}, and this version of acsbench works with {wanted}; "
            "make a backup, then run: acsbench leaderboard upgrade DIR (a newer database needs a "
            "newer acsbench)"
        )
    return Database(engine)


def open_engine(url: str) -> Engine:
    """An engine with the settings that the board relies on.

    Raises:
        ConfigurationError: the URL is not one of SQLite or PostgreSQL.
    """
    parsed = _parse(url)
    if parsed.get_backend_name() == "sqlite":
        engine = create_engine(
            parsed, pool_size=8, max_overflow=40, connect_args={"timeout": BUSY_SECONDS}
        )
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_on_sqlite)
        return engine
    return create_engine(parsed, pool_size=8, max_overflow=40, pool_pre_ping=True)


def upgrade_database(url: str, revision: str = "head") -> None:
    """Bring a database, or an empty one, to a revision; all of it or nothing.

    Raises:
        ConfigurationError: the database cannot be reached, or has a revision that is unknown here.
    """
    engine = open_engine(url)
    try:
        found = revision_of(engine)
        if found is not None:
            _require_known(found)
        with Database(engine).write() as session:
            upgrade_connection(session.connection(), revision)
    finally:
        engine.dispose()


def upgrade_connection(connection: Connection, revision: str = "head") -> None:
    """Bring the database of an open transaction to a revision.

    Raises:
        ConfigurationError: the revision is unknown here.
    """
    if revision != "head":
        _require_known(revision)
    if connection.dialect.name == "postgresql":
        # Two that upgrade at once: the second finds nothing left to do.
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})"))
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def revision_of(engine: Engine) -> str | None:
    """Revision of a database; None where it holds no board.

    Raises:
        ConfigurationError: it cannot be reached.
    """
    file = engine.url.database
    if engine.dialect.name == "sqlite" and file and not Path(file).exists():
        return None  # connecting would make an empty file
    try:
        with engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()
    except OperationalError as error:
        raise ConfigurationError(
            f"the database {engine.url.render_as_string(hide_password=True)} cannot be reached; is "
            "it running, and are its name, user and password right?"
        ) from error


def holds_tables(engine: Engine) -> bool:
    """Whether a database holds any table, a board's or another's."""
    return revision_of(engine) is not None or bool(inspect(engine).get_table_names())


def newest_revision() -> str:
    """The revision that this version of acsbench works with."""
    head = _scripts().get_current_head()
    assert head is not None
    return head


def _require_known(revision: str) -> None:
    if revision not in {script.revision for script in _scripts().walk_revisions()}:
        raise ConfigurationError(
            f"revision {revision} of the database is unknown to this version of acsbench; install "
            "the version that wrote it, or a newer one"
        )


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ConfigurationError(
            "the database's URL cannot be read; it looks like sqlite:////path/board.sqlite or "
            "postgresql://user:password@host/name"
        ) from error
    if parsed.drivername in ("postgresql", "postgres"):
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise ConfigurationError(
            f"a board cannot live in {parsed.get_backend_name()}; use SQLite or PostgreSQL"
        )
    return parsed


def _set_up_sqlite(connection: Any, _: Any) -> None:
    # Transactions are begun by us, below, and not by Python's guess.
    connection.isolation_level = None
    cursor = connection.cursor()
    # Readers see the last commit while one writes; a commit is on the disk when it returns.
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_on_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _config() -> Config:
    config = Config()
    folder = str(Path(__file__).parent / "migrations")
    config.set_main_option("script_location", folder.replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())
