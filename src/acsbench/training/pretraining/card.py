"""The model card of a pre-training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from acsbench.disclosure import shown_count
from acsbench.models.registry import model_info
from acsbench.statistics.estimate import Estimate


def pretraining_card(
    record: Mapping[str, Any],
    accuracies: Mapping[int, Mapping[str, Estimate]],
    notes: Mapping[str, str],
) -> str:
    """A model card in Markdown, with Hugging Face's metadata at its head.

    Args:
        record: all that decided the result.
        accuracies: masked accuracy by codebook and by who predicts.
        notes: what happened in training, if anything did.
    """
    info, data = model_info(record["model"]), record["data"]
    settings = record["training"]
    simulated = " (simulated)" if data["simulated"] else ""
    head = {
        "license": "apache-2.0",
        "library_name": "transformers",
        "tags": ["ecg", "cardiology", "hubert", "self-supervised"],
        "datasets": [data["dataset"]],
    }
    source = "cepstra" if settings["layer"] is None else f"layer {settings['layer']} of another"
    rows = [
        f"| {codes} | {name} | {estimate} | {shown_count(estimate.groups or 0)} |"
        for codes, by_whom in accuracies.items()
        for name, estimate in by_whom.items()
    ]
    table = [
        f"| codes | predicted by{simulated} | share of masked frames (95 % CI) | patients |",
        "|---|---|---|---|",
    ]
    lines = [
        "---",
        yaml.safe_dump(head, sort_keys=False).strip(),
        "---",
        f"# {info.name}, pre-trained{simulated}",
        "",
        f"{info.summary[0].upper()}{info.summary[1:]}: the encoder alone, which predicts nothing "
        f"before it is fine-tuned. Source of the method: {info.paper}. No label was used.",
        "",
        "## Input",
        "",
        f"Prepared as `{record['processing']['profile']}`: twelve leads of 5 s at 100 Hz, laid end "
        "to end.",
        "",
        "## Measured",
        "",
        "Codes of masked frames, of patients who were left out of the training:",
        "",
        *(table + rows if rows else ["Too few patients were left out to show a figure."]),
        "",
        "## Training",
        "",
        f"Data: {data['dataset']}{simulated}, without the patients of any task's validation or "
        f"test split; descriptors: {source}; {settings['epochs']} epochs, seed "
        f"{settings['seed']}; acsbench {record['version']}.",
        "",
        *(line for name, note in notes.items() for line in (f"- {name}: {note}", "")),
        "## Limits",
        "",
        "For research. Not a medical device, not validated for care.",
        "",
    ]
    return "\n".join(lines)
