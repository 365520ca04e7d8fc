"""The small cells of Table 1, and what else must be hidden so that they stay hidden.

Units of a level that belong to the same columns with the same values are one atom. A cell is
small if it counts 1 to 10 units, or any number of units of 1 to 10 patients. So is what follows
from several columns, such as the patients who are in two columns at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, permutations

import numpy as np
from numpy.typing import NDArray

from acsbench.cohort.levels import LEVELS, Floats, Level
from acsbench.cohort.suppression import NOTHING, Hidden, Item, Name, Release, Set, protect
from acsbench.cohort.variables import Variable
from acsbench.disclosure import SMALLEST_CELL, is_small

COUNT, MISSING = "count", "missing"
UNKNOWN, NO, YES = 0, 1, 2
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

    The total is shown whenever it is no small cell itself.
    """
    atoms = _Atoms.of(levels, {name: level.member.astype(int) for name, level in levels.items()})
    items, nested = [], []
    for name, level in levels.items():
        for number, column in enumerate(level.columns):
            row = atoms.in_column(name, number)
            items.append(
                Item(
                    (COUNT, name, column),
                    _rows(row),
                    cost=float(row @ atoms.counts),
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
    codes = {name: _coded([values[name][v.column] for v in family]) for name in levels}
    atoms = _Atoms.of(levels, {name: code * levels[name].member for name, code in codes.items()})
    items, nested = [], []
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
                if number == 0:
                    items.append(Item((COUNT, name, column), _rows(units), fixed=True))
        for inner, outer in _pairs(levels):
            nested += [
                (category(inner, c), category(outer, c))
                for category in (no, yes, unknown)
                for c in range(atoms.columns)
            ]
    return protect(Release(atoms.counts, _distinct(small), items, nested))


def hidden_means(
    levels: Mapping[str, Level], variable: Variable, values: Mapping[str, Floats], counts: Hidden
) -> Hidden:
    """Which means to hide, for they are of few units or the difference of two others.

    Arguments and names as for `hidden_shares`; the values of one variable by level.
    """
    atoms, known, unknown = _known_atoms(levels, values)
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
    atoms, known, unknown = _known_atoms(ecg, values)
    items = []
    for c, column in enumerate(ecg[LEVELS[0]].columns):
        if (COUNT, LEVELS[0], column) not in counts.items:
            row = atoms.in_column(LEVELS[0], c)
            items.append(Item((COUNT, LEVELS[0], column), _rows(row), fixed=True))
            item, rows = (variable.column, MISSING, column), _rows(unknown(LEVELS[0], c))
            items.append(Item(item, rows, cost=float(row @ atoms.counts), is_count=True))
    small = _distinct([atoms.small(known), atoms.small(unknown)])
    missing = protect(Release(atoms.counts, small, items))
    return Hidden(means.items | missing.items, means.under_11 | missing.under_11)


def without_count(counts: Hidden, columns: Sequence[str]) -> Hidden:
    """What a variable's row hides because the column's count is hidden: names (`columns`, …)."""
    names = {(v, level, column) for v in columns for _, level, column in counts.items}
    names |= {(v, MISSING, column) for v, level, column in names if level == LEVELS[0]}
    return Hidden(frozenset(names), NOTHING.under_11)


Category = Callable[[str, int], Set]
"""The atoms of a category: of a level, in a column."""


@dataclass(frozen=True, eq=False)
class _Atoms:
    """Units by level and by the pattern of their values over the columns.

    Args:
        level: name of each atom's level, shape (atoms,).
        pattern: 0 where the unit is not in the column, else 1 + the code of its values;
            shape (atoms, columns).
        counts: units, shape (atoms,).
        units: by level: each unit's atom and patient, both of shape (units,).
    """

    level: NDArray[np.str_]
    pattern: NDArray[np.int64]
    counts: NDArray[np.int64]
    units: Mapping[str, tuple[NDArray[np.int64], NDArray[np.int64]]]

    @classmethod
    def of(cls, levels: Mapping[str, Level], patterns: Mapping[str, NDArray[np.int64]]) -> _Atoms:
        names: list[str] = []
        rows, counts, units = [], [], {}
        codes = np.unique(np.concatenate([np.unique(p) for p in patterns.values()]))
        for name, pattern in patterns.items():
            # One number per row is much faster to sort than rows are.
            base = int(codes.max()) + 1
            weights = base ** np.arange(pattern.shape[1])
            number, atom, count = np.unique(
                pattern @ weights, return_inverse=True, return_counts=True
            )
            seen = number[:, None] // weights % base
            units[name] = (atom + len(names), levels[name].patient)
            # Nobody can rule out here what occurs at another level, or in one column alone.
            places = np.unique(np.concatenate([seen > 0, _alone(pattern.shape[1])]), axis=0)
            likely = (places[:, None] * codes[codes > 0][:, None]).reshape(-1, pattern.shape[1])
            unseen = likely[~np.isin(likely @ weights, number)]
            rows += [seen, unseen]
            counts += [count, np.zeros(len(unseen), dtype=np.int64)]
            names += [name] * (len(seen) + len(unseen))
        return cls(np.array(names), np.concatenate(rows), np.concatenate(counts), units)

    @property
    def columns(self) -> int:
        return self.pattern.shape[1]

    def patterns(self) -> list[int]:
        return [int(code) for code in np.unique(self.pattern) if code > 0]

    def in_column(self, level: str, column: int) -> Set:
        return (self.level == level) & (self.pattern[:, column] > 0)

    def with_pattern(self, code: int) -> Category:
        return lambda level, column: (self.level == level) & (self.pattern[:, column] == code)

    def with_digit(self, number: int, digit: int) -> Category:
        """Of the family's variable of that number, those unknown, without it or with it."""
        digits = (self.pattern - 1) // 3**number % 3

        def category(level: str, column: int) -> Set:
            return self.in_column(level, column) & (digits[:, column] == digit)

        return category

    def is_small(self, atoms: Set) -> bool:
        """Whether a set of one level has 1 to 10 units, or units of 1 to 10 patients."""
        count = int(atoms @ self.counts)
        if count == 0 or is_small(count):
            return count > 0
        atom, patient = self.units[str(self.level[atoms][0])]
        if count >= SMALLEST_CELL * int(np.bincount(patient).max()):
            return False
        return is_small(len(np.unique(patient[atoms[atom]])))

    def small(self, category: Category) -> NDArray[np.bool_]:
        """The small sets of a category: in a column, in two at once, in one and not in another."""
        found = [
            atoms
            for level in self.units
            for atoms in _distinct([np.array(list(self._combined(category, level)))])
            if self.is_small(atoms)
        ]
        return np.array(found, dtype=bool).reshape(-1, len(self.counts))

    def _combined(self, category: Category, level: str) -> Iterator[Set]:
        single = [category(level, column) for column in range(self.columns)]
        yield from single
        for one, other in permutations(single, 2):
            yield one & other
            yield one & ~other


def _alone(columns: int) -> NDArray[np.bool_]:
    """Membership in the total and one column more, for each; shape (columns - 1, columns)."""
    alone = np.eye(columns, dtype=bool)[1:]
    alone[:, 0] = True
    return alone


def _coded(values: Sequence[Floats]) -> NDArray[np.int64]:
    """1 + one ternary digit per variable: unknown, no, yes; shape (units, columns)."""
    code = np.ones(values[0].shape, dtype=np.int64)
    for number, value in enumerate(values):
        digit = np.where(np.isnan(value), UNKNOWN, np.where(value > 0, YES, NO))
        code += 3**number * digit
    return code


def _known_atoms(
    levels: Mapping[str, Level], values: Mapping[str, Floats]
) -> tuple[_Atoms, Category, Category]:
    patterns = {
        name: level.member * (1 + (~np.isnan(values[name])).astype(np.int64))
        for name, level in levels.items()
    }
    atoms = _Atoms.of(levels, patterns)
    return atoms, atoms.with_pattern(2), atoms.with_pattern(1)


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


def _distinct(sets: Sequence[NDArray[np.bool_]]) -> NDArray[np.bool_]:
    return np.unique(np.concatenate(list(sets)), axis=0)
