"""The folder of a board: its settings, and which file lies where."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from acsbench.errors import ConfigurationError, DataError
from acsbench.files import digest_of, written_whole
from acsbench.leaderboard.holdout import read_ids
from acsbench.leaderboard.task_names import problem_of

SETTINGS = "board.yaml"
PRIVATE = "private"
DATABASE = "board.sqlite"
MIB = 2**20


class Limits(BaseModel):
    """How many submissions of a team are scored: per day (UTC), and in a whole phase."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    per_day: int = Field(3, ge=1)
    total: int = Field(100, ge=1)


class Settings(BaseModel):
    """What `board.yaml` holds.

    Args:
        title: name of the board, on every page.
        description: one or two sentences below it.
        organiser: who runs it, and whom to ask.
        tasks: tasks that are ranked; columns of the labels.
        public_share: share of the patients whose ECGs make the public scores.
        partition_seed: which patients these are; kept secret like the labels.
        limits: of a new phase; those of an open one are changed on the organiser's page.
        round_digits: decimals of public scores.
        ladder: whether public scores go through the Ladder (see `acsbench.leaderboard.ladder`).
        ladder_step: least progress that it shows.
        max_upload_bytes: largest file that is read.
        database: SQLAlchemy URL; without one, a SQLite file in the folder.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str = "ECG leaderboard"
    description: str = ""
    organiser: str = ""
    tasks: Annotated[tuple[str, ...], Field(min_length=1)] = ("acs", "mace")
    public_share: float = Field(0.5, gt=0, lt=1)
    partition_seed: int = Field(ge=0)
    limits: Limits = Limits()
    round_digits: int = Field(3, ge=1, le=6)
    ladder: bool = True
    ladder_step: float = Field(0.01, gt=0, lt=1)
    max_upload_bytes: int = Field(64 * MIB, ge=1024)
    database: str | None = None

    @field_validator("tasks")
    @classmethod
    def _tasks_can_be_used(cls, tasks: tuple[str, ...]) -> tuple[str, ...]:
        problem = problem_of(tasks)
        if problem is not None:
            name, what, fix = problem
            raise ValueError(f"{name!r}: {what}. {fix}")
        return tasks

    @model_validator(mode="after")
    def _steps_are_shown(self) -> Self:
        if self.ladder and self.ladder_step < 10**-self.round_digits:
            raise ValueError("ladder_step is smaller than the decimals of public scores tell")
        return self

    @property
    def tasks_digest(self) -> str:
        """Digest of everything here that a score depends on beside labels and code."""
        return digest_of(
            {
                "tasks": sorted(self.tasks),
                "public_share": self.public_share,
                "partition_seed": self.partition_seed,
            }
        )


@dataclass(frozen=True)
class BoardFolder:
    """A board's folder with its settings; only the worker opens `labels_file`."""

    path: Path
    settings: Settings

    @property
    def private(self) -> Path:
        """Folder that nobody but the service's user can enter."""
        return self.path / PRIVATE

    @property
    def labels_file(self) -> Path:
        """Hidden labels."""
        return self.private / "labels.csv"

    @property
    def secret_file(self) -> Path:
        """Key that signs sessions."""
        return self.private / "secret.key"

    @property
    def ids_file(self) -> Path:
        """Ids of the ECGs to be predicted."""
        return self.path / "holdout-ids.csv"

    @property
    def rules_file(self) -> Path:
        """The organiser's rules, in Markdown."""
        return self.path / "rules.md"

    @property
    def data_file(self) -> Path:
        """What the organiser says about the data, in Markdown."""
        return self.path / "data.md"

    @property
    def files(self) -> tuple[Path, ...]:
        """All that the folder holds beside the database."""
        return (
            self.path / SETTINGS,
            self.ids_file,
            self.rules_file,
            self.data_file,
            self.labels_file,
            self.secret_file,
        )

    @property
    def database_file(self) -> Path:
        """The database, unless the settings name another."""
        return self.path / DATABASE

    @property
    def database_url(self) -> str:
        """SQLAlchemy URL of the board's database."""
        return self.settings.database or f"sqlite:///{self.database_file.resolve()}"

    def holdout_ids(self) -> tuple[str, ...]:
        """Ids of the ECGs to be predicted.

        Raises:
            DataError: the file is missing, has no column `ecg_id`, or holds an id twice.
        """
        return read_ids(self.ids_file)

    def secret_key(self) -> str:
        """Key that signs sessions.

        Raises:
            ConfigurationError: the file is missing or too short to be safe.
        """
        try:
            key = self.secret_file.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            key = ""
        if len(key) < 32:
            raise ConfigurationError(
                f"{self.secret_file} holds no key of 32 characters; write one there with: python "
                "-c 'import secrets; print(secrets.token_urlsafe(48))'"
            )
        return key


def open_folder(path: Path) -> BoardFolder:
    """A board's folder.

    Raises:
        ConfigurationError: it is none.
        DataError: its settings cannot be read or are wrong.
    """
    file = path / SETTINGS
    if not file.is_file():
        raise ConfigurationError(
            f"{path} is no board (it has no {SETTINGS}); make one with acsbench leaderboard init"
        )
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
        return BoardFolder(path, Settings.model_validate(content))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise DataError(
            "the file cannot be read as YAML", file=file, fix="Correct it, or take it from a backup"
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        raise DataError(
            f"{'.'.join(map(str, first['loc'])) or 'the file'}: {first['msg']}",
            file=file,
            fix=f"Known settings are {', '.join(Settings.model_fields)}",
        ) from error


def write_private(file: Path, text: str) -> None:
    """Write a text file whole that its owner alone can read."""
    with written_whole(file) as temporary:
        temporary.touch(mode=0o600)
        temporary.write_text(text, encoding="utf-8", newline="\n")


def make_private(folder: BoardFolder) -> None:
    """Make the places of labels and database that nobody but the owner can read.

    SQLite gives its other files the mode of the first.
    """
    folder.private.mkdir(mode=0o700, exist_ok=True)
    if folder.settings.database is None:
        folder.database_file.touch(mode=0o600)


def write_settings(folder: Path, settings: Settings) -> None:
    """Write `board.yaml`, readable by its owner alone: the database's URL may hold a password."""
    content: dict[str, Any] = settings.model_dump(mode="json", exclude_none=True)
    write_private(folder / SETTINGS, yaml.safe_dump(content, sort_keys=False, allow_unicode=True))
