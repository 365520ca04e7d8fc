"""`acsbench pretrain`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from acsbench.cli.console import err, progress_of, say
from acsbench.cli.train import Devices, LoggerOption, Strategy, parse_settings, settings_option
from acsbench.errors import ConfigurationError
from acsbench.waveforms.prepared import open_prepared

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Pre-train a network on ECGs without labels.",
)


class Size(StrEnum):
    """Size of the network."""

    TINY = "tiny"
    SMALL = "small"
    BASE = "base"
    LARGE = "large"


@app.callback()
def command() -> None:
    """Pre-train a network on ECGs without labels."""


@app.command("hubert")
def hubert(
    data: Annotated[
        Path, typer.Option(help="Folder written by acsbench prepare with --profile hubert.")
    ],
    out: Annotated[
        Path, typer.Option(help="Folder to write; an interrupted pre-training resumes there.")
    ],
    size: Annotated[
        Size, typer.Option(help="Size of the network; tiny is for tests on a CPU.")
    ] = Size.BASE,
    from_: Annotated[
        Path | None,
        typer.Option(
            "--from", help="Earlier pre-training, whose latents are clustered instead of cepstra."
        ),
    ] = None,
    layer: Annotated[
        int | None, typer.Option(min=1, help="Layer of --from, from 1, whose output is clustered.")
    ] = None,
    codebooks: Annotated[
        str, typer.Option(help="Number of codes of each codebook, separated by commas.")
    ] = "100,200",
    set_: Annotated[
        list[str] | None,
        settings_option("epochs=50, batch_size=448, mask_share=0.5 or keep_weights=false"),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all random numbers.")] = 0,
    workers: Annotated[int, typer.Option(min=1, help="Processes that describe the ECGs.")] = 1,
    dask: Annotated[
        str | None,
        typer.Option(help="Address of a Dask scheduler whose workers describe the ECGs instead."),
    ] = None,
    devices: Devices = 1,
    strategy: Strategy = "auto",
    logger: LoggerOption = None,
) -> None:
    """Pre-train HuBERT-ECG: describe frames, cluster them, predict the codes of masked frames.

    No label is used, and patients in the validation or test split of any task are excluded.
    transformers can load the folder, and acsbench train hubert-SIZE --init fine-tunes it. Repeat
    the command to resume an interrupted pre-training; the result is the same.
    """
    from acsbench.training.pretraining.config import pretraining_config
    from acsbench.training.pretraining.pretrain import pretrain
    from acsbench.training.trainer import Hardware

    chosen: dict[str, Any] = {"size": size.value, "seed": seed, "layer": layer}
    chosen |= {"codebooks": parse_codebooks(codebooks)} | parse_settings(set_ or [])
    hardware = Hardware(
        devices=devices,
        strategy=strategy,
        logger=None if logger is None else logger.value,
        progress_bar=err.is_terminal,
    )
    with progress_of("describing") as progress:
        run = pretrain(
            open_prepared(data),
            pretraining_config(**chosen),
            out,
            earlier=from_,
            hardware=hardware,
            workers=workers,
            dask=dask,
            report=say,
            progress=progress,
        )
    say(f"pre-trained: {run.path}; fine-tune with acsbench train {run.model} --init {run.path}")


def parse_codebooks(words: str) -> list[int]:
    """Number of codes of each codebook.

    >>> parse_codebooks("100,200")
    [100, 200]
    """
    try:
        return [int(word) for word in words.split(",")]
    except ValueError as error:
        raise ConfigurationError(f"--codebooks {words}: write 100 or 100,200") from error
