"""From predictions to a folder: `report.html`, tables, figures, `evaluation.json`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from acsbench import __version__
from acsbench.cohort.counts import flow_steps, split_counts
from acsbench.evaluation.cohort import EvaluationCohort, ModelPredictions, Sample, check_models
from acsbench.evaluation.figures import curve_of, model_colours, roc_figure, save_figure
from acsbench.evaluation.folder import (
    COMPARISONS,
    FORMAT,
    REPORT,
    RESULTS,
    ROC_PNG,
    ROC_SVG,
    SUMMARY,
    check_out,
)
from acsbench.evaluation.metrics import (
    METRICS,
    ModelMetrics,
    Pair,
    compare_models,
    model_metrics,
    model_order,
    too_few,
)
from acsbench.evaluation.page import Page, render
from acsbench.evaluation.summary import summarise
from acsbench.evaluation.tables import (
    comparisons_table,
    results_table,
)
from acsbench.files import folder_written_whole, sha256, write_json, write_text
from acsbench.statistics import Estimate
from acsbench.statistics.resample import RESAMPLES


@dataclass(frozen=True, eq=False)
class Evaluation:
    """A finished evaluation.

    Args:
        path: its folder.
        estimates: by model, then by metric; the models in the order given. Empty if too few
            patients have, or lack, the label.
        comparisons: the model with the highest AUROC against each other one.
        summary: the results in plain words.
        results: `results.csv` as a table, with small counts as text.
    """

    path: Path
    estimates: Mapping[str, Mapping[str, Estimate]]
    comparisons: tuple[Pair, ...]
    summary: tuple[str, ...]
    results: pd.DataFrame

    @property
    def report(self) -> Path:
        """The HTML report."""
        return self.path / REPORT


def evaluate(
    cohort: EvaluationCohort,
    models: Sequence[ModelPredictions],
    out: Path,
    *,
    level: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
    show_small_cells: bool = False,
) -> Evaluation:
    """Evaluate models on the test ECGs and write tables, figures and a report.

    The threshold for 90 % specificity is chosen on the validation ECGs. All intervals keep the
    ECGs of a patient together. If fewer than eleven patients of the test split have the label,
    or lack it, no metric is written or drawn: it would rest on, and point to, a handful of
    persons.

    Args:
        cohort: who counts.
        models: what each model said, in the order of the report.
        out: the folder to write; an earlier evaluation there is replaced as a whole.
        level: confidence level of all intervals; that of differences holds for all together.
        resamples: bootstrap draws for the AUPRC.
        seed: of the bootstrap.
        show_small_cells: show counts from 1 to 10, and the metrics that rest on them.

    Raises:
        ConfigurationError: there is no model, two have one name, or `out` holds other files.
        DataError: an ECG of the validation or test split has no probability, or more than one.
    """
    check_models(cohort, models)
    check_out(out)
    valid = {model.name: cohort.sample("valid", model.valid) for model in models}
    tests = {model.name: cohort.sample("test", model.test) for model in models}
    sample = next(iter(tests.values()))
    metrics: dict[str, ModelMetrics] = {}
    pairs: list[Pair] = []
    if not too_few(sample, show_small_cells):
        metrics = {
            name: model_metrics(
                valid[name], tests[name], level=level, resamples=resamples, seed=seed
            )
            for name in tests
        }
        pairs = compare_models(tests, level)
    summary = summarise(metrics, pairs, sample, simulated=cohort.simulated, level=level)
    results = results_table(cohort, list(tests), metrics, sample, show_small_cells)
    comparisons = comparisons_table(cohort, pairs, sample, show_small_cells)
    counts = split_counts(cohort.table, show_small_cells)
    provenance = _provenance(cohort)
    styles = model_colours(list(tests))
    with folder_written_whole(out) as folder:
        write_text(folder / RESULTS, results.to_csv(index=False, lineterminator="\n"))
        write_text(folder / COMPARISONS, comparisons.to_csv(index=False, lineterminator="\n"))
        figure = None
        if metrics:
            figure = _write_figure(folder, cohort, tests, metrics, styles, level)
        page = Page(
            cohort=cohort,
            summary=summary,
            counts=counts,
            flow=flow_steps(cohort.flow, cohort.table, show_small_cells),
            metrics=metrics,
            order=list(model_order(metrics)),
            colours={name: colour for name, (colour, _) in styles.items()},
            notes={model.name: dict(model.notes) for model in models if model.notes},
            pairs=pairs,
            models=list(tests),
            reference=_no_skill(sample),
            provenance=provenance,
            figure=figure,
            level=level,
            pair_level=pairs[0].comparison.difference.level if pairs else level,
            resamples=resamples,
        )
        write_text(folder / REPORT, render(page))
        content = _content(cohort, metrics, pairs, summary, counts, provenance)
        content["files"] = {path.name: sha256(path) for path in sorted(folder.iterdir())}
        write_json(folder / SUMMARY, content)
    return Evaluation(
        path=out,
        estimates={name: model.estimates for name, model in metrics.items()},
        comparisons=tuple(pairs),
        summary=tuple(summary),
        results=results,
    )


def _write_figure(
    folder: Path,
    cohort: EvaluationCohort,
    tests: Mapping[str, Sample],
    metrics: Mapping[str, ModelMetrics],
    styles: Mapping[str, tuple[str, Any]],
    level: float,
) -> str:
    """Draw the curves, the highest AUROC first, and give the SVG back."""
    curves = [
        curve_of(
            name,
            styles[name],
            tests[name].labels,
            tests[name].probabilities,
            metrics[name].estimates,
        )
        for name in model_order(metrics)
    ]
    sample = next(iter(tests.values()))
    title = f"{cohort.task_name}: {len(sample.labels):,} test ECGs"
    figure = roc_figure(
        curves,
        title=title,
        note=f"Events: {cohort.label_note}",
        simulated=cohort.simulated,
        level=level,
    )
    mark = " (simulated)" if cohort.simulated else ""
    for name in (ROC_SVG, ROC_PNG):
        save_figure(figure, folder / name, f"{title}{mark}, task hash {cohort.task_hash}")
    return (folder / ROC_SVG).read_text(encoding="utf-8")


def _no_skill(sample: Sample) -> dict[str, str]:
    """What a model that gives every ECG the prevalence would reach."""
    prevalence = float(sample.labels.mean())
    return {
        "auroc": "0.500",
        "auprc": f"{prevalence:.3f}",
        "brier": f"{prevalence * (1 - prevalence):.3f}",
        "sensitivity_at_90_specificity": "0.100",
        "realised_specificity": "0.900",
    }


def _provenance(cohort: EvaluationCohort) -> dict[str, str]:
    return {
        "version": f"acsbench {__version__}",
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "dataset": cohort.dataset_title,
        "task": f"{cohort.task_name}, version {cohort.task_version}",
        "task hash": cohort.task_hash,
        **cohort.provenance,
    }


def _content(
    cohort: EvaluationCohort,
    metrics: Mapping[str, ModelMetrics],
    pairs: Sequence[Pair],
    summary: Sequence[str],
    counts: pd.DataFrame,
    provenance: Mapping[str, str],
) -> dict[str, Any]:
    """What `evaluation.json` holds; counts are text, for some may not be shown."""
    estimates = {
        name: {
            "threshold": model.threshold,
            **{metric: _as_json(model.estimates[metric]) for metric in METRICS},
        }
        for name, model in metrics.items()
    }
    differences = [
        {
            "first": pair.first,
            "second": pair.second,
            "auroc_difference": _as_json(pair.comparison.difference),
            "z": _finite(pair.comparison.z),
            "p": _finite(pair.comparison.p),
            "p_adjusted": _finite(pair.p),
        }
        for pair in pairs
    ]
    return {
        "format": FORMAT,
        "simulated": cohort.simulated,
        "task": {
            "name": cohort.task_name,
            "version": cohort.task_version,
            "hash": cohort.task_hash,
            "unit": cohort.unit,
            "label": cohort.label_note,
        },
        "provenance": dict(provenance),
        "counts": counts.to_dict(orient="index"),
        "summary": list(summary),
        "models": estimates,
        "comparisons": differences,
    }


def _as_json(estimate: Estimate) -> dict[str, Any]:
    """An estimate without its counts, which stand under `counts` as far as they may be shown."""
    content = asdict(estimate)
    return {key: content[key] for key in ("value", "low", "high", "level", "method")}


def _finite(number: float) -> float | None:
    return None if number != number else number
