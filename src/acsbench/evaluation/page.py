"""The HTML page of an evaluation: one file that needs nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from acsbench.cohort.counts import ShownStep
from acsbench.evaluation.cohort import EvaluationCohort
from acsbench.evaluation.metrics import METRICS, SPECIFICITY, ModelMetrics, Pair

FIGURE = "Receiver operating characteristic of each model; the AUROC values are in the table above."


@dataclass(frozen=True, eq=False)
class Page:
    """All that the template prints; it computes nothing itself."""

    cohort: EvaluationCohort
    summary: list[str]
    counts: pd.DataFrame
    flow: list[ShownStep]
    metrics: dict[str, ModelMetrics]
    order: list[str]
    colours: dict[str, str]
    notes: dict[str, dict[str, str]]
    pairs: list[Pair]
    models: list[str]
    reference: dict[str, str]
    provenance: dict[str, str]
    figure: str | None
    level: float
    pair_level: float
    resamples: int


def render(page: Page) -> str:
    """The report as HTML; everything that comes from data or files is escaped."""
    environment = Environment(
        loader=PackageLoader("acsbench.evaluation"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = lambda share: f"{100 * share:g}\u00a0%"
    environment.filters["p_value"] = p_value
    environment.filters["limits"] = lambda estimate: f"({str(estimate).partition(' (')[2]}"
    template = environment.get_template("report.html.j2")
    context: dict[str, Any] = {
        **vars(page),
        "metric_names": METRICS,
        "specificity": SPECIFICITY,
        "figure": None if page.figure is None else inline_svg(page.figure, FIGURE),
    }
    return template.render(context)


def inline_svg(text: str, label: str) -> Markup:
    """An SVG file as a part of a page, without its prolog and with a label for screen readers."""
    _, _, body = text.partition("<svg")
    # Our own figure: matplotlib has escaped the names in it.
    return Markup('<svg role="img" aria-label="{}"').format(label) + Markup(body)


def p_value(p: float) -> str:
    """A p value as journals print it.

    >>> p_value(0.00004), p_value(0.0312), p_value(0.41), p_value(float("nan"))
    ('< 0.001', '0.031', '0.41', '–')
    """
    if p != p:
        return "–"
    if p < 0.001:
        return "< 0.001"
    return f"{p:.3f}" if p < 0.1 else f"{p:.2f}"
