"""The folder of a pre-training: the encoder for `transformers`, and how it came about.

`config.json` and `model.safetensors` (the encoder), `pretraining.yaml` (all that decides the
result), `history.csv`, `metrics.json`, `codebooks/` with a `.npz` and a `.csv` each,
`codebooks.png`, `environment.json`, `MODEL_CARD.md`. Unfinished ones also hold `descriptors/`,
`codes.npy` and `state.pt`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from filelock import FileLock, Timeout

from acsbench import __version__
from acsbench.errors import ConfigurationError, DataError
from acsbench.files import sha256, write_text
from acsbench.models.hubert import PREPARED
from acsbench.training.pretraining.config import PretrainingConfig
from acsbench.training.pretraining.encoder import ENCODER_CONFIG, ENCODER_WEIGHTS
from acsbench.training.run import LOCK, Run
from acsbench.waveforms.prepared import Prepared

RECORD = "pretraining.yaml"
DESCRIPTORS = "descriptors"
CODEBOOKS = "codebooks"
CODES = "codes.npy"
TASK = {"name": "pretraining", "version": 1, "description": "Codes of masked frames; no label."}


def record_of(
    prepared: Prepared, config: PretrainingConfig, earlier: Path | None
) -> dict[str, Any]:
    """All that decides the result of a pre-training, in the form of a run's configuration."""
    digests = prepared.manifest()["digests"]
    lineage = [] if earlier is None else read_record(earlier)["lineage"]
    steps = [{"task": task, "split": digests[task], "unlabelled": True} for task in prepared.tasks]
    return {
        "version": __version__,
        "model": config.model,
        "task": TASK,
        "data": {
            "dataset": prepared.meta["dataset"],
            "simulated": prepared.simulated,
            "input_hash": prepared.meta["input_hash"],
        },
        "processing": prepared.store(PREPARED).processing,
        "from": None if earlier is None else sha256(earlier / ENCODER_WEIGHTS),
        "lineage": [*lineage, *(step for step in steps if step not in lineage)],
        "training": config.model_dump(mode="json"),
    }


def claim(folder: Path, record: dict[str, Any]) -> bool:
    """Make a folder that of a pre-training; whether it is finished already.

    Raises:
        ConfigurationError: the folder holds something else.
    """
    if (folder / RECORD).is_file():
        if read_record(folder) != record:
            raise ConfigurationError(
                f"{folder} holds a pre-training of other settings or data; name another folder "
                "with --out, or remove it"
            )
        return is_pretrained(folder)
    if folder.exists() and any(path.name != LOCK for path in folder.iterdir()):
        raise ConfigurationError(f"{folder} is no pre-training's; name another with --out")
    write_record(folder, record)
    return False


def write_record(folder: Path, record: dict[str, Any]) -> None:
    """Write down what decides a pre-training's result."""
    write_text(folder / RECORD, yaml.safe_dump(record, sort_keys=False))


def read_record(folder: Path) -> dict[str, Any]:
    """What decided a pre-training's result.

    Raises:
        DataError: it cannot be read.
    """
    try:
        record = yaml.safe_load((folder / RECORD).read_text(encoding="utf-8"))
        return {key: record[key] for key in (*record, "model", "lineage", "training")}
    except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
        raise DataError(
            "this is no pre-training",
            file=folder,
            fix="Give a folder that acsbench pretrain has written",
        ) from error


def is_pretrained(folder: Path) -> bool:
    """Whether a folder holds a finished pre-training."""
    return (folder / RECORD).is_file() and (folder / ENCODER_CONFIG).is_file()


def open_pretrained(folder: Path) -> Run:
    """A finished pre-training in the form of a run, to fine-tune.

    Raises:
        DataError: the folder holds none.
    """
    if not is_pretrained(folder):
        raise DataError(
            "this is no finished pre-training",
            file=folder,
            fix="Repeat acsbench pretrain, which goes on where it was",
        )
    return Run(folder, read_record(folder))


def lock(folder: Path) -> FileLock:
    """The lock of a pre-training's folder, taken.

    Raises:
        ConfigurationError: another process has it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    taken = FileLock(folder / LOCK)
    try:
        taken.acquire(timeout=0)
    except Timeout as error:
        raise ConfigurationError(f"another process is at {folder}; wait for it") from error
    return taken
