"""`acsbench demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from acsbench.cli.console import say
from acsbench.cli.reproduce import run_recipe


def command(
    out: Annotated[Path, typer.Option(help="Folder to write.")] = Path("work/demo"),
    ecgs: Annotated[int, typer.Option(min=100, help="ECGs to simulate.")] = 1200,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 1,
) -> None:
    """The whole way on simulated ECGs: simulate, prepare, train, predict, evaluate, report."""
    from acsbench.datasets.simulated.wfdb_writer import write_wfdb_folder

    folder = out / f"simulated-{ecgs}-{seed}"
    if not folder.exists():
        write_wfdb_folder(folder, ecgs, seed)
        say(f"{ecgs:,} simulated ECGs -> {folder}")
    run_recipe("demo", folder, out / f"study-{ecgs}-{seed}", seed=seed)
