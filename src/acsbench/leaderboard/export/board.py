"""What the exporters take from a board: its reference, texts, limits and closing date."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from acsbench.leaderboard.database.connect import open_database
from acsbench.leaderboard.database.types import PhaseState
from acsbench.leaderboard.export.reference import Reference, Scoring
from acsbench.leaderboard.holdout import public_part, read_holdout
from acsbench.leaderboard.phases import current_phase
from acsbench.leaderboard.settings import BoardFolder, Limits, Settings, open_folder

WITHOUT_CLOSING_DATE = timedelta(days=365)


@dataclass(frozen=True, eq=False)
class ExportedBoard:
    """A board on its way out.

    Args:
        settings: of the board.
        reference: its labels, patients, partition and how it scores.
        limits: submissions of a team.
        opens_at, closes_at: of the open phase; without one, or a closing date to come, a year
            from now on.
        rules, data: the organiser's texts, in Markdown.
    """

    settings: Settings
    reference: Reference
    limits: Limits
    opens_at: datetime
    closes_at: datetime
    rules: str
    data: str


def read_board(board_dir: Path) -> ExportedBoard:
    """Read a board for export; this opens the hidden labels.

    Raises:
        ConfigurationError: the folder is no board, or its database cannot be used.
        DataError: a file of it is missing or damaged.
    """
    folder = open_folder(board_dir)
    settings = folder.settings
    holdout = read_holdout(folder.labels_file)
    limits, opens_at, closes_at = _phase(folder)
    return ExportedBoard(
        settings=settings,
        reference=Reference(
            holdout=holdout,
            public=public_part(holdout, settings.public_share, settings.partition_seed),
            scoring=Scoring(
                tasks=settings.tasks,
                round_digits=settings.round_digits,
                public_step=settings.ladder_step if settings.ladder else None,
                max_upload_bytes=settings.max_upload_bytes,
            ),
        ),
        limits=limits,
        opens_at=opens_at,
        closes_at=closes_at,
        rules=folder.rules_file.read_text(encoding="utf-8"),
        data=folder.data_file.read_text(encoding="utf-8"),
    )


def _phase(folder: BoardFolder) -> tuple[Limits, datetime, datetime]:
    database = open_database(folder.database_url)
    try:
        phase = current_phase(database)
    finally:
        database.dispose()
    now = datetime.now(UTC)
    if phase is None or phase.state is PhaseState.CLOSED:
        return folder.settings.limits, now, now + WITHOUT_CLOSING_DATE
    closes_at = phase.closes_at
    if closes_at is None or closes_at <= now:
        closes_at = now + WITHOUT_CLOSING_DATE
    return Limits(per_day=phase.per_day, total=phase.total), phase.opens_at, closes_at
