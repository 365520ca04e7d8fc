"""Table 1: who is in a cohort, at the level of ECGs, visits and patients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from acsbench.cohort.cells import (
    COUNT,
    MISSING,
    Values,
    hidden_counts,
    hidden_means,
    hidden_shares,
    without_count,
)
from acsbench.cohort.levels import LEVELS, Level, Summary, levels_of, summarise, values_by_row
from acsbench.cohort.suppression import NOTHING, Hidden
from acsbench.cohort.variables import VARIABLES, Variable

COUNTED = {"patient": "Patients", "visit": "Visits", "ecg": "ECGs"}
TOTAL = "Total"


@dataclass(frozen=True, eq=False)
class TableOne:
    """Table 1 with every number, and which of them may not be shown.

    Args:
        columns: headings; the first is the total.
        levels: names of the levels that the data have.
        variables: rows, in order.
        counts: units by (level, column).
        summaries: by (variable's column, level, column).
        missing: ECGs whose value is unknown, by (variable's column, column).
        hidden: what may not be shown, by the names of `acsbench.cohort.cells`.
    """

    columns: tuple[str, ...]
    levels: tuple[str, ...]
    variables: tuple[Variable, ...]
    counts: Mapping[tuple[str, str], int]
    summaries: Mapping[tuple[str, str, str], Summary]
    missing: Mapping[tuple[str, str], int]
    hidden: Hidden

    def at(self, level: str) -> list[Variable]:
        """The rows that the table of a level has."""
        return [v for v in self.variables if (v.column, level, self.columns[0]) in self.summaries]

    def is_hidden(self, *name: str) -> bool:
        """Whether a cell may not be shown."""
        return name in self.hidden.items


def table_one(
    table: pd.DataFrame,
    columns: Mapping[str, NDArray[np.bool_]],
    variables: Sequence[Variable] = VARIABLES,
    *,
    show_small_cells: bool = False,
) -> TableOne:
    """Describe a table of ECGs.

    Args:
        table: one row per ECG: ids, and whichever of the variables' columns there are.
        columns: which rows each column describes, by its heading; the first is the total.
        variables: the rows; those that the table lacks, or that are unknown for every ECG of
            the total, are left out.
        show_small_cells: hide nothing.
    """
    total = next(iter(columns.values()))
    table = table[total]
    levels = levels_of(table, {heading: mask[total] for heading, mask in columns.items()})
    by_row = {v: values_by_row(table, v) for v in variables if v.column in table}
    rows = [v for v, values in by_row.items() if not np.isnan(values).all()]
    counts = {(name, c): n for name, level in levels.items() for c, n in level.counts().items()}
    hidden = NOTHING if show_small_cells else hidden_counts(levels)
    summaries: dict[tuple[str, str, str], Summary] = {}
    missing: dict[tuple[str, str], int] = {}
    found = [hidden]
    for family in _families(rows):
        # Values of all levels are kept for one family at a time: together they are large.
        values = {
            name: {v.column: level.values(v, by_row[v]) for v in family}
            for name, level in levels.items()
            if level.describes(family[0])
        }
        for name, of_level in values.items():
            level = levels[name]
            for column, value in of_level.items():
                for number, heading in enumerate(columns):
                    key = (column, name, heading)
                    summaries[key] = summarise(value[:, number], level.patient)
                    if name == LEVELS[0]:
                        missing[column, heading] = counts[name, heading] - summaries[key].known
        if not show_small_cells:
            here = {name: levels[name] for name in values}
            found += [*_hidden(here, family, values, hidden)]
    everything = Hidden(
        frozenset().union(*(part.items for part in found)),
        frozenset().union(*(part.under_11 for part in found)),
    )
    return TableOne(
        tuple(columns), tuple(levels), tuple(rows), counts, summaries, missing, everything
    )


def _families(variables: Sequence[Variable]) -> list[list[Variable]]:
    """Variables that are protected together; the others each by itself."""
    return [list(group) for _, group in groupby(variables, lambda v: v.family or v.column)]


def _hidden(
    levels: Mapping[str, Level],
    family: list[Variable],
    values: Mapping[str, Values],
    counts: Hidden,
) -> list[Hidden]:
    names = [v.column for v in family]
    if family[0].kind == "share":
        return [without_count(counts, names), hidden_shares(levels, family, values, counts)]
    (column,) = names
    of_one = {name: of_level[column] for name, of_level in values.items()}
    return [without_count(counts, names), hidden_means(levels, family[0], of_one, counts)]


__all__ = ["COUNT", "COUNTED", "MISSING", "TOTAL", "TableOne", "table_one"]
