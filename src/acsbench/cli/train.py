"""`acsbench train`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from pydantic import ValidationError

from acsbench.cli.console import err, say
from acsbench.errors import ConfigurationError
from acsbench.waveforms.prepare import open_prepared


def command(
    model: Annotated[str, typer.Argument(help="Model; acsbench models lists them.")],
    data: Annotated[Path, typer.Option(help="Folder that acsbench prepare has written.")],
    task: Annotated[str | None, typer.Option(help="Task, where there are several.")] = None,
    runs: Annotated[Path, typer.Option(help="Folder of the Run folders.")] = Path("runs"),
    init: Annotated[
        Path | None,
        typer.Option(
            help="Run folder whose weights to start from, such as one pre-trained on another task."
        ),
    ] = None,
    max_minutes: Annotated[
        float | None, typer.Option(help="Begin no epoch that would end later than this.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of weights, batches and augmentation.")] = 0,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="Any other setting of the training, "
            "such as epochs=5 or options.width=16; repeat for several.",
        ),
    ] = None,
) -> None:
    """Train a model; the epoch with the best validation AUROC is kept."""
    from acsbench.training.config import TrainingConfig
    from acsbench.training.fit import train
    from acsbench.training.run import open_run

    settings = parse_settings(set_ or [])
    try:
        config = TrainingConfig(**{"seed": seed, "max_minutes": max_minutes} | settings)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"]))
        raise ConfigurationError(f"--set {name}: {first['msg']}") from error
    run = train(
        open_prepared(data),
        model,
        config,
        runs,
        task=task,
        init=None if init is None else open_run(init),
        report=say,
        progress_bar=err.is_terminal,
    )
    say(f"run: {run.path}")


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
