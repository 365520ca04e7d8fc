"""`acsbench demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from acsbench.cli.console import progress_of, say
from acsbench.cli.describe import show
from acsbench.cli.reproduce import run_recipe
from acsbench.cohort.describe import describe
from acsbench.datasets import open_dataset
from acsbench.files import usable_cores

TESTED_SHARE = 0.5
HOLDOUT_SHARE = 0.1


def command(
    out: Annotated[Path, typer.Option(help="Folder to write.")] = Path("work/demo"),
    ecgs: Annotated[
        int, typer.Option(min=1000, help="ECGs to simulate; fewer hold too few events.")
    ] = 2000,
    seed: Annotated[int, typer.Option(min=0, help="Of everything random.")] = 1,
) -> None:
    """The whole way of the study on a simulated twin of its dataset, in a few minutes.

    Simulate, prepare, describe, pre-train on MACE, train on ACS, predict the holdout, evaluate,
    report. Half of the visits are tested, where in the dataset it is one in twenty: else so few
    ECGs would hold next to no labels.
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
    run_recipe("demo", twin, study, seed=seed, holdout=twin / "holdout")
