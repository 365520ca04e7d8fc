"""The study's Table 1, and how far a cohort is from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from math import nan, sqrt

import numpy as np
import pandas as pd
import yaml
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from acsbench.cohort.levels import IDS, LEVELS, Summary, summarise
from acsbench.cohort.table_one import COUNT, COUNTED, TOTAL, TableOne
from acsbench.cohort.table_text import value_decimals
from acsbench.datasets import Dataset
from acsbench.disclosure import is_small

Members = Mapping[str, pd.DataFrame]
"""By level: one row per unit, indexed by its id, and one boolean column per column of Table 1."""

IN_BOTH = "Patients in both groups"


class Published(BaseModel):
    """Published figures: each list has one number per column.

    `sizes` are the rows of the dataset's files and `counts` those that were included, by level;
    `figures` means and shares over ECGs, by variable.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: str
    columns: list[str]
    sizes: dict[str, int]
    counts: dict[str, list[int]]
    figures: dict[str, list[float]]
    standard_errors: dict[str, list[float]]

    def count(self, level: str, column: str) -> int:
        """Units of a column."""
        return self.counts[level][self.columns.index(column)]

    @property
    def in_both(self) -> int:
        """Patients who are both tested and untested, as the counts imply."""
        total, *groups = self.counts["patient"]
        return sum(groups) - total


def published_for(dataset: Dataset) -> Published | None:
    """The published figures of a dataset or of its simulated twin, if there are any."""
    text = (resources.files("acsbench.cohort") / "published.yaml").read_text(encoding="utf-8")
    published = Published.model_validate(yaml.safe_load(text))
    return published if dataset.name.startswith(published.dataset) else None


@dataclass(frozen=True)
class Comparison:
    """A published figure beside the one found here.

    Args:
        row, column: of Table 1.
        published: for counts, scaled to the size of the dataset here.
        published_se: its plain standard error; NaN if it has none.
        here: the figure found here.
        se: its plain standard error.
        design: by which both standard errors grow where patients, not ECGs or visits, are
            independent.
        decimals: to print it with.
    """

    row: str
    column: str
    published: float
    published_se: float
    here: float
    se: float
    design: float
    decimals: int

    @property
    def difference(self) -> float:
        """Here less published."""
        return self.here - self.published

    def in_standard_errors(self, *, clustered: bool) -> float:
        """The difference over the root of the sum of both squared standard errors."""
        error = sqrt(self.published_se**2 + self.se**2) * (self.design if clustered else 1.0)
        if error == 0 and self.difference == 0:
            return 0.0
        return self.difference / error if error > 0 else nan


def compare_with_published(
    table: TableOne, dataset: Dataset, members: Members, *, show_small_cells: bool = False
) -> list[Comparison]:
    """Every published figure beside the one found here, at ECG level.

    A count is a binomial share of the dataset's own patients, visits or ECGs; the size of the
    dataset itself has no standard error. Cells that may not be shown are left out; so are the
    counts of a level if 1 to 10 of its units have no ECG or are not in the total, for the
    sizes would tell it.

    Args:
        table: Table 1 of the dataset.
        dataset: whose tables give the sizes.
        members: which units of the dataset are in which column (`members_of`).
        show_small_cells: leave nothing out.

    Returns:
        Empty if nothing is published of this dataset, or its columns are others.
    """
    published = published_for(dataset)
    if published is None or list(table.columns) != published.columns:
        return []
    units = {
        level: rows
        for level, rows in _tables(dataset).items()
        if show_small_cells or not _gives_away(len(rows), members[level])
    }
    return [
        *_sizes(units, published),
        *_counts(table, units, members, published),
        *_values(table, published),
    ]


def _gives_away(size: int, members: pd.DataFrame) -> bool:
    """Whether the size of a table beside the counts of Table 1 tells that 1 to 10 are missing."""
    total = int(members.iloc[:, 0].sum())
    return is_small(size - len(members)) or is_small(size - total)


