"""Where else the figures of each epoch go; `history.csv` is always written."""

from __future__ import annotations

import importlib
from importlib import util
from pathlib import Path
from typing import Any, Literal

from acsbench.errors import ConfigurationError

LoggerName = Literal["tensorboard", "wandb", "mlflow"]
LOGS = "logs"
_LOGGERS = {
    "tensorboard": ("TensorBoardLogger", ("tensorboard", "tensorboardX")),
    "wandb": ("WandbLogger", ("wandb",)),
    "mlflow": ("MLFlowLogger", ("mlflow",)),
}
"""Lightning's class, and the packages of which it needs one."""


def make_logger(name: LoggerName, runs: Path, run: str) -> Any:
    """A logger of Lightning that writes into `logs` in the folder of runs.

    Args:
        name: which one.
        runs: folder of the Run folders.
        run: the run's name.

    Raises:
        ConfigurationError: the package that it needs is not installed.
    """
    kind, packages = _LOGGERS[name]
    if not any(util.find_spec(package) for package in packages):
        raise ConfigurationError(f"{name} is not installed. Run: pip install 'acsbench[loggers]'")
    make = getattr(importlib.import_module("lightning.pytorch.loggers"), kind)
    folder = runs / LOGS
    if name == "tensorboard":
        return make(folder, name="", version=run)
    if name == "wandb":
        # The run's name as id: a training that was killed goes on in the same curve.
        return make(name=run, id=run, project="acsbench", save_dir=folder, resume="allow")
    return make(experiment_name="acsbench", run_name=run, tracking_uri=f"file:{folder}")
