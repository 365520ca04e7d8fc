"""`acsbench leaderboard`."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from acsbench.cli.console import say
from acsbench.errors import ConfigurationError, DataError

if TYPE_CHECKING:
    from acsbench.leaderboard.database.connect import Database

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="A board with hidden labels: make one, serve it, take part in one.",
)

Board = Annotated[Path, typer.Argument(help="The board's folder.", show_default=False)]
DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        envvar="ACSBENCH_DATABASE",
        help="PostgreSQL to keep the board in, as postgresql://user:password@host/name. "
        "[default: a SQLite file in the folder]",
        show_default=False,
    ),
]


class Engine(StrEnum):
    """Where a board can go."""

    HUGGINGFACE = "huggingface"
    CODABENCH = "codabench"


@app.command("init")
def init(
    board: Annotated[Path, typer.Argument(help="New folder.", show_default=False)],
    labels: Annotated[
        Path,
        typer.Option(
            help="CSV: ecg_id, patient_id, a column per task such as acs or mace (0, 1 or empty), "
            "and what subgroups and signs there are.",
            show_default=False,
        ),
    ],
    holdout_ids: Annotated[
        Path, typer.Option(help="CSV with the column ecg_id.", show_default=False)
    ],
    title: Annotated[str, typer.Option(help="Name of the board.")] = "ECG leaderboard",
    organiser: Annotated[str, typer.Option(help="Who runs it, and whom to ask.")] = "",
    public_share: Annotated[
        float, typer.Option(min=0.05, max=0.95, help="Share of patients in the public scores.")
    ] = 0.5,
    ladder: Annotated[
        bool, typer.Option(help="Let public scores change only when a team clearly improves.")
    ] = True,
    seed: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Seed of the partition, to be kept secret. [default: random]",
            show_default=False,
        ),
    ] = None,
    database: DatabaseUrl = None,
) -> None:
    """Make a board of hidden labels; prints the organiser's link, which works once."""
    from acsbench.leaderboard.create import create_board
    from acsbench.leaderboard.settings import Settings

    settings = Settings(
        title=title,
        organiser=organiser,
        public_share=public_share,
        partition_seed=secrets.randbits(63) if seed is None else seed,
        ladder=ladder,
        database=database,
    )
    token = create_board(board, labels, holdout_ids, settings)
    if not ladder:
        say(
            "Mind: without the Ladder every submission is answered with its score, so that a team "
            "can find out labels one by one. Allow few submissions."
        )
    say(f"{board} is ready. Edit board.yaml, rules.md and data.md in it as you like, then run:")
    say(f"  acsbench leaderboard serve {board}")
    say("and sign up as its organiser with this link, which works once, within 14 days:")
    say(f"  http://127.0.0.1:8000/sign-up/{token}")


