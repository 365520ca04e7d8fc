"""The figures of a publication beside those that a recipe found."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import BaseModel, ConfigDict

from acsbench.files import write_text
from acsbench.recipes.results import Results, open_results
from acsbench.recipes.steps import Made, Tell
from acsbench.shipped import load_yaml

FOLDER = "recipes/published"
TABLE = "beside-published.csv"
FIGURES: Mapping[str, tuple[str, str, str]] = {
    "auroc": ("AUROC", "discrimination", "auroc"),
    "accuracy": ("Accuracy", "accuracy-and-ppv", "accuracy"),
    "ppv": ("PPV", "accuracy-and-ppv", "ppv"),
    "sensitivity": ("Sensitivity", "testing-yield", "sensitivity"),
    "called_without_sign": ("Called without any sign", "testing-yield", "called_without_sign"),
    "found_without_sign": ("Found without any sign", "testing-yield", "found_without_sign"),
    "auroc_female": ("AUROC, female", "auroc-by-sex-and-race", "female"),
    "auroc_male": ("AUROC, male", "auroc-by-sex-and-race", "male"),
    "auroc_black": ("AUROC, Black", "auroc-by-sex-and-race", "Black"),
    "auroc_hispanic": ("AUROC, Hispanic", "auroc-by-sex-and-race", "Hispanic"),
    "auroc_white": ("AUROC, White", "auroc-by-sex-and-race", "White"),
    "auroc_other": ("AUROC, other", "auroc-by-sex-and-race", "Other race"),
}
"""What is compared: its heading, and the table and metric of a report that have it."""

COLUMNS = (
    *("figure", "model"),
    *("published", "published_low", "published_high"),
    *("here", "here_low", "here_high", "simulated"),
)


class Published(BaseModel):
    """Figures of a publication.

    Args:
        source: who published them.
        task: what was predicted.
        ecgs: how many were evaluated.
        event_rate: share of them with the event.
        figures: by name in `FIGURES`, then by model: the value, or the value with its limits.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    task: str
    ecgs: int
    event_rate: float
    figures: dict[str, dict[str, list[float]]]


NONE = "–"
UNKNOWN = (None, None, None)


def load_published(name: str) -> Published:
    """The figures of a publication by its name."""
    return load_yaml(name, FOLDER, Published)


def beside_published(
    name: str,
    titles: Mapping[str, str],
    evaluations: Mapping[str, str],
    out: Path,
    made: Made,
    tell: Tell,
) -> list[Path]:
    """Write the published figures beside those found.

    Args:
        name: of the publication.
        titles: by the name that a model has in the report, the one it has in the publication.
        evaluations: by task, the step that evaluated.
        out: folder to write to.
        made: what earlier steps have made.
        tell: told nothing.
    """
    published = load_published(name)
    results = open_results(made[evaluations[published.task]][0])
    table = compared(published, titles, results)
    write_text(out / TABLE, table.to_csv(index=False, lineterminator="\n", float_format="%.6g"))
    return [out / TABLE]


def compared(published: Published, titles: Mapping[str, str], results: Results) -> pd.DataFrame:
    """One row per published figure, with what was found if it was; columns as in `COLUMNS`."""
    shown_as = {title: name for name, title in titles.items()}
    rows: list[tuple[object, ...]] = []
    for figure, by_model in published.figures.items():
        _, table, metric = FIGURES[figure]
        found = results.numbers(table, metric)[["value", "low", "high"]]
        for model, (value, *limits) in by_model.items():
            name = shown_as.get(model, model)
            here = found.loc[name] if name in found.index else UNKNOWN
            there = (value, *(limits or UNKNOWN[1:]))
            rows.append((figure, name, *there, *here, results.simulated))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def wide(table: pd.DataFrame, figures: list[str]) -> pd.DataFrame:
    """Models by figures, each as `published | here` in text.

    Args:
        table: as from `compared`.
        figures: names of `FIGURES`.
    """
    part = table[table["figure"].isin(figures)]
    cells: dict[str, dict[str, str]] = {}
    for row in part.to_dict("records"):
        texts = [_text(row, side) for side in ("published", "here")]
        cells.setdefault(row["model"], {})[FIGURES[row["figure"]][0]] = " | ".join(texts)
    headings = [FIGURES[figure][0] for figure in figures]
    return pd.DataFrame.from_dict(cells, orient="index").reindex(columns=headings).fillna(NONE)


def _text(row: dict[Hashable, Any], side: str) -> str:
    """A figure; the AUROC over all ECGs with its limits."""
    value, low, high = row[side], row[f"{side}_low"], row[f"{side}_high"]
    if pd.isna(value):
        return NONE
    with_limits = row["figure"] == "auroc" and not pd.isna(low)
    return f"{value:.3f} ({low:.3f}–{high:.3f})" if with_limits else f"{value:.3f}"
