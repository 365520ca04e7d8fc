"""The folder of a pre-training: the encoder for `transformers`, and how it came about.

`config.json` and `model.safetensors` (the encoder), `pretraining.yaml` (all that decides the
result), `history.csv`, `metrics.json`, `codebooks/` with a `.npz` and a `.csv` each,
`codebooks.png`, `environment.json`, `MODEL_CARD.md`. Unfinished ones also hold `descriptors/` and
`codes.npy`, which tell of single ECGs, and `state.pt`.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import yaml
from filelock import FileLock, Timeout

from acsbench import __version__
from acsbench.errors import ConfigurationError, DataError
from acsbench.files import PARTIAL, remove_partial, sha256, write_text
from acsbench.models.hubert import PREPARED
from acsbench.runs import LOCK, STATE, Run
from acsbench.training.pretraining.config import PretrainingConfig
from acsbench.training.pretraining.crops import Material
from acsbench.training.pretraining.encoder import ENCODER_CONFIG, ENCODER_WEIGHTS
from acsbench.training.pretraining.lineage import next_iteration
from acsbench.waveforms.prepared import Prepared

RECORD = "pretraining.yaml"
DESCRIPTORS = "descriptors"
CODEBOOKS = "codebooks"
CODES = "codes.npy"
TASK = {"name": "pretraining", "version": 1, "description": "Codes of masked frames; no label."}


def record_of(
    prepared: Prepared, material: Material, config: PretrainingConfig, earlier: Path | None
) -> dict[str, Any]:
    """All that decides the result of a pre-training, in the form of a run's configuration."""
    lineage = [] if earlier is None else read_record(earlier)["lineage"]
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
        "lineage": next_iteration(prepared, lineage),
        "patients": material.digest,
        "training": config.model_dump(mode="json"),
    }


def claim(folder: Path, record: dict[str, Any]) -> bool:
    """Make a folder that of a pre-training; whether it is finished already.

    Raises:
        ConfigurationError: the folder holds that of other settings.
    """
    if (folder / RECORD).is_file():
        if read_record(folder) != record:
            raise ConfigurationError(
                f"{folder} holds a pre-training of other settings or data; name another folder "
                "with --out, or remove it"
            )
        return is_pretrained(folder)
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
        return {key: record[key] for key in (*record, "model", "lineage", "patients", "training")}
    except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
        raise DataError(
            "this is no pre-training",
            file=folder,
            fix="Give a folder that this version of acsbench pretrain has written",
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
        ConfigurationError: the folder is somebody else's, which is left as it is, or another
            process has it.
    """
    if folder.exists() and not _is_ours(folder):
        raise ConfigurationError(f"{folder} is no pre-training's; name another with --out")
    folder.mkdir(parents=True, exist_ok=True)
    taken = FileLock(folder / LOCK)
    try:
        taken.acquire(timeout=0)
    except Timeout as error:
        raise ConfigurationError(f"another process is at {folder}; wait for it") from error
    return taken


def remove_leftovers(folder: Path) -> None:
    """Remove what processes that were killed left half-written."""
    for place in (folder, folder / CODEBOOKS):
        remove_partial(place)


def remove_working_files(folder: Path) -> None:
    """Remove what only an unfinished pre-training needs."""
    shutil.rmtree(folder / DESCRIPTORS, ignore_errors=True)
    for name in (CODES, STATE):
        (folder / name).unlink(missing_ok=True)


def _is_ours(folder: Path) -> bool:
    """Whether a pre-training may be written there: it was before, or there is nothing."""
    if not folder.is_dir():
        return False
    others = (path for path in folder.iterdir() if path.name != LOCK and path.suffix != PARTIAL)
    return (folder / RECORD).is_file() or not any(others)
