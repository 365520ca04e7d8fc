"""Groups of the holdout's patients of which numbers may be shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from acsbench.datasets.ages import read_ages
from acsbench.disclosure import shown_groups
from acsbench.statistics import Estimate, auroc

AGES = {"under 50": (0, 50), "50 to 64": (50, 65), "65 to 74": (65, 75), "75 and over": (75, 200)}

Rows = NDArray[np.bool_]


@dataclass(frozen=True)
class Subgroup:
    """A group and its AUROC; how many ECGs and patients it has is told by the estimate.

    Args:
        grouping: what the ECGs are grouped by, such as "sex".
        group: which of them these are, such as "female".
        auroc: None where the group is too small to be shown, or would tell the size of one that
            is.
    """

    grouping: str
    group: str
    auroc: Estimate | None


def subgroups(
    covariates: pd.DataFrame,
    labels: NDArray[np.float64],
    scores: NDArray[np.float64],
    patients: NDArray[np.intp],
    level: float = 0.95,
) -> tuple[Subgroup, ...]:
    """AUROC by sex, race and age, as far as these are known.

    Args:
        covariates: of the rows, shape (n, …).
        labels: 0/1, shape (n,).
        scores: finite, shape (n,).
        patients: patient of each row, shape (n,).
        level: confidence level.
    """
    found = []
    for grouping, members in groupings(covariates):
        shown = shown_groups(members, labels, patients)
        for group, rows in members.items():
            area = None
            if group in shown:
                area = auroc(labels[rows], scores[rows], patients[rows], level)
            found.append(Subgroup(grouping, group, area))
    return tuple(found)


def groupings(covariates: pd.DataFrame) -> Iterator[tuple[str, dict[str, Rows]]]:
    """Each grouping of at least two groups; an ECG of unknown value belongs to none."""
    for column in ("sex", "race"):
        if column in covariates:
            values = covariates[column]
            names = sorted(map(str, values.dropna().unique()))
            members = {name: (values.astype(str) == name).to_numpy(bool) for name in names}
            if len(members) > 1:
                yield column, members
    if "age" in covariates:
        ages = read_ages(covariates["age"]).to_numpy(np.float64)
        bands = {name: (ages >= low) & (ages < high) for name, (low, high) in AGES.items()}
        members = {name: rows for name, rows in bands.items() if rows.any()}
        if len(members) > 1:
            yield "age", members
