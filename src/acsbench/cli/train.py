"""`acsbench train`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from acsbench.cli.console import err, say
from acsbench.errors import ConfigurationError
from acsbench.waveforms.prepared import open_prepared


class Logger(StrEnum):
    """Where else the figures of each epoch go."""

    TENSORBOARD = "tensorboard"
    WANDB = "wandb"
    MLFLOW = "mlflow"


def command(
    model: Annotated[str, typer.Argument(help="Model; acsbench models lists them.")],
    data: Annotated[Path, typer.Option(help="Folder that acsbench prepare has written.")],
    task: Annotated[str | None, typer.Option(help="Task, where there are several.")] = None,
    runs: Annotated[Path, typer.Option(help="Folder of the Run folders.")] = Path("runs"),
    init: Annotated[
        Path | None,
        typer.Option(
            help="What to start from: a Run folder, such as one trained on another task, or one "
            "of acsbench pretrain."
        ),
    ] = None,
    settings: Annotated[
        str, typer.Option(help="Settings: default (ours), study, or a YAML file.")
    ] = "default",
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="Any one setting, such as epochs=5, covariates=[age,sex] or options.width=16; "
            "repeat for several.",
        ),
    ] = None,
    max_minutes: Annotated[
        float | None, typer.Option(help="Begin no epoch that would end later than this.")
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            min=0, help="Of weights, batches and augmentation. [default: 0]", show_default=False
        ),
    ] = None,
    seeds: Annotated[
        str | None,
        typer.Option(help="Several, one run each, such as 0-2 or 0,3,7.", metavar="SEEDS"),
    ] = None,
    devices: Annotated[int, typer.Option(min=1, help="Devices, a process each.")] = 1,
    nodes: Annotated[int, typer.Option(min=1, help="Machines with that many devices.")] = 1,
    strategy: Annotated[str, typer.Option(help="Lightning's strategy, such as ddp.")] = "auto",
    logger: Annotated[
        Logger | None,
        typer.Option(help="Also log to this; wandb sends the figures of each epoch to its server."),
    ] = None,
) -> None:
    """Train a model; the epoch with the best validation AUROC is kept.

    A training that was killed goes on when the command is repeated, and ends as it would have.
    """
    from acsbench.training.fit import train
    from acsbench.training.init import open_start
    from acsbench.training.seeds import summary_of_seeds
    from acsbench.training.shipped import config_of
    from acsbench.training.trainer import Hardware

    chosen: dict[str, Any] = {"seed": seed, "max_minutes": max_minutes}
    chosen = {name: value for name, value in chosen.items() if value is not None}
    config = config_of(model, settings, chosen, parse_settings(set_ or []))
    if seeds is not None and seed is not None:
        raise ConfigurationError("give either --seed or --seeds")
    prepared = open_prepared(data)
    start = None if init is None else open_start(init)
    hardware = Hardware(
        devices=devices,
        nodes=nodes,
        strategy=strategy,
        logger=None if logger is None else logger.value,
        progress_bar=err.is_terminal,
    )
    finished = []
    for each in [config.seed] if seeds is None else parse_seeds(seeds):
        seeded = config.model_copy(update={"seed": each})
        run = train(
            prepared, model, seeded, runs, task=task, init=start, hardware=hardware, report=say
        )
        say(f"run: {run.path}")
        finished.append(run)
    for line in summary_of_seeds(finished):
        say(line)


def parse_seeds(words: str) -> list[int]:
    """Seeds from a range or a list.

    >>> parse_seeds("0-2"), parse_seeds("0,3,7")
    ([0, 1, 2], [0, 3, 7])
    """
    try:
        if "-" in words:
            first, last = map(int, words.split("-"))
            seeds = list(range(first, last + 1))
        else:
            seeds = [int(word) for word in words.split(",")]
    except ValueError as error:
        raise ConfigurationError(f"--seeds {words}: write 0-2 or 0,3,7") from error
    if not seeds or min(seeds) < 0 or len(set(seeds)) < len(seeds):
        raise ConfigurationError(f"--seeds {words}: name different seeds, none below 0")
    return seeds


def parse_settings(words: list[str]) -> dict[str, Any]:
    """Settings from `name=value`; a dot leads into a mapping, values are YAML.

    >>> parse_settings(["epochs=5", "options.width=16"])
    {'epochs': 5, 'options': {'width': 16}}
    """
    settings: dict[str, Any] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise ConfigurationError(f"--set {word}: write it as NAME=VALUE")
        *path, last = name.split(".")
        place = settings
        try:
            for part in path:
                place = place.setdefault(part, {})
            place[last] = yaml.safe_load(value)
        except (AttributeError, TypeError, yaml.YAMLError) as error:
            raise ConfigurationError(f"--set {word}: this cannot be set") from error
    return settings
