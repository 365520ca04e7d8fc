"""The board at the end of the demo: made, filled and scored in one go."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from acsbench.errors import ConfigurationError
from acsbench.leaderboard.boards import Ranking, ranking
from acsbench.leaderboard.columns import PROBABILITY
from acsbench.leaderboard.create import create_board
from acsbench.leaderboard.database.connect import Database, open_database
from acsbench.leaderboard.database.tables import User
from acsbench.leaderboard.holdout import ID, PATIENT
from acsbench.leaderboard.phases import current_phase, open_phase
from acsbench.leaderboard.settings import Limits, Settings, open_folder
from acsbench.leaderboard.submissions import submit
from acsbench.leaderboard.teams import invite, sign_up, team_overview
from acsbench.leaderboard.worker import run_worker
from acsbench.tables import read_csv

PHASE = "Demo"
_FIX = "Repeat the demo in a new folder"


def demo_board(
    board_dir: Path,
    labels: Path,
    task: str,
    predictions: Mapping[str, Path],
    title: str,
    seed: int = 0,
) -> Ranking:
    """A board of one task on which every model is a team; an earlier one is kept and added to.

    Args:
        board_dir: the board's folder, new or made by this function.
        labels: labels of the holdout; of the tasks in it only one is ranked.
        task: that one.
        predictions: file of each model (`ecg_id,probability`), by the team's name.
        title: of the board.
        seed: of the partition into a public and a private part. Anybody can guess it, which does
            no harm here: the labels are simulated. A board of patients draws its own.

    Returns:
        The board as everybody sees it while the phase is open.

    Raises:
        ConfigurationError: the board has another partition, or as of the parts that it is made
            with.
        DataError: as of the parts that it is made with.
    """
    if not board_dir.exists():
        _create(board_dir, labels, task, title, seed)
    folder = open_folder(board_dir)
    if folder.settings.partition_seed != seed:
        raise ConfigurationError(
            f"{board_dir} holds a board with another partition, made by another seed or an earlier "
            "version; remove the folder and repeat the command"
        )
    database = open_database(folder.database_url)
    try:
        phase = current_phase(database) or open_phase(database, PHASE, folder.settings.limits)
        for team, path in predictions.items():
            table = read_csv(path, (ID, PROBABILITY), fix=_FIX).rename(columns={PROBABILITY: task})
            content = table.to_csv(index=False, lineterminator="\n").encode()
            user = _member(database, team)
            submit(database, folder.settings, folder.holdout_ids(), user, content, team)
        run_worker(folder, until_idle=True)
        return ranking(database, task, phase)
    finally:
        database.dispose()


def _create(board_dir: Path, labels: Path, task: str, title: str, seed: int) -> None:
    table = read_csv(labels, (ID, PATIENT, task), fix=_FIX)[[ID, PATIENT, task]]
    settings = Settings(
        title=title,
        description="Simulated patients: it shows how a board works, and nothing about models.",
        partition_seed=seed,
        limits=Limits(per_day=100, total=1000),
    )
    with TemporaryDirectory() as scratch:
        ids, chosen = Path(scratch) / "holdout-ids.csv", Path(scratch) / "labels.csv"
        table[[ID]].to_csv(ids, index=False)
        table.to_csv(chosen, index=False)
        create_board(board_dir, chosen, ids, settings)


def _member(database: Database, team: str) -> User:
    """The one member of a team, who signs up if there is none yet; nobody knows the password."""
    for known in team_overview(database):
        if known.team.name == team and known.members:
            return known.members[0]
    return sign_up(database, invite(database, team), team, secrets.token_urlsafe(24))