@app.command("check")
def check(
    predictions: Annotated[Path, typer.Argument(help="The file to submit.", show_default=False)],
    holdout_ids: Annotated[
        Path, typer.Option(help="CSV with the column ecg_id.", show_default=False)
    ],
    task: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="A task of the board; repeat it for several. [default: acs, mace]",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Check a submission as the board does, without sending it anywhere."""
    from acsbench.leaderboard.check import TASKS, check_submission
    from acsbench.leaderboard.holdout import read_ids

    found = check_submission(predictions, read_ids(holdout_ids), tasks=task or TASKS)
    if not found.ok:
        for problem in found.problems:
            say(f"- {problem}")
        raise DataError(
            f"{len(found.problems)} problem(s)",
            file=predictions,
            fix="Correct them and check again",
        )
    tasks = " and ".join(found.tasks)
    say(f"{predictions}: {found.n_rows:,} rows for {tasks}, nothing to complain about")


@app.command("serve")
def serve(
    board: Board,
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535)] = 8000,
    threads: Annotated[int, typer.Option(min=1, help="Requests at once.")] = 16,
    worker: Annotated[
        bool,
        typer.Option(
            "--with-worker/--without-worker", help="Start the worker, which scores, as well."
        ),
    ] = True,
    proxies: Annotated[
        str,
        typer.Option(
            help="Addresses of reverse proxies whose word on the client's address and on https is "
            "taken."
        ),
    ] = "127.0.0.1",
) -> None:
    """Serve a board's pages and its API, until Ctrl-C."""
    from acsbench.leaderboard.logs import configure_logs
    from acsbench.leaderboard.serve import serve_board

    configure_logs()
    serve_board(board, host, port, threads, worker, proxies)


@app.command("worker")
def worker(
    board: Board,
    lease: Annotated[
        float, typer.Option(min=1, help="Seconds after which another worker takes a job over.")
    ] = 60,
    until_idle: Annotated[
        bool, typer.Option("--until-idle", help="Stop when nothing is left to score.")
    ] = False,
    with_parent: Annotated[bool, typer.Option("--with-parent", hidden=True)] = False,
) -> None:
    """Score what was submitted, until Ctrl-C. Several may run, on several machines."""
    from acsbench.leaderboard.logs import configure_logs
    from acsbench.leaderboard.serve import stop_signal
    from acsbench.leaderboard.settings import open_folder
    from acsbench.leaderboard.worker import run_worker

    configure_logs()
    # Scoring can wait; the pages of the server beside it should not.
    os.nice(10)
    stop = stop_signal(also_at_end_of_input=with_parent)
    run_worker(open_folder(board), lease_seconds=lease, until_idle=until_idle, stop=stop)


@app.command("invite")
def invite(
    board: Board,
    team: Annotated[
        str | None,
        typer.Option(help="The team's name; a new one is made.", show_default=False),
    ] = None,
    organiser: Annotated[
        bool, typer.Option("--organiser", help="Invite another organiser.")
    ] = False,
    days: Annotated[int, typer.Option(min=1, help="How long the link works.")] = 14,
) -> None:
    """Print a sign-up link for one person."""
    from acsbench.leaderboard.teams import invite as make_invitation

    if organiser == (team is not None):
        raise ConfigurationError("Say either --team NAME or --organiser")
    with _database_of(board) as database:
        token = make_invitation(database, team, days)
    say(f"The path below works once, within {days} days, behind the address of your board:")
    say(f"  /sign-up/{token}")


@app.command("open-phase")
def open_phase(
    board: Board,
    name: Annotated[str, typer.Argument(help="The phase's name.", show_default=False)],
    per_day: Annotated[
        int | None,
        typer.Option(min=1, help="Submissions of a team and day. [default: board.yaml's]"),
    ] = None,
    total: Annotated[
        int | None,
        typer.Option(min=1, help="Submissions of a team in all. [default: board.yaml's]"),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(
            metavar="DATE[THH:MM]",
            help="Last moment (UTC) for uploads; a date alone means the end of that day. "
            "[default: until closed]",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Start a phase: from now on teams may submit."""
    from acsbench.leaderboard import phases
    from acsbench.leaderboard.settings import Limits, open_folder

    limits = open_folder(board).settings.limits
    wanted = Limits(per_day=per_day or limits.per_day, total=total or limits.total)
    end = phases.end_of_phase(until or "")
    with _database_of(board) as database:
        seen_before = phases.private_part_was_shown(database)
        phase = phases.open_phase(database, name, wanted, closes_at=end)
    say(f"{phase.name} is open: {wanted.per_day} submissions a day, {wanted.total} in all")
    if end is not None:
        say(f"Uploads end on {end:%Y-%m-%d at %H:%M:%S} UTC")
    if seen_before:
        say(f"Mind: {phases.SHOWN_BEFORE}")


@app.command("close-phase")
def close_phase(board: Board) -> None:
    """End the open phase for good: private scores appear."""
    from acsbench.leaderboard import phases
    from acsbench.leaderboard.database.types import PhaseState

    with _database_of(board) as database:
        phase = phases.current_phase(database)
        if phase is None or phase.state is PhaseState.CLOSED:
            raise ConfigurationError("no phase is open")
        phases.close_phase(database, phase.id)
    say(f"{phase.name} is closed; its private scores are shown now")


@app.command("rescore")
def rescore(board: Board) -> None:
    """Score all submissions again, after labels or code changed; earlier scores are kept."""
    from acsbench.leaderboard import jobs

    with _database_of(board) as database:
        queued = jobs.rescore(database)
    say(f"{queued} submissions wait for the worker")


@app.command("upgrade")
def upgrade(board: Board) -> None:
    """Bring a board's database to this version of acsbench; make a backup before."""
    from acsbench.leaderboard.database.connect import newest_revision, upgrade_database
    from acsbench.leaderboard.settings import open_folder

    upgrade_database(open_folder(board).database_url)
    say(f"the database has revision {newest_revision()}")


@app.command("backup")
def backup(
    board: Board,
    out: Annotated[Path, typer.Argument(help="File to write (.tar).", show_default=False)],
) -> None:
    """Write a whole board into one file, while it runs. The file holds the labels: guard it."""
    from acsbench.leaderboard.backup import backup as write_backup

    write_backup(board, out)
    say(f"{board} -> {out}")


@app.command("restore")
def restore(
    file: Annotated[Path, typer.Argument(help="Backup to read.", show_default=False)],
    board: Annotated[Path, typer.Argument(help="New folder.", show_default=False)],
    database: DatabaseUrl = None,
) -> None:
    """Make a board of a backup, on SQLite or PostgreSQL, whichever it came from."""
    from acsbench.leaderboard.backup import restore as read_backup

    read_backup(file, board, database)
    say(f"{file} -> {board}")


@app.command("export")
def export(
    engine: Annotated[Engine, typer.Argument(help="Where to go.", show_default=False)],
    board: Board,
    out: Annotated[Path, typer.Argument(help="What to write.", show_default=False)],
) -> None:
    """Write what another engine needs to run the board. It holds the labels: guard it."""
    from acsbench.leaderboard.export.codabench import export_codabench
    from acsbench.leaderboard.export.huggingface import export_huggingface

    write = export_huggingface if engine is Engine.HUGGINGFACE else export_codabench
    write(board, out)
    say(f"{board} -> {out}")


@app.command("submit")
def submit(
    predictions: Annotated[Path, typer.Argument(help="The file to submit.", show_default=False)],
    server: Annotated[str, typer.Option(help="Address of the board.", show_default=False)],
    token_file: Annotated[
        Path,
        typer.Option(
            help="File with a token of yours, made on the board's account page.",
            show_default=False,
        ),
    ],
    model: Annotated[
        str,
        typer.Option(
            help="What you call your model. [default: the file's name]", show_default=False
        ),
    ] = "",
) -> None:
    """Submit predictions to a board."""
    from acsbench.leaderboard.web.client import read_token
    from acsbench.leaderboard.web.client import submit as send

    receipt = send(server, read_token(token_file), predictions, model)
    say(f"submission {receipt['id']}: {receipt['state']}")


@contextmanager
def _database_of(board: Path) -> Iterator[Database]:
    from acsbench.leaderboard.database.connect import open_database
    from acsbench.leaderboard.settings import open_folder

    database = open_database(open_folder(board).database_url)
    try:
        yield database
    finally:
        database.dispose()
