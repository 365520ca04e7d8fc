"""Run folders: a trained model with all that is needed to repeat or to judge it.

A run holds `config.yaml`, `model.safetensors`, `metrics.json`, `history.csv`,
`predictions-<split>.csv`, `environment.json` and `MODEL_CARD.md`. Nothing here needs PyTorch.
"""

from __future__ import annotations

import json
import platform
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from acsbench import __version__
from acsbench.errors import AcsBenchError, ConfigurationError, DataError
from acsbench.files import digest_of, remove_partial, usable_cores, write_json, write_text
from acsbench.statistics.estimate import Estimate
from acsbench.tables import number_column, read_csv

CONFIG = "config.yaml"
WEIGHTS = "model.safetensors"
METRICS = "metrics.json"
HISTORY = "history.csv"
ENVIRONMENT = "environment.json"
CARD = "MODEL_CARD.md"
STATE = "state.pt"
"""State of an unfinished training; a finished run keeps it only if the time budget ended it."""
LOCK = "lock"
REPORTED = {"valid": "validation", "test": "test"}
"""Splits that `train` predicts, and their names in text."""
DIVERGED = "diverged"
"""Note in `metrics.json`: where the training diverged. An earlier epoch is kept."""
CODE = "code"
"""Entry in `config.yaml`: digest of the file that registers a user's model."""
LIBRARIES = ("numpy", "scipy", "pandas", "torch", "lightning", "scikit-learn", "safetensors")


@dataclass(frozen=True, eq=False)
class Run:
    """A finished run; use `open_run`."""

    path: Path
    config: dict[str, Any]

    @property
    def model(self) -> str:
        """Name of the model."""
        return str(self.config["model"])

    @property
    def metrics(self) -> dict[str, Any]:
        """Content of `metrics.json`: `estimates` by split, and the notes of `training`."""
        content: dict[str, Any] = json.loads((self.path / METRICS).read_text(encoding="utf-8"))
        return content

    @property
    def notes(self) -> dict[str, str]:
        """What happened during training."""
        return dict(self.metrics["training"])

    def has_predictions(self, split: str) -> bool:
        """Whether the run holds predictions of a split."""
        return (self.path / predictions_name(split)).is_file()

    def predictions(self, split: str) -> pd.Series:
        """Probabilities of a split, indexed by `ecg_id`."""
        if not self.has_predictions(split):
            raise DataError(
                f"the run has no predictions of the split {split!r}",
                file=self.path,
                fix="Make them with acsbench predict",
            )
        return read_probabilities(self.path / predictions_name(split))


def open_run(path: Path) -> Run:
    """Open a finished run.

    Raises:
        DataError: the folder is not a run, or the run is unfinished.
    """
    fix = "Give a folder written by acsbench train"
    if not (path / METRICS).is_file():
        raise DataError("this is not a finished run", file=path, fix=fix)
    try:
        config = yaml.safe_load((path / CONFIG).read_text(encoding="utf-8"))
        return Run(path, {key: config[key] for key in (*config, "model", "task", "processing")})
    except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
        raise DataError("the configuration cannot be read", file=path / CONFIG, fix=fix) from error


def predictions_name(split: str) -> str:
    """Name of the file with the predictions of a split."""
    return f"predictions-{split}.csv"


def read_probabilities(path: Path) -> pd.Series:
    """Read predictions, indexed by `ecg_id`; NaN where one is missing.

    Raises:
        DataError: the file cannot be read, or a probability is not a number.
    """
    fix = "Make the predictions again with acsbench predict"
    rows = read_csv(path, ("ecg_id", "probability"), fix=fix)
    ids = pd.Index(rows["ecg_id"], name="ecg_id")
    return number_column(rows, "probability", path).set_axis(ids)


def predictions_csv(predictions: pd.Series) -> str:
    """Predictions as CSV: `ecg_id`, and a column with the name of the series.

    Numbers keep all digits: rounding would tie ECGs that the model ranks.
    """
    table = pd.DataFrame({"ecg_id": predictions.index, predictions.name: predictions.to_numpy()})
    return table.to_csv(index=False, lineterminator="\n")


def config_digest(config: Mapping[str, Any]) -> str:
    """Digest of everything that decides the result of a run.

    The time budget does not count: more time continues the same training.
    """
    training = {**config.get("training", {}), "max_minutes": None}
    return digest_of({**config, "training": training})


