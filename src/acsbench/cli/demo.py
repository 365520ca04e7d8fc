"""`acsbench demo`."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from acsbench.cli import reproduce
from acsbench.cli.console import out as console
from acsbench.cli.console import progress_of, say
from acsbench.cli.describe import show
from acsbench.cohort.describe import describe
from acsbench.datasets import open_dataset
from acsbench.files import usable_cores

TESTED_SHARE = 0.5
HOLDOUT_SHARE = 0.1
TASK = "acs"


def command(
    out: Annotated[Path, typer.Option(help="Folder to write.")] = Path("work/demo"),
    ecgs: Annotated[
        int, typer.Option(min=1000, help="ECGs to simulate; fewer hold too few events.")
    ] = 2000,
    seed: Annotated[int, typer.Option(min=0, help="Of everything random.")] = 1,
) -> None:
    """The whole way of the study on a simulated twin of its dataset, in a few minutes.

    Simulate, prepare, describe, pre-train on MACE, train on ACS, predict the holdout, evaluate,
    report, leaderboard. Half of the visits are tested, where in the dataset it is one in twenty:
    else so few ECGs would hold next to no labels.
    """
    from acsbench.datasets.simulated.twin import simulate_twin

    twin = out / f"twin-{ecgs}-{seed}"
    if not twin.exists():
        with progress_of("simulated ECGs") as progress:
            simulate_twin(
                twin,
                ecgs=ecgs,
                seed=seed,
                tested_share=TESTED_SHARE,
                holdout_share=HOLDOUT_SHARE,
                workers=usable_cores(),
                progress=progress,
            )
        say(f"{ecgs:,} simulated ECGs -> {twin}")
    study = out / f"study-{ecgs}-{seed}"
    description = study / "description"
    show(describe(open_dataset("nightingale", twin), description), description)
    reproduce.command("demo", twin, study, seed=seed, holdout=twin / "holdout")
    if find_spec("sqlalchemy") is None:
        say("The leaderboard is left out: pip install 'acsbench[leaderboard]' brings it.")
    else:
        predictions = sorted((study / "holdout").glob(f"*-{TASK}.csv"))
        _show_board(study / "board", twin / "holdout-labels" / "labels.csv", predictions, seed)


def _show_board(board: Path, labels: Path, predictions: list[Path], seed: int) -> None:
    """Rank the models' predictions of the holdout, and tell how the board is opened."""
    from acsbench.leaderboard.demo import demo_board

    files = {path.stem.removesuffix(f"-{TASK}"): path for path in predictions}
    ranking = demo_board(board, labels, TASK, files, "Demo on simulated ECGs", seed)
    table = Table("rank", "team", "AUROC, public part (95 % CI)", title="Leaderboard")
    for row in ranking.rows:
        table.add_row(str(row.rank), row.team, f"{row.value} ({row.low}–{row.high})")
    console.print(table)
    say(f"Open it: acsbench leaderboard serve {board}, then http://127.0.0.1:8000")
    say(f"Sign up as its organiser: acsbench leaderboard invite {board} --organiser")
