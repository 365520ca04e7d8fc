"""The model card of a pre-training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from acsbench.disclosure import shown_count
from acsbench.models.registry import model_info
from acsbench.statistics.estimate import Estimate
from acsbench.training.card import LIMITS, markdown_card, summary_of


def pretraining_card(
    record: Mapping[str, Any],
    accuracies: Mapping[int, Mapping[str, Estimate]],
    notes: Mapping[str, str],
) -> str:
    """The card of a pre-trained encoder.

    Args:
        record: content of `pretraining.yaml`.
        accuracies: masked accuracy, by size of the codebook and by predictor.
        notes: what happened during training.
    """
    info, data, settings = model_info(record["model"]), record["data"], record["training"]
    simulated = " (simulated)" if data["simulated"] else ""
    metadata = {
        "license": "apache-2.0",
        "library_name": "transformers",
        "tags": ["ecg", "cardiology", "hubert", "self-supervised"],
        "datasets": [data["dataset"]],
    }
    source = "cepstra" if settings["layer"] is None else f"layer {settings['layer']} of another"
    rows = [
        f"| {codes} | {name} | {estimate} | {shown_count(estimate.groups or 0)} |"
        for codes, by_predictor in accuracies.items()
        for name, estimate in by_predictor.items()
    ]
    table = [
        f"| codes | predicted by{simulated} | share of masked frames (95 % CI) | patients |",
        "|---|---|---|---|",
        *rows,
    ]
    return markdown_card(
        metadata,
        f"{info.name}, pre-trained{simulated}",
        f"{summary_of(info.name)}: the encoder alone, to be fine-tuned. Method: {info.paper}. "
        "No label was used.",
        {
            "Input": [
                f"Prepared as `{record['processing']['profile']}`: twelve leads of 5 s at 100 Hz, "
                "laid end to end."
            ],
            "Results": [
                "Codes of masked frames, in patients excluded from training:",
                "",
                *(table if rows else ["Too few patients to show results."]),
            ],
            "Training": [
                f"Data: {data['dataset']}{simulated}, without the validation and test patients of "
                f"any task; descriptors: {source}; {settings['epochs']} epochs, seed "
                f"{settings['seed']}; acsbench {record['version']}.",
                *(line for name, note in notes.items() for line in ("", f"- {name}: {note}")),
            ],
            "Limits": [LIMITS],
        },
    )
