"""Published checkpoints as Run folders, to predict with or to train on."""

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
from acsbench.models.published.renaming import Published
from acsbench.models.registry import model_info
from acsbench.training.config import TrainingConfig
from acsbench.training.run import (
    CARD,
    CONFIG,
    ENVIRONMENT,
    METRICS,
    WEIGHTS,
    Run,
    environment,
    open_run,
)
from acsbench.training.state import save_weights
from acsbench.waveforms.profiles import get_profile

UNKNOWN_TASK = {
    "name": "published",
    "version": 0,
    "description": "Whatever its authors trained it to predict; nobody has said which task.",
}
UNKNOWN_PATIENTS = (
    "Nobody can tell here on which patients it was trained. On a dataset of the same hospital, "
    "figures of it, and of what is trained on from it, may be figures of patients it has seen."
)


ENCODER = "encoder from a folder of the Hugging Face hub"
UNTRAINED_HEAD = "The head on top of the encoder has random weights: train it before it predicts."


def import_published(
    path: Path, out: Path, task: Task | None = None, reload: Reload = "trained"
) -> Run:
    """Write a published checkpoint as a Run folder.

    Args:
        path: what `load_published` takes.
        out: the folder to write.
        task: what the model was trained to predict, if known.
        reload: as in `load_published`.

    Returns:
        The run; it tells of no training and holds no estimates.

    Raises:
        ConfigurationError: `out` is not an empty folder.
        DataError: the checkpoint cannot be read, or does not tell which output is the score.
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
        write_json(
            folder / METRICS, {"estimates": {}, "training": {"imported": "not trained here"}}
        )
    return open_run(out)


def _config(published: Published, task: Task | None, source: dict[str, Any]) -> dict[str, Any]:
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
    head = {
        "license": "cc-by-nc-4.0" if source["licence"].startswith("CC BY-NC") else "other",
        "library_name": "acsbench",
        "tags": ["ecg", "cardiology", config["task"]["name"], info.name],
    }
    digests = [f"- {name}: SHA-256 `{digest}`" for name, digest in source["sha256"].items()]
    lines = [
        "---",
        yaml.safe_dump(head, sort_keys=False).strip(),
        "---",
        f"# {info.name}, imported",
        "",
        f"{info.summary[0].upper()}{info.summary[1:]}. Source: {info.paper}.",
        "",
        "## What it predicts",
        "",
        config["task"]["description"],
        "",
        "## Where the weights are from",
        "",
        f"A published checkpoint ({source['format']}), licence: {source['licence']}.",
        "",
        *digests,
        "",
        *([UNTRAINED_HEAD, ""] if source["format"] == ENCODER else []),
        f"It takes waveforms prepared as `{config['processing']['profile']}`. {UNKNOWN_PATIENTS}",
        "",
        "## Limits",
        "",
        "For research. Not a medical device, not validated for care.",
        "",
    ]
    return "\n".join(lines)
