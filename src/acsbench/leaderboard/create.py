"""Making a board: its folder, its database, its first invitation."""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path

from acsbench.errors import ConfigurationError, DataError
from acsbench.files import folder_written_whole, require_empty, write_text
from acsbench.leaderboard.audit import record
from acsbench.leaderboard.database.connect import (
    holds_tables,
    open_database,
    open_engine,
    upgrade_database,
)
from acsbench.leaderboard.holdout import ID, Holdout, public_part, read_holdout, read_ids
from acsbench.leaderboard.released import least_step
from acsbench.leaderboard.scorecard import check_parts
from acsbench.leaderboard.scoring import public_patients
from acsbench.leaderboard.settings import (
    BoardFolder,
    Settings,
    make_private,
    write_private,
    write_settings,
)
from acsbench.leaderboard.task_names import check_task_names
from acsbench.leaderboard.teams import invite

RULES = """\
# Rules

- Predict every ECG of the holdout, with a model that was not trained on any of them.
- A team is a group of people who work together; nobody is in two teams.
- Public scores rest on one part of the holdout. When the phase closes, teams are ranked by the
  other part.
- Do not try to find out labels, of single ECGs or of patients.
"""

DATA = """\
# Data

Describe here where participants find the waveforms of the holdout, under which agreement, and how
they may use them.
"""


def create_board(board_dir: Path, labels: Path, holdout_ids: Path, settings: Settings) -> str:
    """Make a board; nothing is written before labels and ids are found right.

    Args:
        board_dir: new or empty folder.
        labels: hidden labels (see `acsbench.leaderboard.holdout`).
        holdout_ids: CSV with the column `ecg_id`: the ECGs of the labels, in any order.
        settings: of the board; its tasks become those of the labels, and the Ladder's step is
            made large enough for the holdout.

    Returns:
        Token of the link by which the first organiser signs up.

    Raises:
        ConfigurationError: the folder or the database is not empty.
        DataError: labels or ids are wrong, or do not belong to each other.
    """
    require_empty(board_dir)
    holdout, ids = read_holdout(labels), read_ids(holdout_ids)
    check_task_names(holdout.tasks, labels)
    settings = Settings.model_validate({**settings.model_dump(), "tasks": holdout.tasks})
    _check_ids(holdout, ids, labels, holdout_ids)
    public = public_part(holdout, settings.public_share, settings.partition_seed)
    check_parts(holdout, public)
    steps = map(least_step, public_patients(holdout, public).values())
    settings = settings.model_copy(update={"ladder_step": max(settings.ladder_step, *steps)})
    with folder_written_whole(board_dir) as new:
        folder = BoardFolder(new, settings)
        make_private(folder)
        write_settings(new, settings)
        write_private(folder.secret_file, secrets.token_urlsafe(48) + "\n")
        folder.labels_file.touch(mode=0o600)
        shutil.copyfile(labels, folder.labels_file)
        write_text(folder.ids_file, "\n".join([ID, *ids]) + "\n")
        write_text(folder.rules_file, RULES)
        write_text(folder.data_file, DATA)
        return _create_database(folder)


def _create_database(folder: BoardFolder) -> str:
    engine = open_engine(folder.database_url)
    try:
        if holds_tables(engine):
            raise ConfigurationError("the database is not empty; name a new one for the board")
    finally:
        engine.dispose()
    upgrade_database(folder.database_url)
    database = open_database(folder.database_url)
    try:
        with database.write() as session:
            record(session, "create board")
        return invite(database, None)
    finally:
        database.dispose()


def _check_ids(holdout: Holdout, ids: tuple[str, ...], labels: Path, holdout_ids: Path) -> None:
    unlabelled = sorted(set(ids) - set(holdout.ecg_ids))
    unlisted = sorted(set(holdout.ecg_ids) - set(ids))
    for missing, file, problem in (
        (unlabelled, holdout_ids, "of the holdout have no row in the labels"),
        (unlisted, labels, "of the labels are not in the holdout"),
    ):
        if missing:
            raise DataError(
                f"{len(missing):,} ECGs {problem}",
                file=file,
                column=ID,
                private=", ".join(missing[:5]),
                fix="Let both files name the same ECGs; leave labels empty where there is none",
            )
