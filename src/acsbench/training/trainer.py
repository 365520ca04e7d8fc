"""Lightning's trainer, as every training here uses it."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import lightning as L
import torch
from lightning.pytorch.strategies import DDPStrategy, SingleDeviceStrategy

from acsbench.errors import ConfigurationError
from acsbench.training.config import Precision
from acsbench.training.loggers import LoggerName, make_logger


@dataclass(frozen=True)
class Hardware:
    """What a network is trained on; the result depends on it by rounding alone.

    Args:
        devices, nodes: how many; each device has a process of its own.
        strategy: Lightning's, such as `ddp`; `auto` takes what suits.
        logger: where else the figures of each epoch go.
        progress_bar: draw one for each epoch.
    """

    devices: int = 1
    nodes: int = 1
    strategy: str = "auto"
    logger: LoggerName | None = None
    progress_bar: bool = False


ONE_DEVICE = Hardware()


def make_trainer(
    hardware: Hardware,
    epoch_end: L.Callback,
    folder: Path,
    *,
    epochs: int,
    batch_size: int,
    accumulate: int,
    precision: Precision,
) -> L.Trainer:
    """Lightning's trainer, which leaves figures, state and weights to our callback.

    Args:
        hardware: what to train on.
        epoch_end: called after each epoch.
        folder: where the results go; loggers write beside it.
        epochs, batch_size, accumulate, precision: as in `TrainingConfig`.

    Raises:
        ConfigurationError: batches cannot be shared out equally, or the strategy shares out
            the network itself.
    """
    processes = hardware.devices * hardware.nodes
    if batch_size % processes:
        raise ConfigurationError(
            f"batches of {batch_size} ECGs cannot be shared out equally among {processes} "
            "processes; choose another batch_size"
        )
    logger = hardware.logger
    with quiet_lightning():
        trainer = L.Trainer(
            max_epochs=epochs,
            accelerator="auto",
            devices=hardware.devices,
            num_nodes=hardware.nodes,
            strategy=hardware.strategy,
            precision=precision,
            accumulate_grad_batches=accumulate,
            sync_batchnorm=syncs_batch_norm(processes),
            callbacks=[epoch_end],
            logger=make_logger(logger, folder.parent, folder.name) if logger else False,
            # The callback keeps state and weights, in a form that is read without unpickling.
            enable_checkpointing=False,
            use_distributed_sampler=False,
            enable_progress_bar=hardware.progress_bar,
            enable_model_summary=False,
            num_sanity_val_steps=0,
        )
    if not isinstance(trainer.strategy, DDPStrategy | SingleDeviceStrategy):
        raise ConfigurationError(
            f"the strategy {hardware.strategy!r} shares out the network itself, which networks of "
            "this size do not need; use ddp"
        )
    return trainer


def syncs_batch_norm(processes: int) -> bool:
    """Whether batch norm takes its statistics over all processes, which PyTorch does on GPUs."""
    return processes > 1 and torch.cuda.is_available()


def fit(trainer: L.Trainer, module: L.LightningModule, data: L.LightningDataModule) -> None:
    """Train, without Lightning's advice.

    Raises:
        ConfigurationError: the network or its batches do not fit the device.
        KeyboardInterrupt: the user did; Lightning would make an exit of it.
    """
    with quiet_lightning():
        try:
            trainer.fit(module, datamodule=data)
        except SystemExit as stop:
            if isinstance(stop.__context__, KeyboardInterrupt):
                raise KeyboardInterrupt from stop
            raise
        except torch.OutOfMemoryError as error:
            raise ConfigurationError(
                "the memory of the device is too small for a batch: set a lower batch_size, and "
                "accumulate to add up the gradients of several"
            ) from error
        except (RuntimeError, ValueError) as error:
            problem = _of_the_batch(error, str(trainer.precision))
            if problem is None:
                raise
            raise ConfigurationError(problem) from error


def _of_the_batch(error: Exception, precision: str) -> str | None:
    """What PyTorch says about a batch or its precision, in words; None if it is about neither."""
    told = str(error)
    if "more than 1 value per channel" in told:
        return "batch norm has one value per channel in a batch: set a larger batch_size"
    if precision != "32-true" and ("BFloat16" in told or "Half" in told):
        return (
            f"the network has a layer that this device does not compute in {precision}: set "
            "precision=32-true"
        )
    return None


@contextmanager
def quiet_lightning() -> Iterator[None]:
    """Hide Lightning's advice on hardware and on worker processes of the loader.

    The store is memory-mapped: worker processes would only copy what is there already.
    """
    logger = logging.getLogger("lightning.pytorch.utilities.rank_zero")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="lightning.*")
            warnings.filterwarnings("ignore", module="torch.*", category=UserWarning)
            yield
    finally:
        logger.setLevel(level)
