"""The small cells of Table 1, and what else must be hidden so that they stay hidden.

Units of a level that belong to the same columns with the same values are one atom. A cell is
small if it counts 1 to 10 units, or any number of units of 1 to 10 patients. So is what follows
from several columns, such as the patients who are in two columns at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from acsbench.cohort.atoms import NO, UNKNOWN, YES, Atoms, coded, distinct, known_atoms
from acsbench.cohort.levels import LEVELS, Floats, Level
from acsbench.cohort.suppression import NOTHING, Hidden, Item, Name, Release, Set, protect
from acsbench.cohort.variables import Variable
from acsbench.disclosure import SMALLEST_CELL

COUNT, MISSING = "count", "missing"
ROUNDED_FROM = 1100
"""From so many units on, a share of three decimals does not tell how many were unknown: some
numerator fits each of the ten denominators below it."""

TOLD_DECIMALS = 4
"""Decimals that shares of so many are taken to be known with; no more are printed, and standard
errors and differences in standard errors do not add one."""

Values = Mapping[str, Floats]
"""Of one family's columns: the value of each unit in each column of the table."""


def hidden_counts(levels: Mapping[str, Level]) -> Hidden:
    """Which counts of units to hide, named (`COUNT`, level, column).

    The total is shown whenever it is no small cell itself. Of several columns that would do, the
    first is hidden: of splits the training, as in `split_counts`, so that one does not tell what
    the other hides.
    """
    atoms = Atoms.of(levels, {name: level.member.astype(int) for name, level in levels.items()})
    items, nested = [], []
    for name, level in levels.items():
        for number, column in enumerate(level.columns):
            row = atoms.in_column(name, number)
            items.append(
                Item(
                    (COUNT, name, column),
                    _rows(row),
                    cost=float(number or len(level.columns)),
                    fixed=number == 0 and not atoms.is_small(row),
                    is_count=True,
                )
            )
    for inner, outer in _pairs(levels):
        nested += [
            (atoms.in_column(inner, number), atoms.in_column(outer, number))
            for number in range(atoms.columns)
        ]
    return protect(Release(atoms.counts, atoms.small(atoms.in_column), items, nested))


def hidden_shares(
    levels: Mapping[str, Level],
    family: Sequence[Variable],
    values: Mapping[str, Values],
    counts: Hidden,
) -> Hidden:
    """Which shares of a family of variables to hide, and which counts of missing values.

    A share tells its numerator and that of its complement.

    Args:
        levels: those at which the family is described.
        family: shares.
        values: by level, then by the variable's column.
        counts: what `hidden_counts` hides. A column whose count is hidden shows nothing.

    Returns:
        Names (variable's column, level, column) and (variable's column, `MISSING`, column).
    """
    codes = {name: coded([values[name][v.column] for v in family]) for name in levels}
    atoms = Atoms.of(levels, {name: code * levels[name].member for name, code in codes.items()})
    items, nested = _told(atoms, levels, counts), []
    small = [atoms.small(atoms.with_pattern(code)) for code in atoms.patterns()]
    for number, variable in enumerate(family):
        no, yes, unknown = (atoms.with_digit(number, digit) for digit in (NO, YES, UNKNOWN))
        small += [atoms.small(category) for category in (no, yes, unknown)]
        for name, level in levels.items():
            for c, column in enumerate(level.columns):
                if (COUNT, name, column) in counts.items:
                    continue
                units = atoms.in_column(name, c)
                item = (variable.column, name, column)
                cost = float(units @ atoms.counts) / (1000 if variable.part else 1)
                items.append(_share(item, no(name, c), yes(name, c), atoms.counts, cost))
                if name == LEVELS[0]:
                    item = (variable.column, MISSING, column)
                    rows = _rows(unknown(name, c))
                    items.append(Item(item, rows, cost=cost / 1000, is_count=True))
        for inner, outer in _pairs(levels):
            nested += [
                (category(inner, c), category(outer, c))
                for category in (no, yes, unknown)
                for c in range(atoms.columns)
            ]
    return protect(Release(atoms.counts, distinct(small), items, nested))


