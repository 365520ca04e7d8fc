"""Counts that may be shown, and the tables of an evaluation.

Counts of ECGs and patients from 1 to 10 are not shown, nor is what would give them away: the
count of the others in the same row, or that of another split where a total is known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from acsbench import __version__
from acsbench.cohort.split import SPLITS
from acsbench.disclosure import is_small, shown_count
from acsbench.evaluation.cohort import SPLIT_NAMES, EvaluationCohort, Sample
from acsbench.evaluation.metrics import METRICS, ModelMetrics, Pair
from acsbench.statistics import Estimate

NOT_SHOWN = "not shown"
TOO_FEW = "too few events"
COUNTS = ("ECGs", "patients", "events", "patients with an event")


@dataclass(frozen=True)
class Step:
    """A step of the flow: how many are left after it, and how many ECGs it took."""

    name: str
    ecgs: str
    patients: str
    left_out: str


def split_counts(cohort: EvaluationCohort, show_small_cells: bool = False) -> pd.DataFrame:
    """Counts of each split as text, with a total and the prevalence.

    Returns:
        One row per split and `all`; columns as in `COUNTS`, and `prevalence`.
    """
    table = cohort.table
    frames = {SPLIT_NAMES[split]: table[table["split"] == split] for split in SPLITS}
    counts = pd.DataFrame({name: _counts(frame) for name, frame in frames.items()}).T
    everyone = _counts(table)
    shown = pd.DataFrame(
        {
            column: _shown_column(counts[column], counts[whole], show_small_cells)
            for column, whole in zip(COUNTS, (*COUNTS[:2], *COUNTS[:2]), strict=True)
        },
        index=counts.index,
    )
    shown.loc["all"] = {column: f"{everyone[column]:,}" for column in COUNTS}
    counts.loc["all"] = everyone
    shown["prevalence"] = [
        f"{counts.loc[row, 'events'] / counts.loc[row, 'ECGs']:.3f}"
        if shown.loc[row, "events"][0].isdigit() and counts.loc[row, "ECGs"]
        else "–"
        for row in shown.index
    ]
    return shown


def _counts(frame: pd.DataFrame) -> dict[str, int]:
    events = frame[frame["label"] == 1]
    numbers = (
        len(frame),
        frame["patient_id"].nunique(),
        len(events),
        events["patient_id"].nunique(),
    )
    return dict(zip(COUNTS, map(int, numbers), strict=True))


def _shown_column(counts: pd.Series, whole: pd.Series, show_small_cells: bool) -> list[str]:
    """A column as text; `whole` holds what each count is a part of."""
    texts = [shown_count(int(count), show_small_cells) for count in counts]
    if show_small_cells:
        return texts
    rest_is_small = [is_small(int(rest)) for rest in whole - counts]
    texts = [
        NOT_SHOWN if small and text[0] != "<" else text
        for text, small in zip(texts, rest_is_small, strict=True)
    ]
    hidden = [not text[0].isdigit() for text in texts]
    if sum(hidden) == 1:
        # The total is shown, and one count that is hidden alone would follow from it.
        other = next(i for i, count in enumerate(counts) if not hidden[i] and count > 0)
        texts[other] = NOT_SHOWN
    return texts


def flow_steps(cohort: EvaluationCohort, show_small_cells: bool = False) -> list[Step]:
    """The flow from all ECGs to those of a split, as text.

    A step that takes 1 to 10 ECGs or patients is told together with its neighbour, since the
    counts before and after it would give it away.
    """
    final = ("in a split", len(cohort.table), int(cohort.table["patient_id"].nunique()))
    flow = list(cohort.flow)
    if flow and flow[-1][1:] != final[1:]:
        flow.append(final)
    merged: list[tuple[str, int, int]] = []
    for step in flow:
        name, ecgs, patients = step
        while merged and not show_small_cells and _small_step(merged[-1], (ecgs, patients)):
            name = f"{merged.pop()[0]}, {name}"
        merged.append((name, ecgs, patients))
    steps = []
    before: int | None = None
    for name, ecgs, patients in merged:
        left_out = "" if before is None else f"{before - ecgs:,}"
        steps.append(
            Step(
                name,
                shown_count(ecgs, show_small_cells),
                shown_count(patients, show_small_cells),
                left_out,
            )
        )
        before = ecgs
    return steps


def _small_step(before: tuple[str, int, int], after: tuple[int, int]) -> bool:
    return is_small(before[1] - after[0]) or is_small(before[2] - after[1])


def results_table(
    cohort: EvaluationCohort,
    models: Sequence[str],
    metrics: Mapping[str, ModelMetrics],
    sample: Sample,
    show_small_cells: bool = False,
) -> pd.DataFrame:
    """Every estimate in long form, one row per model and metric.

    Args:
        cohort: named in every row.
        models: names of the models.
        metrics: by model; one that is missing has too few events.
        sample: the test ECGs.
        show_small_cells: show counts from 1 to 10.
    """
    counts = _counts_of(sample, show_small_cells)
    return pd.DataFrame(
        [
            {"model": name, "metric": metric}
            | _numbers(metrics[name].estimates[metric] if name in metrics else None)
            | counts
            | _origin(cohort)
            for name in models
            for metric in METRICS
        ]
    )


def comparisons_table(
    cohort: EvaluationCohort,
    pairs: Sequence[Pair],
    sample: Sample,
    show_small_cells: bool = False,
) -> pd.DataFrame:
    """Differences in AUROC, one row per pair; arguments as for `results_table`."""
    counts = _counts_of(sample, show_small_cells)
    tests = ("z", "p", "p_adjusted")
    rows = [
        {"model_a": pair.first, "model_b": pair.second, "metric": "auroc_difference"}
        | _numbers(pair.comparison.difference)
        | dict(zip(tests, (pair.comparison.z, pair.comparison.p, pair.p), strict=True))
        | counts
        | _origin(cohort)
        for pair in pairs
    ]
    names = ("model_a", "model_b", "metric", *_numbers(None), *tests, *counts, *_origin(cohort))
    return pd.DataFrame(rows, columns=list(names))


def _numbers(estimate: Estimate | None) -> dict[str, object]:
    fields = ("value", "low", "high", "level", "method")
    if estimate is None:
        return dict.fromkeys(fields) | {"method": TOO_FEW}
    return {field: getattr(estimate, field) for field in fields}


def _counts_of(sample: Sample, show_small_cells: bool) -> dict[str, str]:
    """ECGs, events and patients as text without thousands separators."""
    n, events = len(sample.labels), int(sample.labels.sum())
    text = shown_count(events, show_small_cells)
    if is_small(n - events) and not show_small_cells:
        text = NOT_SHOWN
    counts = {
        "n": shown_count(n, show_small_cells),
        "events": text,
        "groups": shown_count(len(set(sample.patients)), show_small_cells),
    }
    return {name: text.replace(",", "") for name, text in counts.items()}


def _origin(cohort: EvaluationCohort) -> dict[str, object]:
    return {
        "task": cohort.task_name,
        "task_version": cohort.task_version,
        "task_hash": cohort.task_hash,
        "dataset": cohort.dataset,
        "simulated": cohort.simulated,
        "acsbench": __version__,
    }
