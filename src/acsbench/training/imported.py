"""Published checkpoints as Run folders, to predict with or to fine-tune."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from acsbench import __version__
from acsbench.cohort.task import Task
from acsbench.files import (
    folder_written_whole,
    require_empty,
    sha256,
    write_json,
    write_text,
)
from acsbench.models.published import Reload, read_published
from acsbench.models.published.hubert import score_only
from acsbench.models.published.renaming import Checkpoint
from acsbench.models.registry import model_info
from acsbench.runs import (
    CARD,
    CONFIG,
    ENVIRONMENT,
    WEIGHTS,
    Run,
    environment,
    open_run,
    write_metrics,
)
from acsbench.training.card import LIMITS, markdown_card, summary_of
from acsbench.training.config import TrainingConfig
from acsbench.training.state import save_weights
from acsbench.waveforms.profiles import get_profile

UNKNOWN_TASK = {
    "name": "published",
    "version": 0,
    "description": "Unknown: the task was not given when the weights were imported.",
}
UNKNOWN_PATIENTS = (
    "Its training patients are unknown. Results on a dataset of the same hospital, also after "
    "fine-tuning, may include patients that it was trained on."
)
ENCODER = "encoder from a folder of the Hugging Face hub"
UNTRAINED_HEAD = "The head has random weights: fine-tune the model before you predict."


def import_published(
    path: Path, out: Path, task: Task | None = None, reload: Reload = "trained"
) -> Run:
    """Write a published checkpoint as a Run folder.

    Args:
        path: as for `load_published`.
        out: the folder to write.
        task: the task that the model predicts, if known.
        reload: as for `load_published`.

    Returns:
        The run, without training and estimates.

    Raises:
        ConfigurationError: `out` is not an empty folder.
        DataError: the checkpoint cannot be read, or has several outputs of unknown meaning.
    """
    require_empty(out)
    published = read_published(path, reload)
    if published.options.get("outputs", 1) > 1:
        published = score_only(published)
    source = {
        "format": ENCODER if path.is_dir() else path.suffix.lstrip("."),
        "sha256": {file.name: sha256(file) for file in published.files},
        "reload": reload,
        "licence": published.licence,
    }
    config = _config(published, task, source)
    with folder_written_whole(out) as folder:
        write_text(folder / CONFIG, yaml.safe_dump(config, sort_keys=False))
        save_weights(published.network.state_dict(), folder / WEIGHTS)
        write_json(folder / ENVIRONMENT, environment())
        write_text(folder / CARD, _card(config))
        write_metrics(folder, {}, {"imported": "not trained here"})
    return open_run(out)


def _config(published: Checkpoint, task: Task | None, source: dict[str, Any]) -> dict[str, Any]:
    profile = get_profile(published.profile)
    return {
        "version": __version__,
        "model": published.model,
        "task": UNKNOWN_TASK if task is None else {**task.model_dump(), "digest": task.digest},
        "data": {"dataset": "unknown", "simulated": False, "input_hash": None},
        "processing": {"profile": profile.name, **profile.parameters},
        "event_weight": 1.0,
        "init": None,
        "lineage": [],
        "source": source,
        "training": TrainingConfig(options=published.options).model_dump(mode="json"),
    }


def _card(config: dict[str, Any]) -> str:
    info, source = model_info(config["model"]), config["source"]
    return markdown_card(
        {
            "license": "cc-by-nc-4.0" if source["licence"].startswith("CC BY-NC") else "other",
            "library_name": "acsbench",
            "tags": ["ecg", "cardiology", config["task"]["name"], info.name],
        },
        f"{info.name}, imported",
        f"{summary_of(info.name)}. Source: {info.paper}.",
        {
            "What it predicts": [config["task"]["description"]],
            "Source of the weights": [
                f"A published checkpoint ({source['format']}), licence: {source['licence']}.",
                "",
                *(f"- {name}: SHA-256 `{digest}`" for name, digest in source["sha256"].items()),
                "",
                *([UNTRAINED_HEAD, ""] if source["format"] == ENCODER else []),
                f"Input: waveforms prepared as `{config['processing']['profile']}`. "
                f"{UNKNOWN_PATIENTS}",
            ],
            "Limits": [LIMITS],
        },
    )
