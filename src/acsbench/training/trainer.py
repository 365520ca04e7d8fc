"""Lightning's trainer, configured as every training here needs it."""

from __future__ import annotations

import importlib
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import lightning as L
import torch
from lightning.pytorch.strategies import DDPStrategy, SingleDeviceStrategy

from acsbench.errors import ConfigurationError
from acsbench.training.callbacks import EpochCallback
from acsbench.training.config import TrainingConfig
from acsbench.training.pretraining.config import PretrainingConfig

LoggerName = Literal["tensorboard", "wandb", "mlflow"]
LOGS = "logs"
_LOGGERS = {
    "tensorboard": ("TensorBoardLogger", ("tensorboard", "tensorboardX")),
    "wandb": ("WandbLogger", ("wandb",)),
    "mlflow": ("MLFlowLogger", ("mlflow",)),
}
"""Lightning's class, and packages of which it needs one."""


@dataclass(frozen=True)
class Hardware:
    """Devices for the training of a network; they change its result by rounding only.

    Args:
        devices, nodes: number of devices per machine, and of machines; one process per device.
        strategy: Lightning's strategy, such as `ddp`; `auto` chooses one.
        logger: service that also receives the results of each epoch.
        progress_bar: draw a progress bar for each epoch.
    """

    devices: int = 1
    nodes: int = 1
    strategy: str = "auto"
    logger: LoggerName | None = None
    progress_bar: bool = False


ONE_DEVICE = Hardware()


def make_trainer(
    hardware: Hardware, epoch_end: EpochCallback, config: TrainingConfig | PretrainingConfig
) -> L.Trainer:
    """Lightning's trainer; the callback keeps results, state and weights.

    Raises:
        ConfigurationError: the batch size is not a multiple of the number of processes, or the
            strategy splits the network itself.
    """
    processes = hardware.devices * hardware.nodes
    if config.batch_size % processes:
        raise ConfigurationError(
            f"batch_size {config.batch_size} is not a multiple of {processes} processes; choose "
            "another batch_size"
        )
    name, folder = hardware.logger, epoch_end.folder
    with quiet_lightning():
        trainer = L.Trainer(
            max_epochs=config.epochs,
            accelerator="auto",
            devices=hardware.devices,
            num_nodes=hardware.nodes,
            strategy=hardware.strategy,
            precision=config.precision,
            accumulate_grad_batches=config.accumulate,
            sync_batchnorm=syncs_batch_norm(processes),
            callbacks=[epoch_end],
            logger=make_logger(name, folder.parent, folder.name) if name else False,
            # The callback saves state and weights in a form that is read without unpickling.
            enable_checkpointing=False,
            use_distributed_sampler=False,
            enable_progress_bar=hardware.progress_bar,
            enable_model_summary=False,
            num_sanity_val_steps=0,
        )
    if not isinstance(trainer.strategy, DDPStrategy | SingleDeviceStrategy):
        raise ConfigurationError(
            f"the strategy {hardware.strategy!r} splits the network itself, which networks of this "
            "size do not need; use ddp"
        )
    return trainer


def make_logger(name: LoggerName, runs: Path, run: str) -> Any:
    """Lightning's logger of a name, which writes into `logs` in the folder of runs.

    Raises:
        ConfigurationError: the package that it needs is not installed.
    """
    kind, packages = _LOGGERS[name]
    if not any(find_spec(package) for package in packages):
        raise ConfigurationError(f"{name} is not installed. Run: pip install 'acsbench[loggers]'")
    make = getattr(importlib.import_module("lightning.pytorch.loggers"), kind)
    folder = runs / LOGS
    if name == "tensorboard":
        return make(folder, name="", version=run)
    if name == "wandb":
        # The id is the name of the run: a resumed training continues the same curve.
        return make(name=run, id=run, project="acsbench", save_dir=folder, resume="allow")
    return make(experiment_name="acsbench", run_name=run, tracking_uri=f"file:{folder}")


def syncs_batch_norm(processes: int) -> bool:
    """Whether batch norm averages over all processes, which PyTorch supports on GPUs only."""
    return processes > 1 and torch.cuda.is_available()


def fit(trainer: L.Trainer, module: L.LightningModule, data: L.LightningDataModule) -> None:
    """Train, without Lightning's advice.

    Raises:
        ConfigurationError: the network or its batches do not fit the device.
        KeyboardInterrupt: the user stopped the training; Lightning would exit instead.
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
                "the device does not have enough memory for a batch: set a lower batch_size, and "
                "accumulate to sum the gradients of several batches"
            ) from error
        except (RuntimeError, ValueError) as error:
            problem = _batch_problem(error, str(trainer.precision))
            if problem is None:
                raise
            raise ConfigurationError(problem) from error


def _batch_problem(error: Exception, precision: str) -> str | None:
    """Explain PyTorch's error about a batch or its precision; None for other errors."""
    text = str(error)
    if "more than 1 value per channel" in text:
        return "batch norm needs more than one value per channel: set a larger batch_size"
    if precision != "32-true" and ("BFloat16" in text or "Half" in text):
        return (
            f"this device cannot compute a layer of the network in {precision}: set "
            "precision=32-true"
        )
    return None


@contextmanager
def quiet_lightning() -> Iterator[None]:
    """Hide Lightning's advice on hardware and on worker processes of the loader.

    The store is memory-mapped, so that worker processes would only copy data.
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
