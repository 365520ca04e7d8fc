"""The Run folder: a trained model with all that is needed to repeat or to judge it.

`config.yaml`, `model.safetensors`, `metrics.json`, `history.csv`, `predictions-<split>.csv`,
`environment.json`, `MODEL_CARD.md`.
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
REPORTED = {"valid": "validation", "test": "test"}
"""Splits that are predicted when a model is trained, and their names in words."""
STATE = "state.pt"
"""Of an unfinished training; a finished run has it only if the time budget ended it."""
LOCK = "lock"
DIVERGED = "diverged"
"""The note where a training diverged, of a run that did; an earlier epoch is kept."""
CODE = "code"
"""Digest of the file that registers a model, in the configurations of models not our own."""
LIBRARIES = ("numpy", "scipy", "pandas", "torch", "lightning", "scikit-learn", "safetensors")


@dataclass(frozen=True, eq=False)
class Run:
    """A finished run; use `open_run`."""

    path: Path
    config: dict[str, Any]

    @property
    def model(self) -> str:
        """The model's name."""
        return str(self.config["model"])

    @property
    def notes(self) -> dict[str, str]:
        """What happened in training."""
        notes: dict[str, str] = json.loads((self.path / METRICS).read_text("utf-8"))["training"]
        return notes

    def has_predictions(self, split: str) -> bool:
        """Whether the split was predicted when the model was trained."""
        return (self.path / predictions_name(split)).is_file()

    def predictions(self, split: str) -> pd.Series:
        """Probabilities of a split, indexed by `ecg_id`."""
        path = self.path / predictions_name(split)
        if not self.has_predictions(split):
            raise DataError(
                f"the run has no predictions of the split {split!r}",
                file=self.path,
                fix="Make them with acsbench predict",
            )
        return read_probabilities(path)


def read_probabilities(path: Path) -> pd.Series:
    """Probabilities of a file of predictions, indexed by `ecg_id`; NaN where one is missing.

    Raises:
        DataError: the file cannot be read, or a probability is not a number.
    """
    fix = "Make the predictions again with acsbench predict"
    rows = read_csv(path, ("ecg_id", "probability"), fix=fix)
    ids = pd.Index(rows["ecg_id"], name="ecg_id")
    return number_column(rows, "probability", path).set_axis(ids)


def open_run(path: Path) -> Run:
    """Open a finished run.

    Raises:
        DataError: the folder is no run, or an unfinished one.
    """
    fix = "Give a folder that acsbench train has written"
    if not (path / METRICS).is_file():
        raise DataError("this is no finished run", file=path, fix=fix)
    try:
        config = yaml.safe_load((path / CONFIG).read_text(encoding="utf-8"))
        return Run(path, {key: config[key] for key in (*config, "model", "task", "processing")})
    except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
        raise DataError("the configuration cannot be read", file=path / CONFIG, fix=fix) from error


def open_trained(path: Path) -> Run:
    """Open a finished run, or an ONNX file that was made of one.

    Raises:
        DataError: it is neither.
        ConfigurationError: it is an ONNX file and onnxruntime is not installed.
    """
    if path.suffix != ".onnx":
        return open_run(path)
    from acsbench.training.onnx import open_onnx

    return open_onnx(path)


def predictions_name(split: str) -> str:
    """Name of the file with a split's predictions."""
    return f"predictions-{split}.csv"


def predictions_csv(predictions: pd.Series) -> str:
    """Predictions as CSV: `ecg_id` and a column of the series' own name.

    With all digits that a double needs: rounding would tie ECGs that the model ranks.
    """
    table = pd.DataFrame({"ecg_id": predictions.index, predictions.name: predictions.to_numpy()})
    return table.to_csv(index=False, lineterminator="\n")


def config_digest(config: Mapping[str, Any]) -> str:
    """What decides a run's result, as a digest: two runs of the same digest are the same.

    The time budget is left out: more time takes the same training further.
    """
    training = {**config.get("training", {}), "max_minutes": None}
    return digest_of({**config, "training": training})


def find_run(runs: Path, config: Mapping[str, Any], *, any_code: bool = False) -> Run | None:
    """The latest finished run with a configuration, if there is one.

    Args:
        runs: folder of the Run folders.
        config: what decides a run's result; the time budget may differ.
        any_code: the file that registers the model may differ as well.
    """
    ignored = {CODE: None} if any_code else {}
    wanted = config_digest({**config, **ignored})
    found = (run for run in _finished(runs) if config_digest({**run.config, **ignored}) == wanted)
    return next(found, None)


def _finished(runs: Path) -> Iterator[Run]:
    """Finished runs in a folder, the latest first."""
    for path in sorted(runs.glob("*/"), key=lambda p: p.name.rpartition("-")[2], reverse=True):
        if not path.name.startswith(".") and (path / METRICS).is_file():
            with suppress(DataError):  # somebody else's folder
                yield open_run(path)


class RunWriter:
    """Collects a run's files in a hidden folder and publishes them all at once.

    The hidden folder is named after the configuration: the same training finds there what a
    killed one has left, and no other touches it. Used as a context: leaving it with an error
    removes everything, unless a training was interrupted that can go on.

    Args:
        runs: folder of the Run folders.
        config: what decides the run's result.
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
                f"another process is at this very training in {self.runs}; wait for it, or "
                "choose another seed or setting"
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

    def go_on_from(self, run: Run) -> None:
        """Take over the state of a run that the time budget ended, if there is nothing later."""
        if (run.path / STATE).is_file() and not (self.path / STATE).is_file():
            shutil.copy(run.path / WEIGHTS, self.path / WEIGHTS)
            # Last, and moved: it says that there is something to go on from, and it is large.
            (run.path / STATE).replace(self.path / STATE)

    def publish(self, keep_state: bool = False) -> Path:
        """Give the finished run its name; returns its folder."""
        now = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")[:-3] + "Z"
        final = self.path.rename(self.runs / f"{self.name}-{now}")
        if not keep_state:
            (final / STATE).unlink(missing_ok=True)
        (final / LOCK).unlink(missing_ok=True)
        return final

    def write_predictions(
        self, split: str, ecg_ids: pd.Series, probabilities: NDArray[np.float64]
    ) -> None:
        """Write a split's predictions."""
        predictions = pd.Series(probabilities, index=ecg_ids, name="probability")
        write_text(self.path / predictions_name(split), predictions_csv(predictions))

    def write_metrics(self, metrics: Mapping[str, Estimate], notes: Mapping[str, str]) -> None:
        """Write the AUROC of each split, and what happened in training."""
        estimates = {split: {"auroc": asdict(estimate)} for split, estimate in metrics.items()}
        write_json(self.path / METRICS, {"estimates": estimates, "training": dict(notes)})

    def write_card(self, card: str) -> None:
        """Write the model card."""
        write_text(self.path / CARD, card)


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
