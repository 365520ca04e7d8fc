"""Comparison of a recipe's results with the figures of a publication."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import BaseModel, ConfigDict

from acsbench.files import write_text
from acsbench.recipes.results import Results, open_results
from acsbench.recipes.steps import Made, Report
from acsbench.shipped import load_yaml

FOLDER = "recipes/published"
TABLE = "beside-published.csv"
FIGURES: Mapping[str, tuple[str, str, str]] = {
    "auroc": ("AUROC", "discrimination", "auroc"),
    "accuracy": ("Accuracy", "accuracy-and-ppv", "accuracy"),
    "ppv": ("PPV", "accuracy-and-ppv", "ppv"),
    "sensitivity": ("Sensitivity", "testing-yield", "sensitivity"),
    "called_without_sign": ("Positive without any sign", "testing-yield", "called_without_sign"),
    "found_without_sign": ("Events found without any sign", "testing-yield", "found_without_sign"),
    "auroc_female": ("AUROC, female", "auroc-by-sex-and-race", "female"),
    "auroc_male": ("AUROC, male", "auroc-by-sex-and-race", "male"),
    "auroc_black": ("AUROC, Black", "auroc-by-sex-and-race", "Black"),
    "auroc_hispanic": ("AUROC, Hispanic", "auroc-by-sex-and-race", "Hispanic"),
    "auroc_white": ("AUROC, White", "auroc-by-sex-and-race", "White"),
    "auroc_other": ("AUROC, other", "auroc-by-sex-and-race", "Other race"),
}
"""Compared figures: heading, and the table and metric of a report that contain it."""

COLUMNS = (
    *("figure", "model"),
    *("published", "published_low", "published_high"),
    *("here", "here_low", "here_high", "simulated"),
)
NONE = "–"
UNKNOWN = (None, None, None)


class Publication(BaseModel):
    """Figures of a publication.

    Args:
        source: the publication.
        task: the predicted task.
        ecgs: number of evaluated ECGs.
        event_rate: share of them with the event.
        figures: by name in `FIGURES`, then by model: the value, or the value with its interval.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    task: str
    ecgs: int
    event_rate: float
    figures: dict[str, dict[str, list[float]]]


def load_publication(name: str) -> Publication:
    """A publication by its name."""
    return load_yaml(name, FOLDER, Publication)


def write_comparison(
    name: str,
    titles: Mapping[str, str],
    evaluations: Mapping[str, str],
    out: Path,
    made: Made,
    report: Report,
) -> list[Path]:
    """Write the published figures and ours as one table.

    Args:
        name: name of the publication.
        titles: names of the models in the publication, by name in the report.
        evaluations: by task, the step that evaluates.
        out: folder to write to.
        made: files of earlier steps.
        report: not used.
    """
    publication = load_publication(name)
    results = open_results(made[evaluations[publication.task]][0])
    table = compared(publication, titles, results)
    write_text(out / TABLE, table.to_csv(index=False, lineterminator="\n", float_format="%.6g"))
    return [out / TABLE]


def compared(publication: Publication, titles: Mapping[str, str], results: Results) -> pd.DataFrame:
    """One row per published figure, with ours if there is one; columns as in `COLUMNS`."""
    shown_as = {title: name for name, title in titles.items()}
    rows: list[tuple[object, ...]] = []
    for figure, by_model in publication.figures.items():
        _, table, metric = FIGURES[figure]
        found = results.numbers(table, metric)[["value", "low", "high"]]
        for model, (value, *limits) in by_model.items():
            name = shown_as.get(model, model)
            here = found.loc[name] if name in found.index else UNKNOWN
            there = (value, *(limits or UNKNOWN[1:]))
            rows.append((figure, name, *there, *here, results.simulated))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def wide(table: pd.DataFrame, figures: list[str]) -> pd.DataFrame:
    """Models by figures, each cell `published | here`.

    Args:
        table: from `compared`.
        figures: names in `FIGURES`.
    """
    part = table[table["figure"].isin(figures)]
    cells: dict[str, dict[str, str]] = {}
    for row in part.to_dict("records"):
        texts = [_text(row, side) for side in ("published", "here")]
        cells.setdefault(row["model"], {})[FIGURES[row["figure"]][0]] = " | ".join(texts)
    headings = [FIGURES[figure][0] for figure in figures]
    return pd.DataFrame.from_dict(cells, orient="index").reindex(columns=headings).fillna(NONE)


def _text(row: dict[Hashable, Any], side: str) -> str:
    """A figure; the overall AUROC with its interval."""
    value, low, high = row[side], row[f"{side}_low"], row[f"{side}_high"]
    if pd.isna(value):
        return NONE
    with_limits = row["figure"] == "auroc" and not pd.isna(low)
    return f"{value:.3f} ({low:.3f}–{high:.3f})" if with_limits else f"{value:.3f}"
