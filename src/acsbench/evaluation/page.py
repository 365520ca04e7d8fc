"""The HTML page of an evaluation: one file that needs nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from acsbench.evaluation.cohort import EvaluationCohort
from acsbench.evaluation.figures.frame import short
from acsbench.evaluation.section import Picture, Section, Table, estimate_parts, text_of
from acsbench.pages import inline_svg, page_environment
from acsbench.statistics import Estimate


@dataclass(frozen=True, eq=False)
class Page:
    """All that the template prints; it computes nothing itself.

    Args:
        cohort: who was evaluated.
        models: what is known of each model, by its name.
        colours: of the models, in tables as in figures.
        summary: sentences in plain words.
        sections: tables and figures.
        drawings: the figures as SVG, by name.
        provenance: where the numbers come from.
        level: confidence level.
        small_cells: whether counts from 1 to 10 are shown.
    """

    cohort: EvaluationCohort
    models: Mapping[str, Mapping[str, str]]
    colours: Mapping[str, str]
    summary: Sequence[str]
    sections: Sequence[Section]
    drawings: Mapping[str, str]
    provenance: Mapping[str, str]
    level: float
    small_cells: bool


def render(page: Page) -> str:
    """The report as HTML; everything that comes from data or files is escaped."""
    environment = page_environment("acsbench.evaluation")
    environment.filters["parts"] = estimate_parts
    environment.filters["text"] = text_of
    environment.filters["short"] = short
    environment.filters["capital"] = lambda text: text[:1].upper() + text[1:]
    environment.tests["estimate"] = lambda value: isinstance(value, Estimate)
    environment.tests["table"] = lambda part: isinstance(part, Table)
    figures = {
        part.name: inline_svg(page.drawings[part.name], part.caption, part.name)
        for section in page.sections
        for part in section.parts
        if isinstance(part, Picture)
    }
    references = {text for section in page.sections for text in section.references}
    context = vars(page) | {"figures": figures, "references": sorted(references)}
    return environment.get_template("report.html.j2").render(context)
