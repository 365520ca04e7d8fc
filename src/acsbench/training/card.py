"""Model cards, in Markdown with the metadata of the Hugging Face hub."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from acsbench.disclosure import shown_count
from acsbench.models.registry import model_info
from acsbench.statistics.estimate import Estimate

LIMITS = "For research. Not a medical device, not validated for care."


def markdown_card(
    metadata: Mapping[str, Any], title: str, text: str, sections: Mapping[str, Sequence[str]]
) -> str:
    """A card: metadata, title, text, and sections of lines by heading."""
    lines = ["---", yaml.safe_dump(dict(metadata), sort_keys=False).strip(), "---", f"# {title}"]
    lines += ["", text, ""]
    for heading, content in sections.items():
        lines += [f"## {heading}", "", *content, ""]
    return "\n".join(lines)


def summary_of(model: str) -> str:
    """One sentence about a model."""
    summary = model_info(model).summary
    return f"{summary[0].upper()}{summary[1:]}"


def model_card(
    config: Mapping[str, Any], metrics: Mapping[str, Estimate], notes: Mapping[str, str]
) -> str:
    """The card of a trained model.

    Args:
        config: configuration of the run.
        metrics: AUROC by split.
        notes: what happened during training.
    """
    info = model_info(config["model"])
    task, data = config["task"], config["data"]
    simulated = " (simulated)" if data["simulated"] else ""
    metadata = {
        "license": "other",
        "license_name": f"as the terms of {data['dataset']} allow",
        "library_name": "acsbench",
        "pipeline_tag": "other",
        "tags": ["ecg", "cardiology", task["name"], info.name],
        "metrics": ["roc_auc"],
        "model-index": [{"name": info.name, "results": _results(task, data, metrics)}],
    }
    return markdown_card(
        metadata,
        f"{info.name} for {task['name']}{simulated}",
        f"{summary_of(info.name)}. Source: {info.paper}. Licence of the code: {info.licence}.",
        {
            "What it predicts": [task["description"]],
            "Results": _measured(config, metrics, notes, simulated),
            "Training": [
                f"Data: {data['dataset']}{simulated}, prepared as "
                f"`{config['processing']['profile']}`; seed {config['training']['seed']}; "
                f"acsbench {config['version']}.",
                "",
                *(f"- {name}: {note}" for name, note in notes.items()),
            ],
            "Limits": [f"{LIMITS} The results only hold for patients like those of the dataset."],
        },
    )


def _measured(
    config: Mapping[str, Any],
    metrics: Mapping[str, Estimate],
    notes: Mapping[str, str],
    simulated: str,
) -> list[str]:
    if not metrics:
        return ["Too few patients with or without the event to show results."]
    lines = [
        f"| split{simulated} | AUROC (95 % CI, clustered by patient) | ECGs | patients |",
        "|---|---|---|---|",
        *(_row(split, value) for split, value in metrics.items()),
    ]
    # Only networks are trained by epochs.
    if "valid" in metrics and "epoch kept" in notes and config["training"].get("keep") == "best":
        lines += ["", "The validation split chose the epoch: its AUROC is optimistic."]
    return lines


def _results(
    task: Mapping[str, Any], data: Mapping[str, Any], metrics: Mapping[str, Estimate]
) -> list[dict[str, Any]]:
    """Test results in the form of the Hugging Face hub."""
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
