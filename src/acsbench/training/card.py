"""The model card of a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from acsbench.disclosure import shown_count
from acsbench.models.registry import model_info
from acsbench.statistics.estimate import Estimate


def model_card(
    config: Mapping[str, Any], metrics: Mapping[str, Estimate], notes: Mapping[str, str]
) -> str:
    """A model card in Markdown, with Hugging Face's metadata at its head.

    Args:
        config: the run's configuration.
        metrics: AUROC by split.
        notes: what happened in training.
    """
    info = model_info(config["model"])
    task, data = config["task"], config["data"]
    simulated = " (simulated)" if data["simulated"] else ""
    head = {
        "license": "other",
        "license_name": f"as the terms of {data['dataset']} allow",
        "library_name": "acsbench",
        "pipeline_tag": "other",
        "tags": ["ecg", "cardiology", task["name"], info.name],
        "metrics": ["roc_auc"],
        "model-index": [{"name": info.name, "results": _results(task, data, metrics)}],
    }
    lines = [
        "---",
        yaml.safe_dump(head, sort_keys=False).strip(),
        "---",
        f"# {info.name} for {task['name']}{simulated}",
        "",
        f"{info.summary[0].upper()}{info.summary[1:]}. Source: {info.paper}. Licence of "
        f"the code: {info.licence}.",
        "",
        "## What it predicts",
        "",
        task["description"],
        "",
        "## Measured",
        "",
        *_measured(config, metrics, notes, simulated),
        "## Training",
        "",
        f"Data: {data['dataset']}{simulated}, prepared as `{config['processing']['profile']}`; "
        f"seed {config['training']['seed']}; acsbench {config['version']}.",
        "",
        *(f"- {name}: {note}" for name, note in notes.items()),
        "",
        "## Limits",
        "",
        "For research. Not a medical device, not validated for care, and known only for patients "
        "like those of the dataset named above.",
        "",
    ]
    return "\n".join(lines)


def _measured(
    config: Mapping[str, Any],
    metrics: Mapping[str, Estimate],
    notes: Mapping[str, str],
    simulated: str,
) -> list[str]:
    """The table of what was measured, and what has to be said of it."""
    if not metrics:
        return ["Too few patients have the event, or lack it, to show a figure.", ""]
    lines = [
        f"| split{simulated} | AUROC (95 % CI, clustered by patient) | ECGs | patients |",
        "|---|---|---|---|",
        *(_row(split, value) for split, value in metrics.items()),
        "",
    ]
    # Only networks are trained by epochs.
    if "valid" in metrics and "epoch kept" in notes and config["training"].get("keep") == "best":
        lines += ["The validation split chose the epoch, so its figure is optimistic.", ""]
    return lines


def _results(
    task: Mapping[str, Any], data: Mapping[str, Any], metrics: Mapping[str, Estimate]
) -> list[dict[str, Any]]:
    """What Hugging Face shows beside a model; the validation split chose the epoch."""
    kind = "simulated-ecg" if data["simulated"] else "ecg"
    return [
        {
            "task": {"type": "other", "name": task["name"]},
            "dataset": {"type": kind, "name": data["dataset"], "split": split},
            "metrics": [{"type": "roc_auc", "name": "AUROC", "value": round(value.value, 4)}],
        }
        for split, value in metrics.items()
        if split == "test"
    ]


def _row(split: str, auroc: Estimate) -> str:
    ecgs, patients = shown_count(auroc.n), shown_count(auroc.groups or 0)
    return f"| {split} | {auroc} | {ecgs} | {patients} |"
