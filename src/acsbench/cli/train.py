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
    """Service that also receives the results of each epoch."""

    TENSORBOARD = "tensorboard"
    WANDB = "wandb"
    MLFLOW = "mlflow"


Devices = Annotated[int, typer.Option(min=1, help="Number of devices, one process each.")]
Strategy = Annotated[str, typer.Option(help="Lightning's strategy, such as ddp.")]
LoggerOption = Annotated[
    Logger | None,
    typer.Option(
        help="Also log the results of each epoch to this service; wandb sends them to its server."
    ),
]


def settings_option(examples: str) -> Any:
    """The option --set, with examples in its help."""
    return typer.Option(
        "--set", metavar="NAME=VALUE", help=f"A setting, such as {examples}; repeat for several."
    )


def command(
    model: Annotated[str, typer.Argument(help="Model; acsbench models lists them.")],
    data: Annotated[Path, typer.Option(help="Folder written by acsbench prepare.")],
    task: Annotated[str | None, typer.Option(help="Task; optional if there is only one.")] = None,
    runs: Annotated[Path, typer.Option(help="Folder of the Run folders.")] = Path("runs"),
    init: Annotated[
        Path | None,
        typer.Option(
            help="Run folder to start from, such as one trained on another task, or a folder of "
            "acsbench pretrain."
        ),
    ] = None,
    settings: Annotated[
        str, typer.Option(help="Settings: default (ours), study, or a YAML file.")
    ] = "default",
    set_: Annotated[
        list[str] | None,
        settings_option("epochs=5, covariates=[age,sex] or options.width=16"),
    ] = None,
    max_minutes: Annotated[
        float | None, typer.Option(help="Do not begin an epoch that would end later.")
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Seed of weights, batches and augmentation. [default: 0]",
            show_default=False,
        ),
    ] = None,
    seeds: Annotated[
        str | None,
        typer.Option(help="Several seeds, one run each, such as 0-2 or 0,3,7.", metavar="SEEDS"),
    ] = None,
    devices: Devices = 1,
    nodes: Annotated[int, typer.Option(min=1, help="Number of machines.")] = 1,
    strategy: Strategy = "auto",
    logger: LoggerOption = None,
) -> None:
    """Train a model and keep the epoch with the best validation AUROC.

    Repeat the command to resume an interrupted training; the result is the same.
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
        raise ConfigurationError(f"--seeds {words}: give different seeds, none below 0")
    return seeds


def parse_settings(words: list[str]) -> dict[str, Any]:
    """Settings from `name=value`; a dot separates nested names, values are YAML.

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
            raise ConfigurationError(f"--set {word}: name or value is invalid") from error
    return settings