def hidden_means(
    levels: Mapping[str, Level], variable: Variable, values: Mapping[str, Floats], counts: Hidden
) -> Hidden:
    """Which means to hide, for they are of few units or the difference of two others.

    Arguments and names as for `hidden_shares`; the values of one variable by level.
    """
    atoms, known, unknown = known_atoms(levels, values)
    items = [
        Item(
            (variable.column, name, column),
            _rows(known(name, c)),
            cost=float(known(name, c) @ atoms.counts),
        )
        for name, level in levels.items()
        for c, column in enumerate(level.columns)
        if (COUNT, name, column) not in counts.items
    ]
    means = protect(Release(atoms.counts, atoms.small(known), items))
    ecg = {LEVELS[0]: levels[LEVELS[0]]}
    atoms, known, unknown = known_atoms(ecg, values)
    items = _told(atoms, ecg, counts)
    for c, column in enumerate(ecg[LEVELS[0]].columns):
        if (COUNT, LEVELS[0], column) not in counts.items:
            item, rows = (variable.column, MISSING, column), _rows(unknown(LEVELS[0], c))
            cost = float(atoms.in_column(LEVELS[0], c) @ atoms.counts)
            items.append(Item(item, rows, cost=cost, is_count=True))
    small = distinct([atoms.small(known), atoms.small(unknown)])
    missing = protect(Release(atoms.counts, small, items))
    return Hidden(means.items | missing.items, means.under_11 | missing.under_11)


def without_count(counts: Hidden, columns: Sequence[str]) -> Hidden:
    """What a variable's row hides because the column's count is hidden: names (`columns`, …)."""
    names = {(v, level, column) for v in columns for _, level, column in counts.items}
    names |= {(v, MISSING, column) for v, level, column in names if level == LEVELS[0]}
    return Hidden(frozenset(names), NOTHING.under_11)


def _told(atoms: Atoms, levels: Mapping[str, Level], counts: Hidden) -> list[Item]:
    """What the counts of units tell before anything is told of a variable."""
    items = []
    for name, level in levels.items():
        for number, column in enumerate(level.columns):
            item, rows = (COUNT, name, column), _rows(atoms.in_column(name, number))
            if item not in counts.items:
                items.append(Item(item, rows, fixed=True))
            elif item in counts.under_11:
                told = np.array([[1.0, SMALLEST_CELL - 1.0]])
                items.append(Item(item, rows, told, fixed=True))
    return items


def _share(name: Name, no: Set, yes: Set, counts: NDArray[np.int64], cost: float) -> Item:
    n_no, n_yes = float(no @ counts), float(yes @ counts)
    if n_no + n_yes < ROUNDED_FROM:
        return Item(name, np.stack([no, yes]).astype(float), cost=cost)
    known = n_no + n_yes
    share, half = round(n_yes / known, TOLD_DECIMALS), 0.5 * 10.0**-TOLD_DECIMALS
    # The numerator lies between two shares of those who are known, and these are about so many.
    rows = np.stack(
        [
            (1 - share - half) * yes - (share + half) * no,
            (1 - share + half) * yes - (share - half) * no,
            1.0 * (no | yes),
        ]
    )
    few = SMALLEST_CELL - 1.0
    told = np.array([[-np.inf, 0.0], [0.0, np.inf], [known - few, known + few]])
    return Item(name, rows, told, cost=cost)


def _pairs(levels: Mapping[str, Level]) -> list[tuple[str, str]]:
    """Patients and visits, visits and ECGs: who is of the first kind has one of the second."""
    return [(inner, outer) for outer, inner in pairwise(levels)]


def _rows(atoms: Set) -> Floats:
    return atoms.astype(np.float64)[None]
