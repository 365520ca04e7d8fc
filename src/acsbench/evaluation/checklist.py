"""The TRIPOD+AI checklist, filled in where a run knows the answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import resources

import yaml

from acsbench import __version__
from acsbench.evaluation.analysis import Analysis
from acsbench.evaluation.section import Section, Table, Value, listed
from acsbench.evaluation.topics.calibration import platt_of

TO_COMPLETE = "to be completed by the authors"
RESULTS = (
    "Discrimination",
    "Event rate by predicted risk",
    "Thresholds",
    "Calibration",
    "Decisions",
    "Subgroups",
)
"""Sections that hold the performance of the models."""

_FILE = "tripod_ai.yaml"


def checklist(analysis: Analysis, sections: Sequence[Section] = ()) -> Section:
    """Every item of TRIPOD+AI with what is known of it.

    Args:
        analysis: cohort and models.
        sections: the finished ones; answers refer to no others.
    """
    facts = _facts(analysis) | _places([section.title for section in sections])
    text = (resources.files("acsbench.evaluation") / _FILE).read_text("utf-8")
    rows: list[dict[str, Value]] = [
        {
            "item": item["item"],
            "topic": item["topic"],
            "asks": item["asks"],
            "answer": _answer(item.get("answer", ""), facts),
        }
        for item in yaml.safe_load(text)
    ]
    return Section(
        "TRIPOD+AI checklist",
        parts=[
            Table(
                "tripod-ai",
                "Items of TRIPOD+AI in our words, with what this run knows.",
                {"item": "Item", "topic": "Topic", "asks": "What to report", "answer": "Answer"},
                4,
                rows,
            )
        ],
        references=[
            "Collins GS, Moons KGM, Dhiman P, et al. TRIPOD+AI statement: updated guidance for "
            "reporting clinical prediction models that use regression or machine learning "
            "methods. BMJ 2024;385:e078378."
        ],
    )


def _answer(template: str, facts: Mapping[str, str]) -> str:
    """The answer with its facts, or that the authors must give it."""
    try:
        return template.format_map(facts) or TO_COMPLETE
    except KeyError:
        return TO_COMPLETE


def _places(titles: Sequence[str]) -> dict[str, str]:
    """Where the report tells what an item asks for, as far as it has such sections."""
    found = {}
    if "Selection" in titles:
        found["representativeness"] = f"see Selection, and {TO_COMPLETE}"
    else:
        found["representativeness"] = TO_COMPLETE
    results = [title for title in RESULTS if title in titles]
    if results:
        found["results"] = f"See {listed(results)}."
        if "Subgroups" not in titles:
            found["results"] += " No groups of patients could be told apart."
    else:
        found["results"] = "Too few patients have the event, or lack it, to show any."
    return found


def _facts(analysis: Analysis) -> dict[str, str]:
    """What is known; a fact that is not is missing."""
    cohort = analysis.cohort
    validated = bool(analysis.validation) and not analysis.too_few
    updated = validated and any(platt_of(valid) for valid in analysis.validation.values())
    lacking = "patients" if analysis.too_few else "validation ECGs"
    facts = {
        "models": listed([model.name for model in analysis.models]),
        "split": analysis.split_name,
        "task": cohort.task_name,
        "task_version": str(cohort.task_version),
        "dataset": cohort.dataset_title,
        "label_note": cohort.label_note,
        "version": f"acsbench {__version__}",
        "recalibration": "Platt’s scaling and isotonic regression on the validation ECGs, overall."
        if updated
        else "None.",
        "recalibration_results": "See Calibration." if updated else "No model was updated.",
        "thresholds": "Thresholds were chosen on the validation ECGs (see Thresholds)."
        if validated
        else f"No threshold was chosen for lack of {lacking}.",
    }
    runs_only = all("run" in model.notes for model in analysis.models)
    if runs_only:
        facts["sources"] = (
            f"{cohort.dataset_title}; the same source for development and evaluation, other "
            "patients"
        )
        facts["differences"] = (
            f"None but the patients: both splits come from {cohort.dataset_title} by the same "
            "rules."
        )
    else:
        facts["sources"] = (
            f"{cohort.dataset_title} for evaluation. Of models given as CSV files the source for "
            f"development is {TO_COMPLETE}"
        )
    facts["use_of_validation"] = (
        f"Thresholds and recalibration use the validation ECGs, and the {analysis.split_name} ECGs "
        "are evaluated."
        if validated
        else f"The {analysis.split_name} ECGs are evaluated; none chose a threshold or a "
        "recalibration."
    )
    facts["pairs"] = "; paired tests adjusted by Holm" if len(analysis.models) > 1 else ""
    facts["left_out"] = " (see Who was evaluated)" if cohort.flow else ""
    if cohort.flow:
        facts["eligibility"] = "; ".join(step.name for step in cohort.flow)
    for name, key in (("waveforms", "Waveforms"), ("split_method", "Split")):
        if key in cohort.provenance:
            facts[name] = cohort.provenance[key]
    handled = {
        model.name: model.notes["class imbalance"]
        for model in analysis.models
        if "class imbalance" in model.notes
    }
    if len(handled) == len(analysis.models):
        facts["class_imbalance"] = "; ".join(f"{name}: {how}" for name, how in handled.items())
    return facts