def members_of(joined: pd.DataFrame, masks: Mapping[str, NDArray[np.bool_]]) -> Members:
    """Ids of the units of each level, and in which columns of Table 1 they are."""
    members = {}
    for level in LEVELS:
        if IDS[level] in joined:
            codes, ids = pd.factorize(joined[IDS[level]])
            member = np.zeros((len(ids), len(masks)), dtype=bool)
            for number, mask in enumerate(masks.values()):
                here = codes[mask]
                member[here[here >= 0], number] = True
            members[level] = pd.DataFrame(member, index=pd.Index(ids), columns=list(masks))
    return members


def _tables(dataset: Dataset) -> dict[str, pd.DataFrame]:
    tables = dataset.tables
    by_level = {"patient": tables.patient, "visit": tables.encounter, "ecg": tables.ecg}
    return {level: table for level, table in by_level.items() if table is not None}


def _sizes(units: Mapping[str, pd.DataFrame], published: Published) -> Iterator[Comparison]:
    for level, rows in units.items():
        row, size = f"{COUNTED[level]} in the tables", float(published.sizes[level])
        yield Comparison(row, TOTAL, size, nan, float(len(rows)), nan, 1.0, 0)


def _counts(
    table: TableOne,
    of_levels: Mapping[str, pd.DataFrame],
    members: Members,
    published: Published,
) -> Iterator[Comparison]:
    for level, units in of_levels.items():
        # Who has no ECG is in no column.
        member = members[level].reindex(units[IDS[level]], fill_value=False)
        size = published.sizes[level]
        for column in published.columns:
            if not table.is_hidden(COUNT, level, column):
                share = published.count(level, column) / size
                yield _count(COUNTED[level], column, share, size, units, member[column])
        hidden = [table.is_hidden(COUNT, level, column) for column in published.columns]
        if level == "patient" and not any(hidden):
            in_both = member[published.columns[1:]].all(axis=1)
            yield _count(IN_BOTH, TOTAL, published.in_both / size, size, units, in_both)


def _count(
    row: str, column: str, share: float, size: int, units: pd.DataFrame, found: pd.Series
) -> Comparison:
    patients = pd.factorize(units["patient_id"])[0].astype(np.int64)
    here = summarise(found.to_numpy(dtype=np.float64), patients)
    n = here.known
    return Comparison(
        row,
        column,
        published=share * n,
        published_se=sqrt(share * (1 - share) / size) * n,
        here=here.value * n,
        se=here.se * n,
        design=_design(here),
        decimals=0,
    )


def _values(table: TableOne, published: Published) -> Iterator[Comparison]:
    described = {variable.column: variable for variable in table.at("ecg")}
    for name, values in published.figures.items():
        for number, column in enumerate(published.columns):
            if name not in described or table.is_hidden(name, "ecg", column):
                continue
            here, value = table.summaries[name, "ecg", column], values[number]
            if name in published.standard_errors:
                error = published.standard_errors[name][number]
            else:
                error = sqrt(value * (1 - value) / published.count("ecg", column))
            variable = described[name]
            decimals = value_decimals(variable, here)
            if variable.kind == "share" and round(value, 3) == value:
                decimals = 3
            yield Comparison(
                variable.title, column, value, error, here.value, here.se, _design(here), decimals
            )


def _design(summary: Summary) -> float:
    return summary.se_clustered / summary.se if summary.se > 0 else 1.0


def beside_published(comparisons: Sequence[Comparison]) -> pd.DataFrame:
    """The comparison as a table of numbers.

    Returns:
        `row`, `column`, `published`, `published_se`, `here`, `se`, `difference`, and the
        difference in plain standard errors (`in_se`) and in those that take patients as
        independent (`in_se_by_patient`). Standard errors have two digits, the last two columns
        one decimal: more would tell single units.
    """
    return pd.DataFrame(
        [
            {
                "row": c.row,
                "column": c.column,
                "published": round(c.published, c.decimals),
                "published_se": _two_digits(c.published_se),
                "here": round(c.here, c.decimals),
                "se": _two_digits(c.se),
                "difference": round(c.difference, c.decimals),
                "in_se": round(c.in_standard_errors(clustered=False), 1),
                "in_se_by_patient": round(c.in_standard_errors(clustered=True), 1),
            }
            for c in comparisons
        ]
    )


def _two_digits(number: float) -> float:
    return float(f"{number:.2g}")
