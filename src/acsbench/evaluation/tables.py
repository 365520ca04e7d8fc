"""Counts that may be shown, and the tables of an evaluation.

Counts of ECGs and patients from 1 to 10 are not shown, nor is what would give them away: the
count of the others in the same row, or that of another split where a total is known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from acsbench import __version__
from acsbench.disclosure import NOT_SHOWN, is_small, shown_count
from acsbench.evaluation.cohort import EvaluationCohort, Sample
from acsbench.evaluation.metrics import METRICS, ModelMetrics, Pair
from acsbench.statistics import Estimate

TOO_FEW = "too few events"


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
