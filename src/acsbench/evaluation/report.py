"""From predictions to a folder: `report.html`, tables, figures, `evaluation.json`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from acsbench import __version__
from acsbench.evaluation.analysis import DEFAULTS, Analysis, Settings
from acsbench.evaluation.checklist import checklist
from acsbench.evaluation.cohort import EvaluationCohort, ModelPredictions, check_models
from acsbench.evaluation.folder import FIGURES, FORMAT, REPORT, SUMMARY, TABLES, check_out
from acsbench.evaluation.metrics import METRICS, Pair
from acsbench.evaluation.page import Page, render
from acsbench.evaluation.section import Picture, Section, Table
from acsbench.evaluation.summary import summarise
from acsbench.evaluation.topics import TOPICS, population
from acsbench.evaluation.topics.examples import Waveforms, examples
from acsbench.files import folder_written_whole, sha256, write_json, write_text
from acsbench.pictures import figure_bytes
from acsbench.statistics import Estimate


@dataclass(frozen=True, eq=False)
class Evaluation:
    """A finished evaluation.

    Args:
        path: its folder.
        split: what the evaluated ECGs are called, test or validation.
        estimates: by model, then by metric; the models in the order given; text where the
            number would tell a small cell. Empty if too few patients have, or lack, the label.
        comparisons: every two models, the one with the higher AUROC first.
        summary: the results in plain words.
        sections: the report's sections with their tables and figures.
    """

    path: Path
    split: str
    estimates: Mapping[str, Mapping[str, Estimate | str]]
    comparisons: tuple[Pair, ...]
    summary: tuple[str, ...]
    sections: tuple[Section, ...]

    @property
    def report(self) -> Path:
        """The HTML report."""
        return self.path / REPORT

    def table(self, name: str) -> pd.DataFrame:
        """A table by its name, one row per number, as in its CSV file.

        Raises:
            KeyError: the report has no such table.
        """
        tables = {table.name: table for section in self.sections for table in section.tables}
        return tables[name].long_form()


def evaluate(
    cohort: EvaluationCohort,
    models: Sequence[ModelPredictions],
    out: Path,
    settings: Settings = DEFAULTS,
    waveforms: Waveforms | None = None,
) -> Evaluation:
    """Evaluate models on the evaluated split and write tables, figures and a report.

    Thresholds are chosen and probabilities recalibrated on the validation ECGs. All intervals
    keep the ECGs of a patient together. If fewer than eleven patients of the evaluated split
    have the label, or lack it, no metric is written or drawn: it would rest on, and point to, a
    handful of persons.

    Args:
        cohort: who counts.
        models: what each model said, in the order of the report.
        out: the folder to write; an earlier evaluation there is replaced as a whole.
        settings: confidence level, bootstrap, small cells.
        waveforms: reads ECGs, if examples are to be drawn.

    Raises:
        ConfigurationError: there is no model, two have one name, or `out` holds other files.
        DataError: an ECG of the evaluated or validation split has no probability, or several.
    """
    check_models(cohort, models)
    check_out(out)
    analysis = Analysis(cohort, models, settings)
    sections = [population(analysis)]
    if not analysis.too_few:
        sections += [s for topic in TOPICS if (s := topic(analysis)) is not None]
        if waveforms is not None and (pages := examples(analysis, waveforms)) is not None:
            sections.append(pages)
    summary = summarise(analysis, sections)
    sections.append(checklist(analysis, sections))
    provenance = _provenance(cohort)
    with folder_written_whole(out) as folder:
        drawings = _write_parts(folder, cohort, sections)
        page = Page(
            cohort=cohort,
            models={m.name: dict(m.notes) for m in models},
            colours={name: colour for name, (colour, _) in analysis.styles.items()},
            summary=summary,
            sections=sections,
            drawings=drawings,
            provenance=provenance,
            level=settings.level,
            small_cells=settings.show_small_cells,
        )
        write_text(folder / REPORT, render(page))
        content = _content(analysis, summary, provenance)
        written = sorted(path for path in folder.rglob("*") if path.is_file())
        content["files"] = {p.relative_to(folder).as_posix(): sha256(p) for p in written}
        write_json(folder / SUMMARY, content)
    metrics = {} if analysis.too_few else analysis.shown_metrics
    return Evaluation(
        path=out,
        split=analysis.split_name,
        estimates={m.name: metrics[m.name] for m in models if m.name in metrics},
        comparisons=tuple([] if analysis.too_few else analysis.pairs),
        summary=tuple(summary),
        sections=tuple(sections),
    )


def _write_parts(
    folder: Path, cohort: EvaluationCohort, sections: Sequence[Section]
) -> dict[str, str]:
    """Write tables and figures, and give the figures back as SVG by name."""
    for name in (TABLES, FIGURES):
        (folder / name).mkdir()
    drawings = {}
    for part in (part for section in sections for part in section.parts):
        if isinstance(part, Table):
            table = part.long_form().assign(**_origin(cohort))
            write_text(
                folder / TABLES / f"{part.name}.csv", table.to_csv(index=False, lineterminator="\n")
            )
        else:
            drawings[part.name] = _write_figure(folder / FIGURES, cohort, part)
    return drawings


def _write_figure(folder: Path, cohort: EvaluationCohort, picture: Picture) -> str:
    mark = " (simulated)" if cohort.simulated else ""
    title = f"{cohort.task_name}: {picture.name}{mark}, task hash {cohort.task_hash}"
    svg = figure_bytes(picture.figure, "svg", title)
    (folder / f"{picture.name}.svg").write_bytes(svg)
    (folder / f"{picture.name}.png").write_bytes(figure_bytes(picture.figure, "png", title))
    return svg.decode("utf-8")


def _origin(cohort: EvaluationCohort) -> dict[str, str | int | bool]:
    """Columns of every CSV file that say where its numbers come from."""
    return {
        "task": cohort.task_name,
        "task_version": cohort.task_version,
        "task_hash": cohort.task_hash,
        "dataset": cohort.dataset,
        "simulated": cohort.simulated,
        "acsbench": __version__,
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
    analysis: Analysis, summary: Sequence[str], provenance: Mapping[str, str]
) -> dict[str, Any]:
    """What `evaluation.json` holds besides the digests of the files."""
    cohort = analysis.cohort
    estimates = (
        {}
        if analysis.too_few
        else {
            model.name: {"threshold": analysis.metrics[model.name].threshold}
            | {
                metric: _as_json(analysis.shown_metrics[model.name][metric])
                for metric in METRICS
                if metric in analysis.shown_metrics[model.name]
            }
            for model in analysis.models
        }
    )
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
        "summary": list(summary),
        "models": estimates,
    }


def _as_json(estimate: Estimate | str) -> dict[str, Any]:
    """An estimate without its counts, which the tables give as far as they may be shown."""
    if isinstance(estimate, str):
        return {"value": None, "shown": estimate}
    content = asdict(estimate)
    return {key: content[key] for key in ("value", "low", "high", "level", "method")}
