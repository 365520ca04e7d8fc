"""`acsbench simulate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from acsbench.cli.console import progress_of, say
from acsbench.files import usable_cores


def command(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder to write; it must be new or empty.")
    ],
    ecgs: Annotated[
        int, typer.Option(min=1, help="ECGs, those of a holdout included; the real one: 112,900.")
    ] = 2000,
    seed: Annotated[
        int, typer.Option(min=0, help="Of everything random; the same seed gives the same bytes.")
    ] = 0,
    tables_only: Annotated[
        bool,
        typer.Option("--tables-only", help="Leave out the waveforms; the tables are the same."),
    ] = False,
    holdout: Annotated[
        float,
        typer.Option(
            min=0, max=0.99, help="Share of the ECGs kept back as waveforms, labels apart."
        ),
    ] = 0.0,
    tested_share: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="Share of the ECGs whose patient was catheterised, as the ACS task needs. "
            "[default: as published, 3.5% of all and 5% of those not excluded]",
            show_default=False,
        ),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes. [default: the cores]", show_default=False)
    ] = None,
) -> None:
    """Simulate the ed-bwh-ecg dataset: its tables and waveforms, of people who do not exist."""
    # NumPy and SciPy take a while: only those who simulate wait for them.
    from acsbench.datasets.simulated.sizes import sizes_of_holdout, sizes_of_twin
    from acsbench.datasets.simulated.twin import simulate_twin

    with progress_of("ECGs") as progress:
        simulate_twin(
            folder,
            ecgs=ecgs,
            seed=seed,
            tested_share=tested_share,
            tables_only=tables_only,
            holdout_share=holdout,
            workers=workers or usable_cores(),
            progress=progress,
        )
    held_out = round(ecgs * holdout)
    sizes = sizes_of_twin(ecgs - held_out, tested_share)
    say(f"ed-bwh-ecg (simulated twin), seed {seed} -> {folder}")
    say(f"  {sizes.ecgs:>7,} ECGs, {sizes.visits:,} visits, {sizes.patients:,} patients")
    for name, part in (("tested", sizes.tested), ("untested", sizes.untested)):
        say(
            f"  {part.ecgs:>7,} ECGs, {part.visits:,} visits, {part.patients:,} patients: {name}, "
            "after the exclusions"
        )
    if held_out:
        kept = sizes_of_holdout(held_out, tested_share)
        say(
            f"  {kept.ecgs:>7,} ECGs of {kept.patients:,} patients: holdout "
            f"({kept.tested.ecgs:,} tested, {kept.untested.ecgs:,} untested), labels apart"
        )
    if tables_only:
        say("  tables only: no waveforms")
    say("  No patient was involved; what a model reaches here says nothing about patients.")