def find_run(runs: Path, config: Mapping[str, Any], *, any_code: bool = False) -> Run | None:
    """The latest finished run with a configuration, or None.

    Args:
        runs: folder of the Run folders.
        config: configuration of the run; the time budget may differ.
        any_code: ignore changes in the file that registers the model.
    """
    ignored = {CODE: None} if any_code else {}
    wanted = config_digest({**config, **ignored})
    found = (run for run in _finished(runs) if config_digest({**run.config, **ignored}) == wanted)
    return next(found, None)


def _finished(runs: Path) -> Iterator[Run]:
    """Finished runs in a folder, the latest first."""
    for path in sorted(runs.glob("*/"), key=lambda p: p.name.rpartition("-")[2], reverse=True):
        if not path.name.startswith(".") and (path / METRICS).is_file():
            with suppress(DataError):  # not a folder of acsbench
                yield open_run(path)


class RunWriter:
    """Collects the files of a run in a hidden folder and publishes them at once.

    The name of the hidden folder contains the digest of the configuration, so that the same
    training resumes there after a kill. Use as a context manager: an error removes the folder,
    unless an interrupted training can resume from it.

    Args:
        runs: folder of the Run folders.
        config: configuration of the run.
    """

    def __init__(self, runs: Path, config: Mapping[str, Any]):
        model, task, seed = config["model"], config["task"]["name"], config["training"]["seed"]
        self.config = dict(config)
        self.runs = runs
        self.name = f"{model}-{task}-{seed}"
        self.path = runs / f".{self.name}-{config_digest(config)[:16]}.training"
        self._lock = FileLock(self.path / LOCK)

    def __enter__(self) -> RunWriter:
        self.path.mkdir(parents=True, exist_ok=True)
        try:
            self._lock.acquire(timeout=0)
        except Timeout as error:
            raise ConfigurationError(
                f"another process runs the same training in {self.runs}; wait for it, or choose "
                "another seed or setting"
            ) from error
        remove_partial(self.path)
        write_text(self.path / CONFIG, yaml.safe_dump(self.config, sort_keys=False))
        write_json(self.path / ENVIRONMENT, environment())
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        resumable = (self.path / STATE).is_file()
        if kind is not None and (issubclass(kind, AcsBenchError) or not resumable):
            shutil.rmtree(self.path, ignore_errors=True)
        self._lock.release()

    def resume_from(self, run: Run) -> None:
        """Take the state of a run that the time budget ended, unless there is a later state."""
        if (run.path / STATE).is_file() and not (self.path / STATE).is_file():
            shutil.copy(run.path / WEIGHTS, self.path / WEIGHTS)
            # Move the state last: it is large, and its presence means that training can resume.
            (run.path / STATE).replace(self.path / STATE)

    def publish(self, keep_state: bool = False) -> Path:
        """Give the finished run its final name; returns its folder."""
        now = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")[:-3] + "Z"
        final = self.path.rename(self.runs / f"{self.name}-{now}")
        if not keep_state:
            (final / STATE).unlink(missing_ok=True)
        (final / LOCK).unlink(missing_ok=True)
        return final


def write_predictions(
    folder: Path, split: str, ecg_ids: pd.Series, probabilities: NDArray[np.float64]
) -> None:
    """Write the predictions of a split into the folder of a run."""
    predictions = pd.Series(probabilities, index=ecg_ids, name="probability")
    write_text(folder / predictions_name(split), predictions_csv(predictions))


def write_metrics(folder: Path, auroc: Mapping[str, Estimate], notes: Mapping[str, str]) -> None:
    """Write the AUROC of each split and the notes of the training into the folder of a run."""
    estimates = {split: {"auroc": asdict(estimate)} for split, estimate in auroc.items()}
    write_json(folder / METRICS, {"estimates": estimates, "training": dict(notes)})


def environment() -> dict[str, Any]:
    """Versions and machine of this process."""
    versions = {}
    for library in LIBRARIES:
        try:
            versions[library] = metadata.version(library)
        except metadata.PackageNotFoundError:
            versions[library] = "not installed"
    return {
        "acsbench": __version__,
        "python": platform.python_version(),
        "system": platform.system(),
        "machine": platform.machine(),
        "cores": usable_cores(),
        "libraries": versions,
    }
