"""The folder of a pre-training: the encoder for `transformers`, and its history.

It contains `config.json` and `model.safetensors` (the encoder), `pretraining.yaml` (everything
that decides the result), `history.csv`, `metrics.json`, `codebooks/` with a `.npz` and a `.csv`
each, `codebooks.png`, `environment.json` and `MODEL_CARD.md`. An unfinished folder also contains
`descriptors/`, `codes.npy` (both with data of single ECGs) and `state.pt`.
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
    """Everything that decides the result, in the form of a run's configuration."""
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
    """Assign a folder to a pre-training; returns whether it is already finished.

    Raises:
        ConfigurationError: the folder contains a pre-training with other settings.
    """
    if (folder / RECORD).is_file():
        if read_record(folder) != record:
            raise ConfigurationError(
                f"{folder} contains a pre-training with other settings or data; remove it, or use "
                "another --out"
            )
        return is_pretrained(folder)
    write_text(folder / RECORD, yaml.safe_dump(record, sort_keys=False))
    return False


def read_record(folder: Path) -> dict[str, Any]:
    """Content of `pretraining.yaml`.

    Raises:
        DataError: it cannot be read.
    """
    try:
        record = yaml.safe_load((folder / RECORD).read_text(encoding="utf-8"))
        return {key: record[key] for key in (*record, "model", "lineage", "patients", "training")}
    except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
        raise DataError(
            "this is not a pre-training",
            file=folder,
            fix="Give a folder written by this version of acsbench pretrain",
        ) from error


def is_pretrained(folder: Path) -> bool:
    """Whether a folder is a finished pre-training."""
    return (folder / RECORD).is_file() and (folder / ENCODER_CONFIG).is_file()


def open_pretrained(folder: Path) -> Run:
    """A finished pre-training in the form of a run, for fine-tuning.

    Raises:
        DataError: the folder is not a finished pre-training.
    """
    if not is_pretrained(folder):
        raise DataError(
            "this is not a finished pre-training",
            file=folder,
            fix="Repeat acsbench pretrain to resume",
        )
    return Run(folder, read_record(folder))


def lock(folder: Path) -> FileLock:
    """Lock the folder of a pre-training.

    Raises:
        ConfigurationError: the folder contains something else, or another process uses it.
    """
    if folder.exists() and not _is_ours(folder):
        raise ConfigurationError(f"{folder} contains something else; use another --out")
    folder.mkdir(parents=True, exist_ok=True)
    taken = FileLock(folder / LOCK)
    try:
        taken.acquire(timeout=0)
    except Timeout as error:
        raise ConfigurationError(f"another process uses {folder}; wait for it") from error
    return taken


def remove_leftovers(folder: Path) -> None:
    """Remove unfinished files of killed processes."""
    for place in (folder, folder / CODEBOOKS):
        remove_partial(place)


def remove_working_files(folder: Path) -> None:
    """Remove files that only an unfinished pre-training needs."""
    shutil.rmtree(folder / DESCRIPTORS, ignore_errors=True)
    for name in (CODES, STATE):
        (folder / name).unlink(missing_ok=True)


def _is_ours(folder: Path) -> bool:
    """Whether a folder is empty or contains a pre-training."""
    if not folder.is_dir():
        return False
    others = (path for path in folder.iterdir() if path.name != LOCK and path.suffix != PARTIAL)
    return (folder / RECORD).is_file() or not any(others)
